"""After a restore: charges that the processor knows and the restored database does not are brought back.

The rule stands in docs/money.md, "After a restore". Nothing is charged until this has run through.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from django.core.cache import cache
from django.db import transaction
from django.db.models import F, Q

from cards.models import Autopay, Card
from core.money import format_cents
from notifications import outbox
from notifications.models import Message
from payments import disputes, locks, outcomes, part_key, refund_news, reminders
from payments.models import Alarm, Attempt, AttemptState, DuePart, LedgerAdjustment, LedgerPosting, Refund, RefundState
from payments.reconciling import RECOVERY, disputes_read, refunds_read
from payplans.models import Installment
from practices.models import Event, Practice
from processors import accounts
from processors.port import Declined, Found, NotTaken, PresentedQuestion, Succeeded, UnableToReachProcessor
from processors.stripe import StripeProcessor

log = structlog.stdlib.get_logger(__name__)
# The backup's clock and the processor's may differ, and a dump takes a while.
OVERLAP = timedelta(hours=1)
# A refund that is under way in the backup is looked up, but its key counts as dead (payments/refund_news.py): in the
# lost hours it may have ended and been ordered anew, and both would go out.
_KEY_IS_DEAD = timedelta(days=1)
# Key of the one alarm that the recovery can't go through.
_STUCK = "recovery:stuck"


def mark_restored(practice_id: int, *, since: datetime, now: datetime) -> None:
    """Right after a restore, before any worker runs: what waits may have been done after the backup of `since` (UTC).

    Postings are searched for before they are sent; texts are looked up at the carrier, e-mails are left to staff.
    """
    with transaction.atomic():
        Practice.objects.filter(pk=practice_id).update(recover_since=since)
        LedgerPosting.objects.filter(state=LedgerPosting.State.QUEUED).update(
            state=LedgerPosting.State.UNCLEAR, sends=1, searches=0, next_at=now
        )
        LedgerAdjustment.objects.filter(state=LedgerAdjustment.State.QUEUED).update(
            state=LedgerAdjustment.State.UNCLEAR, sends=1, searches=0, next_at=now
        )
        # Refused and never sent: staff may have made it good since, and it was sent. Then "look again" must search.
        LedgerPosting.objects.filter(state=LedgerPosting.State.REFUSED, sends=0).update(sends=1)
        # Perhaps settled, posted and told in the lost hours: then found, not sent again.
        Attempt.objects.filter(state__in=AttemptState.open()).update(recovered_at=datetime.now(UTC))
        Refund.objects.filter(state__in=RefundState.open()).update(sent_at=F("sent_at") - _KEY_IS_DEAD)
        waiting = Message.objects.select_for_update().filter(state=Message.State.QUEUED, not_before__lte=now)
        for message in waiting:
            outbox.doubt(message)
            message.save(update_fields=["state", "state_reason"])
        _tell_of_decisions(practice_id, since, now)
        Event.record(
            practice_id,
            kind="restored",
            actor=RECOVERY,
            now=now,
            about={},
            text=f"From a backup of {since:%Y-%m-%d %H:%M} UTC",
        )


def _tell_of_decisions(practice_id: int, since: datetime, now: datetime) -> None:
    """Nobody else knows who stopped autopay in the lost hours: a person must look before it charges them."""
    count = Autopay.objects.filter(is_on=True).count()
    if not count:
        return
    text = (
        f"Restored from a backup of {since:%b} {since.day}, {since:%H:%M} UTC. What was decided here since is lost: "
        "autopay that was stopped is on again, cards that were removed are back, pauses and skipped charges are gone. "
        f"Autopay is on for {count} {'plan' if count == 1 else 'plans'}: ask whoever worked then, stop again what was "
        "stopped, and only then close this."
    )
    key = f"recovery-decisions:{since:%Y-%m-%dT%H:%M}"
    Alarm.raise_once(practice_id, kind="RECOVERY_DECISIONS", key=key, text=text, about={}, now=now)


def recover_if_restored(practice_id: int, *, now: datetime) -> int:
    """Do it where a restore asked for it; returns how many tries were brought back. Raises UnableToReachProcessor."""
    since = Practice.objects.filter(pk=practice_id).values_list("recover_since", flat=True).get()
    return recover(practice_id, since=since, now=now) if since else 0


def recover(practice_id: int, *, since: datetime, now: datetime) -> int:
    """Bring back what the processor knows since then; repeating it changes nothing. Raises UnableToReachProcessor."""
    Practice.objects.filter(pk=practice_id, recover_since=None).update(recover_since=since)
    processor = accounts.for_practice(practice_id)
    count, stuck = 0, _close_pages(processor, since - OVERLAP)
    for one in [one for one in processor.recent(since - OVERLAP) if not _is_known(one)]:
        try:
            count += _take_in(practice_id, processor, one, now)
        except Exception:
            log.exception("not_recovered", practice=practice_id, reference=one.reference)
            # Stored after all, or by a pass beside this one: the reconciler settles it like any other.
            stuck += [] if _is_known(one) else [one.reference]
    first = min(since - OVERLAP, now - refund_news.LOOK_BACK)
    stuck += refund_news.read_recent(processor, now=now, since=first)[1]
    stuck += disputes.read_recent(processor, now=now, since=first)[1]
    cache.delete_many([refunds_read(practice_id), disputes_read(practice_id)])
    # Reminders of these days may have been sent: made now, they are looked up first (notifications/outbox.py).
    reminders.queue_due(now=now)
    if stuck:
        _tell_stuck(practice_id, stuck, now)
        return count
    Alarm.close(practice_id, key=_STUCK, now=now, actor=RECOVERY)
    Practice.objects.filter(pk=practice_id, recover_since__lte=since).update(recover_since=None)
    log.info("recovered", practice=practice_id, tries=count)
    return count


def _tell_stuck(practice_id: int, stuck: list[str], now: datetime) -> None:
    """The mark stays: nobody knows what else would be taken or given back twice."""
    Alarm.raise_once(
        practice_id, kind="RECOVERY_UNPLACED", key=_STUCK, about={}, now=now,
        text="KasperPay stumbles over what the processor knows since the backup; nothing is charged or given back "
        f"before it is in the books here: {', '.join(stuck)}",
    )  # fmt: skip


def _close_pages(processor: StripeProcessor, since: datetime) -> list[str]:
    """Card pages of tries that only the lost database knew: nobody would book what is paid on them.

    Returns those that may still be open. What was paid on one is among the intents.
    """
    unknown = [page for page in processor.open_pages(since) if not _knows(page.attempt_uuid)]
    return [page.page for page in unknown if not isinstance(processor.withdraw(page), NotTaken | Succeeded)]


def _take_in(practice_id: int, processor: StripeProcessor, found: Found, now: datetime) -> bool:
    if found.is_presented:
        _take_in_presented(practice_id, processor, found, now)
        return False
    if isinstance(found.outcome, NotTaken):
        # Never confirmed, or canceled: no money. What could still be confirmed by nobody of ours is closed.
        processor.cancel(found.reference)
        return False
    return _bring_back(practice_id, found, now)


def _take_in_presented(practice_id: int, processor: StripeProcessor, found: Found, now: datetime) -> None:
    """Nobody presents a card for it any more. What was paid is for staff to place: no card tells whose it was."""
    question = PresentedQuestion(found.reference, "", False, found.attempt_uuid, found.asked_at)
    outcome = processor.withdraw(question)
    if isinstance(outcome, Succeeded):
        _leave_to_staff(practice_id, replace(found, outcome=outcome), now)
    elif not isinstance(outcome, NotTaken):
        raise UnableToReachProcessor(f"{found.reference} may still be paid")


def _is_known(found: Found) -> bool:
    return _knows(found.attempt_uuid)


def _knows(attempt_uuid: str) -> bool:
    try:
        return Attempt.objects.filter(uuid=UUID(attempt_uuid)).exists()
    except ValueError:
        return True  # Somebody else's mark.


def _bring_back(practice_id: int, found: Found, now: datetime) -> bool:
    attempt = _adopt(practice_id, found)
    if attempt is None:
        if not isinstance(found.outcome, Declined):
            _leave_to_staff(practice_id, found, now)
        return False
    # At its own time: payment, posting and messages get the dates they had.
    outcomes.settle(attempt.pk, found.outcome, now=found.asked_at, actor=RECOVERY)
    return True


def _adopt(practice_id: int, found: Found) -> Attempt | None:
    """The try as the lost database had it, as far as money needs; None when nobody can tell what it was for."""
    card = Card.objects.filter(practice_id=practice_id, payment_method=found.payment_method).first()
    installment = _installment(card, found.part) if card else None
    if card is None or installment is None:
        return None
    with transaction.atomic(durable=True):
        locks.installments(installment.plan_id)
        part = _part(installment, card, found)
        return Attempt.objects.create(
            practice_id=practice_id, uuid=UUID(found.attempt_uuid), due_part=part, number=part.attempts.count() + 1,
            amount_cents=found.amount_cents, card=card, channel=Attempt.Channel.AUTOPAY, actor=RECOVERY,
            reference=found.reference, started_at=found.asked_at, recovered_at=datetime.now(UTC),
            create_params={"customer": found.customer, "payment_method": found.payment_method}, confirm_params={},
            trace=UUID(found.attempt_uuid).hex,
        )  # fmt: skip


def _installment(card: Card, key: str) -> Installment | None:
    """The one of the payer's installments that the key was made of; None unless exactly one."""
    mine = Q(plan__guarantor=card.patient_id) | Q(plan__shares__payer=card.patient_id)
    candidates = Installment.objects.filter(mine).select_related("plan").distinct()
    fitting = [one for one in candidates if part_key.matches(one, key, slug=card.practice.slug)]
    return fitting[0] if len(fitting) == 1 else None


