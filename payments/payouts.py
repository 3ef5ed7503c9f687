"""Payouts: heard of by webhook and by a list a few times a day, then read line by line and matched with our books.

Nothing here moves money or touches a row of the money path.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from core.money import format_cents
from payments import payout_matching
from payments.models import Alarm, Payout, PayoutLine, WebhookEvent
from practices.models import Event
from processors import accounts
from processors.port import BalanceLine, PayoutFacts, UnableToReachProcessor
from processors.stripe import StripeProcessor

logger = logging.getLogger(__name__)
# Webhooks tell; the list finds what they lost. A bank returns a payout within days.
LOOK_BACK = timedelta(days=35)
_LIST_EVERY_SECONDS = 4 * 3600
_CHUNK = 500
_BACK = (Payout.State.FAILED, Payout.State.CANCELED)


def heard(processor: StripeProcessor, practice_id: int, reference: str, now: datetime) -> tuple[str, str]:
    """A webhook named this payout. Its lines are read later (`hear`): other webhooks must not wait for them.

    Returns (state of the event, note). Raises UnableToReachProcessor.
    """
    _take_in(practice_id, processor.payout_facts(reference), now, "webhook")
    return WebhookEvent.State.DONE, ""


def unread() -> QuerySet[Payout]:
    """Payouts whose lines can be read and were not."""
    return Payout.objects.filter(is_complete=True, read_at=None)


def hear(practice_id: int, *, now: datetime, real_now: datetime | None = None) -> int:
    """A few times a day all recent payouts; then the lines of those that wait. Returns how many changed.

    Raises UnableToReachProcessor.
    """
    processor, key = accounts.for_practice(practice_id), _listed(practice_id)
    changed = 0
    if cache.add(key, 1, _LIST_EVERY_SECONDS):
        try:
            changed = list_recent(processor, practice_id, now=now, real_now=real_now or datetime.now(UTC))
        except UnableToReachProcessor:
            cache.delete(key)
            raise
    changed += sum(_read_safely(processor, payout, now) for payout in _to_read(now))
    payout_matching.match_again()
    settle_returned(practice_id, now)
    return changed


def _listed(practice_id: int) -> str:
    """Cache key: all recent payouts of this practice were listed lately."""
    return f"payouts-listed:{practice_id}"


def list_recent(processor: StripeProcessor, practice_id: int, *, now: datetime, real_now: datetime) -> int:
    """Every payout of the last weeks. One bad row stops no other. Raises UnableToReachProcessor."""
    changed = 0
    for facts in processor.recent_payouts(min(now, real_now) - LOOK_BACK):
        try:
            changed += _take_in(practice_id, facts, now, "reconciler")
        except Exception:
            logger.exception("Unable to take in payout %s", facts.reference)
    return changed


@transaction.atomic
def _take_in(practice_id: int, facts: PayoutFacts, now: datetime, actor: str) -> bool:
    """Make or move the row; a state only moves forward, so that late and doubled news does no harm."""
    payout, is_new = Payout.objects.get_or_create(
        practice_id=practice_id,
        reference=facts.reference,
        defaults={
            "amount_cents": facts.amount_cents, "state": facts.news, "made_at": facts.made_at,
            "arrives_date": facts.arrives_date, "is_automatic": facts.is_automatic, "failure": facts.failure[:200],
        },
    )  # fmt: skip
    mine = Payout.objects.filter(pk=payout.pk)
    moved = mine.filter(state__in=Payout.before(facts.news)).update(state=facts.news, failure=facts.failure[:200])
    mine.exclude(arrives_date=facts.arrives_date).update(arrives_date=facts.arrives_date)
    if facts.is_automatic and facts.is_complete:
        mine.filter(is_complete=False).update(is_complete=True)
    if is_new or moved:
        payout.refresh_from_db()
        _tell(payout, now, actor)
    return bool(is_new or moved)


def _tell(payout: Payout, now: datetime, actor: str) -> None:
    """The step in the log; a person, when the bank returned it."""
    amount, about = format_cents(payout.amount_cents), {"payout": payout.pk}
    Event.record(
        payout.practice_id, kind=f"payout_{payout.state.lower()}", actor=actor, now=now, about=about,
        text=f"Payout of {amount}: {payout.get_state_display()}",
    )  # fmt: skip
    if payout.state == Payout.State.FAILED:
        Alarm.raise_once(
            payout.practice_id, kind="PAYOUT_FAILED", key=_failed_key(payout), about=about, now=now,
            text=f"The bank returned the payout of {amount}: {payout.failure.rstrip('.') or 'no reason given'}. "
            "The money is back at the card processor",
        )  # fmt: skip


def _failed_key(payout: Payout) -> str:
    return f"payout-failed:{payout.reference}"


def _to_read(now: datetime) -> list[Payout]:
    """Also those that did not add up: what was missing may be there now."""
    recent = Q(made_at__gte=now - LOOK_BACK) & ~Q(difference_cents=0)
    return list(Payout.objects.filter(Q(read_at=None) | recent, is_complete=True).order_by("made_at", "pk"))


def _read_safely(processor: StripeProcessor, payout: Payout, now: datetime) -> bool:
    try:
        lines = list(processor.payout_lines(payout.reference))
        return _store(payout, lines, now)
    except UnableToReachProcessor:
        raise
    except Exception:
        logger.exception("Unable to read payout %s", payout.reference)
        return False


@transaction.atomic
def _store(payout: Payout, lines: list[BalanceLine], now: datetime) -> bool:
    """Keep every line, of whatever type, and compare their sum with the payout. Repeating it changes nothing."""
    ours = payout_matching.of_lines(lines)
    rows = [_row(payout, line, ours) for line in sorted(lines, key=lambda line: line.reference)]
    names = [
        "payout", "kind", "word", "amount_cents", "fee_cents", "net_cents", "source", "intent", "payment", "refund",
    ]  # fmt: skip
    PayoutLine.objects.bulk_create(
        rows, batch_size=_CHUNK, update_conflicts=True, unique_fields=["practice", "reference"], update_fields=names
    )
    net: int = payout.lines.aggregate(cents=Sum("net_cents"))["cents"] or 0
    before, payout.difference_cents, payout.read_at = payout.difference_cents, payout.amount_cents - net, now
    payout.save(update_fields=["difference_cents", "read_at"])
    if before != payout.difference_cents:
        _compare(payout, now)
    return before != payout.difference_cents


def _row(payout: Payout, line: BalanceLine, ours: payout_matching.Ours) -> PayoutLine:
    payment_id, refund_id = ours.of(line)
    return PayoutLine(
        practice_id=payout.practice_id, payout=payout, reference=line.reference, kind=line.kind, word=line.word[:60],
        amount_cents=line.amount_cents, fee_cents=line.fee_cents, net_cents=line.net_cents, made_at=line.made_at,
        source=line.source[:64], intent=line.intent[:64], description=line.description[:200],
        payment_id=payment_id, refund_id=refund_id,
    )  # fmt: skip


def _compare(payout: Payout, now: datetime) -> None:
    key = f"payout-differs:{payout.reference}"
    if not payout.difference_cents:
        Alarm.close(payout.practice_id, key=key, now=now, actor="reconciler")
        return
    amount, other = format_cents(payout.amount_cents), format_cents(payout.amount_cents - payout.difference_cents)
    Alarm.raise_once(
        payout.practice_id, kind="PAYOUT_DIFFERS", key=key, about={"payout": payout.pk}, now=now,
        text=f"The payout of {amount} is {other} by its lines: {format_cents(payout.difference_cents)} is unexplained",
    )  # fmt: skip


def settle_returned(practice_id: int, now: datetime) -> None:
    """Say of each payout that came back which later one carries its money; its alarm ends when that one is paid.

    The latest first, so that what came back twice names the last carrier. In any order of news the end is the same.
    """
    for payout in Payout.objects.filter(state__in=_BACK).order_by("-made_at", "-pk"):
        line = PayoutLine.objects.filter(kind=PayoutLine.Kind.RETURNED, source=payout.reference)
        found = line.select_related("payout__carried_by").first()
        if found is None:
            continue
        carrier = found.payout.carried_by or found.payout
        if payout.carried_by_id != carrier.pk:
            Payout.objects.filter(pk=payout.pk).update(carried_by=carrier)
        if carrier.state == Payout.State.PAID:
            Alarm.close(practice_id, key=_failed_key(payout), now=now, actor="reconciler")
