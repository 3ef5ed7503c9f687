"""KasperPay against Open Dental: one payment, one posting, one ledger entry, with the same cents and people."""

from __future__ import annotations

from collections.abc import Iterator

from ops.audit.checks.fees import surcharge_of
from ops.audit.sources import Office, Row
from ops.audit.world import World, grouped

IN_THE_LEDGER = ("POSTED", "MATCHED")
ON_THE_PLAN = ("CHARGE_ROWS", "PREPAYMENT", "PLAN_FIFO")


def payments_have_one_posting(world: World) -> Iterator[str]:
    """With the payment's cents less its surcharge, on the plan of the installment it pays for."""
    postings = grouped(world.rows("payments_ledgerposting"), lambda row: row["payment_id"])
    for payment in world.rows("payments_payment"):
        amounts = [row["amount_cents"] for row in postings.get(payment["id"], []) if row["movement"] == "PAYMENT"]
        # A surcharge stays out of the ledger (docs/adr/0008).
        if amounts != [payment["amount_cents"] - surcharge_of(world, payment)]:
            yield f"payment {payment['id']} of {payment['amount_cents']} cents has postings of {amounts}"
    for posting in world.rows("payments_ledgerposting"):
        if posting["payment_id"] in world.moved:
            continue  # moves.py looks at those.
        plans = {world.one("payplans_installment", pk)["plan_id"] for pk in _installments(world, posting)}
        plan = world.one("payplans_payplan", posting["plan_id"]) if posting["plan_id"] else None
        if plan is not None and (plans != {plan["id"]} or posting["patient_id"] != plan["patient_id"]):
            yield f"posting {posting['id']} goes to plan {plan['id']}, its payment is for plans {sorted(plans)}"


def _installments(world: World, posting: Row) -> list[int]:
    return world.installments_of_payment.get(posting["payment_id"], [])


def postings_are_in_the_ledger_once(world: World) -> Iterator[str]:
    """A posted payment is there once with its number and cents; a copy that came by the API is one too many."""
    for posting in world.rows("payments_ledgerposting"):
        office = world.office_of.get(posting["practice_id"])
        if office is None:
            continue
        copies = copies_of(world, office, posting)
        by_api = [row["PayNum"] for row in copies if row["PaymentSource"] == world.BY_API]
        if len(by_api) > 1:
            yield f"posting {posting['id']} of {posting['amount_cents']} cents was sent as payments {by_api}"
        if posting["state"] not in IN_THE_LEDGER or world.is_told(posting["practice_id"], _taken_back(world, posting)):
            continue
        if posting["pay_num"] not in [row["PayNum"] for row in copies]:
            yield f"posting {posting['id']} is {posting['state']}, payment {posting['pay_num']} is not in the ledger"


def copies_of(world: World, office: Office, posting: Row) -> list[Row]:
    """Payments of its cents that carry its reference, or that a person said is ours, or that write down its refund."""
    # Open Dental's own refund copies the payment's reference and negates the cents.
    by_number = posting["movement"] in ("REFUND", "MOVE_OUT") or posting["id"] in world.adopted
    return [
        row
        for row in office.tables["payment"]
        if row["PayAmt"] == posting["amount_cents"]
        and (row["CheckNum"].upper() == posting["reference"] or (by_number and row["PayNum"] == posting["pay_num"]))
    ]


def _taken_back(world: World, posting: Row) -> str:
    return f"taken-back:{(_installments(world, posting) or [0])[0]}"


def ledger_payments_are_ours(world: World) -> Iterator[str]:
    """A payment with a reference of ours belongs to a posting of that practice, with the same cents."""
    references = {row["reference"]: row for row in world.rows("payments_ledgerposting")}
    for practice_id, office in world.office_of.items():
        for row in office.tables["payment"]:
            posting = references.get(row["CheckNum"].upper())
            if not row["CheckNum"].upper().startswith("KP-") or row["PayAmt"] <= 0:
                continue
            if posting is None or posting["practice_id"] != practice_id or posting["amount_cents"] != row["PayAmt"]:
                yield f"payment {row['PayNum']} of {row['PayAmt']} cents in {office.key} has no posting of ours"


def matched_postings_agree(world: World) -> Iterator[str]:
    """Same account, same plan, same charge, same cents. What the office has since taken back has its alarm."""
    for posting in world.rows("payments_ledgerposting"):
        office = world.office_of.get(posting["practice_id"])
        if posting["state"] != "MATCHED" or office is None:
            continue
        if world.is_told(posting["practice_id"], _taken_back(world, posting)):
            continue
        payment = next((row for row in copies_of(world, office, posting) if row["PayNum"] == posting["pay_num"]), None)
        if payment is None:
            continue  # postings_are_in_the_ledger_once says so.
        if payment["PatNum"] not in _accounts(world, posting):
            yield f"posting {posting['id']} is on the account of PatNum {payment['PatNum']}"
        yield from _wrong_splits(world, office, posting)


def _accounts(world: World, posting: Row) -> set[int]:
    """PatNums it may stand on: the plan's patient, or the guarantor when that is another family."""
    people = [posting["patient_id"]]
    if posting["plan_id"]:
        people.append(world.one("payplans_payplan", posting["plan_id"])["guarantor_id"])
    return {world.one("patients_patient", pk)["pat_num"] for pk in people}


def _wrong_splits(world: World, office: Office, posting: Row) -> Iterator[str]:
    splits = [row for row in office.tables["paysplit"] if row["PayNum"] == posting["pay_num"]]
    total = sum(row["SplitAmt"] for row in splits)
    if total != posting["amount_cents"]:
        yield f"posting {posting['id']} of {posting['amount_cents']} cents: its splits sum to {total}"
    if posting["route"] not in ON_THE_PLAN or not posting["plan_id"]:
        return
    number = world.one("payplans_payplan", posting["plan_id"])["pay_plan_num"]
    astray = sum(row["SplitAmt"] for row in splits if row["PayPlanNum"] != number)
    if astray:
        yield f"posting {posting['id']}: {astray} cents are not on plan {number}"
    if posting["route"] == "CHARGE_ROWS" and posting["payment_id"] not in world.moved:
        other = sum(row["SplitAmt"] for row in splits if row["PayPlanChargeNum"] in _other_rows(world, posting))
        if other:
            yield f"posting {posting['id']}: {other} cents are on the charge of another installment"


def _other_rows(world: World, posting: Row) -> set[int]:
    own = set(_installments(world, posting))
    rows = world.rows("payplans_chargerow")
    practice = posting["practice_id"]
    return {
        row["pay_plan_charge_num"]
        for row in rows
        if row["practice_id"] == practice and row["installment_id"] not in own
    }


CHECKS = (payments_have_one_posting, postings_are_in_the_ledger_once, ledger_payments_are_ours, matched_postings_agree)
