"""News of disputes: webhooks and a list only say that there is some, the dispute itself is fetched anew each time."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.core.cache import cache

from payments.dispute_outcomes import take_in
from payments.models import Attempt, Dispute, Payment, WebhookEvent
from payments.reconciling import disputes_read
from processors import accounts
from processors.port import DisputeFacts, UnableToReachProcessor
from processors.stripe import StripeProcessor

logger = logging.getLogger(__name__)
# Webhooks tell; the list finds what they lost. An open one is asked for by its id however old it is.
LOOK_BACK = timedelta(days=35)
_READ_EVERY_SECONDS = 4 * 3600


def heard(processor: StripeProcessor, reference: str, now: datetime) -> tuple[str, str]:
    """A webhook named this dispute. Returns (state of the event, note). Raises UnableToReachProcessor."""
    asked = datetime.now(UTC)
    facts = processor.dispute_facts(reference)
    payment_id = _payment_of(facts)
    if payment_id is None:
        return WebhookEvent.State.IGNORED, "Not a dispute of one of our payments"
    take_in(payment_id, facts, asked=asked, now=now, actor="webhook")
    return WebhookEvent.State.DONE, ""


def reconcile_disputes(practice_id: int, *, now: datetime, real_now: datetime | None = None) -> int:
    """A few times a day all recent and all open ones. Returns how many changed."""
    at = real_now or datetime.now(UTC)
    if not cache.add(disputes_read(practice_id), 1, _READ_EVERY_SECONDS):
        return 0
    try:
        processor = accounts.for_practice(practice_id)
        return read_recent(processor, now=now, since=min(now, at) - LOOK_BACK)[0]
    except UnableToReachProcessor:
        logger.warning("Disputes of practice %s could not be listed", practice_id)
        cache.delete(disputes_read(practice_id))
        return 0


def read_recent(processor: StripeProcessor, *, now: datetime, since: datetime) -> tuple[int, list[str]]:
    """Every dispute made since then and every one that is not settled. One bad row stops no other.

    Returns how many changed, and the processor's ids of those that could not be taken in. Raises
    UnableToReachProcessor when there is no list. An older one that the processor doesn't know (its account was
    changed, say) is left as it stands.
    """
    changed, stuck, asked = 0, list[str](), datetime.now(UTC)
    listed = list(processor.recent_disputes(since))
    waiting = Dispute.objects.filter(Dispute.unsettled()).exclude(reference__in=[facts.reference for facts in listed])
    references = list(waiting.order_by("pk").values_list("reference", flat=True))
    older = [facts for reference in references if (facts := _facts_of(processor, reference))]
    for facts in [*listed, *older]:
        try:
            payment_id = _payment_of(facts)
            changed += payment_id is not None and take_in(payment_id, facts, asked=asked, now=now, actor="reconciler")
        except Exception:
            logger.exception("Unable to take in dispute %s", facts.reference)
            stuck.append(facts.reference)
    return changed, stuck


def _facts_of(processor: StripeProcessor, reference: str) -> DisputeFacts | None:
    try:
        return processor.dispute_facts(reference)
    except UnableToReachProcessor as error:
        logger.warning("Dispute %s could not be asked for: %s", reference, error)
        return None


def _payment_of(facts: DisputeFacts) -> int | None:
    """Its payment, by the intent or by the charge."""
    found = Payment.objects.filter(processor_reference=facts.intent).first() if facts.intent else None
    if found is None and facts.charge:
        tried = Attempt.objects.filter(charge_reference=facts.charge, payment__isnull=False)
        found = Payment.objects.filter(attempt__in=tried).first()
    return found.pk if found else None
