"""The seeded schedule: which fault or deed comes at which moment. Pure: the same seed gives the same list."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ops.faults.points import ALL_POINTS, RARE
from ops.faults.tapping import DOINGS, TROUBLES

# kind → how many a second of the schedule (spoiling.Pace), when everything is on.
RATES = {
    "kill_at": 1.4,
    "kill": 0.3,
    "webhook": 7.0,
    "hold": 0.3,
    "database": 0.03,
    "broker": 0.03,
    "broker_empty": 0.03,
    "edit_plan": 0.2,
    "close_plan": 0.04,
    "cash": 0.25,
    "replace_card": 0.2,
    "decline": 0.2,
    "pay_now": 0.7,
    "refund": 0.1,
    "dispute": 0.06,
    "sell": 0.4,
    "ask": 0.2,
    "plan_work": 0.5,
    "give_back": 0.3,
    "move": 0.3,
    "fee": 0.3,
}
WORKERS = ("charges-1", "charges-2", "default-1", "default-2", "beat")
WEBHOOK_TROUBLES = ("lose", "duplicate", "late", "reorder")
# Seconds of the schedule between jumps of the clock, and where it goes: the first three cross midnight and the hour
# that clocks change.
JUMP_SECONDS = (5.0, 8.0)
_PLAN_WORK = (
    "pause", "resume", "skip", "unskip", "move", "new", "new", "new", "terms", "terms", "terms", "close",
)  # fmt: skip
_FIRST_JUMPS = ("morning", "midnight", "dst")
_JUMPS = ("morning", "morning", "morning", "hours", "midnight")


@dataclass(frozen=True)
class Step:
    """`at` is in seconds of the schedule since the faults began; `lot` picks the target among those there are then."""

    at: float
    kind: str
    lot: float
    facts: dict[str, Any] = field(default_factory=dict)

    def order(self) -> tuple[float, str, float]:
        """Two of a kind may come in the same thousandth of a second."""
        return self.at, self.kind, self.lot

    def line(self) -> dict[str, Any]:
        return asdict(self)


def make(seed: int, seconds: float, only: Sequence[str] = (), points: Sequence[str] = ()) -> list[Step]:
    """All steps of a run in order. `only` keeps these kinds; "clock" names the jumps. `points`: kill at these only."""
    chance = random.Random(f"schedule-{seed}")
    steps = [*_jumps(chance, seconds)]
    for kind, rate in RATES.items():
        # Drawn for every kind, so that leaving one out doesn't change the others.
        steps += _poisson(random.Random(f"{kind}-{seed}"), kind, rate, seconds, points)
    return sorted((step for step in steps if not only or step.kind in only), key=Step.order)


def _poisson(
    chance: random.Random, kind: str, rate: float, seconds: float, points: Sequence[str] = ()
) -> Iterator[Step]:
    at, in_turn = chance.expovariate(rate), _in_turn(chance, points)
    while at < seconds:
        yield Step(round(at, 3), kind, chance.random(), _facts(chance, kind, in_turn))
        at += chance.expovariate(rate)


def _in_turn(chance: random.Random, points: Sequence[str]) -> Iterator[str]:
    """Every point equally often, those that few pass twice as often, in a new order each time."""
    while True:
        bag = list(points) or [*ALL_POINTS, *RARE]
        chance.shuffle(bag)
        yield from bag


def _facts(chance: random.Random, kind: str, points: Iterator[str]) -> dict[str, Any]:
    return {"point": next(points)} if kind == "kill_at" else _FACTS.get(kind, _nothing)(chance)


def _nothing(_chance: random.Random) -> dict[str, Any]:
    return {}


def _trouble(chance: random.Random) -> dict[str, Any]:
    return {"trouble": chance.choice(WEBHOOK_TROUBLES), "seconds": round(chance.uniform(0.5, 8), 2)}


def _decline(chance: random.Random) -> dict[str, Any]:
    return {"code": chance.choice(("insufficient_funds", "do_not_honor")), "times": chance.choice((1, 1, 2))}


def _pay_now(chance: random.Random) -> dict[str, Any]:
    return {"clicks": chance.choice((1, 1, 2)), "due": chance.random() < 0.7}


def _dispute(chance: random.Random) -> dict[str, Any]:
    ways = (
        ("won",),
        ("under_review", "won"),
        ("under_review", "lost"),
        ("lost",),
        ("lost", "appeal_needs_response", "won"),
    )
    warned = (("warning_closed",), ("warning_under_review", "needs_response", "won"), ("needs_response", "lost"))
    warn = chance.random() < 0.4
    return {"warn": warn, "way": list(chance.choice(warned if warn else ways)), "pause": round(chance.uniform(0, 2), 2)}


def _sell(chance: random.Random) -> dict[str, Any]:
    return {
        "fee": round(chance.uniform(20, 150), 2),
        "basis": chance.choice(("PATIENT", "PATIENT", "PROCEDURES", "CUSTOM", "PREPAYMENT")),
        "means": chance.choice(("card", "card", "cash", "page", "page", "terminal", "terminal", "terminal")),
        "split": chance.random() < 0.3,
        "clicks": chance.choice((1, 1, 2)),
        # What the person at the card page does.
        "at_page": chance.choice(("pay", "pay", "decline", "give_up", "leave")),
        # And the one before the terminal, and what breaks there.
        "at_reader": chance.choice(DOINGS),
        "trouble": chance.choice(TROUBLES),
        "keeps_card": chance.random() < 0.4,
    }


def _plan_work(chance: random.Random) -> dict[str, Any]:
    return {
        "what": chance.choice(_PLAN_WORK),
        "days": chance.choice((0, 1, 3, 10)),
        "clicks": chance.choice((1, 1, 2)),
        "factor": round(chance.uniform(0.6, 1.6), 2),
    }


def _give_back(chance: random.Random) -> dict[str, Any]:
    return {
        "what": chance.choice(("all", "half", "void", "void")),
        "then": chance.choice(("open", "open", "close")),
        "clicks": chance.choice((1, 1, 2)),
    }


def _move(chance: random.Random) -> dict[str, Any]:
    return {
        "to": chance.choice(("same", "other", "other")),
        "where": chance.choice(("prepayment", "procedures")),
        "clicks": chance.choice((1, 1, 2)),
    }


_FACTS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "kill": lambda chance: {"worker": chance.choice(WORKERS)},
    "webhook": _trouble,
    "hold": lambda chance: {"seconds": round(chance.uniform(0.5, 4), 2)},
    "database": lambda chance: {"how": chance.choice(("fast", "crash"))},
    "edit_plan": lambda chance: {"factor": round(chance.uniform(0.5, 1.5), 2)},
    "decline": _decline,
    "dispute": _dispute,
    "pay_now": _pay_now,
    "replace_card": lambda chance: {"card": chance.randrange(4)},
    "sell": _sell,
    "ask": _sell,
    "fee": _sell,
    "plan_work": _plan_work,
    "give_back": _give_back,
    "move": _move,
}


def _jumps(chance: random.Random, seconds: float) -> Iterator[Step]:
    at, number = chance.uniform(*JUMP_SECONDS), 0
    while at < seconds:
        to = _FIRST_JUMPS[number] if number < len(_FIRST_JUMPS) else chance.choice(_JUMPS)
        yield Step(round(at, 3), "clock", chance.random(), {"to": to})
        at, number = at + chance.uniform(*JUMP_SECONDS), number + 1
