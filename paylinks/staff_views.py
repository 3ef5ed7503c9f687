"""What staff do with patients' links: send a receipt, end its link."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core import clock
from notifications import ways
from notifications.models import Message
from paylinks import receipt_links
from paylinks.models import ReceiptLink
from paylinks.receipt_forms import SendForm
from paylinks.receipt_links import UnableToSend
from payments.models import Payment
from payments.pages import payment_or_404
from payments.plan_views import done
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from practices.templatetags.show import phone


@access.staff(Permission.MESSAGE)
def send_receipt(request: HttpRequest, payment_id: int) -> HttpResponse:
    payment, now = payment_or_404(cast("StaffRequest", request).practice, payment_id), clock.now()
    offers = ways.offers(payment.payer)
    first = next((way.channel for way in offers if not way.problem), "")
    form = SendForm(posted(request), offers=offers, initial={"channel": first, "click": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            sent = receipt_links.send(payment, **form.cleaned_data, actor=access.actor(request), now=now)
        except UnableToSend as refused:
            form.add_error(None, f"{refused}.")
        else:
            _say(request, sent, now)
            return done(request, reverse("receipt", args=[payment.pk]))
    page = {"form": form, **_page(payment, offers, now)}
    return render(request, "paylinks/send_receipt.html", page, status=422 if form.errors else 200)


def _page(payment: Payment, offers: list[ways.Way], now: datetime) -> dict[str, Any]:
    links = ReceiptLink.objects.filter(payment=payment).order_by("-pk")
    return {
        "payment": payment,
        "offers": offers,
        "can_be_reached": any(not way.problem for way in offers),
        "allowed_from": ways.allowed_from(payment.payer, now),
        "now": now,
        "links": [(link, link.is_usable(now)) for link in links],
    }


def _say(request: HttpRequest, sent: Message, now: datetime) -> None:
    if sent.state == Message.State.BLOCKED:
        messages.warning(request, f"Not sent: {sent.state_reason}.")
        return
    way = "text" if sent.channel == "SMS" else "e-mail"
    when = "goes out after the quiet hours" if sent.not_before > now else "is on its way"
    messages.success(request, f"The receipt {when} by {way} to {phone(sent.to)}.")


@access.staff(Permission.MESSAGE)
@require_POST
def revoke_receipt_link(request: HttpRequest, receipt_link_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    link = get_object_or_404(ReceiptLink, pk=receipt_link_id, practice=practice)
    receipt_links.revoke(link, actor=access.actor(request), now=clock.now())
    messages.success(request, "The link can't be opened any more.")
    return redirect("receipt", link.payment_id)
