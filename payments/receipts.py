"""What a receipt says of one payment: for whom, which work, by which means, what went back, what is still open.

Itemised as health accounts (HSA, FSA) ask for it: patient, provider, date of service, service, amount. Reads only; its
words are in the language in force.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import F, Sum
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.money import format_cents
from patients.models import Patient
from payments import fees, plain_words
from payments.models import Allocation, LedgerAdjustment, Payment, Refund, RefundState, Sale, SaleLine
from payplans.models import Installment, PayPlan
from practices.models import Practice


@dataclass(frozen=True)
class Line:
    """One service, installment or other thing, and the cents of this payment that are for it."""

    words: str
    amount_cents: int
    service_date: date | None = None
    code: str = ""
    provider: str = ""


@dataclass(frozen=True)
class Section:
    """What is for one patient; a family's payment has several."""

    patient: str
    lines: tuple[Line, ...]

    @property
    def amount_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


@dataclass(frozen=True)
class Back:
    """A refund that went through or is under way; cents below zero. `words` name where it went."""

    words: str
    amount_cents: int
    at: datetime
    is_done: bool


@dataclass(frozen=True)
class Balance:
    """What of the sale or plan is not paid yet, as of the day the receipt was made."""

    words: str
    amount_cents: int


@dataclass(frozen=True)
class Receipt:
    """`extras` are lines beside the work, a discount below zero; sections and extras sum to the payment's cents."""

    payment: Payment
    practice: Practice
    made_at: datetime
    means: str
    reference: str
    sections: tuple[Section, ...]
    extras: tuple[tuple[str, int], ...]
    refunds: tuple[Back, ...]
    balance: Balance | None
    # What card rules want of a card that was read at a terminal: [(label, value)], [] of any other.
    chip: tuple[tuple[str, str], ...] = ()

    @property
    def paid_at(self) -> datetime:
        return self.payment.paid_at

    @property
    def amount_cents(self) -> int:
        return self.payment.amount_cents

    @property
    def payer(self) -> str:
        return self.payment.payer.full_name

    @property
    def back_cents(self) -> int:
        """Given back for certain, below zero."""
        return sum(one.amount_cents for one in self.refunds if one.is_done)

    @property
    def kept_cents(self) -> int:
        return self.amount_cents + self.back_cents

    @property
    def has_work(self) -> bool:
        """A line names a service, so columns for its day, code and provider are of use."""
        return any(line.service_date for section in self.sections for line in section.lines)


def of_payment(payment: Payment, *, now: datetime) -> Receipt:
    """The receipt of a payment as pages.payment_or_404 reads it. A handful of queries."""
    allocations = list(payment.allocations.all())
    return Receipt(
        payment=payment,
        practice=payment.practice,
        made_at=now,
        means=means_of(payment),
        reference=_reference(payment),
        sections=_sections(allocations),
        extras=tuple(fees.receipt_lines(payment.attempt)),
        refunds=tuple(_back(one, payment) for one in _shown(payment.refunds.all())),
        balance=_balance(payment, allocations),
        chip=tuple(chip_lines(payment.attempt.card_facts or {})),
    )


def chip_lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Of the facts that are kept of a presented card (processors.port.PaidWith); in the language in force."""
    chip, entry = facts.get("chip", {}), facts.get("entry", "")
    entries = {
        "contactless_emv": _("Contactless"), "contactless_magstripe_mode": _("Contactless"),
        "contact_emv": _("Chip"), "magnetic_stripe_track2": _("Swiped"), "magnetic_stripe_fallback": _("Swiped"),
    }  # fmt: skip
    verified = {"offline_pin": _("PIN"), "online_pin": _("PIN"), "signature": _("Signature")}
    found = [
        (_("Card read"), entries.get(entry, "")),
        (_("Application"), chip.get("application_preferred_name", "")),
        (_("AID"), chip.get("dedicated_file_name", "")),
        (_("Cryptogram"), chip.get("application_cryptogram", "")),
        (_("Verified by"), verified.get(chip.get("cardholder_verification_method", ""), "")),
        (_("Authorization"), chip.get("authorization_code", "")),
    ]
    return [(label, value) for label, value in found if value]


def means_of(payment: Payment) -> str:
    """ "Visa ending in 4242", "Check 1044"."""
    card = payment.attempt.card_told
    if card is None or not card.last4:
        return payment.attempt.paid_with
    return _("%(brand)s ending in %(last4)s") % {"brand": card.brand, "last4": card.last4}


def _reference(payment: Payment) -> str:
    """Ours, which stands in Open Dental as well; before there is one, the processor's."""
    return payment.posting.reference if payment.posting else payment.processor_reference


