"""Post what waits to Open Dental, now and here: manage.py post_ledger [--practice SLUG] [--json]."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count

from opendental.models import Connection
from opendental.post import post_due
from payments.models import LedgerPosting
from practices.models import Practice
from practices.passes import PassCommand


class Command(PassCommand):
    help = "Send postings that wait, look for those whose answer was lost, and read back those that were sent."

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        if not Connection.objects.exists():
            return {"problem": "Open Dental is not connected"}
        worked = post_due(practice.pk, now)
        states = LedgerPosting.objects.values_list("state").annotate(count=Count("pk")).order_by("state")
        return {"worked": worked, **{str(state).lower(): count for state, count in states}}
