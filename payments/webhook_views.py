"""Where processors deliver webhooks."""

from __future__ import annotations

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
from processors.stripe import UnableToTrustEvent, read_event


@csrf_exempt  # Proven by its signature instead.
@require_POST
def stripe_webhook(request: HttpRequest, slug: str) -> HttpResponse:
    """Check, store, answer. A task works it through; the answer never waits for that."""
    practice = get_object_or_404(Practice, slug=slug, is_active=True)
    with tenancy.scope(practice.pk):
        account = ProcessorAccount.objects.filter(practice=practice).first()
        if account is None:
            return HttpResponse("no processor is connected", status=404)
        try:
            event = read_event(request.body, request.headers.get("Stripe-Signature", ""), account.webhook_secret)
        except UnableToTrustEvent:
            return HttpResponse("signature refused", status=400)
        inbox.store(account, event, now=clock.now())
    rounds.hand_out(inbox_one, [practice.pk], priority=rounds.NEEDED)
    return HttpResponse("ok")
