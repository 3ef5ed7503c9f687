"""What staff do with My plan: send its link to the payer."""

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
from paylinks import plan_links
from paylinks.receipt_forms import SendForm
from payments.plan_pages import plan_or_404
from payments.plan_views import done, plan_url
from payplans.models import PayPlan
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from practices.templatetags.show import phone


@access.staff(Permission.MESSAGE)
def send_my_plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    plan, now = plan_or_404(cast("StaffRequest", request).practice, plan_id), clock.now()
    offers = ways.offers(plan.guarantor)
    first = next((way.channel for way in offers if not way.problem), "")
    form = SendForm(posted(request), offers=offers, initial={"channel": first, "click": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        sent = plan_links.send(plan, **form.cleaned_data, actor=access.actor(request), now=now)
        _say(request, sent)
        return done(request, plan_url(plan))
    return render(
        request, "paylinks/send_plan.html", _page(plan, form, offers, now), status=422 if form.errors else 200
    )


def _page(plan: PayPlan, form: SendForm, offers: list[ways.Way], now: datetime) -> dict[str, Any]:
    return {
        "plan": plan,
        "form": form,
        "offers": offers,
        "can_be_reached": any(not way.problem for way in offers),
        "allowed_from": ways.allowed_from(plan.guarantor, now),
        "now": now,
    }


def _say(request: HttpRequest, sent: Message) -> None:
    if sent.state == Message.State.BLOCKED:
        messages.warning(request, f"Not sent: {sent.state_reason}.")
    else:
        messages.success(request, f"The link to the plan goes to {phone(sent.to)}.")
