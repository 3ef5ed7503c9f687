"""Setting up: places, readers by pairing code, names, retiring, defaults. The processor is asked first."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from django.db import IntegrityError, transaction

from practices.models import Clinic, Event, Practice, User
from processors import accounts
from processors.port import UnableToReachProcessor
from processors.stripe import StripeProcessor
from processors.terminal_port import Place, ReaderFacts, UnableToSetUp
from terminals.models import DefaultReader, Location, Reader, ReaderRun


def open_location(
    practice: Practice, place: Place, *, clinic: Clinic | None, actor: str, now: datetime, token: uuid.UUID
) -> Location:
    """A place where readers may stand. `token` makes a second click the same place. Raises UnableToSetUp."""
    if Location.objects.filter(practice=practice, clinic=clinic, removed_at=None).exclude(clinic=None).exists():
        raise UnableToSetUp("clinic", "This clinic has a location already: change that one")
    reference = _processor(practice).create_place(place, key=f"kp-place-{token}")
    location, is_new = Location.objects.get_or_create(
        practice=practice, reference=reference,
        defaults={"uuid": token, "clinic": clinic, "opened_at": now, **_columns(place)},
    )  # fmt: skip
    if is_new:
        _note(
            location.practice_id, "location_added", actor, now, f"{place.name}, {place.line1}, {place.city}", location
        )
    return location


def change_location(location: Location, place: Place, *, actor: str, now: datetime) -> None:
    """Raises UnableToSetUp."""
    before = _columns(location.place)
    if before == _columns(place):
        return
    _processor(location.practice).change_place(location.reference, place)
    Location.objects.filter(pk=location.pk).update(**_columns(place))
    Event.record(
        location.practice_id, kind="location_changed", actor=actor, now=now, text=place.name,
        about={"location": location.pk}, before=before, after=_columns(place),
    )  # fmt: skip


def remove_location(location: Location, *, actor: str, now: datetime) -> None:
    """Only when no reader stands there. Raises UnableToSetUp."""
    if location.readers.filter(state=Reader.State.ACTIVE).exists():
        raise UnableToSetUp("", "Readers stand here: retire them first")
    _processor(location.practice).remove_place(location.reference)
    Location.objects.filter(pk=location.pk).update(removed_at=now)
    _note(location.practice_id, "location_removed", actor, now, location.name, location)


def _columns(place: Place) -> dict[str, str]:
    return dict(vars(place))


def register(location: Location, *, code: str, label: str, actor: str, now: datetime, token: uuid.UUID) -> Reader:
    """Claim the reader that shows this code. `token` makes a second click the same one. Raises UnableToSetUp."""
    if _is_taken(location.practice_id, label):
        raise UnableToSetUp("label", "Another terminal has this name")
    # Another code is another request; the same code in the same form is the same one.
    key = f"kp-reader-{token}-{hashlib.sha256(code.encode()).hexdigest()[:16]}"
    facts = _processor(location.practice).register_reader(code=code, label=label, location=location.reference, key=key)
    reader, is_new = _keep(location, facts, label, now)
    if is_new:
        text = f"{reader.label}, {reader.model_name}, at {location.name}"
        Event.record(
            location.practice_id, kind="reader_registered", actor=actor, now=now, text=text,
            about={"reader": reader.pk, "location": location.pk},
        )  # fmt: skip
    return reader


def _keep(location: Location, facts: ReaderFacts, label: str, now: datetime) -> tuple[Reader, bool]:
    known = {
        "location": location, "label": label, "device_type": facts.device_type[:40], "serial_end": facts.serial[-6:],
        "is_online": facts.is_online, "seen_at": facts.seen_at, "registered_at": now,
    }  # fmt: skip
    try:
        with transaction.atomic():
            return Reader.objects.get_or_create(
                practice_id=location.practice_id, reference=facts.reference, defaults=known
            )
    except IntegrityError as error:
        raise UnableToSetUp("label", "Another terminal got this name just now. Choose another name") from error


def _is_taken(practice_id: int, label: str, but: int = 0) -> bool:
    same = Reader.objects.filter(practice=practice_id, label=label, state=Reader.State.ACTIVE)
    return same.exclude(pk=but).exists()


def rename(reader: Reader, label: str, *, actor: str, now: datetime) -> None:
    """Raises UnableToSetUp."""
    if _is_taken(reader.practice_id, label, but=reader.pk):
        raise UnableToSetUp("label", "Another terminal has this name")
    _processor(reader.practice).rename_reader(reader.reference, label)
    before = reader.label
    Reader.objects.filter(pk=reader.pk).update(label=label)
    Event.record(
        reader.practice_id, kind="reader_renamed", actor=actor, now=now, text=f"{before} is now {label}",
        about={"reader": reader.pk}, before={"label": before}, after={"label": label},
    )  # fmt: skip


def retire(reader: Reader, *, actor: str, now: datetime) -> None:
    """Take it out of use; it can be registered anew. Raises UnableToSetUp while a payment is on it."""
    if reader.runs.exclude(state=ReaderRun.State.ENDED).exists():
        raise UnableToSetUp("", "A payment is on this terminal: wait for its outcome")
    _processor(reader.practice).remove_reader(reader.reference)
    Reader.objects.filter(pk=reader.pk).update(state=Reader.State.RETIRED)
    DefaultReader.objects.filter(reader=reader).delete()
    _note(reader.practice_id, "reader_retired", actor, now, reader.label, reader)


def choose_default(practice: Practice, user: User, reader: Reader | None, *, actor: str, now: datetime) -> None:
    """Which reader stands chosen when this person takes a payment; None = no particular one."""
    if reader is None:
        DefaultReader.objects.filter(practice=practice, user=user).delete()
    else:
        DefaultReader.objects.update_or_create(practice=practice, user=user, defaults={"reader": reader})
    text = f"{reader.label if reader else 'No terminal'} is the default of {user.name}"
    about = {"user": user.pk} | ({"reader": reader.pk} if reader else {})
    Event.record(practice.pk, kind="default_reader", actor=actor, now=now, text=text, about=about)


def refresh(practice: Practice) -> None:
    """What the processor says of each reader now. Raises UnableToReachProcessor."""
    for facts in accounts.for_practice(practice.pk).readers():
        Reader.objects.filter(practice=practice, reference=facts.reference).update(
            is_online=facts.is_online, seen_at=facts.seen_at
        )


def _processor(practice: Practice) -> StripeProcessor:
    try:
        return accounts.for_practice(practice.pk)
    except UnableToReachProcessor as error:
        raise UnableToSetUp("", str(error)) from error


def _note(practice_id: int, kind: str, actor: str, now: datetime, text: str, row: Location | Reader) -> None:
    about = {"location" if isinstance(row, Location) else "reader": row.pk}
    Event.record(practice_id, kind=kind, actor=actor, now=now, text=text, about=about)
