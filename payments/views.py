"""Money on the screen: Pay Now and its live state, one attempt, removing a card, alarms dealt with."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from cards.models import Card
from core import clock
from patients import pages as patient_pages
from payments import asking, attaching, pages, pay_now_pages
from payments.models import Alarm
from payments.plan_views import done
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from processors.port import UnableToReachProcessor

# How often a page asks for news before it leaves asking to the person: a forgotten tab must still be signed out.
MOST_POLLS = 90


@access.staff(Permission.CHARGE)
def pay_now(request: HttpRequest, installment_id: int) -> HttpResponse:
    practice, now = cast("StaffRequest", request).practice, clock.now()
    part = pay_now_pages.open_part_or_404(practice, installment_id, request.GET.get("payer", ""))
    form = pay_now_pages.form_for(part, posted(request))
    page = pay_now_pages.page(part, form, now, cast("StaffRequest", request).user.pk)
    if request.method == "POST" and form.is_valid() and not page["in_flight"]:
        asked = asking.pay_now(part, card_id=form.card.pk, actor=access.actor(request))
        return redirect(pay_now_pages.progress_url(part, asked, now))
    return render(request, "payments/pay_now.html", page, status=422 if request.method == "POST" else 200)


@access.staff(Permission.VIEW)
@require_GET
def charge_progress(request: HttpRequest, part_id: int) -> HttpResponse:
    """How the charge that was asked for stands: in the drawer, on its own page, and the part that renews itself."""
    practice = cast("StaffRequest", request).practice
    page = pay_now_pages.progress_page(practice, part_id, request.GET, most_polls=MOST_POLLS)
    part_only = "poll" in request.GET
    answer = render(request, "payments/progress_part.html" if part_only else "payments/progress.html", page)
    attempt = page.get("attempt")
    if part_only and attempt is not None and attempt.is_at_page and attempt.page and not attempt.is_final:
        # Whoever asked for the card page is led there as soon as it is open.
        answer["HX-Redirect"] = reverse("part_card_page", args=[part_id])
    return answer


@access.staff(Permission.VIEW)
@require_GET
def attempt_state(request: HttpRequest, attempt_id: int) -> HttpResponse:
    """The part that replaces itself until the outcome is known and posted, or MOST_POLLS were asked."""
    attempt = pages.attempt_or_404(cast("StaffRequest", request).practice, attempt_id)
    given = request.GET.get("poll", "1")
    poll = int(given) + 1 if given.isdecimal() and int(given) < MOST_POLLS else 0
    return render(request, "payments/attempt_state.html", {**pages.attempt_parts(attempt), "poll": poll})


@access.staff(Permission.VIEW)
@require_GET
def attempt(request: HttpRequest, attempt_id: int) -> HttpResponse:
    found = pages.attempt_or_404(cast("StaffRequest", request).practice, attempt_id)
    return render(request, "payments/attempt.html", pages.attempt_page(found))


@access.staff(Permission.VIEW)
@require_GET
def installment_history(request: HttpRequest, installment_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    return render(request, "payments/history.html", pay_now_pages.history(practice, installment_id))


@access.staff(Permission.VIEW)
@require_GET
def payments_badge(request: HttpRequest) -> HttpResponse:
    count = pages.attention(cast("StaffRequest", request).practice)
    return render(request, "parts/badge.html", {"count": count, "what": "payments that need a look"})


@access.staff(Permission.VIEW)
@require_GET
def patient_payments(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    page = {
        **patient_pages.head(patient, "patient_payments"),
        **pages.of_patient(patient, request.GET.get("page", "1")),
    }
    return render(request, "payments/patient_payments.html", page)


@access.staff(Permission.CARDS)
def remove_card(request: HttpRequest, card_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    kept = Card.objects.exclude(state=Card.State.REMOVED)
    card = get_object_or_404(kept, pk=card_id, practice=practice)
    if request.method != "POST":
        plans = card.autopays.filter(is_on=True).select_related("plan__patient")
        return render(request, "payments/remove_card.html", {"card": card, "autopays": plans})
    try:
        attaching.remove_card(card, actor=access.actor(request), now=clock.now())
    except UnableToReachProcessor as error:
        messages.warning(request, f"{card} is removed here and never charged again. The card processor: {error}.")
    else:
        messages.success(request, f"{card} is removed.")
    return done(request, reverse("patient_cards", args=[card.patient_id]))


@access.staff(Permission.POSTING)
@require_POST
def close_alarm(request: HttpRequest, alarm_id: int) -> HttpResponse:
    """Somebody has dealt with it. It stays in the log; the same cause raises a new one."""
    staff = cast("StaffRequest", request)
    alarm = get_object_or_404(Alarm, pk=alarm_id, practice=staff.practice)
    alarm.close_by_hand(actor=access.actor(request), now=clock.now())
    messages.success(request, "Marked as dealt with.")
    return redirect("payments")
