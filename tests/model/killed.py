"""A worker that dies: raised where a process would be killed. Nothing in the product may catch it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


class Killed(BaseException):
    """Like SIGKILL: no handler of the product sees it; open transactions roll back."""


def survive(work: Callable[[], Any]) -> None:
    """Run it as a worker that may be killed; what it leaves behind is what was committed."""
    try:
        work()
    except Killed:
        return


def explore(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Walk through the machine: the same walks every day; MODEL_EXAMPLES=500 walks that many new ones."""
    wished = int(os.environ.get("MODEL_EXAMPLES", "0"))
    shrink = [Phase.shrink] if wished else []
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=wished or examples, stateful_step_count=steps, deadline=None, database=None,
            # A failure is made small only where time does not matter.
            derandomize=not wished, phases=[Phase.generate, *shrink],
            suppress_health_check=list(HealthCheck), print_blob=True,
        ),
    )  # fmt: skip
