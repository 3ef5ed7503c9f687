"""Say which payment in Open Dental a posting is: manage.py adopt_payment --practice SLUG --posting ID --pay-num N."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from opendental.adopt import UnableToAdopt, adopt
from opendental.models import Connection
from payments.models import LedgerPosting
from practices import passes, tenancy


class Command(BaseCommand):
    help = "Take a payment that staff entered by hand for a posting of ours, after comparing it with Open Dental."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", required=True, metavar="SLUG")
        parser.add_argument("--posting", required=True, metavar="ID", help='its number, or its reference "KP-…"')
        parser.add_argument("--pay-num", required=True, type=int, metavar="N")

    def handle(self, *_: Any, **options: Any) -> None:
        practice = passes.one(options["practice"])
        with tenancy.scope(practice.pk):
            connection = Connection.objects.first()
            if connection is None:
                raise CommandError("Open Dental is not connected.")
            posting = _posting(str(options["posting"]))
            try:
                adopt(connection, posting, options["pay_num"], actor="adopt_payment", now=clock.now())
            except UnableToAdopt as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{posting.reference}: PayNum {posting.pay_num}, {posting.get_state_display()}.")
            if posting.state == LedgerPosting.State.MISMATCH:
                raise CommandError(posting.state_reason)


def _posting(name: str) -> LedgerPosting:
    found = (
        LedgerPosting.objects.filter(pk=int(name)) if name.isdigit() else LedgerPosting.objects.filter(reference=name)
    )
    posting = found.first()
    if posting is None:
        raise CommandError(f"There is no posting {name}.")
    return posting
