"""Payments → Disputes: what is due when, what is held, which evidence leaves and who took it, who may release."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from fpdf import FPDF

from core import pdf
from notifications.models import Message
from payments.models import Dispute, Refund
from practices.models import Event, Practice
from tests.staff import making
from tests.staff.conftest import SignIn
from tests.staff.test_plans_tab import text

PHI = ["person", "work", "ledger"]


@pytest.fixture
def scene(practice: Practice) -> SimpleNamespace:
    found = making.scene(practice)
    found.dispute = making.dispute(found.payment)
    found.consent.schedule = [{"due_date": "2026-02-10", "amount_cents": 128_60}]
    found.consent.save(update_fields=["schedule"])
    return found


@pytest.fixture
def url(scene: SimpleNamespace) -> str:
    return f"/payments/disputes/{scene.dispute.pk}/"


def words_of(client: Client, url: str) -> str:
    return text(client.get(url).content.decode())


def test_the_list_is_empty_and_teaches_then_shows_open_ones_first(biller: Client, practice: Practice) -> None:
    assert "No disputes When a cardholder's bank disputes a payment" in words_of(biller, "/payments/disputes/")

    taken = making.scene(practice).payment
    making.dispute(taken, "WON", over_at=datetime(2026, 3, 9, tzinfo=UTC), is_frozen=False, withdrawn_cents=0)
    making.dispute(taken, "UNDER_REVIEW")
    making.dispute(taken, reply_by=datetime(2026, 3, 18, tzinfo=UTC), submitted_on=date(2026, 3, 10))
    making.dispute(taken, "INQUIRY", reason="never_heard_of", reply_by=datetime(2026, 3, 13, 14, tzinfo=UTC))
    page = biller.get("/payments/disputes/")

    assert [row.dispute.state for row in page.context["rows"]] == ["INQUIRY", "UNDER_REVIEW", "NEEDS_RESPONSE", "WON"]
    assert [row.time_words for row in page.context["rows"]] == ["in 3 days", "", "in 7 days", ""]
    words = text(page.content.decode())
    assert "All 4 Open 3 Lost 0 Over 1" in words
    assert "That they do not recognize this payment Evidence submitted" in words
    assert "That never heard of" in words
    assert words.count("Autopay held") == 3
    assert [row.dispute.state for row in biller.get("/payments/disputes/?filter=over").context["rows"]] == ["WON"]
    assert "Disputes 3" in words_of(biller, "/payments/")


def test_the_page_says_what_is_due_and_what_is_held(biller: Client, url: str, scene: SimpleNamespace) -> None:
    words = words_of(biller, url)

    assert "Reply by Sat, Mar 14 : in 4 days." in words
    assert "Withdrawn now $128.60 and a fee of $15.00, which the practice bears" in words
    assert "Nothing is posted while the bank decides" in words
    assert "Autopay with this card number: plan 169 . Pay Now stays possible" in words
    assert "Refunds of this payment, until the bank has decided." in words
    assert "A manager can release it." in words
    plan = words_of(biller, f"/communication/{scene.patient.pk}/plans/")
    assert "Autopay is held. A payment with this card number is disputed at the bank." in plan


def test_what_tells_of_treatment_is_marked_and_not_ticked(biller: Client, url: str) -> None:
    parts = biller.get(url).context["parts"]

    assert [part.kind.key for part in parts if part.kind.is_phi] == PHI
    assert [part.kind.key for part in parts if part.is_on] == ["payment", "consent", "schedule"]
    page = biller.get(url).content.decode()
    assert page.count("Health information") == 3
    assert [line.split('"')[0] for line in page.split('value="')[1:] if " checked" in line.split(">")[0]] == [
        "payment", "consent", "schedule",
    ]  # fmt: skip


def test_the_json_holds_exactly_what_was_ticked_and_the_trail_says_so(
    biller: Client, url: str, scene: SimpleNamespace
) -> None:
    Message.objects.create(
        practice=scene.dispute.practice, kind="UPCOMING_CHARGE", channel="SMS", patient=scene.patient,
        state="DELIVERED", to="+12125550123", body=f"{scene.patient.first_name}, $128.60 is due: [[link]]",
        dedupe_key="once", values={"Patient Name": scene.patient.first_name}, not_before=scene.payment.paid_at,
        created_at=scene.payment.paid_at, about={"plan": scene.plan.pk},
    )  # fmt: skip
    made_before = Event.objects.count()

    answer = biller.get(url + "evidence.json", {"part": ["messages", "consent", "payment", "nonsense"]})

    assert answer["Content-Disposition"] == f'attachment; filename="dispute-{scene.dispute.pk}-evidence.json"'
    assert answer["Cache-Control"] == "no-store"
    found = json.loads(answer.content)
    assert [part["part"] for part in found["parts"]] == ["payment", "consent", "messages"]
    assert found["contains_health_information"] is False
    assert found["dispute"]["Amount"] == {"cents": 128_60, "text": "$128.60"}
    payment, consent, messages = found["parts"]
    assert payment["facts"]["Paid with"] == "Visa 4242"
    assert consent["texts"] == [scene.consent.text]
    assert consent["facts"]["Version of the text"] == scene.consent.text_version
    (sent,) = messages["tables"][0]
    assert (sent["To"], sent["State"], sent["Text"]) == ("…0123", "Delivered", "[name], $128.60 is due: [link]")
    assert scene.patient.last_name not in answer.content.decode()
    (event,) = Event.objects.order_by("pk")[made_before:]
    assert event.text == "Evidence downloaded as JSON: Payment, Consent, Messages sent"
    assert event.after == {"parts": ["payment", "consent", "messages"], "health_information": False}
    assert event.about["dispute"] == scene.dispute.pk


def test_the_pdf_says_when_it_holds_health_information(
    biller: Client, url: str, scene: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    write = FPDF.multi_cell

    def seen(self: FPDF, w: float, h: Any = None, text: str = "", *more: Any, **named: Any) -> Any:
        shown.append(text)
        return write(self, w, h, text, *more, **named)

    monkeypatch.setattr(pdf._Paper, "multi_cell", seen)
    answer = biller.get(url + "evidence.pdf", {"part": ["payment", *PHI]})

    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    on_paper = " ".join(shown)
    for words in (
        "Evidence in a dispute", "they do not recognize this payment", scene.patient.last_name,
        str(scene.posting.pay_num), "Contains health information: share it", "Visa 4242",
    ):  # fmt: skip
        assert words in on_paper
    assert Event.objects.latest("pk").after["health_information"] is True


def test_nothing_ticked_downloads_nothing(biller: Client, url: str) -> None:
    before = Event.objects.count()
    for ending in ("pdf", "json"):
        answer = biller.get(f"{url}evidence.{ending}", {"part": "nonsense"})
        assert (answer.status_code, "Tick at least one part." in answer.content.decode()) == (422, True)
    assert Event.objects.count() == before


def test_only_a_manager_releases_and_says_why(sign_in: SignIn, biller: Client, url: str) -> None:
    manager = sign_in("MANAGER")
    assert biller.post(url + "release/", {"reason": "Because"}).status_code == 403
    assert "is charged within minutes" in words_of(manager, url + "release/")
    wrong = manager.post(url + "release/", {"reason": ""})
    assert (wrong.status_code, "Say why autopay may go on." in wrong.content.decode()) == (422, True)
    assert Dispute.objects.get().is_frozen

    assert manager.post(url + "release/", {"reason": "Patient called"})["Location"] == url

    found = Dispute.objects.get()
    assert (found.is_frozen, found.release_reason) == (False, "Patient called")
    assert "released autopay" in words_of(biller, url)
    again = manager.post(url + "release/", {"reason": "Again"})
    assert (again.status_code, "Nothing is held by this dispute any more" in again.content.decode()) == (422, True)


def test_staff_note_when_they_submitted(biller: Client, url: str) -> None:
    for day, why in (("2026-03-11", "still to come"), ("2026-03-01", "before the dispute"), ("soon", "Enter a day")):
        wrong = biller.post(url + "submitted/", {"day": day})
        assert (wrong.status_code, why in wrong.content.decode()) == (422, True)

    assert biller.post(url + "submitted/", {"day": "2026-03-10", "note": "All pages"})["Location"] == url

    words = words_of(biller, url)
    assert "“All pages”" in words
    assert "Staff submitted evidence" in words


def test_the_front_desk_sees_that_it_is_disputed_but_not_the_dispute(
    desk: Client, url: str, scene: SimpleNamespace
) -> None:
    assert desk.get("/payments/disputes/").status_code == 403
    assert desk.get(url).status_code == 403
    charge = words_of(desk, f"/payments/attempts/{scene.payment.attempt_id}/")
    assert "Disputed Needs a reply $128.60" in charge
    assert "Look at the dispute" not in charge


def test_a_lost_one_says_where_it_went(biller: Client, url: str, scene: SimpleNamespace) -> None:
    loss = making.refund(
        scene.payment, 128_60, origin="ELSEWHERE", reason="DISPUTE", reference="du_1", settled_at=scene.payment.paid_at
    )
    Dispute.objects.update(state="LOST", loss=loss, over_at=scene.payment.paid_at)

    words = words_of(biller, url)
    assert "Lost: the bank keeps $128.60 . It is owed again and held" in words
    assert "Open Dental −$128.60" in words
    assert "The bank took $128.60 back: a dispute was lost." in words_of(biller, f"/payments/refunds/{loss.pk}/")
    assert "Taken back by the bank of $128.60" in words_of(biller, "/payments/")
    Refund.objects.update(state="FAILED")
    Dispute.objects.update(state="WON")
    assert "The dispute was won after all." in words_of(biller, f"/payments/refunds/{loss.pk}/")
    assert "Won, but $128.60 is not back in the balance yet." in words_of(biller, url)


def test_a_refund_of_a_disputed_payment_is_refused_with_the_reason(biller: Client, scene: SimpleNamespace) -> None:
    words = words_of(biller, f"/payments/{scene.payment.pk}/refund/")

    assert "This payment is disputed, so nothing can be given back now." in words
