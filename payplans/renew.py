"""Brings a plan's installments in step with Open Dental, keeping their identity, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from payplans.identity import Known, Sort, Wanted, match
from payplans.models import ChargeRow, Installment, PayPlan, PlanSplit
from payplans.standing import Item, Split, paid_per_row, spread, status_of
from practices.models import Event

ZEROED = "Set to zero in Open Dental"
KEPT = "No longer in Open Dental's schedule; money stands on it"


@dataclass
class Renewal:
    """One plan's renewal. `locked`: its installments, locked by the caller (docs/money.md: they come first).

    `busy` are installments with an attempt under way: their amounts wait until it is final.
    """

    plan: PayPlan
    locked: Sequence[Installment]
    now: datetime
    today: date
    busy: set[int]
    gone_note: str
    # No events for the installments of a plan seen for the first time.
    is_new: bool = False
    installments: dict[int, Installment] = field(default_factory=dict)
    # Set by stand(): installment → cents too much on it, and → cents it owed before the office's money was taken back.
    over: dict[int, int] = field(default_factory=dict)
    reopened: dict[int, int] = field(default_factory=dict)
    has_stood: bool = False

    def __post_init__(self) -> None:
        self.installments = {row.pk: row for row in self.locked}

    def run(self, wanted: Sequence[Wanted]) -> None:
        """Match, move, issue, add and cancel; never deletes an installment."""
        numbers = _numbers(self.plan)
        known = [self._known(row, numbers.get(row.pk, frozenset())) for row in self.installments.values()]
        matching = match(known, wanted, today=self.today)
        owners: list[tuple[Installment, Wanted]] = []
        for ours, theirs in matching.pairs:
            installment = self._add(theirs) if ours is None else self.installments[ours.id]
            if ours is not None:
                self._change(installment, theirs)
            owners.append((installment, theirs))
        _store_rows(self.plan, owners)
        for ours in matching.left:
            self._drop(self.installments[ours.id])

    def _known(self, row: Installment, numbers: frozenset[int]) -> Known:
        return Known(
            id=row.pk,
            date=row.due_date,
            is_issued=row.is_issued,
            is_down_payment=row.is_down_payment,
            is_live=row.is_open or self._has_money(row),
            numbers=numbers,
        )

    def _has_money(self, row: Installment) -> bool:
        return row.collected_cents > 0 or row.pk in self.busy

    def _add(self, theirs: Wanted) -> Installment:
        empty = theirs.amount_cents == 0
        row = Installment.objects.create(
            practice_id=self.plan.practice_id,
            plan=self.plan,
            due_date=theirs.date,
            first_due_date=theirs.date,
            principal_cents=theirs.principal_cents,
            interest_cents=theirs.interest_cents,
            is_down_payment=theirs.sort is Sort.DOWN_PAYMENT,
            is_issued=theirs.is_issued,
            status=Installment.Status.CANCELED if empty else Installment.Status.PENDING,
            status_note=ZEROED if empty else _note(theirs),
        )
        self.installments[row.pk] = row
        if not self.is_new:
            self._record("installment_added", row, {}, _terms(row))
        return row

    def _change(self, row: Installment, theirs: Wanted) -> None:
        before = _terms(row)
        row.due_date = theirs.date
        row.is_issued = theirs.is_issued
        if row.pk not in self.busy:
            row.principal_cents, row.interest_cents = theirs.principal_cents, theirs.interest_cents
            self._revive_or_zero(row)
        if (after := _terms(row)) != before:
            row.save(
                update_fields=["due_date", "is_issued", "principal_cents", "interest_cents", "status", "status_note"]
            )
            self._record("installment_changed", row, before, after)

    def _revive_or_zero(self, row: Installment) -> None:
        if row.amount_cents == 0 and not row.collected_cents and row.status != Installment.Status.CANCELED:
            row.status, row.status_note = Installment.Status.CANCELED, ZEROED
        elif row.amount_cents > 0 and row.status == Installment.Status.CANCELED:
            row.status, row.status_note = Installment.Status.PENDING, ""

    def _drop(self, row: Installment) -> None:
        """Nothing in Open Dental stands for it any more."""
        keeps_money = self._has_money(row)
        status = row.status if keeps_money else Installment.Status.CANCELED
        note = KEPT if keeps_money else self.gone_note
        if row.status == status and (row.status_note == note or not keeps_money):
            return
        before = _terms(row)
        row.status, row.status_note = status, note
        row.save(update_fields=["status", "status_note"])
        self._record("installment_kept" if keeps_money else "installment_canceled", row, before, _terms(row))

    def _record(self, kind: str, row: Installment, before: dict[str, Any], after: dict[str, Any]) -> None:
        about = {"patient": self.plan.patient_id, "plan": self.plan.pk, "installment": row.pk}
        changed = {name for name in after if after[name] != before.get(name)}
        Event.record(
            self.plan.practice_id,
            kind=kind,
            actor="sync",
            now=self.now,
            about=about,
            before={name: before[name] for name in before if name in changed},
            after={name: after[name] for name in after if name in changed},
        )

    def pay_rows(self, splits: Sequence[PlanSplit]) -> None:
        """What stands on each charge row in Open Dental, whoever paid it."""
        _store_row_payments(self.plan, paid_per_row(_facts(splits)))

    def stand(self, splits: Sequence[PlanSplit], *, ours: set[int]) -> None:
        """Set what the office took and the status that follows from it."""
        self.has_stood = True
        facts = _facts(splits)
        numbers = _numbers(self.plan)
        issued = [row for row in self.installments.values() if row.is_issued and row.status != row.Status.CANCELED]
        issued.sort(key=lambda row: (row.due_date, not row.is_down_payment, row.pk))
        items = [
            Item(row.pk, row.amount_cents, row.collected_cents, numbers.get(row.pk, frozenset())) for row in issued
        ]
        paid = {item.id: item for item in spread(items, facts, ours=ours)}
        self.over = {item.id: item.over_cents for item in items if item.over_cents > 0}
        for row in self.installments.values():
            item = paid.get(row.pk)
            self._stand_one(row, item.paid_cents if item else 0, item.paid_date if item else None)

    def _stand_one(self, row: Installment, paid_cents: int, paid_date: date | None) -> None:
        before, owed_before = _standing(row), row.owed_cents
        row.office_paid_cents = paid_cents
        if row.pk not in self.busy:
            row.status, row.status_note = status_of(row, paid_date)
        if row.is_open and row.owed_cents > owed_before and row.due_date <= self.today:
            self.reopened[row.pk] = owed_before
        if (after := _standing(row)) == before:
            return
        if before["status"] != after["status"]:
            row.paid_at = self.now if row.status == Installment.Status.PAID else None
        row.save(update_fields=["office_paid_cents", "status", "status_note", "paid_at"])
        self._record("installment_standing", row, before, after)


def _facts(splits: Sequence[PlanSplit]) -> list[Split]:
    return [Split(row.pay_num, row.pay_plan_charge_num, row.amount_cents, row.paid_date) for row in splits]


def _note(theirs: Wanted) -> str:
    return "Close Out Charge" if theirs.sort is Sort.CLOSE_OUT else ""


def _terms(row: Installment) -> dict[str, Any]:
    return {
        "due_date": row.due_date.isoformat(),
        "amount_cents": row.amount_cents,
        "interest_cents": row.interest_cents,
        "is_issued": row.is_issued,
        "status": str(row.status),
    }


def _standing(row: Installment) -> dict[str, Any]:
    return {"office_paid_cents": row.office_paid_cents, "status": str(row.status), "note": row.status_note}


def _numbers(plan: PayPlan) -> dict[int, frozenset[int]]:
    """Installment → numbers of its charge rows."""
    found: dict[int, set[int]] = {}
    pairs = ChargeRow.objects.filter(installment__plan=plan).values_list("installment_id", "pay_plan_charge_num")
    for installment_id, number in pairs:
        found.setdefault(installment_id, set()).add(number)
    return {installment_id: frozenset(numbers) for installment_id, numbers in found.items()}


def _store_rows(plan: PayPlan, owners: Sequence[tuple[Installment, Wanted]]) -> None:
    rows = [
        ChargeRow(
            practice_id=plan.practice_id,
            installment=installment,
            pay_plan_charge_num=row.number,
            charge_date=row.date,
            principal_cents=row.principal_cents,
            interest_cents=row.interest_cents,
            note=row.note,
            is_offset=row.is_offset,
        )
        for installment, theirs in owners
        for row in theirs.rows
    ]
    ChargeRow.objects.filter(installment__plan=plan).exclude(
        pay_plan_charge_num__in=[row.pay_plan_charge_num for row in rows]
    ).delete()
    ChargeRow.objects.bulk_create(
        sorted(rows, key=lambda row: row.pay_plan_charge_num),
        update_conflicts=True,
        unique_fields=["practice", "pay_plan_charge_num"],
        update_fields=["installment", "charge_date", "principal_cents", "interest_cents", "note", "is_offset"],
    )


def _store_row_payments(plan: PayPlan, paid: dict[int, int]) -> None:
    changed = []
    for row in ChargeRow.objects.filter(installment__plan=plan):
        cents = paid.get(row.pay_plan_charge_num, 0)
        if row.paid_cents != cents:
            row.paid_cents = cents
            changed.append(row)
    ChargeRow.objects.bulk_update(changed, ["paid_cents"])
