"""Reminders of requests that nobody paid: twice at most, each once, and only while Open Dental shows money as owed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Q

from paylinks import request_amounts, request_tries, requests
from paylinks.models import PaymentRequest
from payments.upward import UnableToReadAccount
from practices.models import PaymentSettings

# Each asks the office about an account: the others come with the next pass.
MOST_AT_ONCE = 20
log = logging.getLogger(__name__)


def remind_due(practice_id: int, *, now: datetime) -> int:
    """Queue the reminders whose day has come; how many. Needs the practice's scope."""
    settings = PaymentSettings.objects.filter(practice=practice_id).first() or PaymentSettings()
    days = [settings.first_reminder_days, settings.second_reminder_days]
    due = Q()
    for number, after in enumerate(days):
        if after:
            due |= Q(reminders=number, sent_at__lte=now - timedelta(days=after))
    if not due:
        return 0
    open_ones = PaymentRequest.objects.filter(due, practice=practice_id, state="OPEN", expires_at__gt=now)
    rows = open_ones.select_related("practice", "patient", "payer").order_by("sent_at", "pk")[:MOST_AT_ONCE]
    return sum(_remind(request, now) for request in rows)


def _remind(request: PaymentRequest, now: datetime) -> bool:
    """Nobody is reminded of what was paid in the office, or while they are paying."""
    if request_tries.open_attempts(request):
        return False
    try:
        asked = request_amounts.total(request_amounts.lines_now(request, request_amounts.read(request, now)))
    except UnableToReadAccount as error:
        log.info("No reminder of request %s yet: %s", request.pk, error)
        return False
    if not asked:
        requests.settle_elsewhere(request, actor="open dental", now=now)
        return False
    requests.set_amount(request, request_amounts.paid_cents(request) + asked, actor="open dental", now=now)
    requests.remind(request.pk, reminders=request.reminders, now=now)
    return True
