"""What the Communication pages show: the patient's head with its tabs, family, activity."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.shortcuts import get_object_or_404
from django.urls import reverse

from patients import search
from patients.models import Patient
from practices import listing, timeline
from practices.models import Event, Practice

# Views of higher apps are named, not imported: a tab is a link.
TABS = (
    ("Overview", "patient"),
    ("Payments", "patient_payments"),
    ("Payment Plans", "patient_plans"),
    ("Cards", "patient_cards"),
    ("Messages", "patient_messages"),
    ("Activity", "patient_activity"),
)
PAGE_SIZE = 50
RESULTS = 8


def patient_or_404(practice: Practice, patient_id: int) -> Patient:
    return get_object_or_404(Patient, pk=patient_id, practice=practice)


def head(patient: Patient, tab: str) -> dict[str, Any]:
    """Context every patient page needs; `tab` is the name of its view."""
    tabs = [{"label": label, "url": reverse(view, args=[patient.pk]), "here": view == tab} for label, view in TABS]
    return {"patient": patient, "tabs": tabs}


def family(patient: Patient) -> list[Patient]:
    """Everybody with the same guarantor, the guarantor first; the patient too."""
    guarantor = patient.guarantor_num or patient.pat_num
    members = Patient.objects.filter(practice=patient.practice_id, guarantor_num=guarantor, gone_at=None)
    return sorted(members, key=lambda one: (one.pat_num != guarantor, one.first_name, one.pk))


def overview(patient: Patient) -> dict[str, Any]:
    members = family(patient)
    guarantor = next((one for one in members if one.pat_num == patient.guarantor_num), None)
    return {**head(patient, "patient"), "family": members, "guarantor": guarantor}


def activity(patient: Patient, page: str) -> dict[str, Any]:
    events = Event.objects.filter(practice=patient.practice_id).about(patient=patient.pk)
    found: Page[Event] = Paginator(events.order_by("-at", "-pk"), PAGE_SIZE).get_page(page)
    return {**head(patient, "patient_activity"), "page": found, "lines": timeline.lines(found.object_list)}


def directory(practice: Practice, text: str, page: str) -> dict[str, Any]:
    """The Communication page: those found, or everybody by name when nothing was typed."""
    everybody = Patient.objects.filter(practice=practice, gone_at=None).order_by("last_name", "first_name", "pk")
    found = search.find(practice, text) if text.strip() else everybody
    return {"page": Paginator(found, PAGE_SIZE).get_page(page), "q": text, "query": listing.query(q=text)}


def results(practice: Practice, text: str) -> dict[str, Any]:
    """The list under the search box while somebody types: from two characters on."""
    if len(text.strip()) < 2:
        return {"q": ""}
    return {"q": text, "people": list(search.find(practice, text, most=RESULTS)[:RESULTS])}
