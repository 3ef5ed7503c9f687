"""A patient's cards: list, saving one on the hosted page, the primary one."""

from __future__ import annotations

import uuid
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from cards import pages, saving, texting
from cards.models import Card, CardSetup, Consent
from core import clock
from core.calendar import local_date
from patients import pages as patient_pages
from practices import access
from practices.access import Permission, StaffRequest
from processors.port import UnableToReachProcessor


@access.staff(Permission.VIEW)
@require_GET
def patient_cards(request: HttpRequest, patient_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    patient = patient_pages.patient_or_404(practice, patient_id)
    cards = pages.saved(patient, local_date(clock.now(), practice.zone))
    page = {"cards": cards, "agreed": pages.agreed(patient), "texts": texting.given(patient)}
    return render(request, "cards/cards.html", {**patient_pages.head(patient, "patient_cards"), **page})


@access.staff(Permission.VIEW)
@require_GET
def patient_cards_summary(request: HttpRequest, patient_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    patient = patient_pages.patient_or_404(practice, patient_id)
    return render(request, "cards/summary.html", pages.summary(patient, local_date(clock.now(), practice.zone)))


@access.staff(Permission.CARDS)
@require_POST
def save_card(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Open the processor's page; the browser comes back to `card_saved`, then to where it started."""
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    back = _own_path(request, request.POST.get("back", "")) or reverse("patient_cards", args=[patient.pk])
    return_path = f"{reverse('card_saved', args=[patient.pk])}?back={back}"
    try:
        url = saving.start(
            patient=patient, return_path=return_path, actor=access.actor(request), now=clock.now(),
            consent_text=saving.card_words(patient),
        )  # fmt: skip
    except UnableToReachProcessor as error:
        messages.error(request, f"The card page can't be opened now: {error}. Nothing was saved or charged.")
        return redirect(back)
    return redirect(url)


@access.staff(Permission.CARDS)
@require_GET
def card_saved(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Back from the hosted page: take the card over (the webhook may have been first) and say so."""
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    setup = get_object_or_404(CardSetup, uuid=_uuid(request.GET.get("setup", "")), patient=patient)
    back = _own_path(request, request.GET.get("back", "")) or reverse("patient_cards", args=[patient.pk])
    try:
        card = saving.finish(setup.uuid, now=clock.now())
    except UnableToReachProcessor as error:
        messages.warning(request, f"The card processor can't be asked now: {error}. A saved card appears by itself.")
        return redirect(back)
    if card is not None:
        messages.success(request, f"{card} is saved.")
    elif "canceled" not in request.GET:
        messages.warning(request, "The card processor has not finished yet. A saved card appears by itself.")
    return redirect(back)


@access.staff(Permission.CARDS)
@require_POST
def make_primary(request: HttpRequest, card_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    card = get_object_or_404(Card, pk=card_id, practice=practice, state=Card.State.ACTIVE)
    saving.make_primary(card, actor=access.actor(request), now=clock.now())
    messages.success(request, f"{card} is the primary card.")
    return redirect("patient_cards", card.patient_id)


@access.staff(Permission.VIEW)
@require_GET
def consent(request: HttpRequest, consent_id: int) -> HttpResponse:
    """What somebody agreed to, word for word."""
    rows = Consent.objects.filter(practice=cast("StaffRequest", request).practice).select_related(
        "patient", "plan", "card"
    )
    found = get_object_or_404(rows, pk=consent_id)
    return render(request, "cards/consent.html", pages.consent(found))


def _own_path(request: HttpRequest, path: str) -> str:
    """The path if it leads nowhere but here, else ''."""
    safe = url_has_allowed_host_and_scheme(path, allowed_hosts=None) and path.startswith("/")
    return path if safe else ""


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404("not a visit to the card page") from error
