"""Every open alarm is justified by something in the books, and every situation that needs an alarm has one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from ops.audit.checks import disputes
from ops.audit.checks.installments import overpaid
from ops.audit.checks.postings import copies_of
from ops.audit.sources import Row
from ops.audit.world import World

Justification = Callable[[World, Row], bool]
UNSETTLED = ("QUEUED", "SENDING", "UNCLEAR", "POSTED")
OPEN = ("STARTED", "PENDING", "UNKNOWN")
# After that somebody must have been told that a posting is not confirmed.
LATE = timedelta(hours=1)


def open_alarms_are_justified(world: World) -> Iterator[str]:
    for alarm in world.rows("payments_alarm"):
        if alarm["closed_at"] is not None:
            continue
        if alarm["kind"] not in JUSTIFIED:
            yield f"alarm {alarm['id']} is of the kind {alarm['kind']}, which the auditor does not know"
        elif not JUSTIFIED[alarm["kind"]](world, alarm):
            yield f"alarm {alarm['id']} ({alarm['kind']}, {alarm['key']}) is open without a cause in the books"


def _number(alarm: Row) -> int:
    """The row an alarm is about, from its key "what:number"."""
    return int(alarm["key"].split(":")[1])


def _amount_differs(world: World, alarm: Row) -> bool:
    if "refund" in alarm["about"]:
        row = world.one("payments_refund", alarm["about"]["refund"])
        given = [refund["amount"] for refund in world.processor.refunds if refund["id"] == row["reference"]]
        return given != [row["amount_cents"]]
    return any(
        payment["attempt_id"] == _number(alarm)
        and payment["amount_cents"] != world.one("payments_attempt", payment["attempt_id"])["amount_cents"]
        for payment in world.rows("payments_payment")
    )


def _processor_refuses(world: World, alarm: Row) -> bool:
    """It refused what the alarm names, and has not answered any charge since."""
    attempts = [row for row in world.rows("payments_attempt") if row["practice_id"] == alarm["practice_id"]]
    answered = [row["settled_at"] for row in attempts if row["state"] in ("SUCCEEDED", "DECLINED")]
    table, name = ("payments_refund", "refund") if "refund" in alarm["about"] else ("payments_attempt", "attempt")
    refused = world.one(table, alarm["about"][name])["state"] in ("NOT_TAKEN", *OPEN)
    return refused and not any(at > alarm["opened_at"] for at in answered)


def _outcome_unknown(world: World, alarm: Row) -> bool:
    return str(world.one("payments_attempt", _number(alarm))["state"]) in OPEN


def _webhook_refused(world: World, alarm: Row) -> bool:
    refused = [row for row in world.rows("payments_webhookevent") if row["state"] == "IGNORED"]
    return any(f"webhook:{row['note']}" == alarm["key"] for row in refused)


def _webhook_stuck(world: World, alarm: Row) -> bool:
    failed = [row for row in world.rows("payments_webhookevent") if row["state"] == "FAILED"]
    return any(f"webhook:{row['event_id']}" == alarm["key"] for row in failed)


def _contradiction(world: World, alarm: Row) -> bool:
    """Our final state and the processor's present one don't go together, or an intent was made beside us."""
    what, _, rest = alarm["key"].partition(":")
    if what == "refund-contradiction":
        row = world.one("payments_refund", alarm["about"]["refund"])
        there = {refund["id"]: refund["status"] for refund in world.processor.refunds}
        return (there.get(row["reference"]) == "succeeded") != bool(row["state"] == "SUCCEEDED")
    if what == "dispute-contradiction":
        return disputes.dispute_contradiction(world, alarm)
    if what == "stranger":
        intent = world.intents_by_id.get(rest)
        return intent is not None and bool(intent["status"] == "succeeded") and not _is_own(world, intent)
    attempt = world.one("payments_attempt", _number(alarm))
    intent = world.intents_by_id.get(attempt["reference"])
    taken = intent is not None and intent["status"] == "succeeded"
    return taken != bool(attempt["state"] == "SUCCEEDED")


def _is_own(world: World, intent: Row) -> bool:
    attempt = world.attempts_by_uuid.get(str(intent["metadata"].get("attempt", "")))
    return attempt is not None and attempt["reference"] == intent["id"]


def _posting_duplicate(world: World, alarm: Row) -> bool:
    posting = world.one("payments_ledgerposting", _number(alarm))
    office = world.office_of.get(posting["practice_id"])
    copies = [] if office is None else office.tables["payment"]
    return bool(sum(row["CheckNum"].upper() == posting["reference"] and row["PayAmt"] > 0 for row in copies) > 1)


def _taken_back(world: World, alarm: Row) -> bool:
    """Less stands on the installment's charges, or on the plan, than we posted there."""
    installment = _number(alarm)
    if _matched_cents(world, installment) > _cents_on_rows(world, installment):
        return True
    return any(
        _cents_on_plan(world, row) < row["amount_cents"]
        for row in world.rows("payments_ledgerposting")
        if row["state"] == "MATCHED" and row["route"] in ("PREPAYMENT", "PLAN_FIFO")
        and installment in world.installments_of_payment.get(row["payment_id"], [])
    )  # fmt: skip


