"""Ask the processor about open attempts and work through webhooks: manage.py reconcile [--practice SLUG] [--json]."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cards import picking_up
from payments import inbox, reconcile
from practices.models import Practice
from practices.passes import PassCommand
from processors.port import UnableToReachProcessor


class Command(PassCommand):
    help = "Find out what became of attempts whose answer never came, and work through stored webhooks."

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        try:
            webhooks = inbox.work_through(practice.pk, now=now)
        except UnableToReachProcessor as error:
            return {"problem": str(error)}
        return {
            "webhooks": webhooks,
            "settled": reconcile.reconcile(practice.pk, now=now),
            "cards": picking_up.pick_up(now=now),
        }
