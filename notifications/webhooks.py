"""The carrier's door: signed posts only. The signature covers the public address, so it is checked against BASE_URL."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator, get_signature_algorithm  # type: ignore[import-untyped]

from core import clock
from notifications import inbound
from notifications.models import MessagingAccount
from practices import tenancy
from practices.models import Practice

Door = Callable[[HttpRequest, Practice], HttpResponse]


def signed(door: Door) -> Callable[[HttpRequest, str], HttpResponse]:
    """Let a post in only with the signature of the practice's own account (Twilio, request validation)."""

    @csrf_exempt
    @require_POST
    @wraps(door)
    def guarded(request: HttpRequest, slug: str) -> HttpResponse:
        practice = get_object_or_404(Practice, slug=slug)
        with tenancy.scope(practice.pk):
            if not _is_genuine(request, practice):
                return HttpResponseForbidden("signature does not fit", content_type="text/plain")
            return door(request, practice)

    return guarded


def _is_genuine(request: HttpRequest, practice: Practice) -> bool:
    account = MessagingAccount.objects.filter(practice=practice).first()
    if account is None:
        return False
    signature = request.headers.get("X-Twilio-Signature", "")
    algorithm = get_signature_algorithm(request.headers.get("X-Twilio-Webhooks-Signature-Settings"))
    address = settings.BASE_URL + request.get_full_path()
    return bool(RequestValidator(account.token).validate(address, request.POST, signature, algorithm))


@signed
def status(request: HttpRequest, practice: Practice) -> HttpResponse:
    """Delivery of one of our texts."""
    inbound.take_status(practice, request.POST.dict(), request.GET.get("message", ""), clock.now())
    return HttpResponse(status=204)


@signed
def text(request: HttpRequest, practice: Practice) -> HttpResponse:
    """A patient's text; the answer, if any, is TwiML."""
    answer = inbound.take_text(practice, request.POST.dict(), clock.now())
    inner = format_html("<Message>{}</Message>", answer) if answer else ""
    return HttpResponse(f"<Response>{inner}</Response>", content_type="text/xml")
