"""No installment is paid twice: by us, by us and the office, or by two attempts at the same money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ops.audit.checks.fees import surcharge_of
from ops.audit.sources import Office, Row
from ops.audit.world import World, grouped

OPEN_OR_PAID = ("STARTED", "PENDING", "UNKNOWN", "SUCCEEDED")
# An office that can't be queried is read in turn, so its news take longer to reach us.
SLOW_NEWS = timedelta(days=1)


def due_parts_have_one_attempt_that_counts(world: World) -> Iterator[str]:
    """At most one open or successful attempt; a part is PAID exactly when it has a successful one."""
    attempts = grouped(world.rows("payments_attempt"), lambda row: row["due_part_id"])
    for part in world.rows("payments_duepart"):
        found = [row for row in attempts.get(part["id"], []) if row["state"] in OPEN_OR_PAID]
        if len(found) > 1:
            yield f"due part {part['id']} has attempts {[row['id'] for row in found]} that may all have taken money"
        if any(row["state"] == "SUCCEEDED" for row in found) != (part["state"] == "PAID"):
            yield f"due part {part['id']} is {part['state']}, its attempts are {[row['state'] for row in found]}"


def allocations_sum_to_payments(world: World) -> Iterator[str]:
    for payment in world.rows("payments_payment"):
        total = sum(row["amount_cents"] for row in world.allocations_by_payment.get(payment["id"], []))
        if total != payment["amount_cents"] - surcharge_of(world, payment):
            yield f"payment {payment['id']} of {payment['amount_cents']} cents is allocated with {total}"


def installments_hold_what_was_collected(world: World) -> Iterator[str]:
    collected = grouped(world.rows("payments_allocation"), lambda row: row["installment_id"])
    for row in world.rows("payplans_installment"):
        total = sum(world.kept_by_allocation[part["id"]] for part in collected.get(row["id"], []))
        if total != row["collected_cents"]:
            yield f"installment {row['id']} says {row['collected_cents']} cents were collected, payments say {total}"


def we_collect_no_installment_twice(world: World) -> Iterator[str]:
    """Several payments of ours on one installment are no more than it asks, unless the office changed it since."""
    allocations = grouped(world.rows("payments_allocation"), lambda row: row["installment_id"])
    # What a desk sale pays is of no installment.
    allocations.pop(None, None)
    for pk, found in allocations.items():
        row = world.one("payplans_installment", pk)
        total = sum(world.kept_by_allocation[part["id"]] for part in found)
        asked = row["principal_cents"] + row["interest_cents"]
        if len(found) > 1 and total > asked and not _changed_since(world, row, found):
            yield f"installment {pk} of {asked} cents was collected {len(found)} times: {total} cents"


def _changed_since(world: World, installment: Row, found: list[Row]) -> bool:
    newest = max(world.one("payments_payment", part["payment_id"])["paid_at"] for part in found)
    return any(
        event["at"] >= newest and event["about"].get("installment") == installment["id"]
        for event in world.events_of("installment_changed")
    )


def overpaid_installments_are_alarmed(world: World) -> Iterator[str]:
    """We took it and so did the office: a person must have been told."""
    for installment_id, cents in overpaid(world).items():
        practice_id = world.one("payplans_installment", installment_id)["practice_id"]
        if not world.is_told(practice_id, f"paid-twice:{installment_id}"):
            yield f"installment {installment_id} was paid {cents} cents too much, and no alarm says so"


def overpaid(world: World, *, also_fresh: bool = False) -> dict[int, int]:
    """Installment → cents that stand on its charges beyond what they ask, with what we hold for it."""
    found = {}
    for plan in world.rows("payplans_payplan"):
        office = world.office_of.get(plan["practice_id"])
        if office is not None and not _is_in_flight(world, plan):
            found.update(_overpaid_of(world, office, plan, also_fresh))
    return found


def _is_in_flight(world: World, plan: Row) -> bool:
    """Its splits can't be told from the office's while a posting may or may not have arrived."""
    postings = [row for row in world.rows("payments_ledgerposting") if row["plan_id"] == plan["id"]]
    return any(row["state"] in ("SENDING", "UNCLEAR") for row in postings)


def _overpaid_of(world: World, office: Office, plan: Row, also_fresh: bool) -> dict[int, int]:
    theirs = [row for row in _their_splits(world, office, plan) if also_fresh or _is_news_here(world, office, row)]
    # What was taken back on the plan comes out of what is too much first.
    spare = max(0, -sum(row["SplitAmt"] for row in theirs if row["PayPlanChargeNum"] == 0))
    too_much = {}
    for installment in world.installments_by_plan.get(plan["id"], []):
        cents = _over(world, installment, theirs)
        absorbed = min(spare, max(0, cents))
        spare -= absorbed
        if cents > absorbed:
            too_much[installment["id"]] = cents - absorbed
    return too_much


def _over(world: World, installment: Row, theirs: list[Row]) -> int:
    if not installment["is_issued"] or installment["status"] == "CANCELED":
        return 0
    numbers = {row["pay_plan_charge_num"] for row in world.charge_rows_by_installment.get(installment["id"], [])}
    paid = max(0, sum(int(row["SplitAmt"]) for row in theirs if row["PayPlanChargeNum"] in numbers))
    asked: int = installment["principal_cents"] + installment["interest_cents"]
    return max(0, min(paid, paid + int(installment["collected_cents"]) - asked))


def _their_splits(world: World, office: Office, plan: Row) -> list[Row]:
    """Money on the plan that isn't ours. What Open Dental moved by itself (a payment of $0) may be our prepayment."""
    ours = {row["pay_num"] for row in world.rows("payments_ledgerposting") if row["plan_id"] == plan["id"]}
    moved = {row["PayNum"] for row in office.tables["payment"] if row["PayAmt"] == 0}
    has_prepaid = any(
        row["plan_id"] == plan["id"] and row["route"] == "PREPAYMENT" for row in world.rows("payments_ledgerposting")
    )
    left_out = ours | moved if has_prepaid else ours
    splits = [row for row in office.tables["paysplit"] if row["PayPlanNum"] == plan["pay_plan_num"]]
    return [row for row in splits if row["PayNum"] not in left_out]


def _is_news_here(world: World, office: Office, split: Row) -> bool:
    """Old enough for the sync to have seen it."""
    patience = timedelta(0) if "ApiQueries" in office.settings["permissions"] else SLOW_NEWS
    return world.is_old(office.moment(split["SecDateTEdit"]) + patience)


CHECKS = (
    due_parts_have_one_attempt_that_counts,
    allocations_sum_to_payments,
    installments_hold_what_was_collected,
    we_collect_no_installment_twice,
    overpaid_installments_are_alarmed,
)
