"""Consents on the screens of staff: drift with its one action, asking by link, the history, a second payer."""

from __future__ import annotations

import re
import uuid
from datetime import date, datetime
from html import unescape
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from cards.models import Autopay, Consent, PayerAutopay
from cards.texting import words
from notifications import texting
from notifications.models import Message, TextingConsent
from paylinks.models import ConsentLink
from payments import due_parts
from payments.models import DuePart
from payplans.models import Installment, PayPlan, PlanShare
from practices.models import Practice, User
from tests import factories
from tests.staff import making
from tests.staff.conftest import DRAWER
from tests.staff.test_plans_tab import text

pytestmark = pytest.mark.usefixtures("nudged")


@pytest.fixture
def risen(practice: Practice, now: datetime) -> PayPlan:
    """A payment that rose above what was agreed to; it is held."""
    ana = making.patient(practice, pat_num=72)
    plan: PayPlan = factories.PayPlanFactory.create(patient=ana, pay_plan_num=171)
    one = factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 4, 2), principal_cents=150_00)
    card = factories.CardFactory.create(patient=ana)
    before = [{"installment": one.pk, "due_date": "2026-04-02", "amount_cents": 128_60}]
    consent = factories.ConsentFactory.create(card=card, plan=plan, schedule=before)
    factories.AutopayFactory.create(plan=plan, card=card, consent=consent)
    with transaction.atomic():
        due_parts.refresh(plan, now=now)
    return plan


def test_the_plan_shows_before_and_after_with_the_one_action(desk: Client, auditor: Client, risen: PayPlan) -> None:
    page = desk.get(f"/plans/{risen.pk}/").content.decode()

    assert "Changed in Open Dental, above what was agreed to. $150.00 due" in text(page)
    assert "Thu, Apr 2 $128.60 Thu, Apr 2 $150.00 Above" in text(page)
    assert f'href="/plans/{risen.pk}/consent/ask/"' in page
    assert "Ask to agree again" not in auditor.get(f"/plans/{risen.pk}/").content.decode()


def test_the_board_finds_what_needs_approval(desk: Client, risen: PayPlan) -> None:
    page = desk.get("/plans/?filter=approval").content.decode()

    assert "Needs approval 1" in text(page)
    assert f'hx-get="/plans/{risen.pk}/consent/ask/"' in page


def test_asking_by_link_is_one_link_and_one_text(desk: Client, risen: PayPlan) -> None:
    click = str(uuid.uuid4())
    for _ in range(2):
        desk.post(f"/plans/{risen.pk}/consent/ask/", {"channel": "EMAIL", "click": click})

    link, message = ConsentLink.objects.get(), Message.objects.get()
    assert (link.plan, link.patient_id, link.message, message.kind) == (
        risen, risen.guarantor_id, message, "CONSENT_ASKED",
    )  # fmt: skip
    assert (message.channel, message.link_nonce, Consent.objects.count()) == ("EMAIL", link.nonce, 1)
    drawer = text(desk.get(f"/plans/{risen.pk}/consent/ask/", headers=DRAWER).content.decode())
    assert f"code {link.spoken_code} : waiting, no answer yet" in drawer


def test_the_cards_tab_tells_all_that_was_agreed_to(desk: Client, risen: PayPlan) -> None:
    page = desk.get(f"/communication/{risen.guarantor_id}/cards/").content.decode()

    assert "Autopay of a plan · plan 171 Visa 4242 Witnessed by staff $128.60 Stands" in text(page)


def asked(page: str) -> str:
    [shown] = re.findall(r'name="shown" value="([0-9a-f]+)"', page)
    return str(shown)


def test_a_second_payer_is_set_attached_and_shown_beside_the_guarantor(desk: Client, risen: PayPlan) -> None:
    ben = making.patient(risen.practice, pat_num=73, first_name="Ben", last_name="Placeholder")
    card = factories.CardFactory.create(patient=ben, brand="mastercard", last4="4444")
    url = f"/plans/{risen.pk}/share/"
    assert "Who, by patient number" in desk.get(url).content.decode()
    assert "Choose who pays." in desk.post(url, {"how": "percent", "value": "40", "reason": "both"}).content.decode()
    assert PlanShare.objects.count() == 0

    desk.post(url, {"pat_num": "73", "how": "percent", "value": "40", "reason": "Both parents pay"})
    drawer = f"/plans/{risen.pk}/autopay/?payer={ben.pk}"
    page = desk.get(drawer).content.decode()
    assert "for my part of a payment plan" in page
    form = {"card": str(card.pk), "maximum": "60.00", "language": "en", "shown": asked(page), "agreed": "on"}
    assert desk.post(drawer, form).status_code == 302

    row = PlanShare.objects.get()
    assert (row.payer, row.percent_bp, row.from_date) == (ben, 40_00, date(2026, 3, 11))
    assert (PayerAutopay.objects.get().consent.max_charge_cents, Autopay.objects.get().is_on) == (60_00, True)
    assert set(DuePart.objects.filter(state="OPEN").values_list("payer", "amount_cents", "hold")) == {
        (risen.guarantor_id, 90_00, ""), (ben.pk, 60_00, ""),
    }  # fmt: skip
    shown = text(desk.get(f"/plans/{risen.pk}/").content.decode())
    assert "Ben Placeholder pays 40 % of each payment due from" in shown
    assert "Ben Placeholder Pending Will charge Mastercard 4444 Thu, Apr 2 at 10:00 AM $60.00" in shown


