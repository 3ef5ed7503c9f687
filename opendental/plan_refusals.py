"""Why Open Dental refused an order, in plain words, and which field of the form it is about."""

from __future__ import annotations

import re

from opendental import features
from opendental.errors import NotAllowed, NotFoundInOffice, OpenDentalError, TooOldVersion, UnableToReachOffice
from opendental.models import Connection, PlanOrder

BY_HAND = "Make the plan in Open Dental itself (Account, then Payment Plan); it appears here by itself."
# What Open Dental's sentence names → the field of the form, and what to do about it. The first match counts.
_SENTENCES = (
    (
        r"already attached",
        "works",
        "Some of this work is on another payment plan already. Take it off there, or leave it out.",
    ),
    (r"Procedure.*not found", "works", "Open Dental no longer has one of these procedures. Read the account again."),
    (r"Adjustment.*not found", "works", "Open Dental no longer has one of these adjustments. Read the account again."),
    (r"positive adjustments", "works", "Only charges that hang on no procedure can be put on a plan as adjustments."),
    (r"procNums|adjNums", "works", "Choose at least one procedure or adjustment."),
    (r"Guarantor.*not found", "guarantor", "Open Dental has no such person."),
    (r"Guarantor cannot be changed", "guarantor", "Who pays can't be changed once charges or payments exist."),
    (r"PatNum|Patient.*not found", "", "Open Dental no longer has this patient, or they were merged."),
    (r"PayPlanDate.*future", "agreed", "The office does not allow a date in the future here."),
    (r"DatePayPlanStart", "start", "The first payment's date can't be changed once charges exist."),
    (r"DateInterestStart", "interest_start", "A day from which interest runs needs an APR above 0."),
    (r"DownPayment", "down", "The down payment must lie between 0 and the work chosen."),
    (r"IsLocked", "locked", "This office wants plans with an APR to be locked."),
    (r"does not cover the interest|terms are invalid", "pay", "The payment does not even cover the interest."),
    (r"NumberOfPayments", "payments", "Enter either an amount or a number of payments, more than 0."),
    (r"PayAmt", "pay", "Enter either an amount or a number of payments, more than 0."),
    (r"APR", "apr", "The yearly interest must be a number from 0 up."),
    (r"PlanCategory", "category", "This category is not there any more, or this version of Open Dental can't set one."),
    (r"ChargeFrequency", "frequency", "Open Dental does not know this frequency."),
    (r"already closed|is closed", "", "The plan is closed already."),
    (r"Insurance payment plans", "", "Insurance payment plans are closed in Open Dental itself."),
)


_NO_KEY = "The key of this office lacks the permission for payment plans. Ask for it in Open Dental's portal."
_OLD_OFFICE = f"This office's version of Open Dental can't make payment plans for programs. {BY_HAND}"


def before(connection: Connection) -> str:
    """Why nobody needs to fill in a form: this office takes no plan from us. '' = it does."""
    if not features.at_least(connection, "22.2.22"):
        return _OLD_OFFICE
    return "" if "ApiPayPlans" in connection.permissions else f"{_NO_KEY} {BY_HAND}"


def explain(error: OpenDentalError, order: PlanOrder) -> tuple[str, str]:
    """(field, words). Open Dental's own sentence stands behind ours."""
    if isinstance(error, TooOldVersion) and "PlanCategory" not in error.explanation:
        return "", _too_old(order)
    if isinstance(error, NotAllowed):
        return "", _NO_KEY
    for pattern, field, words in _SENTENCES:
        if re.search(pattern, error.explanation, re.IGNORECASE):
            return field, f"{words} Open Dental says: {error.explanation}"
    if isinstance(error, NotFoundInOffice):
        return "", f"Open Dental no longer has what this names. It says: {error.explanation}"
    return "", f"Open Dental refused it: {error.explanation}"


def _too_old(order: PlanOrder) -> str:
    """Also where it answers 410: only the old way of making plans is there, and that one is deprecated."""
    if order.kind == PlanOrder.Kind.CREATE:
        return _OLD_OFFICE
    what = "closing plans" if order.kind == PlanOrder.Kind.CLOSE else "changing terms"
    return f"This office's version of Open Dental does not allow {what} by programs. Do it in Open Dental itself."


def heals(error: OpenDentalError) -> bool:
    """Surely not sent, and likely to work in a moment."""
    return isinstance(error, UnableToReachOffice)
