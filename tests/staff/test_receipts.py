"""The receipt of a payment: its lines and cents, on the screen and on paper."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.utils import translation

from payments import receipt_paper, receipts
from payments.models import Payment
from payments.pages import payment_or_404
from payments.receipts import Line
from payplans.models import PayPlan
from practices.models import Event, Practice
from tests.staff import making
from tests.staff.test_page_queries import own_queries

JAN, FEB, MARCH = date(2026, 1, 8), date(2026, 2, 2), date(2026, 3, 1)


def receipt_of(payment: Payment, now: datetime) -> receipts.Receipt:
    return receipts.of_payment(payment_or_404(payment.practice, payment.pk), now=now)


def paper(pdf: bytes) -> list[str]:
    """The lines of a PDF's first page."""
    return [line.strip() for line in pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text().splitlines()]


@pytest.fixture
def check(practice: Practice, nudged: list[int], now: datetime) -> Payment:
    """The first $130.00 of a family's $175.00, by check: all of the two oldest procedures."""
    practice.address, practice.state = "12 Elm Street, Springfield, IL 62701", "IL"
    practice.save()
    return making.taken_at_the_desk(making.family_sale(practice, now), 130_00, "Check 1044", now)


def test_a_family_s_receipt_has_a_section_for_each_patient_and_every_line_a_health_account_asks_for(
    check: Payment, now: datetime
) -> None:
    found = receipt_of(check, now)

    assert [(one.patient, one.amount_cents) for one in found.sections] == [
        ("Ána Sample-Ortiz", 80_00), ("Kim Sample-Ortiz", 50_00),
    ]  # fmt: skip
    assert found.sections[0].lines == (Line("Regular check-up", 80_00, JAN, "D0120", "DOC1"),)
    assert found.sections[1].lines == (Line("Cleaning, child", 50_00, FEB, "D1120", "HYG1"),)
    assert (found.payer, found.means, found.amount_cents) == ("Ána Sample-Ortiz", "Check 1044", 130_00)
    assert found.reference == check.postings.get().reference
    assert found.balance == receipts.Balance("Left to pay of $175.00", 45_00)


def test_what_was_given_back_is_a_line_of_its_own_and_open_again(check: Payment, now: datetime) -> None:
    making.refund(check, 30_00, settled_at=now)
    making.refund(check, 1_00, "PENDING")
    making.refund(check, 2_00, "FAILED")

    found = receipt_of(check, now)

    assert [(one.words, one.amount_cents) for one in found.refunds] == [
        ("Given back", -30_00), ("Refund under way", -1_00),
    ]  # fmt: skip
    assert (found.back_cents, found.kept_cents) == (-30_00, 100_00)
    assert found.balance == receipts.Balance("Left to pay of $175.00", 75_00)


def test_a_plan_names_its_day_and_a_closed_one_no_balance(practice: Practice, now: datetime) -> None:
    scene = making.scene(practice)

    found = receipt_of(scene.payment, now)
    assert found.sections[0].lines == (Line("Payment plan of Feb 1, 2026, payment due Feb 10, 2026", 128_60),)
    assert found.balance == receipts.Balance("Left to pay on the plan", 257_20)

    PayPlan.objects.update(is_closed=True, agreed_date=None)
    found = receipt_of(scene.payment, now)
    assert found.sections[0].lines[0].words == "Payment plan, payment due Feb 10, 2026"
    assert found.balance is None


def test_the_pdf_says_the_same_in_english_and_in_spanish(check: Payment, now: datetime) -> None:
    making.refund(check, 30_00, settled_at=now)
    reference = check.postings.get().reference

    assert paper(receipt_paper.document(receipt_of(check, now)).render()) == [
        "Maple Grove Dental", "12 Elm Street, Springfield, IL 62701", "(555) 555-0100", "Receipt",
        "Paid on Mar 10, 2026", "Paid by Ána Sample-Ortiz", "Paid with Check 1044", "Amount $130.00",
        f"Reference {reference}",
        "For Ána Sample-Ortiz", "Date of service Code Service Provider Amount",
        "Jan 8, 2026 D0120 Regular check-up DOC1 $80.00", "Together $80.00",
        "For Kim Sample-Ortiz", "Date of service Code Service Provider Amount",
        "Feb 2, 2026 D1120 Cleaning, child HYG1 $50.00", "Together $50.00",
        "Summary", "Amount", "Paid $130.00", "Given back, Mar 10, 2026 −$30.00", "Stays paid $100.00",
        "Left to pay of $175.00, as of Mar 10, 2026 $75.00",
        "Page 1 of 1 Please keep this receipt for your records.",
    ]  # fmt: skip
    with translation.override("es"):
        spanish = paper(receipt_paper.document(receipt_of(check, now)).render())
    assert spanish[3:8] == [
        "Recibo", "Pagado el 10 mar 2026", "Pagado por Ána Sample-Ortiz", "Pagado con Check 1044", "Importe $130.00",
    ]  # fmt: skip
    assert "8 ene 2026 D0120 Revisión normal DOC1 $80.00" in spanish
    assert spanish[-1] == "Página 1 de 1 Por favor guarde este recibo."


def test_the_screen_is_read_with_few_questions_and_changes_nothing(desk: Client, check: Payment) -> None:
    before = Event.objects.count()

    asked = own_queries(desk, f"/payments/{check.pk}/receipt/")

    assert len(asked) <= 12, asked
    assert Event.objects.count() == before


def test_who_takes_the_pdf_stands_in_the_timeline_and_its_name_tells_nothing(auditor: Client, check: Payment) -> None:
    answer: Any = auditor.get(f"/payments/{check.pk}/receipt.pdf")

    assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/pdf", "no-store")
    assert answer["Content-Disposition"] == 'attachment; filename="receipt-2026-03-10.pdf"'
    assert "Paid $130.00" in paper(answer.content)
    taken = Event.objects.get(kind="receipt_downloaded")
    assert taken.about == {"patient": check.payer_id, "payment": check.pk}
    assert taken.actor.startswith("user:")