def test_pay_now_offers_the_cards_of_the_one_whose_part_it_is(
    desk: Client, risen: PayPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = making.patient(risen.practice, pat_num=73, first_name="Ben")
    card = factories.CardFactory.create(patient=ben, last4="4444")
    desk.post(f"/plans/{risen.pk}/share/", {"pat_num": "73", "how": "dollars", "value": "50", "reason": "both"})
    one = Installment.objects.get()
    calls: list[dict[str, Any]] = []

    def note(part: DuePart, **how: Any) -> str:
        calls.append({"part": part, **how})
        return "asked"

    monkeypatch.setattr("payments.asking.pay_now", note)

    page = text(desk.get(f"/installments/{one.pk}/pay-now/?payer={ben.pk}").content.decode())
    desk.post(f"/installments/{one.pk}/pay-now/?payer={ben.pk}", {"card": str(card.pk)})

    assert "Charge $50.00 now" in page
    assert "4242" not in page
    assert [(call["part"].payer_id, call["part"].amount_cents, call["card_id"]) for call in calls] == [
        (ben.pk, 50_00, card.pk)
    ]


def test_nobody_else_can_be_named_as_payer(desk: Client, risen: PayPlan) -> None:
    stranger = making.patient(risen.practice, pat_num=74)

    for page in ("autopay", "autopay/text", "autopay/stop", "consent/ask"):
        assert desk.get(f"/plans/{risen.pk}/{page}/?payer={stranger.pk}").status_code == 404


def test_a_saved_card_is_kept_under_the_words_on_the_card_page(desk: Client, risen: PayPlan, shop: Any) -> None:
    answer = desk.post(f"/communication/{risen.guarantor_id}/cards/save/")
    form = {"number": "4242424242424242", "expiry": "10 / 40", "code": "123", "name": "Ana", "zip_code": "10001"}
    page = shop.process.http.get(answer["Location"]).text
    back = shop.process.http.post(answer["Location"], data=form, follow_redirects=False).headers["location"]
    desk.get(str(back).removeprefix("http://testserver"))

    words = "I allow Maple Grove Dental to keep the card I enter on this page on file for payments I agree to."
    consent = Consent.objects.get(kind="CARD_ON_FILE")
    assert words in page
    assert (words in consent.text, consent.channel, consent.max_charge_cents) == (True, "PAGE", 0)
    assert consent.given_by == f"patient:{risen.guarantor_id}"
    assert [row.kind for row in Message.objects.all()] == ["CONSENT_COPY"]


def test_agreeing_to_texts_keeps_the_exact_words_and_who_witnessed_them(desk: Client, practice: Practice) -> None:
    ana = making.patient(practice, texting_wish="Unknown")
    url = f"/communication/{ana.pk}/texts/agree/"
    page = desk.get(f"{url}?language=es").content.decode()
    [shown] = re.findall(r'name="shown" value="([^"]+)"', page)
    form = {"language": "es", "shown": unescape(shown)}
    assert desk.post(url, form).status_code == 422
    assert desk.post(url, {**form, "shown": "other words", "agreed": "on"}).status_code == 422
    assert TextingConsent.objects.count() == 0

    assert desk.post(url, {**form, "agreed": "on"}).status_code == 302

    row, witness = TextingConsent.objects.get(), User.objects.get()
    assert (row.allowed, row.phone, row.given_by) == (True, ana.mobile_phone, f"user:{witness.pk}")
    assert row.text.startswith("Autorizo a Maple Grove Dental a enviarme mensajes de texto")
    assert "Agreed" in text(desk.get(f"/communication/{ana.pk}/cards/").content.decode())
    assert [(one.kind, one.channel) for one in Message.objects.all()] == [("CONSENT_COPY", "EMAIL")]


def test_staff_cannot_take_back_a_stop(desk: Client, practice: Practice, now: datetime) -> None:
    ana = making.patient(practice)
    texting.record(practice.pk, ana.mobile_phone, allowed=False, source="reply: STOP", now=now)
    url = f"/communication/{ana.pk}/texts/agree/"

    answer = desk.post(url, {"language": "en", "shown": words(ana, "en"), "agreed": "on"})

    assert answer.status_code == 422
    assert "they must text START themselves" in answer.content.decode()
    assert TextingConsent.objects.count() == 1
