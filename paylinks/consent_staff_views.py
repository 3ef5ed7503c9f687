"""Staff ask a person to agree to autopay of a plan, or to a change of it, by a link."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import clock
from notifications import ways
from notifications.models import Message
from patients.models import Patient
from paylinks import consent_links
from paylinks.consent_links import UnableToAsk
from paylinks.receipt_forms import SendForm
from payments import attach_pages, drift, plan_pages
from payments.plan_views import done, plan_url
from payplans import shares
from payplans.models import PayPlan
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from practices.templatetags.show import phone


@access.staff(Permission.AUTOPAY)
def ask_consent(request: HttpRequest, plan_id: int) -> HttpResponse:
    plan, now = plan_pages.plan_or_404(cast("StaffRequest", request).practice, plan_id), clock.now()
    payer = attach_pages.payer_or_404(plan, request.GET.get("payer", ""))
    offers = ways.offers(payer)
    first = next((way.channel for way in offers if not way.problem), "")
    form = SendForm(posted(request), offers=offers, initial={"channel": first, "click": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            sent = consent_links.ask(plan, payer, **form.cleaned_data, actor=access.actor(request), now=now)
        except UnableToAsk as refused:
            form.add_error(None, f"{refused}.")
        else:
            _say(request, sent, now)
            return done(request, plan_url(plan))
    page = {"form": form, "offers": offers, **_page(plan, payer)}
    page["can_be_reached"] = any(not way.problem for way in offers)
    return render(request, "paylinks/ask_consent.html", page, status=422 if form.errors else 200)


def _page(plan: PayPlan, payer: Patient) -> dict[str, Any]:
    running, rows = attach_pages.running(plan, payer), plan.installments.all()
    known = shares.of_plan(plan)
    return {
        "plan": plan,
        "payer": payer,
        "whose": "" if payer.pk == plan.guarantor_id else f"?payer={payer.pk}",
        "refusal": consent_links.refusal(plan, payer).rstrip("."),
        "card": consent_links.card_for(plan, payer),
        "drift": drift.of_payer(plan, running.consent, rows, known, payer.pk) if running else None,
        "link": consent_links.newest(plan, payer),
    }


def _say(request: HttpRequest, sent: Message, now: datetime) -> None:
    if sent.state == Message.State.BLOCKED:
        messages.warning(request, f"Not sent: {sent.state_reason}.")
        return
    way = "text" if sent.channel == "SMS" else "e-mail"
    when = "goes out after the quiet hours" if sent.not_before > now else "is on its way"
    messages.success(request, f"The link {when} by {way} to {phone(sent.to)}.")
