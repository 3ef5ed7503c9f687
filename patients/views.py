"""Communication: finding a patient, their overview, their activity."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from patients import pages
from practices import access
from practices.access import Permission, StaffRequest


@access.staff(Permission.VIEW)
@require_GET
def communication(request: HttpRequest) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    page = pages.directory(practice, request.GET.get("q", ""), request.GET.get("page", "1"))
    return render(request, "patients/communication.html", page)


@access.staff(Permission.VIEW)
@require_GET
def search_results(request: HttpRequest) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    return render(request, "patients/results.html", pages.results(practice, request.GET.get("q", "")))


@access.staff(Permission.VIEW)
@require_GET
def overview(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient = pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    return render(request, "patients/overview.html", pages.overview(patient))


@access.staff(Permission.VIEW)
@require_GET
def activity(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient = pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    return render(request, "patients/activity.html", pages.activity(patient, request.GET.get("page", "1")))
