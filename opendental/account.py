"""Reads what a family owes outside plans: procedures with a patient portion, loose adjustments, unearned money.

The patient portion is Open Dental's: fee × units, less insurance paid or expected and write-offs, adjusted, less what
was paid on it outside plans (the office's own FIFO counts the same, opendental-api 5.9 and 7.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from opendental import account_rows, breaker, features
from opendental.account_rows import Rows
from opendental.client import Office
from opendental.errors import OpenDentalError
from opendental.fields import Fields, Unreadable
from opendental.models import Connection
from payments.account import Account, Member, OpenProcedure
from payments.upward import UnableToReadAccount

# Status of a ClaimProc: paid for certain, or expected. As words (REST) and as numbers (SQL).
_STATUSES = (
    "NotReceived", "Received", "Preauth", "Adjustment", "Supplemental", "CapClaim", "Estimate", "CapComplete",
    "CapEstimate", "InsHist",
)  # fmt: skip
_RECEIVED = {"Received", "Supplemental", "CapClaim", "CapComplete"}
_ESTIMATED = {"Estimate", "CapEstimate"}


def read(practice_id: int, pat_num: int, now: datetime) -> Account:
    """The account of the patient's family now. Raises UnableToReadAccount with a sentence for staff."""
    connection = Connection.objects.filter(practice_id=practice_id).first()
    if connection is None:
        raise UnableToReadAccount("Open Dental is not connected.")
    if reason := breaker.refusal(connection, now):
        raise UnableToReadAccount(reason)
    try:
        return _read(connection, Office(connection, urgent=True), pat_num, now)
    except OpenDentalError as error:
        breaker.missed(connection, error, now=now)
        raise UnableToReadAccount(error.reason) from error
    except Unreadable as error:
        raise UnableToReadAccount(f"Open Dental's answer about this account can't be understood: {error}.") from error


def _read(connection: Connection, office: Office, pat_num: int, now: datetime) -> Account:
    balances = [Fields(row) for row in office.get_all(f"/accountmodules/{pat_num}/PatientBalances")]
    # The last row is the family's sum, under the guarantor's number.
    people = {row.key("PatNum"): row for row in balances if row.text("Name") != "Entire Family"}
    rows = account_rows.read(connection, office, sorted(people, key=lambda one: (one != pat_num, one)))
    members = tuple(
        Member(
            number, people[number].text("Name"), people[number].cents("Balance"),
            loose_cents=rows.loose.get(number, 0), unearned_cents=rows.unearned.get(number, 0),
        )
        for number in rows.people
    )  # fmt: skip
    lax = not features.splits_enforced(connection)
    return Account(now, members, tuple(_procedures(rows)), _no_names(connection, rows), all_or_nothing=lax)


def _no_names(connection: Connection, rows: Rows) -> str:
    """Why money can't be put on procedures by name; '' = it can."""
    if rows.no_names:
        return rows.no_names
    if not features.at_least(connection, "22.4.16"):
        return "This version of Open Dental takes no procedures by name."
    if not features.splits_enforced(connection) and not features.at_least(connection, "25.1.11"):
        return "This office does not let Open Dental split payments by itself."
    return ""


def _procedures(rows: Rows) -> Iterable[OpenProcedure]:
    claims = defaultdict[int, list[Fields]](list)
    for claim in rows.claims:
        claims[Fields(claim).integer("ProcNum", 0)].append(Fields(claim))
    found = [_procedure(Fields(row), claims[Fields(row).key("ProcNum")]) for row in rows.procedures]
    still_open = [one for one in found if one.open_cents > 0]
    return sorted(still_open, key=lambda one: (str(one.service_date or ""), one.proc_num))


def _procedure(row: Fields, claims: list[Fields]) -> OpenProcedure:
    units = max(1, row.integer("UnitQty", 0) + row.integer("BaseUnits", 0))
    paid, pending = insurance(claims)
    charged = row.cents("ProcFee") * units + row.cents("adjusted") - row.cents("paid")
    return OpenProcedure(
        proc_num=row.key("ProcNum"),
        pat_num=row.key("PatNum"),
        service_date=row.day("ProcDate"),
        code=row.text("procCode")[:20],
        description=row.text("descript")[:200],
        provider=row.text("provAbbr")[:40],
        open_cents=max(0, charged - paid - pending),
        pending_cents=min(pending, max(0, charged - paid)),
    )


def insurance(claims: list[Fields]) -> tuple[int, int]:
    """(paid with its write-offs, still expected): estimates count only where no claim was made."""
    by_status = [(claim.choice("Status", _STATUSES), claim) for claim in claims]
    is_claimed = any(status == "NotReceived" or status in _RECEIVED for status, _ in by_status)
    paid = pending = 0
    for status, claim in by_status:
        if status in _RECEIVED:
            paid += claim.cents("InsPayAmt") + claim.cents("WriteOff")
        elif status == "NotReceived" or (status in _ESTIMATED and not is_claimed):
            pending += claim.cents("InsPayEst") + max(0, claim.cents("WriteOffEst"))
    return paid, pending


def open_now(practice_id: int, pat_num: int, now: datetime) -> dict[int, int]:
    """Cents still open by ProcNum, in the family of this patient. Raises UnableToReadAccount."""
    return read(practice_id, pat_num, now).open_by_procedure()
