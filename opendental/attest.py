"""An admin's word where Open Dental can't be asked: kept with who gave it, as an event, and taken back the same way."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from practices.models import Event, PaymentSettings, Practice, User

# What can be attested → the column and the sentence kept.
STATEMENTS = {
    "card_tool_off": ("card_tool_off_attested_by", "The office's own recurring card charges are off"),
    "by_hand": ("allocation_by_hand_accepted_by", "Staff allocate plan payments by hand where there is no route"),
}


def attest(practice: Practice, what: str, *, given: bool, user: User, now: datetime) -> None:
    """Record or withdraw the statement. KeyError for an unknown one."""
    column, sentence = STATEMENTS[what]
    with transaction.atomic():
        settings = PaymentSettings.objects.select_for_update().get(practice=practice)
        setattr(settings, column, user if given else None)
        settings.save(update_fields=[column])
        Event.record(
            practice.pk,
            kind="attested" if given else "attest_withdrawn",
            actor=f"user:{user.pk}",
            now=now,
            about={"settings": settings.pk},
            text=sentence if given else f"Withdrawn: {sentence[0].lower()}{sentence[1:]}",
        )
