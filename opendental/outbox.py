"""Moves of a ledger posting between its states: each one a guarded UPDATE with its event, committed at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from core.money import format_cents
from opendental import discover
from payments.models import Alarm, LedgerPosting
from practices.models import Event

State = LedgerPosting.State
# The API gives up after 60 s, so what was sent is in the books by then or never will be.
SEARCH_GAP = timedelta(seconds=60)
_SOON = timedelta(seconds=15)
# The office's clock may be a little behind ours around midnight.
HEALS = re.compile(r"future", re.IGNORECASE)
# Sent, and not yet known to be where it belongs.
IN_FLIGHT = [State.SENDING, State.UNCLEAR, State.POSTED]
_LONGEST_PAUSE = timedelta(minutes=15)
# Sent and not confirmed for so long, or after so many tries, a person should know.
_LATE = timedelta(hours=1)
_MANY_TRIES = 8
# Of these a person may say which payment in Open Dental they are; nothing sends them.
_NAMEABLE = (State.REFUSED, State.MISMATCH, State.MARKED)
# Key of the one alarm that nothing at all can be posted to this office.
BLOCKED = "posting-blocked"


def about(posting: LedgerPosting) -> dict[str, int]:
    """The ids under which the posting's events and alarms are found."""
    ids = {"posting": posting.pk, "payment": posting.payment_id, "patient": posting.patient_id}
    if posting.plan_id:
        ids["plan"] = posting.plan_id
    allocation = posting.payment.allocations.first()
    if allocation is not None and allocation.installment_id is not None:
        ids["installment"] = allocation.installment_id
    return ids


def move(
    posting: LedgerPosting,
    *,
    when: Iterable[str],
    now: datetime,
    text: str = "",
    actor: str = "poster",
    **changes: Any,
) -> bool:
    """Change the row if it still is in one of the states `when`; False when somebody else moved it first.

    Or claimed it: what a worker found out before another one sent it again proves nothing any more.
    """
    before, was_in_doubt = posting.state, posting.is_in_doubt
    with transaction.atomic():
        unmoved = LedgerPosting.objects.filter(pk=posting.pk, state__in=list(when), claimed_at=posting.claimed_at)
        moved = unmoved.update(**changes)
        if moved and changes.get("state", before) != before:
            Event.record(
                posting.practice_id, kind=f"posting_{changes['state'].lower()}", actor=actor, now=now,
                about=about(posting), text=text[:400], before={"state": before}, after={"state": changes["state"]},
            )  # fmt: skip
        if moved and changes.get("state") == State.BY_HAND:
            # It waits for a person now, who is told in an alarm of its own.
            _close_alarm(posting, _late_key(posting), now)
        posting.refresh_from_db()
        is_known = (was_in_doubt or "pay_num" in changes) and not posting.is_in_doubt
        if moved and is_known and posting.plan is not None:
            # What was read of the plan before did not tell whose money it is.
            discover.put_down(posting.practice_id, [posting.plan.pay_plan_num], now=now)
    return bool(moved)


def claim(posting: LedgerPosting, *, route: str, body: dict[str, Any], now: datetime, **more: Any) -> bool:
    """Make it ours to send: committed before anything is sent."""
    return move(
        posting, when=[State.QUEUED, State.UNCLEAR], now=now, text=route, state=State.SENDING, route=route,
        sent_body=body, claimed_at=now, sends=posting.sends + 1, searches=0, state_reason="", **more,
    )  # fmt: skip


def put_back(posting: LedgerPosting, reason: str, *, now: datetime, wait: timedelta | None = None) -> None:
    """Certainly not done and likely to heal: wait longer each time. `state_reason` tells staff why."""
    pause = wait or min(_LONGEST_PAUSE, timedelta(seconds=15 * 2 ** min(posting.tries, 10)))
    sends = max(0, posting.sends - 1) if posting.state == State.SENDING else posting.sends
    state = State.QUEUED if posting.state == State.SENDING else posting.state
    move(
        posting, when=[posting.state], now=now, text=reason, state=state, state_reason=reason[:300],
        tries=posting.tries + 1, sends=sends, next_at=now + pause,
    )  # fmt: skip


def wait(posting: LedgerPosting, *, now: datetime, reason: str = "") -> None:
    """Its turn has not come: look again soon. `reason` tells staff why."""
    move(posting, when=[posting.state], now=now, next_at=now + _SOON, state_reason=reason[:300])


def hold(practice_id: int, reason: str, *, now: datetime, until: datetime) -> int:
    """The office is left alone: whatever is due waits, with the reason and the next look. Returns how many."""
    waiting = [State.QUEUED, State.UNCLEAR, State.POSTED]
    due = LedgerPosting.objects.filter(practice_id=practice_id, state__in=waiting, next_at__lte=now)
    return due.update(state_reason=reason[:300], next_at=until)


def let_go(practice_id: int, reason: str, *, now: datetime) -> int:
    """The office is back: what was held for a reason that begins so is due now."""
    held = LedgerPosting.objects.filter(practice_id=practice_id, state_reason__startswith=reason, next_at__gt=now)
    return held.exclude(state=State.MATCHED).update(next_at=now)


def unclear(posting: LedgerPosting, reason: str, *, now: datetime) -> None:
    """It may have been done: the office is searched once the API can't be working on it any more."""
    move(
        posting, when=[State.SENDING], now=now, text=reason, state=State.UNCLEAR, state_reason=reason[:300],
        searches=0, next_at=now + SEARCH_GAP,
    )  # fmt: skip