def _cents_on_plan(world: World, posting: Row) -> int:
    office, plan = world.office_of.get(posting["practice_id"]), world.one("payplans_payplan", posting["plan_id"])
    splits = [] if office is None else office.tables["paysplit"]
    return sum(
        int(row["SplitAmt"])
        for row in splits
        if row["PayNum"] == posting["pay_num"] and row["PayPlanNum"] == plan["pay_plan_num"]
    )


def _matched_cents(world: World, installment: int) -> int:
    postings = [
        row
        for row in world.rows("payments_ledgerposting")
        if row["state"] == "MATCHED" and row["route"] == "CHARGE_ROWS"
    ]
    # What a move has taken off is no longer meant to stand there, though the move may not be over.
    off: Counter[int] = Counter()
    for row in world.rows("payments_ledgerposting"):
        if row["movement"] == "MOVE_OUT" and row["plan_id"] and row["pay_num"]:
            off[row["payment_id"]] -= row["amount_cents"]
    return sum(
        row["amount_cents"] - world.refunded_by_payment[row["payment_id"]] - off[row["payment_id"]]
        for row in postings
        if installment in world.installments_of_payment.get(row["payment_id"], [])
    )


def _cents_on_rows(world: World, installment: int) -> int:
    office = world.office_of.get(world.one("payplans_installment", installment)["practice_id"])
    numbers = {row["pay_plan_charge_num"] for row in world.charge_rows_by_installment.get(installment, [])}
    splits = [] if office is None else office.tables["paysplit"]
    return sum(row["SplitAmt"] for row in splits if row["PayPlanChargeNum"] in numbers)


def _paid_twice(world: World, alarm: Row) -> bool:
    return _number(alarm) in overpaid(world, also_fresh=True)


def _office_took_back(world: World, alarm: Row) -> bool:
    """More is owed on it than before the office took its payment back."""
    row = world.one("payplans_installment", _number(alarm))
    paid = row["collected_cents"] + row["office_paid_cents"]
    owed: int = row["principal_cents"] + row["interest_cents"] - paid
    return owed > int(alarm["about"]["owed_before_cents"])


def _run_missed(world: World, alarm: Row) -> bool:
    """The plan has no charge of that day."""
    plan, office = world.one("payplans_payplan", alarm["about"]["plan"]), world.office_of.get(alarm["practice_id"])
    day = alarm["key"].split(":")[1]
    charges = [] if office is None else office.tables["payplancharge"]
    return not any(row["PayPlanNum"] == plan["pay_plan_num"] and row["ChargeDate"] == day for row in charges)


def _posting_ended(world: World, alarm: Row) -> bool:
    return f"POSTING_{world.one('payments_ledgerposting', _number(alarm))['state']}" == str(alarm["kind"])


def _posting_stuck(world: World, alarm: Row) -> bool:
    return str(world.one("payments_ledgerposting", _number(alarm))["state"]) in UNSETTLED


def _posting_blocked(world: World, alarm: Row) -> bool:
    """The office refuses us, or we have no payment type to post with."""
    office = world.office_of.get(alarm["practice_id"])
    connections = [row for row in world.rows("opendental_connection") if row["practice_id"] == alarm["practice_id"]]
    return office is None or not office.can_be_posted_to or any(not row["pay_type_num"] for row in connections)


def _refund_in(*states: str) -> Justification:
    return lambda world, alarm: world.one("payments_refund", alarm["about"]["refund"])["state"] in states


def _refund_by_hand(world: World, alarm: Row) -> bool:
    """Staff have not entered it in Open Dental yet."""
    refund = _number(alarm)
    postings = [row for row in world.rows("payments_ledgerposting") if row["refund_id"] == refund]
    return any(row["state"] == "BY_HAND" for row in postings)


def _move_by_hand(world: World, alarm: Row) -> bool:
    """Staff have not taken the payment off yet."""
    postings = [row for row in world.rows("payments_ledgerposting") if row["move_id"] == _number(alarm)]
    return any(row["movement"] == "MOVE_OUT" and row["state"] == "BY_HAND" for row in postings)