def _part(installment: Installment, card: Card, found: Found) -> DuePart:
    """The open part of that amount if nothing else is collecting it, else one of its own: it is booked in any case."""
    fitting = DuePart.objects.select_for_update().filter(
        installment=installment, payer=card.patient_id, amount_cents=found.amount_cents, state=DuePart.State.OPEN
    )
    for part in fitting:
        if not part.attempts.filter(state__in=["STARTED", "PENDING", "UNKNOWN", "SUCCEEDED"]).exists():
            return part
    return DuePart.objects.create(
        practice_id=installment.practice_id, kind=DuePart.Kind.INSTALLMENT, installment=installment,
        payer_id=card.patient_id, amount_cents=found.amount_cents, state=DuePart.State.CLOSED,
    )  # fmt: skip


def _leave_to_staff(practice_id: int, found: Found, now: datetime) -> None:
    """Money that nobody can place is a person's work. Autopay must not take it again with a card it still knows."""
    slug = Practice.objects.values_list("slug", flat=True).get(pk=practice_id)
    owed = Installment.objects.filter(due_parts__state=DuePart.State.OPEN).select_related("plan").distinct()
    for installment in [one for one in owed if part_key.matches(one, found.part, slug=slug)]:
        with transaction.atomic():
            locks.installments(installment.plan_id)
            parts = DuePart.objects.filter(installment=installment, state=DuePart.State.OPEN)
            parts.update(hold=DuePart.Hold.STAFF, hold_reason="Perhaps charged in the hours lost by a restore")
    was = "was" if isinstance(found.outcome, Succeeded) else "may have been"
    Alarm.raise_once(
        practice_id, kind="RECOVERY_UNPLACED", key=f"recovery:{found.reference}", about={}, now=now,
        text=f"{format_cents(found.amount_cents)} {was} charged on {found.asked_at:%b} {found.asked_at.day} "
        f"({found.reference}) and is in no book here since the restore",
    )  # fmt: skip
