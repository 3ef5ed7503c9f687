"""Processor against KasperPay: every captured cent has one payment, every payment is one captured charge."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

from ops.audit.sources import Row, moment
from ops.audit.world import World, grouped

INTENTS = "/v1/payment_intents"
PAGES = "/v1/checkout/sessions"
PRESENTED = ("TERMINAL", "HOSTED", "LINK_PAGE")
# What the processor's intent must be for each final state of ours.
AGREES = {"SUCCEEDED": {"succeeded"}, "DECLINED": {"requires_payment_method", "requires_action", "canceled"}}


def captured_money_has_one_payment(world: World) -> Iterator[str]:
    """Money that moved is in our books, once; what was charged beside us must have raised an alarm."""
    payments = grouped(world.rows("payments_payment"), lambda row: row["processor_reference"])
    ours = {row["reference"] for row in world.rows("processors_processorcustomer")}
    for charge in world.processor.captured:
        intent = charge["payment_intent"]
        count = len(payments.get(intent, []))
        expected = (charge["customer"] in ours or _is_marked(world, intent)) and world.is_old(moment(charge["created"]))
        if count > 1 or (count == 0 and expected and not _is_known_stranger(world, intent)):
            yield f"{charge['amount_captured']} cents captured by {intent} have {count} payments"


def _is_marked(world: World, intent: str) -> bool:
    """It bears an attempt's mark: of a card that was presented the processor need not know a customer."""
    found = world.intents_by_id.get(intent)
    return found is not None and bool(found["metadata"].get("attempt"))


def _is_known_stranger(world: World, intent: str) -> bool:
    """Not made by us, and an alarm tells of it."""
    return intent not in world.processor.ours and world.is_mentioned(intent)


def payments_are_one_captured_charge(world: World) -> Iterator[str]:
    captured = grouped(world.processor.captured, lambda charge: charge["payment_intent"])
    for payment in world.card_payments:
        amounts = [charge["amount_captured"] for charge in captured.get(payment["processor_reference"], [])]
        if amounts != [payment["amount_cents"]]:
            yield f"payment {payment['id']} of {payment['amount_cents']} cents: the processor captured {amounts}"


def charges_belong_to_the_payer(world: World) -> Iterator[str]:
    """The card and the customer that were charged are those of the person the payment is booked to."""
    customers = {row["patient_id"]: row["reference"] for row in world.rows("processors_processorcustomer")}
    for payment in world.card_payments:
        attempt = world.one("payments_attempt", payment["attempt_id"])
        if attempt["channel"] in PRESENTED:
            continue  # presented.py looks at those.
        card = world.one("cards_card", attempt["card_id"])
        due_part = world.one("payments_duepart", attempt["due_part_id"])
        same_person = payment["payer_id"] == card["patient_id"] == due_part["payer_id"]
        for charge in world.charges_by_intent.get(payment["processor_reference"], []):
            same_card = charge["payment_method"] == card["payment_method"]
            if not (same_person and same_card and charge["customer"] == customers.get(payment["payer_id"])):
                yield f"payment {payment['id']} of patient {payment['payer_id']} charged another one's card"


def attempts_took_money_once(world: World) -> Iterator[str]:
    """At most one intent of an attempt succeeded, unless an alarm tells of the one made beside us."""
    for uuid, intents in world.intents_by_attempt.items():
        succeeded = [intent["id"] for intent in intents if intent["status"] == "succeeded"]
        strangers = [pi for pi in succeeded if _is_known_stranger(world, pi)]
        if uuid and len(succeeded) - len(strangers) > 1:
            yield f"attempt {_name(world, uuid)} took money {len(succeeded)} times: {', '.join(succeeded)}"


def attempts_keep_their_keys(world: World) -> Iterator[str]:
    """An attempt is asked for under one key, however often; and an intent is confirmed under one (M3)."""
    keys: dict[str, set[str]] = {}
    for request in world.processor.requests:
        if what := _asked_for(world, request):
            keys.setdefault(what, set()).add(request["idempotency_key"])
    for what, found in keys.items():
        if len(found) > 1:
            yield f"{what} was asked for under {len(found)} keys"