def _refund_elsewhere(world: World, alarm: Row) -> bool:
    reference = alarm["key"].partition(":")[2]
    rows = [row for row in world.rows("payments_refund") if row["reference"] == reference]
    return any(row["origin"] == "ELSEWHERE" for row in rows)


def _adjustment_in(*states: str) -> Justification:
    return lambda world, alarm: world.one("payments_ledgeradjustment", _number(alarm))["state"] in states


def _office_away(world: World, alarm: Row) -> bool:
    office = world.office_of.get(alarm["practice_id"])
    return office is None or office.is_away


def _recovery_unplaced(world: World, alarm: Row) -> bool:
    """Money that moved and belongs to no payment of ours."""
    reference = alarm["key"].partition(":")[2]
    taken = any(charge["payment_intent"] == reference for charge in world.processor.captured)
    return taken and not any(row["processor_reference"] == reference for row in world.rows("payments_payment"))


def _recovery_decisions(world: World, alarm: Row) -> bool:
    """The practice was restored; only a person can say that what was lost is decided anew."""
    return any(event["practice_id"] == alarm["practice_id"] for event in world.events_of("restored"))


def _payout_failed(world: World, alarm: Row) -> bool:
    """The processor says that the bank returned it."""
    reference = alarm["key"].partition(":")[2]
    return any(payout["id"] == reference and payout["status"] == "failed" for payout in world.processor.payouts)


def _payout_differs(world: World, alarm: Row) -> bool:
    reference = alarm["key"].partition(":")[2]
    return any(row["reference"] == reference and row["difference_cents"] for row in world.rows("payments_payout"))


def _wished(world: World, alarm: Row) -> bool:
    """A patient asked for it at that moment, as the trail says."""
    wishes = world.events_of(str(alarm["kind"]).lower())
    return any(event["at"] == alarm["opened_at"] and event["about"] == alarm["about"] for event in wishes)


JUSTIFIED: dict[str, Justification] = {
    "AMOUNT_DIFFERS": _amount_differs,
    "PROCESSOR_REFUSES": _processor_refuses,
    "OUTCOME_UNKNOWN": _outcome_unknown,
    "WEBHOOK_REFUSED": _webhook_refused,
    "WEBHOOK_STUCK": _webhook_stuck,
    "CONTRADICTION": _contradiction,
    "POSTING_DUPLICATE": _posting_duplicate,
    "LEDGER_TAKEN_BACK": _taken_back,
    "PAID_TWICE": _paid_twice,
    "OFFICE_PAYMENT_TAKEN_BACK": _office_took_back,
    "CHARGE_RUN_MISSED": _run_missed,
    "POSTING_REFUSED": _posting_ended,
    "POSTING_MISMATCH": _posting_ended,
    "POSTING_STUCK": _posting_stuck,
    "POSTING_BLOCKED": _posting_blocked,
    "OFFICE_AWAY": _office_away,
    "RECOVERY_UNPLACED": _recovery_unplaced,
    "RECOVERY_DECISIONS": _recovery_decisions,
    "REFUND_FAILED": _refund_in("FAILED"),
    "REFUND_UNKNOWN": _refund_in("STARTED", "PENDING", "UNKNOWN"),
    "REFUND_ELSEWHERE": _refund_elsewhere,
    "REFUND_BY_HAND": _refund_by_hand,
    "ADJUSTMENT_BY_HAND": _adjustment_in("BY_HAND"),
    "ADJUSTMENT_STUCK": _adjustment_in(*UNSETTLED),
    "MOVE_BY_HAND": _move_by_hand,
    "MOVE_STUCK": lambda world, alarm: world.one("payments_move", _number(alarm))["state"] == "ORDERED",
    "PAYOUT_FAILED": _payout_failed,
    "PAYOUT_DIFFERS": _payout_differs,
    "DISPUTE_OPEN": disputes.dispute_open,
    "DISPUTE_LOST": disputes.dispute_lost,
    "CALL_WANTED": _wished,
    "PAYOFF_WANTED": _wished,
}


def trouble_has_its_alarm(world: World) -> Iterator[str]:
    """Open, or closed by a person."""
    for row, key, what in _troubles(world):
        if not world.is_told(row["practice_id"], key):
            yield f"{what}, and no alarm {key} says so"


