"""How pytest-xdist spreads the tests: one by one, but browser tests to one process, since they share one stack.

The auditor's share one world that takes a while to make, and so go to one process, too.

Its own groups (--dist loadgroup) have no effect with pytest 9.2: they rename a test in a way that no longer counts.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

TOGETHER = ("tests/browser/", "tests/audit/")


class Spread(LoadScopeScheduling):  # type: ignore[misc]
    """What `_split_scope` calls one thing is run by one process, the largest first."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread | None:
    """Only in place of the usual spread; who asks for another one gets it."""
    return Spread(config, log) if config.getvalue("dist") == "load" else None
