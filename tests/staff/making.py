"""Rows for the screens: one plan with one paid, one failed and one coming installment, and what belongs to them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from patients.mirror import search_text
from patients.models import Patient
from payments import recorded, sales
from payments.account import OpenProcedure
from payments.models import (
    Alarm,
    Allocation,
    Attempt,
    Dispute,
    DuePart,
    LedgerAdjustment,
    LedgerPosting,
    Payment,
    Refund,
    Sale,
)
from payments.sale_lines import Line
from payplans.models import Installment
from practices.models import Practice
from tests import factories


def patient(practice: Practice, **fields: Any) -> Patient:
    """A patient that search finds."""
    found: Patient = factories.PatientFactory.create(practice=practice, **fields)
    found.search_text = search_text(found)
    found.save(update_fields=["search_text"])
    return found


def attempt(part: DuePart, state: str, **fields: Any) -> Attempt:
    """A try in this state, with the autopay card unless another is given."""
    installment = part.installment
    assert installment is not None
    fields.setdefault("card", installment.plan.autopay.card)
    number = part.attempts.count() + 1
    at = fields.pop("at", datetime(2026, 3, 9, 15, number, tzinfo=UTC))
    return Attempt.objects.create(
        practice=part.practice, due_part=part, number=number, amount_cents=part.amount_cents, channel="AUTOPAY",
        actor="autopay", state=state, create_params={}, confirm_params={}, started_at=at, settled_at=at,
        reference=f"pi_{part.pk}_{number}", **fields,
    )  # fmt: skip


def payment(made: Attempt, *, posting: str = "MATCHED", **fields: Any) -> Payment:
    """The payment of a successful try with its posting."""
    installment = made.due_part.installment
    assert installment is not None
    taken = Payment.objects.create(
        practice=made.practice, attempt=made, payer=made.due_part.payer, amount_cents=made.amount_cents,
        paid_at=made.started_at, processor_reference=made.reference,
    )  # fmt: skip
    Allocation.objects.create(
        practice=made.practice, payment=taken, installment=installment, amount_cents=made.amount_cents
    )
    fields.setdefault("pay_num", 56734 + LedgerPosting.objects.count() if posting == "MATCHED" else None)
    LedgerPosting.objects.create(
        practice=made.practice, payment=taken, patient=made.due_part.payer, plan=installment.plan, state=posting,
        amount_cents=made.amount_cents, next_at=made.started_at, created_at=made.started_at, **fields,
    )  # fmt: skip
    return taken


def refund(taken: Payment, cents: int = 10_00, state: str = "SUCCEEDED", **fields: Any) -> Refund:
    """Money of a payment given back, in this state, without what follows from it."""
    made: Refund = Refund.objects.create(
        practice=taken.practice, payment=taken, amount_cents=cents, state=state,
        **{"actor": "user:1", "started_at": taken.paid_at, **fields},
    )  # fmt: skip
    return made


def adjustment(taken: Payment, state: str = "BY_HAND", **fields: Any) -> LedgerAdjustment:
    """A discount beside a payment, in this state."""
    made: LedgerAdjustment = LedgerAdjustment.objects.create(
        practice=taken.practice, payment=taken, allocation=taken.allocations.get(), patient=taken.payer, proc_num=11,
        adj_type_num=1, amount_cents=-3_00, reference=f"KP-DISCOUNT{taken.pk}", state=state,
        **{"next_at": taken.paid_at, "created_at": taken.paid_at, **fields},
    )  # fmt: skip
    return made


def dispute(taken: Payment, state: str = "NEEDS_RESPONSE", **fields: Any) -> Dispute:
    """A payment that is disputed since March 10, to be answered by March 14, without what follows from it."""
    card = taken.attempt.card
    made: Dispute = Dispute.objects.create(
        practice=taken.practice, payment=taken, state=state,
        **{
            "reference": f"du_{Dispute.objects.count() + 1}", "reason": "unrecognized", "network_code": "10.4",
            "amount_cents": taken.amount_cents, "withdrawn_cents": taken.amount_cents, "fee_cents": 15_00,
            "made_at": datetime(2026, 3, 10, 14, tzinfo=UTC), "heard_at": datetime(2026, 3, 10, 14, tzinfo=UTC),
            "reply_by": datetime(2026, 3, 14, 14, tzinfo=UTC), "is_frozen": True,
            "fingerprint": card.fingerprint if card else "", **fields,
        },
    )  # fmt: skip
    return made


def paid(installment: Installment) -> Payment:
    """Charge an installment as autopay does, posted and read back."""
    installment.status, installment.collected_cents = Installment.Status.PAID, installment.amount_cents
    installment.save(update_fields=["status", "collected_cents"])
    part = factories.DuePartFactory.create(installment=installment, state="PAID")
    return payment(attempt(part, "SUCCEEDED"))


def scene(practice: Practice) -> SimpleNamespace:
    """Ana's plan: Feb 10 paid, Mar 9 failed (insufficient funds), Apr 10 to come, with a Visa 4242 and autopay."""
    ana = patient(practice, pat_num=72)
    plan = factories.PayPlanFactory.create(patient=ana, pay_plan_num=169, category="Ortho")
    card = factories.CardFactory.create(patient=ana)
    consent = factories.AutopayFactory.create(plan=plan, card=card).consent
    first = factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 2, 10))
    taken = paid(first)
    late = factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 3, 9), status="FAILED")
    part = factories.DuePartFactory.create(installment=late, next_try_at=datetime(2026, 3, 11, 14, 0, tzinfo=UTC))
    declined = attempt(part, "DECLINED", decline_code="insufficient_funds", reason="insufficient funds")
    coming = factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 4, 10), is_issued=False)
    factories.DuePartFactory.create(installment=coming, next_try_at=datetime(2026, 4, 10, 14, 0, tzinfo=UTC))
    return SimpleNamespace(
        patient=ana,
        plan=plan,
        card=card,
        installment=late,
        part=part,
        attempt=declined,
        payment=taken,
        posting=taken.postings.get(),
        alarm=Alarm.objects.create(
            practice=practice,
            kind="CHARGE_RUN_MISSED",
            key="run",
            text="Look",
            opened_at=factories.LONG_AGO,
            closed_at=factories.LONG_AGO,
        ),
        coming=coming,
        consent=consent,
    )


