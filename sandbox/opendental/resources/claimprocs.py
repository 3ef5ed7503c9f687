"""ClaimProcs: insurance estimates and payments per procedure, read only here."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, wire
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.records import where

PLAIN = ["ClaimProcNum", "ProcNum", "ClaimNum", "PatNum", "ProvNum", "FeeBilled", "InsPayEst", "DedApplied"]
REST = [
    "InsPayAmt",
    "Remarks",
    "ClaimPaymentNum",
    "PlanNum",
    "DateCP",
    "WriteOff",
    "CodeSent",
    "WriteOffEst",
    "ClinicNum",
    "InsSubNum",
]


def claimproc_json(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in PLAIN},
        "Status": enums.name(enums.CLAIM_STATUS, row["Status"]),
        **{name: row[name] for name in REST},
        "PayPlanNum": row["PayPlanNum"],
        "SecDateTEdit": row["SecDateTEdit"],
    }


@endpoint("GET", "/claimprocs", since="22.2.33")
def multiple(call: Call) -> list[dict[str, Any]]:
    wanted: dict[str, Any] = {}
    for name in ("ProcNum", "ClaimNum", "PatNum", "ClaimPaymentNum"):
        if (number := call.number(name)) is not None:
            wanted[name] = number
    if call.query.get("Status"):
        wanted["Status"] = wire.choice(dict(call.query), "Status", enums.CLAIM_STATUS, "")
    return [claimproc_json(row) for row in where(call.office.books, "claimproc", **wanted)]
