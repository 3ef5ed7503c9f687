"""Reading what the Terminals pages show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.shortcuts import get_object_or_404

from practices.access import Permission, may
from practices.models import Membership, Practice, User
from practices.templatetags.show import when
from terminals.models import DefaultReader, Location, Reader, ReaderRun


@dataclass(frozen=True)
class ReaderRow:
    """One reader: what it does now, and whether it is mine."""

    reader: Reader
    run: ReaderRun | None
    is_mine: bool

    @property
    def chip(self) -> tuple[str, str]:
        """Key and word of its state (practices/chips.py)."""
        if self.run is not None:
            return "info", "Taking a payment"
        if self.reader.is_online is None:
            return "calm", "Not heard of yet"
        return ("good", "Ready") if self.reader.is_online else ("warn", "Offline")

    @property
    def seen(self) -> str:
        return when(self.reader.seen_at) if self.reader.seen_at else "never"


def listing(practice: Practice, user: User) -> dict[str, Any]:
    """Readers in use, by location; locations without one too."""
    mine = DefaultReader.objects.filter(practice=practice, user=user).values_list("reader_id", flat=True).first()
    live = ReaderRun.objects.filter(practice=practice).exclude(state=ReaderRun.State.ENDED)
    runs = {run.reader_id: run for run in live.select_related("due_part__payer")}
    readers = Reader.objects.filter(practice=practice, state=Reader.State.ACTIVE).order_by("label", "pk")
    by_place: dict[int, list[ReaderRow]] = {}
    for reader in readers:
        by_place.setdefault(reader.location_id, []).append(ReaderRow(reader, runs.get(reader.pk), reader.pk == mine))
    places = [(place, by_place.get(place.pk, [])) for place in locations(practice)]
    return {"places": places, "has_readers": bool(by_place)}


def locations(practice: Practice) -> list[Location]:
    rows = Location.objects.filter(practice=practice, removed_at=None).select_related("clinic")
    return list(rows.order_by("name", "pk"))


def reader_or_404(practice: Practice, reader_id: int) -> Reader:
    rows = Reader.objects.filter(practice=practice, state=Reader.State.ACTIVE)
    return get_object_or_404(rows.select_related("location", "practice"), pk=reader_id)


def location_or_404(practice: Practice, location_id: int) -> Location:
    rows = Location.objects.filter(practice=practice, removed_at=None)
    return get_object_or_404(rows.select_related("clinic", "practice"), pk=location_id)


def settings(practice: Practice) -> dict[str, Any]:
    """Locations, and whose default is which."""
    chosen = dict(DefaultReader.objects.filter(practice=practice).values_list("user_id", "reader_id"))
    members = Membership.objects.filter(practice=practice, is_active=True).select_related("user")
    people = [
        (member, chosen.get(member.user_id))
        for member in members.order_by("user__name", "pk")
        if may(member, Permission.CHARGE)
    ]
    readers = Reader.objects.filter(practice=practice, state=Reader.State.ACTIVE).order_by("label", "pk")
    return {"locations": locations(practice), "people": people, "readers": list(readers), "practice": practice}