def family_sale(practice: Practice, at: datetime) -> Sale:
    """$175.00 of work, drafted: a check-up and the office's own code for Ana (72), a cleaning for Kim (73)."""
    ana = patient(practice, pat_num=72, first_name="Ána")
    patient(practice, pat_num=73, guarantor_num=72, first_name="Kim")
    wish = [
        Line("PROCEDURE", 72, 80_00, OpenProcedure(11, 72, date(2026, 1, 8), "D0120", "periodic oral", "DOC1", 80_00)),
        Line("PROCEDURE", 73, 50_00, OpenProcedure(12, 73, date(2026, 2, 2), "D1120", "prophylaxis", "HYG1", 50_00)),
        Line("PROCEDURE", 72, 45_00, OpenProcedure(13, 72, date(2026, 3, 1), "N4126", "Retainer check", "DOC1", 45_00)),
    ]
    return sales.draft(ana, basis="FAMILY", lines=wish, note="", actor="user:1", now=at)


def taken_at_the_desk(sale: Sale, cents: int, paid_with: str, at: datetime, actor: str = "user:1") -> Payment:
    """Cash (payment type 70) or a check (69) for a part of a sale."""
    kind = 70 if paid_with == "Cash" else 69
    made = recorded.record(
        sale.pk, cents=cents, payer=sale.patient, pay_type_num=kind, paid_with=paid_with, actor=actor, now=at
    )
    return Payment.objects.get(attempt=made)
