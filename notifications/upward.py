"""What a patient's text may set off in higher apps, registered by the composition root (kasperpay/wiring.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from notifications.models import Reply


@dataclass
class Handlers:
    # Acts on a text that is no STOP, START or HELP ("MOVE 15"), and says what to answer; '' = staff shall read it.
    # Once per reply, after its row is committed and with no transaction open.
    any_other_text: Callable[[Reply, datetime], str]


def _for_staff(_reply: Reply, _now: datetime) -> str:
    return ""


handlers = Handlers(any_other_text=_for_staff)
