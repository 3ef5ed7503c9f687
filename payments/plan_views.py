"""Payment plans on the screen: a patient's, the practice's, one plan; attaching a card and stopping autopay."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from core import clock
from core.money import format_cents
from patients import pages as patient_pages
from payments import attach_pages, attaching, plan_list, plan_pages
from payments.attaching import UnableToAttach
from payments.forms import StopForm
from payplans.models import PayPlan
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted

# A forgotten tab must still be signed out, so no page asks for ever.
MOST_POLLS = 60
WATCH_POLLS = 6


def done(request: HttpRequest, url: str) -> HttpResponse:
    """Go there: by htmx when a drawer asked, else by a plain redirect."""
    if not request.headers.get("HX-Request"):
        return redirect(url)
    shown = urlsplit(request.headers.get("HX-Current-URL", "")).path
    # To the page that is shown already a browser would only scroll; it must be read anew.
    return HttpResponseClientRefresh() if shown == urlsplit(url).path else HttpResponseClientRedirect(url)


def plan_url(plan: PayPlan, *, watch: bool = False) -> str:
    """The plan on its patient's page; `watch` makes it look for news by itself for a while."""
    return f"{reverse('patient_plans', args=[plan.patient_id])}{'?watch=1' if watch else ''}#plan-{plan.pk}"


@access.staff(Permission.VIEW)
@require_GET
def patient_plans(request: HttpRequest, patient_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    patient = patient_pages.patient_or_404(practice, patient_id)
    cards = plan_pages.cards_of(practice, plan_pages.plans_of(patient), clock.now())
    polling = {"poll": 1, "watch": "watch" in request.GET}
    page = {**patient_pages.head(patient, "patient_plans"), **polling, "plans": cards}
    return render(request, "payments/patient_plans.html", page)


@access.staff(Permission.VIEW)
@require_GET
def patient_plans_summary(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    return render(request, "payments/plans_summary.html", plan_pages.summary(patient))


@access.staff(Permission.VIEW)
@require_GET
def plans(request: HttpRequest) -> HttpResponse:
    page = plan_list.listed(
        cast("StaffRequest", request).practice,
        chosen=request.GET.get("filter", ""),
        text=request.GET.get("q", ""),
        sort=request.GET.get("sort", ""),
        page=request.GET.get("page", "1"),
        now=clock.now(),
    )
    return render(request, "payments/plans.html", page)


@access.staff(Permission.VIEW)
@require_GET
def plans_badge(request: HttpRequest) -> HttpResponse:
    count = plan_list.attention(cast("StaffRequest", request).practice)
    return render(request, "parts/badge.html", {"count": count, "what": "plans with a failed payment"})


@access.staff(Permission.VIEW)
@require_GET
def plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    found = plan_pages.plan_or_404(practice, plan_id)
    card = plan_pages.cards_of(practice, [found], clock.now())[0]
    return render(request, "payments/plan.html", {"card": card, "patient": found.patient})


@access.staff(Permission.VIEW)
@require_GET
def plan_card(request: HttpRequest, plan_id: int) -> HttpResponse:
    """One plan that replaces itself while its money is in flight, or a few times after a charge was asked for."""
    practice = cast("StaffRequest", request).practice
    found = plan_pages.plan_or_404(practice, plan_id)
    card = plan_pages.cards_of(practice, [found], clock.now())[0]
    given = request.GET.get("poll", "")
    poll = int(given) + 1 if given.isdecimal() and int(given) < MOST_POLLS else 0
    page = {"card": card, "patient": found.patient, "poll": poll, "watch": 0 < poll < WATCH_POLLS}
    return render(request, "payments/plan_card.html", page)


@access.staff(Permission.AUTOPAY)
def attach(request: HttpRequest, plan_id: int) -> HttpResponse:
    plan, now = plan_pages.plan_or_404(cast("StaffRequest", request).practice, plan_id), clock.now()
    payer = attach_pages.payer_or_404(plan, request.GET.get("payer", ""))
    is_sent = request.method == "POST"
    form = attach_pages.sent_form(plan, payer, request.POST) if is_sent else attach_pages.blank_form(plan, payer)
    if request.method == "POST" and form.is_valid():
        try:
            charging = attach_pages.attach(
                plan, payer, form, actor=access.actor(request), ip=request.META["REMOTE_ADDR"], now=now
            )
        except UnableToAttach as refused:
            form.add_error(None, f"{refused}.")
        else:
            messages.success(request, f"Autopay is on with {form.card}. The patient gets a copy of the consent.")
            if charging:
                messages.success(request, f"Charging {format_cents(charging)} overdue now.")
            return done(request, plan_url(plan, watch=charging > 0))
    page = attach_pages.page(plan, payer, form, now)
    return render(request, "payments/attach.html", page, status=422 if form.errors else 200)


@access.staff(Permission.AUTOPAY)
@require_GET
def consent_text(request: HttpRequest, plan_id: int) -> HttpResponse:
    """The text for the choices now in the form, asked for whenever one of them changes."""
    plan = plan_pages.plan_or_404(cast("StaffRequest", request).practice, plan_id)
    payer = attach_pages.payer_or_404(plan, request.GET.get("payer", ""))
    page = attach_pages.page(plan, payer, attach_pages.sent_form(plan, payer, request.GET), clock.now())
    return render(request, "payments/consent_text.html", page)


@access.staff(Permission.AUTOPAY)
def stop_autopay(request: HttpRequest, plan_id: int) -> HttpResponse:
    plan = plan_pages.plan_or_404(cast("StaffRequest", request).practice, plan_id)
    payer, form = attach_pages.payer_or_404(plan, request.GET.get("payer", "")), StopForm(posted(request))
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        stopped = attaching.detach(plan, actor=access.actor(request), reason=reason, now=clock.now(), payer_id=payer.pk)
        messages.success(request, "Autopay is off. Nothing more is charged." if stopped else "Autopay was already off.")
        return done(request, plan_url(plan))
    page = {"form": form, "plan": plan, "payer": payer, "autopay": attach_pages.running(plan, payer)}
    return render(request, "payments/stop_autopay.html", page, status=422 if form.errors else 200)
