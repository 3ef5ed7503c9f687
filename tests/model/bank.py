"""A card processor behind the port that tells the truth, loses replies, and lets others act while it works."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from processors.port import (
    Charge,
    Declined,
    NotTaken,
    Outcome,
    Pending,
    Question,
    Succeeded,
    UnableToReachProcessor,
    Unknown,
)
from tests.model.killed import Killed

_numbers = itertools.count(1)
# Where a worker can die, and where somebody else may come in between.
POINTS = ["before create", "after create", "after the id is stored", "after confirm", "before settle"]
ANSWERS = ["ok", "decline", "pending", "throttled"]


@dataclass
class Plan:
    """What happens to the next charge. `between`: point → what somebody else does there."""

    answer: str = "ok"
    is_lost: bool = False
    killed_at: str = ""
    between: dict[str, Callable[[], None]] = field(default_factory=dict)

    def reach(self, point: str) -> None:
        if point in self.between:
            self.between.pop(point)()
        if self.killed_at == point:
            raise Killed(point)


@dataclass
class Intent:
    attempt: str
    cents: int
    status: str = "requires_confirmation"


class Bank:
    """Intents as they are; every answer is read from them."""

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.next = Plan()
        self.is_away = False

    def charge(self, charge: Charge, remember: Callable[[str], bool]) -> Outcome:
        plan, self.next = self.next, Plan()
        plan.reach("before create")
        if plan.answer == "throttled":
            return NotTaken("The processor asks us to slow down")
        reference = f"pi_model{next(_numbers)}"
        params = charge.create_params
        self.intents[reference] = Intent(params["metadata"]["attempt"], params["amount"])
        plan.reach("after create")
        if not remember(reference):
            self.cancel(reference)
            return NotTaken("The attempt was already closed")
        plan.reach("after the id is stored")
        self._confirm(reference, plan.answer)
        plan.reach("after confirm")
        outcome = Unknown("The processor did not answer", reference) if plan.is_lost else self._tell(reference)
        plan.reach("before settle")
        return outcome

    def _confirm(self, reference: str, answer: str) -> None:
        intent = self.intents[reference]
        if intent.status == "requires_confirmation":
            intent.status = {"ok": "succeeded", "decline": "declined", "pending": "processing"}[answer]

    def _tell(self, reference: str) -> Outcome:
        intent = self.intents[reference]
        match intent.status:
            case "succeeded":
                return Succeeded(reference, intent.cents, f"ch_{reference}")
            case "declined":
                return Declined(reference, "insufficient_funds")
            case "canceled":
                return NotTaken("Canceled at the processor")
        return Pending(reference)

    def finish(self, succeeds: bool) -> None:
        """The bank decides about everything it was still working on."""
        for intent in self.intents.values():
            if intent.status == "processing":
                intent.status = "succeeded" if succeeds else "declined"

    # What the reconciler and the inbox ask

    def look_up(self, question: Question) -> Outcome:
        if self.is_away:
            return Unknown("The processor did not answer", question.reference)
        reference = question.reference or self._of(question.attempt_uuid)
        if not reference:
            return NotTaken("The processor never got the request")
        if self.intents[reference].status == "requires_confirmation":
            self.intents[reference].status = "canceled"
        return self._tell(reference)

    def _of(self, attempt_uuid: str) -> str:
        return next((one for one, intent in self.intents.items() if intent.attempt == attempt_uuid), "")

    def outcome_of(self, reference: str) -> tuple[str, Outcome]:
        if self.is_away:
            raise UnableToReachProcessor("The processor did not answer")
        return self.intents[reference].attempt, self._tell(reference)

    def cancel(self, reference: str) -> bool:
        if self.intents[reference].status in ("requires_confirmation", "declined"):
            self.intents[reference].status = self.intents[reference].status.replace("requires_confirmation", "canceled")
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("hypothesis_"):
            # It looks at every attribute of the machine.
            raise AttributeError(name)
        raise AssertionError(f"The model does not know what the processor answers to {name}")
