"""What the auditor says when the processor and KasperPay don't agree."""

from __future__ import annotations

from typing import Any

import pytest

from tests.audit.conftest import Spoiled

PAID = "json_extract(body, '$.status') = 'succeeded'"
PAYMENT = "SELECT min(id) FROM payments_payment"


def paid_attempt(spoiled: Spoiled) -> dict[str, Any]:
    return spoiled.row("SELECT * FROM payments_attempt WHERE state = 'SUCCEEDED' ORDER BY id LIMIT 1")


def intent(spoiled: Spoiled, **changes: Any) -> str:
    """A second intent that bears the mark of a paid attempt."""
    reference = paid_attempt(spoiled)["reference"]
    return spoiled.stripe_copy("payment_intent", changes, where=f"id = '{reference}'")


def test_money_without_a_payment_is_found(spoiled: Spoiled) -> None:
    customer = spoiled.row("SELECT reference FROM processors_processorcustomer ORDER BY id LIMIT 1")["reference"]
    spoiled.stripe_copy("charge", {"payment_intent": "pi_beside", "customer": customer, "metadata": {}}, where=PAID)
    assert spoiled.only("captured_money_has_one_payment") == "10000 cents captured by pi_beside have 0 payments"


def test_money_of_the_last_ten_minutes_may_still_be_on_its_way(spoiled: Spoiled) -> None:
    created = int(spoiled.books.now.timestamp()) - 9 * 60
    spoiled.stripe_copy("charge", {"payment_intent": "pi_beside", "created": created, "metadata": {}}, where=PAID)
    assert spoiled.found() == []
    spoiled.later(minutes=2)
    assert spoiled.only("captured_money_has_one_payment") == "10000 cents captured by pi_beside have 0 payments"


def test_money_charged_beside_us_is_fine_once_an_alarm_tells_of_it(spoiled: Spoiled) -> None:
    attempt = paid_attempt(spoiled)
    stranger = intent(spoiled)
    where = f"json_extract(body, '$.payment_intent') = '{attempt['reference']}'"
    spoiled.stripe_copy("charge", {"payment_intent": stranger}, where=where)
    assert {violation.check for violation in spoiled.found()} == {
        "attempts_took_money_once", "captured_money_has_one_payment",
    }  # fmt: skip
    spoiled.sql(
        "INSERT INTO payments_alarm (practice_id, kind, key, text, about, opened_at, closed_by) "
        "VALUES (%(practice)s, 'CONTRADICTION', %(key)s, 'charged beside KasperPay', '{}', now(), '')",
        practice=attempt["practice_id"], key=f"stranger:{stranger}",
    )  # fmt: skip
    assert spoiled.found() == []


def test_a_payment_that_took_nothing_is_found(spoiled: Spoiled) -> None:
    payment = spoiled.row("SELECT * FROM payments_payment ORDER BY id LIMIT 1")
    where = f"json_extract(body, '$.payment_intent') = '{payment['processor_reference']}'"
    spoiled.stripe("charge", lambda body: body.update(status="pending"), where=where)
    found = spoiled.only("payments_are_one_captured_charge")
    assert found == f"payment {payment['id']} of 10000 cents: the processor captured []"


def test_a_payment_of_other_cents_than_were_captured_is_found(spoiled: Spoiled) -> None:
    payment = spoiled.row("SELECT * FROM payments_payment ORDER BY id LIMIT 1")
    where = f"json_extract(body, '$.payment_intent') = '{payment['processor_reference']}'"
    spoiled.stripe("charge", lambda body: body.update(amount_captured=100_01), where=where)
    found = spoiled.only("payments_are_one_captured_charge")
    assert found == f"payment {payment['id']} of 10000 cents: the processor captured [10001]"


def test_a_charge_to_another_persons_card_is_found(spoiled: Spoiled) -> None:
    payment = spoiled.row("SELECT * FROM payments_payment ORDER BY id LIMIT 1")
    where = f"json_extract(body, '$.payment_intent') = '{payment['processor_reference']}'"
    spoiled.stripe("charge", lambda body: body.update(payment_method="pm_other"), where=where)
    found = spoiled.only("charges_belong_to_the_payer")
    assert found == f"payment {payment['id']} of patient {payment['payer_id']} charged another one's card"


def test_an_intent_of_other_cents_than_its_attempt_is_found(spoiled: Spoiled) -> None:
    attempt = paid_attempt(spoiled)
    spoiled.stripe("payment_intent", lambda body: body.update(amount=5), where=f"id = '{attempt['reference']}'")
    found = spoiled.only("intents_match_their_attempt")
    assert found == f"intent {attempt['reference']} asks 5 cents, attempt {attempt['id']} 10000"


def test_an_intent_of_no_attempt_is_found(spoiled: Spoiled) -> None:
    copy = intent(spoiled, status="canceled", metadata={"attempt": "00000000-0000-4000-8000-000000000000"})
    found = spoiled.only("intents_match_their_attempt")
    assert found == f"intent {copy} bears the mark of an attempt that does not exist"


@pytest.mark.parametrize(
    ("status", "check", "words"),
    [
        ("requires_confirmation", "unconfirmed_intents_are_canceled", "created, never confirmed and never canceled"),
        ("requires_payment_method", "declined_intents_are_canceled", "declined and never canceled"),
    ],
)
def test_an_intent_that_was_left_open_is_found(spoiled: Spoiled, status: str, check: str, words: str) -> None:
    copy = intent(spoiled, status=status)
    assert spoiled.only(check) == f"intent {copy} of 10000 cents was {words}"


def test_a_success_that_the_processor_does_not_know_is_found(spoiled: Spoiled) -> None:
    attempt = paid_attempt(spoiled)
    spoiled.stripe(
        "payment_intent", lambda body: body.update(status="canceled"), where=f"id = '{attempt['reference']}'"
    )
    found = spoiled.only("attempts_agree_with_the_processor")
    assert found == f"attempt {attempt['id']} is SUCCEEDED, the processor has canceled"


def test_a_decline_recorded_as_not_taken_is_found(spoiled: Spoiled) -> None:
    attempt = spoiled.row("UPDATE payments_attempt SET state = 'NOT_TAKEN' WHERE state = 'DECLINED' RETURNING id")["id"]
    texts = {violation.check: violation.text for violation in spoiled.found()}
    assert texts["attempts_agree_with_the_processor"] == f"attempt {attempt} is NOT_TAKEN, but a bank declined it"
    assert sorted(texts) == ["attempts_agree_with_the_processor", "attempts_have_their_events", "messages_are_true"]


@pytest.mark.parametrize("path", ["/v1/payment_intents", "/v1/payment_intents/pi_x/confirm"])
def test_a_key_that_changed_on_retry_is_found(spoiled: Spoiled, path: str) -> None:
    attempt = paid_attempt(spoiled)
    asked = f"metadata%5Battempt%5D={attempt['uuid']}" if path.endswith("intents") else "off_session=true"
    for key in ("kp-1", "kp-1", "kp-2"):
        spoiled.file(
            "stripe/stripe.sqlite3",
            "INSERT INTO requests (request, at, business_at, method, path, body, idempotency_key) "
            "VALUES ('req_x', 0, 0, 'POST', ?, ?, ?)",
            path, asked, key,
        )  # fmt: skip
    what = f"attempt {attempt['id']}" if path.endswith("intents") else "the confirmation of pi_x"
    text = spoiled.only("attempts_keep_their_keys")
    # The world itself had asked for the attempt before.
    assert text == f"{what} was asked for under {3 if path.endswith('intents') else 2} keys"
