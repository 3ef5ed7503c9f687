"""Reading and saving a practice's payment settings; every change is an event with before and after."""

from __future__ import annotations

from django.db import transaction

from core import clock
from practices.forms import PaymentSettingsForm
from practices.models import Event, PaymentSettings, Practice


def payment_settings(practice: Practice) -> PaymentSettings:
    """The practice's row; made with the defaults when there is none yet."""
    return PaymentSettings.objects.get_or_create(practice=practice)[0]


def save_payment_settings(form: PaymentSettingsForm, *, actor: str) -> list[str]:
    """Save a valid form and record what changed. Returns the names of the changed fields."""
    before = {name: form.initial.get(name) for name in form.fields}
    row: PaymentSettings = form.save(commit=False)
    after = {name: getattr(row, name) for name in form.fields}
    changed = [name for name in after if _plain(before[name]) != _plain(after[name])]
    if changed:
        with transaction.atomic():
            row.save(update_fields=changed)
            Event.record(
                row.practice_id,
                kind="SETTINGS_CHANGED",
                actor=actor,
                now=clock.now(),
                about={"settings": row.pk},
                text="Payment settings changed",
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
            )
    return changed


def _plain(value: object) -> object:
    return [] if value == [1, 2, 3, 4, 5, 6, 7] else value
