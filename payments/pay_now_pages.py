"""Reading one installment for Pay Now and for its history."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse

from payments import attach_pages, pages, progress, telling, upward
from payments.forms import PayNowForm
from payments.models import Attempt, AttemptState, DuePart
from payments.plan_pages import declines
from payplans import shares
from payplans.models import Installment
from practices import timeline
from practices.models import Event, PaymentSettings, Practice


def open_part_or_404(practice: Practice, installment_id: int, payer: str = "") -> DuePart:
    """What is still to be collected of the installment; 404 when nothing is, or it is not this practice's.

    Where two people pay, the part of the one whose id is given, else the guarantor's if it is open.
    """
    parts = DuePart.objects.filter(practice=practice, installment=installment_id, state=DuePart.State.OPEN)
    shown = parts.select_related("installment__plan__patient", "installment__plan__guarantor", "practice")
    # Of one that is divided the part that comes first.
    mine = shown.select_related("installment__plan__autopay__card", "payer").order_by("pk")
    found = [part for part in mine if not payer or str(part.payer_id) == payer]
    found.sort(key=lambda part: part.payer_id != _installment(part).plan.guarantor_id)
    if not found:
        raise Http404("nothing is to be collected")
    return found[0]


def form_for(part: DuePart, data: QueryDict | None) -> PayNowForm:
    """The cards of the payer, the one that autopay uses chosen first."""
    cards = attach_pages.cards_for(part.payer_id)
    current = attach_pages.running(_installment(part).plan, part.payer)
    return PayNowForm(data, cards=cards, initial={"card": current.card if current else cards.first()})


def page(part: DuePart, form: PayNowForm, now: datetime, user_id: int) -> dict[str, Any]:
    """`user_id`: whose default terminal stands first."""
    installment = _installment(part)
    settings = PaymentSettings.objects.filter(practice=part.practice_id).first() or PaymentSettings()
    cards = list(attach_pages.cards_for(part.payer_id))
    used = declines(part.practice, {card.fingerprint for card in cards}, now)
    return {
        "part": part,
        "installment": installment,
        "plan": installment.plan,
        "form": form,
        "cards": cards,
        "last": part.attempts.order_by("-pk").select_related("card").first(),
        "in_flight": Attempt.objects.filter(due_part__installment=installment, state__in=AttemptState.open()).first(),
        "is_shared": shares.of_plan(installment.plan).of(installment) is not None,
        "most_used": max(used.values(), default=0),
        "max_tries": settings.max_tries,
        "readers": upward.handlers.readers(part.practice_id, user_id),
        "newest": part.attempts.order_by("-pk").values_list("pk", flat=True).first() or 0,
    }


def progress_url(part: DuePart, asked: str, now: datetime) -> str:
    """Where the charge asked for as `asked` at `now` is watched."""
    return f"{reverse('charge_progress', args=[part.pk])}?{urlencode({'asked': asked, 'at': now.isoformat()})}"


def progress_page(practice: Practice, part_id: int, query: QueryDict, *, most_polls: int) -> dict[str, Any]:
    """How the charge stands; `poll` 0 means that the page stops asking by itself."""
    parts = DuePart.objects.filter(practice=practice).select_related("installment__plan__patient", "payer")
    part = get_object_or_404(parts, pk=part_id)
    told = progress.of(part.pk, query.get("asked", ""), asked_at=_moment(query.get("at", "")))
    polls = query.get("poll", "0")
    poll = int(polls) + 1 if polls.isdecimal() and int(polls) < most_polls else 0
    attempt = pages.attempt_or_404(practice, told.attempt_id) if told.attempt_id else None
    again = urlencode({"asked": query.get("asked", ""), "at": query.get("at", ""), "poll": poll})
    return {
        "part": part,
        "installment": _installment(part),
        "plan": _installment(part).plan,
        "told": told,
        "poll": poll,
        "again": f"{reverse('charge_progress', args=[part.pk])}?{again}",
        **(pages.attempt_parts(attempt) if attempt else {}),
    }


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Http404("not a moment") from error
    if found.tzinfo is None:
        raise Http404("not a moment")
    return found


def history(practice: Practice, installment_id: int) -> dict[str, Any]:
    """Every try and event of one installment, newest first."""
    rows = Installment.objects.filter(practice=practice).select_related("plan__patient")
    installment = get_object_or_404(rows, pk=installment_id)
    attempts = Attempt.objects.filter(due_part__installment=installment).select_related("card").order_by("-pk")
    about = Q(about__contains={"installment": installment.pk})
    events = Event.objects.filter(about, practice=practice).order_by("-at", "-pk")
    return {
        "installment": installment,
        "plan": installment.plan,
        "attempts": [(one, telling.sentence(one)) for one in attempts],
        "lines": timeline.lines(events),
    }


def _installment(part: DuePart) -> Installment:
    if part.installment is None:
        raise ValueError(f"due part {part.pk} is not of an installment")
    return part.installment
