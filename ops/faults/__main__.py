"""bin/faults: runs of the fault machine, one after the other, and one answer."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from ops.console import UnableToStart, note, say
from ops.faults import journal, planting
from ops.faults.points import ALL_POINTS
from ops.faults.run import Report, Wish, run

RUN_SECONDS = 60.0
PLANTED_STRENGTH = 2.5


def main(arguments: list[str]) -> int:
    """0 only when no run found a violation; 1 otherwise; 2 when the machine could not be started."""
    wishes = _wishes(_parser().parse_args(arguments))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    reports: list[Report] = []
    try:
        for wish in wishes:
            reports.append(run(wish))
            _tell(reports[-1])
    except UnableToStart as error:
        note(str(error))
        return 2
    summary = summed(reports)
    if "--json" in arguments:
        say(json.dumps(summary))
    return 1 if summary["violations"] else 0


def summed(reports: list[Report]) -> dict[str, Any]:
    """One object for all runs: the first run's seed, numbers added up."""
    kinds = ("faults_injected", "crash_points", "deeds", "seconds")
    parts: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    for report in reports:
        for kind in kinds:
            parts[kind].update(getattr(report, kind))
    return {
        "seed": reports[0].seed,
        "runs": len(reports),
        **{kind: dict(sorted(found.items())) for kind, found in parts.items()},
        "faults": sum(report.faults for report in reports),
        "charges": sum(report.charges for report in reports),
        "came_to_rest": all(report.came_to_rest for report in reports),
        "violations": [{"seed": report.seed, **one} for report in reports for one in report.violations],
    }


def _wishes(given: argparse.Namespace) -> list[Wish]:
    planted = planting.PLANTS.get(given.plant)
    wish = Wish(
        seed=given.seed, seconds=given.seconds or RUN_SECONDS, plans=given.plans, keep=given.keep,
        only=tuple(given.only.split(",")) if given.only else tuple(planted.only) if planted else (),
        points=_points(given.points),
        steps=journal.steps(given.replay) if given.replay else None,
        functions=(planted.path,) if planted else (), sql=planted.sql if planted else (),
        # So that one run is enough to meet what the bug does badly.
        strength=PLANTED_STRENGTH if planted else 1.0,
    )  # fmt: skip
    count = given.runs or 1
    folders = [
        given.keep / f"seed-{given.seed + number}" if given.keep and count > 1 else given.keep
        for number in range(count)
    ]
    return [replace(wish, seed=given.seed + number, keep=folder) for number, folder in enumerate(folders)]


def _points(given: str) -> tuple[str, ...]:
    points = tuple(given.split(",")) if given else ()
    if unknown := set(points) - set(ALL_POINTS):
        raise SystemExit(f"No such point: {', '.join(sorted(unknown))}. There are {', '.join(ALL_POINTS)}.")
    return points


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/faults", description="Break everything, then compare the three books.")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule of faults (1)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--seconds", type=float, help=f"of faults in one run ({RUN_SECONDS:.0f}); settling comes on top"
    )
    length.add_argument("--runs", type=int, help=f"runs of {RUN_SECONDS:.0f} s with this seed and the following ones")
    parser.add_argument("--plans", type=int, default=120, help="payment plans, over four practices (120)")
    parser.add_argument("--only", default="", metavar="KINDS", help="of the schedule, with commas between")
    parser.add_argument("--points", default="", metavar="POINTS", help="kill at these points only")
    parser.add_argument("--replay", type=Path, metavar="LOG", help="the steps of an earlier run's faults.jsonl")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep data, logs and the run's log there")
    parser.add_argument("--plant", choices=planting.PLANTS, help="run with this bug in the product, to see it caught")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    return parser


def _tell(report: Report) -> None:
    say(f"Seed {report.seed}: {report.faults} faults, {report.charges} charges, {len(report.violations)} violations")
    for kind, number in report.faults_injected.items():
        say(f"  {kind:<32}{number:6}")
    if not report.came_to_rest:
        say(f"  It did not come to rest: {report.moving}")
    for violation in report.violations:
        say(f"  VIOLATION {violation['check']}: {violation['text']}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
