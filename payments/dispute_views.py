"""Payments → Disputes: the list, one dispute, its evidence as files, releasing the card, noting a submission."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from core import clock
from core.calendar import local_date
from payments import dispute_pages, dispute_work, evidence, evidence_files
from payments.dispute_forms import ReleaseForm, SubmittedForm
from payments.dispute_outcomes import about
from payments.dispute_work import UnableToNote, UnableToRelease
from payments.evidence import Part
from payments.models import Dispute
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from practices.models import Event


@access.staff(Permission.DISPUTES)
@require_GET
def disputes(request: HttpRequest) -> HttpResponse:
    page = dispute_pages.page(cast("StaffRequest", request).practice, request.GET, now=clock.now())
    return render(request, "payments/disputes.html", page)


@access.staff(Permission.DISPUTES)
@require_GET
def dispute(request: HttpRequest, dispute_id: int) -> HttpResponse:
    found = _found(request, dispute_id)
    return render(request, "payments/dispute.html", dispute_pages.one(found, now=clock.now()))


@access.staff(Permission.DISPUTES)
@require_GET
def evidence_pdf(request: HttpRequest, dispute_id: int) -> HttpResponse:
    found = _found(request, dispute_id)
    parts = evidence.chosen(found, request.GET.getlist("part"))
    if not parts:
        return _nothing_chosen(request, found)
    _record(request, found, "PDF", parts)
    return _file(evidence_files.pdf(found, parts, now=clock.now()), found, "pdf", "application/pdf")


@access.staff(Permission.DISPUTES)
@require_GET
def evidence_json(request: HttpRequest, dispute_id: int) -> HttpResponse:
    found = _found(request, dispute_id)
    parts = evidence.chosen(found, request.GET.getlist("part"))
    if not parts:
        return _nothing_chosen(request, found)
    _record(request, found, "JSON", parts)
    text = json.dumps(evidence_files.as_json(found, parts, now=clock.now()), indent=2, ensure_ascii=False)
    return _file(text.encode(), found, "json", "application/json")


@access.staff(Permission.FREEZE)
def release_dispute(request: HttpRequest, dispute_id: int) -> HttpResponse:
    found, form = _found(request, dispute_id), ReleaseForm(posted(request))
    refusal = ""
    if request.method == "POST" and form.is_valid():
        reason = str(form.cleaned_data["reason"])
        try:
            dispute_work.release(found.pk, reason=reason, actor=access.actor(request), now=clock.now())
        except UnableToRelease as error:
            refusal = str(error)
        else:
            return redirect("dispute", found.pk)
    page = {**dispute_pages.one(found, now=clock.now()), "form": form, "refusal": refusal}
    return render(request, "payments/dispute_release.html", page, status=422 if request.method == "POST" else 200)


@access.staff(Permission.DISPUTES)
def submitted_dispute(request: HttpRequest, dispute_id: int) -> HttpResponse:
    found, now = _found(request, dispute_id), clock.now()
    day = found.submitted_on or local_date(now, found.practice.zone)
    form = SubmittedForm(posted(request), initial={"day": day, "note": found.submitted_note})
    if request.method == "POST" and form.is_valid():
        try:
            dispute_work.note_submission(found.pk, **form.cleaned_data, actor=access.actor(request), now=now)
        except UnableToNote as error:
            form.refuse(str(error))
        else:
            return redirect("dispute", found.pk)
    page = {"dispute": found, "payment": found.payment, "form": form}
    return render(request, "payments/dispute_submitted.html", page, status=422 if request.method == "POST" else 200)


def _found(request: HttpRequest, dispute_id: int) -> Dispute:
    return dispute_pages.dispute_or_404(cast("StaffRequest", request).practice, dispute_id)


def _nothing_chosen(request: HttpRequest, found: Dispute) -> HttpResponse:
    page = {**dispute_pages.one(found, now=clock.now()), "nothing_chosen": True}
    return render(request, "payments/dispute.html", page, status=422)


def _record(request: HttpRequest, found: Dispute, what: str, parts: Sequence[Part]) -> None:
    """Who took evidence out of the product and which, before the first byte is sent."""
    names = ", ".join(part.kind.title for part in parts)
    Event.record(
        found.practice_id, kind="dispute_evidence", actor=access.actor(request), now=clock.now(), about=about(found),
        text=f"Evidence downloaded as {what}: {names}",
        after={
            "parts": [part.kind.key for part in parts],
            "health_information": any(part.kind.is_phi for part in parts),
        },
    )  # fmt: skip


def _file(content: bytes, found: Dispute, ending: str, kind: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="dispute-{found.pk}-evidence.{ending}"'
    answer["Cache-Control"] = "no-store"
    return answer
