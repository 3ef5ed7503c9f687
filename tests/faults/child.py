"""A worker that is killed: reads wishes from stdin and does each in a process of its own that dies at a named point.

The interpreter and Django are loaded once; every wish is a forked process with its own connections, ended by SIGKILL.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
import uuid
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any

import django

# Where a worker can die: the function, and whether before or after it has run.
POINTS = {
    "after the recheck": ("payments.charging", "claim", "before"),
    "in the claim's transaction": ("payments.claim", "_start", "after"),
    "after the claim": ("payments.charging", "ask", "before"),
    "while create is answered": ("stripe.RequestsClient", "request", "after:/v1/payment_intents"),
    "after create": ("payments.charging", "remember", "before"),
    "after the id is stored": ("payments.charging", "remember", "after"),
    "after confirm was sent": ("stripe.RequestsClient", "request", "after:/confirm"),
    "after the answer, before settle": ("payments.outcomes", "settle", "before"),
    "in settle, first row written": ("payments.outcomes", "_close", "after"),
    "in settle, before its commit": ("payments.notices", "_enqueue", "after"),
    "after settle, before the end": ("payments.outcomes", "settle", "after"),
    "in a webhook, before it is stored": ("payments.inbox", "store", "before"),
    "in a webhook, after it is stored": ("payments.inbox", "store", "after"),
    "in a webhook's task, before settle": ("payments.outcomes", "settle", "before"),
    "in a webhook's task, in settle": ("payments.notices", "_enqueue", "after"),
    "in a webhook's task, after settle": ("payments.outcomes", "settle", "after"),
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kasperpay.settings")
    django.setup()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_work(json.loads(line)))
        _, status = os.waitpid(pid, 0)
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)
        sys.stdout.write(f"{ended}\n")
        sys.stdout.flush()


def _work(wish: dict[str, Any]) -> int:
    """0 when it was not killed: then the point was never reached."""
    try:
        _die_at(wish["point"])
        _WORK[wish["work"]](wish)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _die_at(point: str) -> None:
    path, name, when = POINTS[point]
    holder = _holder(path)
    right = getattr(holder, name)
    moment, _, suffix = when.partition(":")

    def deadly(*args: Any, **more: Any) -> Any:
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = right(*args, **more)
        if not suffix or str(args[2]).endswith(suffix):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(holder, name, deadly)


def _holder(path: str) -> Any:
    try:
        return import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(import_module(module), name)


def _stand_ins() -> None:
    from payments import upward
    from tests.plugins.money import confirm_owed

    upward.handlers.recheck = confirm_owed
    upward.handlers.fix_link = lambda _part, _now: uuid.uuid4()
    upward.handlers.nudge = lambda _practice: None


def _collect(wish: dict[str, Any]) -> None:
    from payments import charging
    from practices import tenancy

    _stand_ins()
    with tenancy.scope(wish["practice"]):
        charging.collect(wish["part"], channel="AUTOPAY", actor="autopay", now=_now(wish))


def _inbox(wish: dict[str, Any]) -> None:
    from payments import inbox
    from practices import tenancy

    _stand_ins()
    with tenancy.scope(wish["practice"]):
        inbox.work_through(wish["practice"], now=_now(wish))


def _deliver(wish: dict[str, Any]) -> None:
    from payments import inbox
    from practices import tenancy
    from processors.models import ProcessorAccount
    from processors.stripe import ProcessorEvent

    with tenancy.scope(wish["practice"]):
        inbox.store(ProcessorAccount.objects.get(), ProcessorEvent(**wish["event"]), now=_now(wish))


def _now(wish: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(wish["now"])


_WORK: dict[str, Callable[[dict[str, Any]], None]] = {"collect": _collect, "inbox": _inbox, "deliver": _deliver}

if __name__ == "__main__":
    main()
