"""The drawers of plan work: what they say, what they do, what they refuse."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.calendar import local_date
from payments.models import DuePart, PlanChange
from payplans.models import Installment
from practices.models import Event, Practice
from tests import factories
from tests.staff import making


@pytest.fixture
def scene(practice: Practice) -> SimpleNamespace:
    return making.scene(practice)


def coming(scene: Any) -> Installment:
    found: Installment = Installment.objects.filter(plan=scene.plan).latest("due_date")
    return found


def page_of(desk: Client, scene: Any) -> str:
    return desk.get(f"/communication/{scene.patient.pk}/plans/").content.decode()


def test_a_plan_is_paused_and_the_pause_is_ended_on_its_page(desk: Client, scene: SimpleNamespace) -> None:
    url, today = f"/plans/{scene.plan.pk}/pause/", local_date(clock.now(), scene.plan.practice.zone)
    assert "Open Dental is not changed" in desk.get(url).content.decode()
    wrong = desk.post(url, {"first": "soon", "last": "", "reason": ""})
    assert wrong.status_code == 422
    assert "Write a day as 2026-12-31." in wrong.content.decode()
    late = desk.post(url, {"first": today - timedelta(days=1), "last": today, "reason": "Away"})
    assert (late.status_code, PlanChange.objects.count()) == (422, 0)
    assert "begin in the past" in late.content.decode().replace("&#x27;", "'")

    assert desk.post(url, {"first": today, "last": today + timedelta(days=60), "reason": "Away"}).status_code == 302
    page = page_of(desk, scene)
    assert "Paused from" in page
    assert "Falls due in the pause" in page
    assert desk.post(f"{url}end/", {"reason": "Back"}).status_code == 302
    assert "Paused from" not in page_of(desk, scene)
    assert list(Event.objects.filter(kind__startswith="plan_").values_list("kind", flat=True)) == [
        "plan_paused", "plan_resumed",
    ]  # fmt: skip


def test_a_payment_is_skipped_and_charged_after_all_from_its_menu(desk: Client, scene: SimpleNamespace) -> None:
    one = coming(scene)
    assert desk.post(f"/installments/{one.pk}/skip/", {"reason": "New job"}).status_code == 302
    page = page_of(desk, scene)
    assert "Skipped: New job" in page
    assert f'href="/installments/{one.pk}/skip/end/"' in page
    assert desk.post(f"/installments/{one.pk}/skip/end/", {"reason": "Paid again"}).status_code == 302
    assert DuePart.objects.filter(hold="SKIPPED").count() == 0


def test_a_charge_is_moved_within_what_the_page_says(desk: Client, scene: SimpleNamespace) -> None:
    one = coming(scene)
    url, last = f"/installments/{one.pk}/move/", one.due_date + timedelta(days=30)
    assert f"The latest day is {last:%m/%d/%Y}." in desk.get(url).content.decode()
    assert desk.post(url, {"day": last + timedelta(days=1), "reason": "Asked"}).status_code == 422
    assert desk.post(url, {"day": last, "reason": "Asked"}).status_code == 302
    assert "by staff: Asked" in page_of(desk, scene)


def test_another_card_pays_one_payment_after_its_text_was_read(desk: Client, scene: SimpleNamespace) -> None:
    one = coming(scene)
    url = f"/installments/{one.pk}/card/"
    assert "No other card saved" in desk.get(url).content.decode()
    card = factories.CardFactory.create(patient=scene.plan.guarantor, last4="1881", is_primary=False)
    shown = desk.get(f"{url}text/", {"card": card.pk, "language": "es"}).context["text"]
    assert "tarjeta Visa 1881" in shown
    wish = {"card": card.pk, "language": "es", "shown": shown, "reason": "This month only"}
    assert desk.post(url, wish).status_code == 422
    assert desk.post(url, {**wish, "agreed": "on"}).status_code == 302
    page = page_of(desk, scene)
    assert "Will charge Visa 1881" in page
    assert desk.post(f"{url}end/", {"reason": "Back"}).status_code == 302
    assert "Will charge Visa 1881" not in page_of(desk, scene)
