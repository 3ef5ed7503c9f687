"""Rows of Open Dental as typed facts. What can't be understood raises Unreadable; nothing is guessed.

The same functions read JSON of the REST resources and rows of ShortQuery (where enums and booleans are numbers).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from opendental.fields import Fields, Unreadable
from patients.mirror import PatientFacts
from payplans.identity import Row as ChargeFacts
from payplans.models import PayPlan

__all__ = ["ChargeFacts", "PaymentFacts", "PlanFacts", "SplitFacts", "Unreadable"]

_FREQUENCIES = ("Weekly", "EveryOtherWeek", "OrdinalWeekday", "Monthly", "Quarterly")
_TREATMENT = ("None", "AwaitComplete", "TreatAsComplete")
_DEBITS = ("Unknown", "Principal", "Interest")
_STATUSES = ("Patient", "NonPatient", "Inactive", "Archived", "Deleted", "Deceased", "Prospective")
_WISHES = ("Unknown", "Yes", "No")
_MOST_APR = Decimal(100)


@dataclass(frozen=True)
class PlanFacts:
    """One payplan row; cents, office-local days."""

    pay_plan_num: int
    pat_num: int
    guarantor_num: int
    kind: str
    category: str
    agreed_date: date | None
    apr: Decimal
    pay_amount_cents: int
    down_payment_cents: int
    principal_cents: int
    completed_cents: int
    frequency: str
    start_date: date | None
    interest_start_date: date | None
    treatment_option: str
    is_locked: bool
    is_closed: bool


@dataclass(frozen=True)
class SplitFacts:
    """One paysplit row; a number is 0 where it names no such thing."""

    split_num: int
    pay_num: int
    pay_plan_num: int
    pay_plan_charge_num: int
    amount_cents: int
    debit_type: str
    unearned_type: int
    paid_date: date | None
    proc_num: int = 0


@dataclass(frozen=True)
class PaymentFacts:
    """One payment row, as far as a posting is recognized by it."""

    pay_num: int
    amount_cents: int
    check_num: str


def plan(row: dict[str, Any]) -> PlanFacts:
    fields = Fields(row)
    kind = _kind(fields)
    apr = fields.decimal("APR")
    if not 0 <= apr <= _MOST_APR:
        raise Unreadable("APR is not between 0 and 100")
    return PlanFacts(
        pay_plan_num=fields.key("PayPlanNum"),
        pat_num=fields.key("PatNum"),
        guarantor_num=fields.key("Guarantor"),
        kind=kind,
        category=fields.text("planCategory")[:80],
        agreed_date=fields.day("PayPlanDate"),
        apr=apr.quantize(Decimal("0.0001")),
        pay_amount_cents=fields.cents("PayAmt", negative=False),
        down_payment_cents=fields.cents("DownPayment", negative=False),
        principal_cents=fields.cents("principalAmount", negative=False),
        completed_cents=fields.cents("CompletedAmt", negative=False),
        frequency=fields.choice("ChargeFrequency", _FREQUENCIES, "Monthly"),
        start_date=fields.day("DatePayPlanStart"),
        interest_start_date=fields.day("DateInterestStart"),
        treatment_option=fields.choice("DynamicPayPlanTPOption", _TREATMENT, "None"),
        is_locked=fields.flag("IsLocked"),
        is_closed=fields.flag("IsClosed"),
    )


def _kind(fields: Fields) -> str:
    # Source: PayPlans GET, "An Insurance payment plan has a PlanNum and InsSubNum value greater than zero".
    if fields.integer("PlanNum", 0) > 0 and fields.integer("InsSubNum", 0) > 0:
        return PayPlan.Kind.INSURANCE
    return PayPlan.Kind.DYNAMIC if fields.flag("IsDynamic") else PayPlan.Kind.OLD


def charge(row: dict[str, Any]) -> ChargeFacts | None:
    """A debit row; None for a credit, which is production and not money due."""
    fields = Fields(row)
    number = fields.key("PayPlanChargeNum")
    if fields.choice("ChargeType", ("Debit", "Credit")) == "Credit":
        return None
    day = fields.day("ChargeDate")
    if day is None:
        raise Unreadable("ChargeDate is missing")
    note = fields.text("Note")
    principal, interest = fields.cents("Principal"), fields.cents("Interest")
    is_offset = fields.flag("IsOffset")
    return ChargeFacts(
        number=number,
        date=day,
        principal_cents=principal,
        interest_cents=interest,
        note=note[:255],
        is_offset=is_offset or principal + interest < 0,
        # Older versions have no column for it.
        is_down_payment=fields.flag("IsDownPayment") or "down payment" in note.lower(),
    )


def split(row: dict[str, Any]) -> SplitFacts:
    fields = Fields(row)
    return SplitFacts(
        split_num=fields.key("SplitNum"),
        pay_num=fields.key("PayNum"),
        pay_plan_num=fields.integer("PayPlanNum", 0),
        pay_plan_charge_num=fields.integer("PayPlanChargeNum", 0),
        amount_cents=fields.cents("SplitAmt"),
        debit_type=fields.choice("PayPlanDebitType", _DEBITS, "Unknown"),
        unearned_type=fields.integer("UnearnedType", 0),
        paid_date=fields.day("DatePay"),
        proc_num=fields.integer("ProcNum", 0),
    )


def payment(row: dict[str, Any]) -> PaymentFacts:
    fields = Fields(row)
    return PaymentFacts(fields.key("PayNum"), fields.cents("PayAmt"), fields.text("CheckNum"))


def patient(row: dict[str, Any]) -> PatientFacts:
    fields = Fields(row)
    return PatientFacts(
        pat_num=fields.key("PatNum"),
        guarantor_num=fields.integer("Guarantor", 0),
        first_name=fields.text("FName"),
        last_name=fields.text("LName"),
        preferred_name=fields.text("Preferred"),
        birth_date=fields.day("Birthdate"),
        mobile_phone=fields.text("WirelessPhone"),
        home_phone=fields.text("HmPhone"),
        work_phone=fields.text("WkPhone"),
        email=fields.text("Email"),
        zip_code=fields.text("Zip")[:16],
        language=fields.text("Language")[:16],
        texting_wish=fields.choice("TxtMsgOk", _WISHES, "Unknown"),
        status=fields.choice("PatStatus", _STATUSES, "Patient"),
        clinic_num=fields.integer("ClinicNum", 0),
        balance_cents=fields.cents("EstBalance"),
        family_balance_cents=fields.cents("BalTotal"),
    )