def _troubles(world: World) -> Iterator[tuple[Row, str, str]]:
    for payment in world.rows("payments_payment"):
        attempt = world.one("payments_attempt", payment["attempt_id"])
        if payment["amount_cents"] != attempt["amount_cents"]:
            taken, asked = payment["amount_cents"], attempt["amount_cents"]
            yield payment, f"amount:{attempt['id']}", f"payment {payment['id']} took {taken} cents instead of {asked}"
    for row in world.rows("payments_webhookevent"):
        if row["state"] == "FAILED":
            yield row, f"webhook:{row['event_id']}", f"webhook {row['id']} was given up"
    for row in world.rows("payments_refund"):
        if row["state"] == "FAILED":
            yield row, f"refund_failed:refund:{row['id']}", f"refund {row['id']} of {row['amount_cents']} cents failed"
        if row["origin"] == "ELSEWHERE" and row["actor"] == "processor" and row["reason"] != "DISPUTE":
            yield row, f"refund-elsewhere:{row['reference']}", f"refund {row['id']} was made at the processor"
    yield from _troubles_of_payouts(world)
    yield from _troubles_of_adjustments(world)
    yield from disputes.troubles(world)
    yield from _troubles_of_attempts(world)
    yield from _troubles_of_postings(world)
    yield from _taken_back_troubles(world)


def _troubles_of_payouts(world: World) -> Iterator[tuple[Row, str, str]]:
    for row in world.rows("payments_payout"):
        # One whose money went again needs nobody any more.
        if row["state"] == "FAILED" and row["carried_by_id"] is None:
            yield row, f"payout-failed:{row['reference']}", f"payout {row['id']} came back"
        if row["difference_cents"]:
            cents = row["difference_cents"]
            yield row, f"payout-differs:{row['reference']}", f"payout {row['id']} differs by {cents} cents"


def _troubles_of_attempts(world: World) -> Iterator[tuple[Row, str, str]]:
    for row in world.rows("payments_attempt"):
        # The reconciler comes by a few times a minute, and the alarm is due after 10 minutes.
        if row["state"] in ("STARTED", "UNKNOWN") and world.is_old(row["started_at"] + timedelta(minutes=5)):
            yield row, f"unknown:{row['id']}", f"attempt {row['id']} is {row['state']}"


def _troubles_of_adjustments(world: World) -> Iterator[tuple[Row, str, str]]:
    for row in world.rows("payments_ledgeradjustment"):
        if row["state"] == "BY_HAND":
            yield row, f"adjustment:{row['id']}", f"adjustment {row['id']} waits for staff"


def _troubles_of_postings(world: World) -> Iterator[tuple[Row, str, str]]:
    for row in world.rows("payments_ledgerposting"):
        name = f"posting {row['id']} of {row['amount_cents']} cents"
        if row["state"] in ("REFUSED", "MISMATCH"):
            yield row, f"posting:{row['id']}", f"{name} is {row['state']}"
        if row["state"] == "BY_HAND":
            what = f"move-by-hand:{row['move_id']}" if row["move_id"] else f"refund-by-hand:{row['refund_id']}"
            yield row, what, f"{name} waits for staff"
        office = world.office_of.get(row["practice_id"])
        if (
            office is not None
            and len(copies_of(world, office, row)) > 1
            and row["created_at"] < world.now - timedelta(days=2)
        ):
            yield row, f"duplicate:{row['id']}", f"{name} is in the ledger more than once"
        if row["state"] in ("UNCLEAR", "POSTED") and world.is_old(row["created_at"] + LATE):
            yield row, f"posting-late:{row['id']}", f"{name} is {row['state']}"


def _taken_back_troubles(world: World) -> Iterator[tuple[Row, str, str]]:
    """What we posted to a charge no longer stands on it."""
    for row in world.rows("payplans_installment"):
        ours = _matched_cents(world, row["id"])
        there = _cents_on_rows(world, row["id"]) if ours else 0
        if ours > there and _is_synced(world, row):
            yield (
                row,
                f"taken-back:{row['id']}",
                f"{ours} cents were posted to installment {row['id']}, {there} are there",
            )


def _is_synced(world: World, installment: Row) -> bool:
    """The office's newest change of the plan is old enough to be known here."""
    plan, office = (
        world.one("payplans_payplan", installment["plan_id"]),
        world.office_of.get(installment["practice_id"]),
    )
    if office is None:
        return False
    edits = [row["SecDateTEdit"] for row in office.tables["paysplit"] if row["PayPlanNum"] == plan["pay_plan_num"]]
    return all(world.is_old(office.moment(edit)) for edit in edits)


CHECKS = (open_alarms_are_justified, trouble_has_its_alarm)