def posted(posting: LedgerPosting, pay_num: int, *, now: datetime) -> bool:
    """Open Dental has it under this number; True when reading back follows.

    A number that another posting of the practice holds means that the books were replaced. Ours is in them all the
    same, so it ends with a person and is never sent again.
    """
    try:
        moved = move(
            posting, when=[State.SENDING, State.UNCLEAR, State.POSTED], now=now, text=f"PayNum {pay_num}",
            state=State.POSTED, pay_num=pay_num, state_reason="", tries=0, next_at=now,
        )  # fmt: skip
    except IntegrityError:
        holder = LedgerPosting.objects.filter(practice_id=posting.practice_id, pay_num=pay_num).exclude(pk=posting.pk)
        if (other := holder.first()) is None:
            raise
        stuck(posting, State.MISMATCH, _reused(pay_num, other), now=now)
        return False
    _close_alarm(posting, BLOCKED, now)
    return moved


def _reused(pay_num: int, other: LedgerPosting) -> str:
    return (
        f"Open Dental has it as PayNum {pay_num}, a number that {other.reference} got before: a backup was restored, "
        "or another database is connected. It is not sent again; compare both payments in the ledger by hand."
    )


def matched(posting: LedgerPosting, *, now: datetime) -> None:
    if move(posting, when=[State.POSTED], now=now, state=State.MATCHED, state_reason="", matched_at=now):
        close_alarms(posting, now)


def close_alarms(posting: LedgerPosting, now: datetime) -> None:
    """That it is stuck, and that it is late."""
    _close_alarm(posting, _key(posting), now)
    _close_alarm(posting, _late_key(posting), now)


def _close_alarm(posting: LedgerPosting, key: str, now: datetime) -> None:
    open_alarm = Alarm.objects.filter(practice_id=posting.practice_id, key=key, closed_at=None)
    open_alarm.update(closed_at=now, closed_by="poster")


def stuck(posting: LedgerPosting, state: str, reason: str, *, now: datetime) -> None:
    """A person must look: REFUSED or MISMATCH, with an alarm. Nothing where another worker has moved it meanwhile."""
    if not move(posting, when=[posting.state], now=now, text=reason, state=state, state_reason=reason[:300]):
        return
    _close_alarm(posting, _late_key(posting), now)
    kind = f"POSTING_{state}"
    # What it was stuck in before is over.
    Alarm.objects.filter(practice_id=posting.practice_id, key=_key(posting), closed_at=None).exclude(
        kind=kind, text=reason
    ).update(closed_at=now, closed_by="poster")
    alarm(posting, kind, reason, now=now)


def tell_if_late(posting: LedgerPosting, reason: str, *, now: datetime) -> None:
    """It is tried on for ever, but not silently: an alarm after an hour or eight tries, closed when it matches."""
    if posting.tries < _MANY_TRIES and now - posting.created_at < _LATE:
        return
    text = f"Open Dental has not confirmed {format_cents(posting.amount_cents)} yet; it is tried again. {reason}"
    alarm(posting, "POSTING_STUCK", text, now=now, key=_late_key(posting))


def set_aside(posting: LedgerPosting, *, now: datetime) -> None:
    """Working on it failed in a way nobody foresaw: let the others go first for a while."""
    waiting = [State.QUEUED, *IN_FLIGHT]
    move(posting, when=waiting, now=now, tries=F("tries") + 1, next_at=now + _LONGEST_PAUSE)
    if posting.state in waiting:
        tell_if_late(posting, "KasperPay stumbled over this posting.", now=now)


def alarm(posting: LedgerPosting, kind: str, reason: str, *, now: datetime, key: str = "") -> None:
    Alarm.raise_once(
        posting.practice_id, kind=kind, key=key or _key(posting), text=reason, about=about(posting), now=now
    )


def _key(posting: LedgerPosting) -> str:
    return f"posting:{posting.pk}"


def _late_key(posting: LedgerPosting) -> str:
    return f"posting-late:{posting.pk}"


def adopted(posting: LedgerPosting, pay_num: int, *, route: str, now: datetime) -> bool:
    """A person says that this payment is it. Raises IntegrityError when another posting holds the number."""
    return move(
        posting, when=[*_NAMEABLE, State.MATCHED], now=now, text=f"PayNum {pay_num}",
        state=State.POSTED, pay_num=pay_num, route=route, state_reason="", tries=0, next_at=now,
    )  # fmt: skip


def look_again(posting: LedgerPosting, *, now: datetime) -> bool:
    """A person says the cause is gone: what may have been sent is searched for first, never just sent again."""
    if posting.state == State.BY_HAND:
        return move(posting, when=[State.BY_HAND], now=now, next_at=now)
    if posting.state == State.MISMATCH:
        return move(posting, when=[State.MISMATCH], now=now, state=State.POSTED, next_at=now, tries=0)
    state = State.UNCLEAR if posting.sends else State.QUEUED
    return move(
        posting, when=[State.REFUSED], now=now, state=state, next_at=now, tries=0, searches=0,
        sends=min(1, posting.sends),
    )  # fmt: skip


def hurry(posting: LedgerPosting, *, now: datetime) -> bool:
    """A person does not want to wait for the next pass. Not where the wait itself proves something (UNCLEAR)."""
    return move(posting, when=[State.QUEUED, State.POSTED], now=now, next_at=now)
