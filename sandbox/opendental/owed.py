"""What a family owes, piece by piece, oldest first: the list a payment is spread over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sandbox.common.store import Row, Store
from sandbox.opendental import enums, prepay, production
from sandbox.opendental.money import cents
from sandbox.opendental.office import Office
from sandbox.opendental.records import find, where


@dataclass(frozen=True)
class Piece:
    """One open amount (cents). `order` sorts interest before principal on the same date."""

    date: str
    order: int
    open: int
    patient: int
    columns: tuple[tuple[str, int], ...]  # what a split on it carries

    @property
    def procedure(self) -> int:
        return dict(self.columns).get("ProcNum", 0)

    @property
    def plan(self) -> int:
        return dict(self.columns).get("PayPlanNum", 0)


def family_of(books: Store, patient: int) -> list[int]:
    """Patient numbers that share the patient's guarantor."""
    row = find(books, "patient", patient)
    return [member["PatNum"] for member in where(books, "patient", Guarantor=row["Guarantor"])] if row else [patient]


def plan_pieces(office: Office, plan: Row, today: date) -> list[Piece]:
    """Open interest and principal of a plan's rows due by today; money on the plan but on no row fills the oldest."""
    rows = [row for row in _debits(office.books, plan["PayPlanNum"]) if row["ChargeDate"] <= today.isoformat()]
    loose = sum(
        cents(split["SplitAmt"])
        for split in where(office.books, "paysplit", PayPlanNum=plan["PayPlanNum"], PayPlanChargeNum=0, UnearnedType=0)
    )
    pieces: list[Piece] = []
    for row in rows:
        for debit, owed in prepay.open_parts(office.books, row).items():
            used = max(0, min(loose, owed))
            loose -= used
            if owed - used > 0:
                pieces.append(_plan_piece(row, debit, owed - used))
    return pieces


def _debits(books: Store, plan: int) -> list[Row]:
    return where(books, "payplancharge", "ChargeDate, PayPlanChargeNum", PayPlanNum=plan, ChargeType=enums.DEBIT)


def _plan_piece(row: Row, debit: int, owed: int) -> Piece:
    columns = tuple(prepay.charge_target(row, debit).items())
    return Piece(row["ChargeDate"], 0 if debit == enums.INTEREST else 1, owed, row["Guarantor"], columns)


def procedure_pieces(office: Office, patients: Sequence[int]) -> list[Piece]:
    """Completed procedures on no plan, with what the patient still owes on them."""
    found: list[Piece] = []
    for patient in patients:
        for row in where(office.books, "procedurelog", PatNum=patient, ProcStatus=enums.COMPLETE):
            if where(office.books, "payplanlink", LinkType=enums.PROCEDURE, FKey=row["ProcNum"]):
                continue
            owed = production.portion(office.books, row)
            if owed > 0:
                columns = (("ProcNum", row["ProcNum"]), ("ProvNum", row["ProvNum"]), ("ClinicNum", row["ClinicNum"]))
                found.append(Piece(row["ProcDate"], 2, owed, patient, columns))
    return found


def adjustment_pieces(office: Office, patients: Sequence[int]) -> list[Piece]:
    """Positive adjustments that hang on no procedure and no plan."""
    found: list[Piece] = []
    for patient in patients:
        for row in where(office.books, "adjustment", PatNum=patient, ProcNum=0):
            if where(office.books, "payplanlink", LinkType=enums.ADJUSTMENT, FKey=row["AdjNum"]):
                continue
            owed = production.open_adjustment(office.books, row)
            if owed > 0:
                columns = (("AdjNum", row["AdjNum"]), ("ProvNum", row["ProvNum"]), ("ClinicNum", row["ClinicNum"]))
                found.append(Piece(row["AdjDate"], 3, owed, patient, columns))
    return found


def family_plans(books: Store, patients: Sequence[int]) -> list[Row]:
    """Plans whose charges live on one of the accounts; insurance plans are not the family's to pay."""
    marks = ",".join("?" * len(patients))
    return books.all(
        f"SELECT * FROM payplan WHERE PlanNum=0 AND PayPlanNum IN "
        f"(SELECT DISTINCT PayPlanNum FROM payplancharge WHERE Guarantor IN ({marks})) ORDER BY PayPlanNum",
        *patients,
    )


def pieces(office: Office, patient: int, today: date, *, prefer_patient: bool, first: Sequence[int]) -> list[Piece]:
    """Everything the family owes: chosen procedures first, then (if wished) the patient's own, then oldest first."""
    family = family_of(office.books, patient)
    found = procedure_pieces(office, family) + adjustment_pieces(office, family)
    for plan in family_plans(office.books, family):
        found += plan_pieces(office, plan, today)
    return sorted(
        found,
        key=lambda piece: (
            piece.plan != 0 or piece.procedure not in first,
            prefer_patient and piece.patient != patient,
            piece.date,
            piece.order,
        ),
    )
