"""Desk sales: tenders within the sale, lines that sum to it, cash that no processor saw, no procedure paid twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from ops.audit.sources import Office, Row
from ops.audit.world import World, grouped

RECORDED = "RECORDED"
# Insurance that has paid, as against what it is expected to pay (ClaimProc.Status).
_RECEIVED = (1, 4, 5, 7)
# Nobody goes on with it for so long: it must have been ended.
_LONGEST_OPEN = timedelta(hours=1)


def sales_are_not_paid_beyond(world: World) -> Iterator[str]:
    """Its lines sum to it, its tenders never to more, and it is PAID exactly when they reach it."""
    parts = grouped(world.rows("payments_duepart"), lambda row: row["sale_id"])
    lines = grouped(world.rows("payments_saleline"), lambda row: row["sale_id"])
    for sale in world.rows("payments_sale"):
        mine = parts.get(sale["id"], [])
        taken = sum(row["amount_cents"] for row in mine if row["state"] in ("OPEN", "PAID"))
        paid = sum(row["amount_cents"] for row in mine if row["state"] == "PAID")
        asked = sum(row["amount_cents"] for row in lines.get(sale["id"], []))
        if asked != sale["amount_cents"]:
            yield f"sale {sale['id']} of {sale['amount_cents']} cents has lines of {asked}"
        if taken > sale["amount_cents"] or (sale["state"] == "PAID") != (paid == sale["amount_cents"]):
            yield f"sale {sale['id']} of {sale['amount_cents']} cents is {sale['state']}, {paid} of {taken} were paid"


def sales_come_to_an_end(world: World) -> Iterator[str]:
    for sale in world.rows("payments_sale"):
        if sale["state"] == "OPEN" and sale["drafted_at"] < world.now - _LONGEST_OPEN:
            yield f"sale {sale['id']} has been open since {sale['drafted_at']}"


def recorded_money_asks_no_processor(world: World) -> Iterator[str]:
    """Cash and checks succeed at once; the processor has never heard of them."""
    payments = {row["attempt_id"]: row for row in world.rows("payments_payment")}
    for attempt in world.rows("payments_attempt"):
        if attempt["channel"] != RECORDED:
            continue
        payment = payments.get(attempt["id"])
        if attempt["state"] != "SUCCEEDED" or payment is None or payment["processor_reference"]:
            yield f"attempt {attempt['id']} is recorded money and {attempt['state']}"
        if attempt["reference"] or str(attempt["uuid"]) in world.intents_by_attempt:
            yield f"attempt {attempt['id']} is recorded money, and the processor was asked for it"


def procedures_are_not_paid_twice(world: World) -> Iterator[str]:
    """What stands on a procedure that we sold is no more than its patient owed on it."""
    sold = {(row["practice_id"], row["proc_num"]) for row in world.rows("payments_saleline") if row["proc_num"]}
    for practice_id, office in world.office_of.items():
        paid: Counter[int] = Counter()
        for split in office.tables["paysplit"]:
            paid[split["ProcNum"]] += split["SplitAmt"] if not split["PayPlanNum"] else 0
        for procedure in office.tables["procedurelog"]:
            number = procedure["ProcNum"]
            if (practice_id, number) in sold and paid[number] > _portion(office, procedure):
                yield f"procedure {number} of {office.key} was paid {paid[number]}, {_portion(office, procedure)} owed"


def _portion(office: Office, procedure: Row) -> int:
    fee: int = procedure["ProcFee"] * max(1, procedure["UnitQty"] + procedure["BaseUnits"])
    number = procedure["ProcNum"]
    adjusted = sum(row["AdjAmt"] for row in office.tables["adjustment"] if row["ProcNum"] == number)
    insured = sum(
        row["InsPayAmt"] + row["WriteOff"]
        for row in office.tables["claimproc"]
        if row["ProcNum"] == number and row["Status"] in _RECEIVED
    )
    return fee + int(adjusted) - int(insured)


CHECKS = (
    sales_are_not_paid_beyond,
    sales_come_to_an_end,
    recorded_money_asks_no_processor,
    procedures_are_not_paid_twice,
)
