"""Balances of accounts, as Open Dental's aging leaves them on the patient rows.

PayPlansVersion says whether a plan's credits (its production) and debits (its due rows) count into the account.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sandbox.common.store import Store
from sandbox.opendental import enums, plans, prepay, production
from sandbox.opendental.money import cents, dollars
from sandbox.opendental.office import Office
from sandbox.opendental.owed import family_of
from sandbox.opendental.records import change, find, where

Entry = tuple[str, int]  # (date, cents): charges positive, credits negative


def entries(office: Office, patient: int, today: date) -> list[Entry]:
    """Everything on one account by today."""
    version = office.pref("PayPlansVersion")
    found = _work(office.books, patient) + _payments(office, patient, plan_splits=version != "1")
    if version in ("1", "2", "3"):
        found += _plan_credits(office.books, patient)
    if version == "2":
        found += _plan_debits(office.books, patient, today)
    return found


def _work(books: Store, patient: int) -> list[Entry]:
    found: list[Entry] = []
    for row in where(books, "procedurelog", PatNum=patient, ProcStatus=enums.COMPLETE):
        fee = cents(row["ProcFee"]) * max(1, row["UnitQty"] + row["BaseUnits"])
        found.append((row["ProcDate"], fee - production.insurance(books, row["ProcNum"])))
    found += [(row["AdjDate"], cents(row["AdjAmt"])) for row in where(books, "adjustment", PatNum=patient)]
    return found


def _payments(office: Office, patient: int, *, plan_splits: bool) -> list[Entry]:
    hidden = prepay.hidden_type(office)
    rows = where(office.books, "paysplit", PatNum=patient)
    kept = [row for row in rows if row["UnearnedType"] != hidden and (plan_splits or not row["PayPlanNum"])]
    return [(row["DatePay"], -cents(row["SplitAmt"])) for row in kept]


def _plan_credits(books: Store, patient: int) -> list[Entry]:
    """Completed production that a plan took off the account, on the account of the patient it was done for."""
    found: list[Entry] = []
    for plan in where(books, "payplan", PatNum=patient):
        if plan["IsDynamic"]:
            links = production.links_of(books, plan["PayPlanNum"])
            found += [(plan["PayPlanDate"], -link.value) for link in links if not link.planned]
        elif not plan["PlanNum"]:
            found.append((plan["PayPlanDate"], -plans.principal_cents(books, plan)))
    return found


def _plan_debits(books: Store, patient: int, today: date) -> list[Entry]:
    rows = books.all(
        "SELECT c.ChargeDate, c.Principal, c.Interest FROM payplancharge c JOIN payplan p USING (PayPlanNum) "
        "WHERE c.Guarantor=? AND c.ChargeType=0 AND c.ChargeDate<=? AND p.PlanNum=0",
        patient,
        today.isoformat(),
    )
    return [(row["ChargeDate"], cents(row["Principal"]) + cents(row["Interest"])) for row in rows]


def refresh(office: Office, patient: int, today: date) -> None:
    """Recompute the stored balances of a patient's family."""
    family = family_of(office.books, patient)
    total = 0
    everything: list[Entry] = []
    for member in family:
        found = entries(office, member, today)
        balance = sum(amount for _, amount in found)
        total += balance
        everything += found
        change(office.books, "patient", member, EstBalance=dollars(balance), BalTotal=0.0)
    head = find(office.books, "patient", patient)
    if head is not None:
        ages = {name: dollars(amount) for name, amount in buckets(everything, today).items()}
        change(office.books, "patient", head["Guarantor"], BalTotal=dollars(total), **ages)


def buckets(found: list[Entry], today: date) -> dict[str, int]:
    """Charges by age (cents), credits taking the oldest first."""
    names = ("Bal_0_30", "Bal_31_60", "Bal_61_90", "BalOver90")
    edges = [today - timedelta(days=days) for days in (30, 60, 90)]
    aged = dict.fromkeys(names, 0)
    for day, amount in found:
        if amount > 0:
            position = sum(day < edge.isoformat() for edge in edges)
            aged[names[position]] += amount
    credit = -sum(amount for _, amount in found if amount < 0)
    for name in reversed(names):
        used = min(credit, aged[name])
        aged[name] -= used
        credit -= used
    aged["Bal_0_30"] -= credit
    return aged


def unearned(office: Office, patients: list[int]) -> int:
    """Regular unearned money of the accounts, in cents; hidden prepayments left out."""
    hidden = prepay.hidden_type(office)
    rows: list[Any] = [row for patient in patients for row in where(office.books, "paysplit", PatNum=patient)]
    return sum(cents(row["SplitAmt"]) for row in rows if row["UnearnedType"] not in (0, hidden))