def _asked_for(world: World, request: Row) -> str:
    """What a request of ours wants: an attempt's intent, its confirmation, a refund; '' for anything else."""
    if request["method"] != "POST" or not str(request["idempotency_key"]).startswith("kp-"):
        return ""
    if request["path"] == "/v1/refunds":
        return "refund " + "".join(parse_qs(request["body"]).get("metadata[refund]", []))
    if request["path"] in (INTENTS, PAGES):
        # A page may also be one that saves a card.
        uuids = parse_qs(request["body"]).get("metadata[attempt]", [])
        return "attempt " + "".join(_name(world, uuid) for uuid in uuids) if uuids else ""
    return f"the confirmation of {request['path'].split('/')[3]}" if request["path"].endswith("/confirm") else ""


def attempts_agree_with_the_processor(world: World) -> Iterator[str]:
    """A final state is what the processor says, too: taken, declined, or never taken."""
    for attempt in world.rows("payments_attempt"):
        if attempt["channel"] == "RECORDED":
            continue  # sales.py looks at those.
        intent = world.intents_by_id.get(attempt["reference"])
        status = intent["status"] if intent else "no intent"
        allowed = AGREES.get(attempt["state"])
        if allowed is not None and status not in allowed:
            yield f"attempt {attempt['id']} is {attempt['state']}, the processor has {status}"
        # Of several cards that were presented some may be declined.
        is_one_card = attempt["channel"] not in PRESENTED
        if attempt["state"] == "NOT_TAKEN" and is_one_card and _was_declined(world, attempt):
            yield f"attempt {attempt['id']} is NOT_TAKEN, but a bank declined it"


def _was_declined(world: World, attempt: Row) -> bool:
    intents = world.intents_by_attempt.get(str(attempt["uuid"]), [])
    own = [intent for intent in intents if intent["id"] == attempt["reference"]]
    charges = [charge for intent in own for charge in world.charges_by_intent.get(intent["id"], [])]
    return any(charge["status"] == "failed" for charge in charges)


def intents_match_their_attempt(world: World) -> Iterator[str]:
    """Every intent with our mark asks exactly the attempt's cents."""
    for uuid, intents in world.intents_by_attempt.items():
        attempt = world.attempts_by_uuid.get(uuid)
        for intent in intents if uuid else []:
            if attempt is None:
                yield f"intent {intent['id']} bears the mark of an attempt that does not exist"
            elif intent["amount"] != attempt["amount_cents"]:
                asked = attempt["amount_cents"]
                yield f"intent {intent['id']} asks {intent['amount']} cents, attempt {attempt['id']} {asked}"


def unconfirmed_intents_are_canceled(world: World) -> Iterator[str]:
    for intent in _left(world, "requires_confirmation"):
        yield f"intent {intent['id']} of {intent['amount']} cents was created, never confirmed and never canceled"


def declined_intents_are_canceled(world: World) -> Iterator[str]:
    """A declined intent could be confirmed again by anybody with the key (decisions 3: a retry is a new attempt)."""
    for intent in _left(world, "requires_payment_method"):
        yield f"intent {intent['id']} of {intent['amount']} cents was declined and never canceled"


def _left(world: World, status: str) -> Iterator[Row]:
    for intent in world.processor.intents:
        if intent["status"] == status and intent["metadata"].get("attempt") and world.is_old(moment(intent["created"])):
            yield intent


def _name(world: World, uuid: str) -> str:
    attempt = world.attempts_by_uuid.get(uuid)
    return str(attempt["id"]) if attempt else uuid


CHECKS = (
    captured_money_has_one_payment,
    payments_are_one_captured_charge,
    charges_belong_to_the_payer,
    attempts_took_money_once,
    attempts_keep_their_keys,
    attempts_agree_with_the_processor,
    intents_match_their_attempt,
    unconfirmed_intents_are_canceled,
    declined_intents_are_canceled,
)
