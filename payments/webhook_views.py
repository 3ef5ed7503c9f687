"""Where processors deliver webhooks."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core import clock
from payments import inbox
from payments.tasks import inbox_one
from practices import rounds, tenancy
from practices.models import Practice
from processors.models import ProcessorAccount
from processors.stripe import ProcessorEvent, UnableToTrustEvent, read_event

# Events come in bursts of one account; so long each web process remembers whose they are. A signature that doesn't
# fit is held against the account as it is now.
_REMEMBERED_SECONDS, _MOST_REMEMBERED = 5.0, 200
_remembered: dict[str, tuple[float, ProcessorAccount]] = {}


@csrf_exempt  # Proven by its signature instead.
@require_POST
def stripe_webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """Check, store, answer. A task works it through; the answer never waits for that."""
    try:
        account, event = _proven(request, slug)
    except ProcessorAccount.DoesNotExist:
        return HttpResponse("no processor is connected", status=404)
    except UnableToTrustEvent:
        return HttpResponse("signature refused", status=400)
    with tenancy.scope(account.practice_id):
        inbox.store(account, event, now=clock.now())
    rounds.hand_out(inbox_one, [account.practice_id], priority=rounds.NEEDED)
    return HttpResponse("ok")


def _proven(request: HttpRequest, slug: str) -> tuple[ProcessorAccount, ProcessorEvent]:
    """Raises Http404 without such a practice, ProcessorAccount.DoesNotExist, UnableToTrustEvent."""
    signature = request.headers.get("Stripe-Signature", "")
    since, account = _remembered.get(slug, (0.0, None))
    if account is not None and time.monotonic() - since < _REMEMBERED_SECONDS:
        try:
            return account, read_event(request.body, signature, account.webhook_secret)
        except UnableToTrustEvent:
            pass
    account = _read(slug)
    return account, read_event(request.body, signature, account.webhook_secret)


def _read(slug: str) -> ProcessorAccount:
    _remembered.pop(slug, None)
    practice = get_object_or_404(Practice, slug=slug, is_active=True)
    with tenancy.scope(practice.pk):
        account = ProcessorAccount.objects.get(practice=practice)
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    _remembered[slug] = time.monotonic(), account
    return account
