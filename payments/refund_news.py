"""News of refunds that didn't come as the reply: reconciler, webhooks, refunds made in the processor's dashboard."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Q

from core.money import format_cents
from payments import locks, refund_fee, refunds
from payments.models import Alarm, Payment, Refund, RefundState, WebhookEvent
from payments.reconciling import ALARM_AFTER, PENDING_ALARM_AFTER, RECOVERY, STARTED_GRACE, refunds_read, some
from payments.refund_outcomes import about, settle_refund
from practices.models import Event
from processors import accounts
from processors.port import NotTaken, RefundFacts, RefundOutcome, RefundQuestion, UnableToReachProcessor
from processors.stripe import StripeProcessor

logger = logging.getLogger(__name__)
# Stripe may forget a key after 24 hours; from then on the same request would be a second refund.
KEY_LIVES = timedelta(hours=23)
# A refund can fail weeks after it succeeded; webhooks tell, and this finds what they lost.
LOOK_BACK = timedelta(days=35)
_READ_EVERY_SECONDS = 6 * 3600


def reconcile_refunds(practice_id: int, *, now: datetime, real_now: datetime | None = None) -> int:
    """Settle open refunds and, a few times a day, hear of all others. Returns how many changed."""
    at = real_now or datetime.now(UTC)
    waiting = list(_waiting(at))
    wants_all = cache.add(refunds_read(practice_id), 1, _READ_EVERY_SECONDS)
    if not waiting and not wants_all:
        return 0
    try:
        processor = accounts.for_practice(practice_id)
        changed = sum(_reconcile_one(processor, one, now, at) for one in waiting)
        changed += read_recent(processor, now=now, since=at - LOOK_BACK)[0] if wants_all else 0
    except UnableToReachProcessor:
        logger.warning("Practice %s has open refunds and no processor that answers", practice_id)
        cache.delete(refunds_read(practice_id))
        changed = 0
    for one in waiting:
        _alarm_if_stuck(one, now)
    return changed


def _waiting(real_now: datetime) -> list[Refund]:
    quiet = Q(state__in=[RefundState.UNKNOWN, RefundState.PENDING]) | Q(sent_at__lte=real_now - STARTED_GRACE)
    return some(Refund.objects.filter(quiet, state__in=RefundState.open()).select_related("payment"))


def _reconcile_one(processor: StripeProcessor, refund: Refund, now: datetime, real_now: datetime) -> bool:
    try:
        outcome = _look_up(processor, refund, now, real_now)
        return outcome is not None and settle_refund(refund.pk, outcome, now=now, actor="reconciler")
    except Exception:
        logger.exception("Unable to reconcile refund %s", refund.pk)
        return False


def _look_up(processor: StripeProcessor, refund: Refund, now: datetime, real_now: datetime) -> RefundOutcome | None:
    """What became of it. One that never got there is asked again under its key: staff ordered it, and it can't double.

    Too old for that it is over: no request of yesterday is still on its way. None: the account takes nothing now.
    """
    if by_hand := refunds.outcome_of(refund):
        return by_hand
    question = RefundQuestion(refund.reference, str(refund.uuid), refund.payment.processor_reference)
    found = processor.look_up_refund(question)
    if found is not None:
        return found
    if real_now - refund.sent_at < KEY_LIVES:
        return refunds.ask_unless_away(processor, refund, now)
    return NotTaken("The processor never got the request")


def _alarm_if_stuck(refund: Refund, now: datetime) -> None:
    """Locked: whoever settles it meanwhile closes the alarm, and must not have done so before it is raised."""
    with transaction.atomic():
        found = locks.refund_alone(refund.pk)
        quiet = PENDING_ALARM_AFTER if found.state == RefundState.PENDING else ALARM_AFTER
        if found.is_open and now - found.started_at > quiet:
            Alarm.raise_once(
                found.practice_id, kind="REFUND_UNKNOWN", key=f"refund-unknown:{found.pk}", about=about(found), now=now,
                text=f"The processor still can't say whether {format_cents(found.amount_cents)} went back to the card",
            )  # fmt: skip


def read_recent(processor: StripeProcessor, *, now: datetime, since: datetime) -> tuple[int, list[str]]:
    """Every refund the processor made since then: late failures, and those made there. One bad row stops no other.

    Returns how many changed, and the processor's ids of those that could not be taken in.
    """
    changed, stuck = 0, list[str]()
    for facts in processor.recent_refunds(since):
        try:
            changed += _hear(facts, now, "reconciler")
        except Exception:
            logger.exception("Unable to take in refund %s", facts.reference)
            stuck.append(facts.reference)
    return changed, stuck


def heard(processor: StripeProcessor, reference: str, now: datetime) -> tuple[str, str]:
    """A webhook named this refund. Returns (state of the event, note)."""
    facts = processor.refund_facts(reference)
    if _row_of(facts) is None and _payment_of(facts) is None:
        return WebhookEvent.State.IGNORED, "Not a refund of one of our payments"
    _hear(facts, now, "webhook")
    return WebhookEvent.State.DONE, ""


def _hear(facts: RefundFacts, now: datetime, actor: str) -> bool:
    row = _row_of(facts) or _record_elsewhere(facts, now)
    return row is not None and settle_refund(row.pk, facts.outcome, now=now, actor=actor)


def _row_of(facts: RefundFacts) -> Refund | None:
    known, uuid = Q(reference=facts.reference), _uuid_of(facts)
    if uuid is not None:
        known |= Q(uuid=uuid, reference="")
    return Refund.objects.filter(known).first()


def _uuid_of(facts: RefundFacts) -> UUID | None:
    """The mark we set; whoever makes refunds there may have set another one."""
    try:
        return UUID(facts.refund_uuid)
    except ValueError:
        return None


def _payment_of(facts: RefundFacts) -> Payment | None:
    return Payment.objects.filter(processor_reference=facts.intent).first() if facts.intent else None


def _record_elsewhere(facts: RefundFacts, now: datetime) -> Refund | None:
    """Money went back without us: a fact, so it is recorded, held against what is left, and shown."""
    payment = _payment_of(facts)
    if payment is None:
        return None
    try:
        return _insert_elsewhere(payment, facts, _uuid_of(facts), now)
    except IntegrityError:
        # Another delivery was quicker; or it bears the mark of a refund we know, copied by whoever made it.
        return _row_of(facts) or _insert_elsewhere(payment, facts, None, now)


@transaction.atomic
def _insert_elsewhere(payment: Payment, facts: RefundFacts, ours: UUID | None, now: datetime) -> Refund:
    if refund_fee.surcharge_of(payment):
        payment = locks.payment(payment.pk)
    row = Refund(
        practice_id=payment.practice_id, payment=payment, amount_cents=facts.amount_cents, actor="processor",
        fee_cents=refund_fee.share_of(payment, facts.amount_cents),
        origin=Refund.Origin.ELSEWHERE, reference=facts.reference, started_at=facts.asked_at,
    )  # fmt: skip
    if ours is not None:
        # Committed before it was asked for: only a restore forgets such a row. It keeps its uuid.
        row.uuid, row.actor = ours, RECOVERY
    row.save(force_insert=True)
    if row.actor != RECOVERY:
        _tell(row, now)
    return row


def _tell(row: Refund, now: datetime) -> None:
    text = f"{format_cents(row.amount_cents)} was given back at the processor, not in KasperPay. It is recorded here."
    Event.record(row.practice_id, kind="refund_elsewhere", actor="processor", now=now, about=about(row), text=text)
    Alarm.raise_once(
        row.practice_id, kind="REFUND_ELSEWHERE", key=f"refund-elsewhere:{row.reference}", about=about(row), now=now,
        text=text,
    )  # fmt: skip
