"""Amounts of a plan's terms in cents: interest of a period, installment amount, value of one piece of production."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, localcontext

from payplans.periods import Frequency


class UnableToComputeAmount(ValueError):
    """The terms have no installment amount, e.g. zero payments."""


def period_rate(apr_percent: float, frequency: Frequency) -> float:
    """Interest of one period as a fraction, in the doubles Open Dental computes with."""
    return apr_percent / 100 / frequency.per_year


def interest_cents(base_cents: int, rate: float) -> int:
    """Interest on `base_cents` for one period; a negative base bears none.

    Open Dental rounds doubles half-even at the second decimal after scaling by 100; an exact half cent can therefore
    fall either way, as it does there.
    """
    return round(max(0, base_cents) / 100 * rate * 100)


def pay_amount_cents(
    total_cents: int, payments: int, *, down_cents: int = 0, apr_percent: float = 0, frequency: Frequency
) -> int:
    """Installment amount when the number of payments is given: an annuity, rounded up to the cent.

    Raises UnableToComputeAmount unless there is at least one payment.
    """
    if payments < 1:
        raise UnableToComputeAmount("a plan needs at least one payment")
    principal = total_cents - down_cents
    if not apr_percent:
        return -(-principal // payments)
    with localcontext() as context:
        context.prec = 40
        rate = Decimal(str(apr_percent)) / 100 / frequency.per_year
        exact = principal * rate / (1 - (1 + rate) ** -payments)
    return int(exact.to_integral_value(ROUND_CEILING))


def link_value_cents(
    fee_cents: int,
    *,
    units: int = 1,
    insurance_cents: int = 0,
    write_off_cents: int = 0,
    attached_adjustments_cents: int = 0,
    discount_cents: int = 0,
    paid_before_cents: int = 0,
    override_cents: int = 0,
) -> int:
    """What one piece of production adds to the plan: its override if set, else the patient's part not yet paid.

    Attached adjustments are those on the procedure with the same patient, provider and clinic; the discount counts
    only while the procedure is treatment-planned (pass 0 otherwise).
    """
    if override_cents:
        return override_cents
    patient_part = fee_cents * units - insurance_cents - write_off_cents + attached_adjustments_cents - discount_cents
    return patient_part - paid_before_cents
