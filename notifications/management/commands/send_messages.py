"""One pass of the outbox now: manage.py send_messages [--practice SLUG] [--json]."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifications import tasks
from practices.models import Practice
from practices.passes import PassCommand


class Command(PassCommand):
    help = "Send what waits in the outbox, and ask the carrier about texts whose answer was lost."

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        return tasks.run(practice.pk, now)