def day_words(day: date) -> str:
    """ "Jan 8, 2026", or "8 ene 2026"."""
    return date_format(day, "j b Y" if (get_language() or "en").startswith("es") else "M j, Y")


def _sections(allocations: Iterable[Allocation]) -> tuple[Section, ...]:
    """By patient, in the order of the lines."""
    found: dict[int, tuple[str, list[Line]]] = {}
    for one in sorted(allocations, key=lambda row: row.pk):
        person = _patient(one)
        found.setdefault(person.pk, (person.full_name, []))[1].append(_line(one))
    return tuple(Section(name, tuple(lines)) for name, lines in found.values())


def _patient(allocation: Allocation) -> Patient:
    if allocation.installment is not None:
        return allocation.installment.plan.patient
    return _sale_line(allocation).patient


def _sale_line(allocation: Allocation) -> SaleLine:
    """Of an allocation of a desk sale; a constraint says that it is of one of the two."""
    assert allocation.line is not None
    return allocation.line


def _line(allocation: Allocation) -> Line:
    """At the posted price: a discount is a line of its own."""
    cents = allocation.amount_cents + allocation.discount_cents
    if allocation.installment is not None:
        return Line(_of_plan(allocation.installment), cents)
    line = _sale_line(allocation)
    if line.proc_num:
        words = plain_words.of(line.code, line.description)
        return Line(words, cents, line.service_date, line.code, line.provider)
    return Line(_("Prepayment") if line.kind == SaleLine.Kind.PREPAYMENT else _("On the account"), cents)


def _of_plan(installment: Installment) -> str:
    due = {"due": day_words(installment.due_date)}
    if installment.plan.agreed_date is None:
        return _("Payment plan, payment due %(due)s") % due
    agreed = {"day": day_words(installment.plan.agreed_date)}
    return _("Payment plan of %(day)s, payment due %(due)s") % {**agreed, **due}


def _shown(refunds: Iterable[Refund]) -> list[Refund]:
    """What the patient may know: those that went through and those under way."""
    holding = RefundState.holding()
    return sorted((one for one in refunds if one.state in holding), key=lambda one: one.pk)


def _back(refund: Refund, payment: Payment) -> Back:
    is_done = refund.state == RefundState.SUCCEEDED
    words = _of_refund(refund) if is_done else _("Refund under way")
    if refund.origin == Refund.Origin.HERE and payment.processor_reference:
        words = _("%(what)s to %(card)s") % {"what": words, "card": means_of(payment)}
    return Back(words, refund.back_cents, refund.settled_at or refund.started_at, is_done)


def _of_refund(refund: Refund) -> str:
    if refund.reason == Refund.Reason.DISPUTE:
        return _("Taken back by the card's bank")
    return _("Voided") if refund.is_void else _("Given back")


def _balance(payment: Payment, allocations: list[Allocation]) -> Balance | None:
    """None where there is none: a prepayment, a plan that is closed or has no schedule."""
    sale = payment.attempt.due_part.sale
    if sale is not None:
        words = _("Left to pay of %(amount)s") % {"amount": format_cents(sale.amount_cents)}
        return None if sale.is_prepayment else Balance(words, _left_of_sale(sale))
    plan = next((one.installment.plan for one in allocations if one.installment), None)
    if plan is None or not plan.is_collectable or plan.schedule_problem:
        return None
    return Balance(_("Left to pay on the plan"), _left_of_plan(plan))


def _left_of_sale(sale: Sale) -> int:
    """What no payment of it covers; what went back is open again."""
    settled = Sum(F("amount_cents") + F("discount_cents"))
    paid = Allocation.objects.filter(payment__attempt__due_part__sale=sale).aggregate(cents=settled)
    refunds = Refund.objects.filter(payment__attempt__due_part__sale=sale, state=RefundState.SUCCEEDED)
    back = refunds.aggregate(cents=Sum(F("amount_cents") - F("fee_cents")))
    # A refund took its share of the discount back.
    undone = LedgerAdjustment.objects.filter(payment__attempt__due_part__sale=sale).aggregate(
        cents=Sum("returned_cents")
    )
    return sale.amount_cents - int(paid["cents"] or 0) + int(back["cents"] or 0) + int(undone["cents"] or 0)


def _left_of_plan(plan: PayPlan) -> int:
    return sum(one.owed_cents for one in plan.installments.unpaid())
