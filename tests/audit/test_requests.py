"""What the auditor says about requests whose books don't agree with the money that came."""

from __future__ import annotations

from tests.audit.conftest import Spoiled

_REQUEST = (
    "INSERT INTO paylinks_paymentrequest (practice_id, nonce, token_hash, click, patient_id, payer_id, basis,"
    " amount_cents, state, prefers, actor, created_at, sent_at, sendings, reminders, expires_at, wrong_tries)"
    " SELECT practice_id, gen_random_uuid(), 'spoiled', gen_random_uuid(), patient_id, patient_id, basis, amount_cents,"
    " 'PAID', 'SMS', 'user:1', drafted_at, drafted_at, 1, 0, drafted_at, 0 FROM payments_sale WHERE id = %(id)s"
)


def test_a_request_that_is_paid_without_money_is_found(spoiled: Spoiled) -> None:
    sale = spoiled.row("SELECT * FROM payments_sale")
    spoiled.sql(_REQUEST, id=sale["id"])
    one = spoiled.row("SELECT * FROM paylinks_paymentrequest")
    text = spoiled.only("requests_say_what_was_paid")
    assert text == f"request {one['id']} of 9000 of 0 cents is PAID, 0 were paid"


def test_money_of_a_phone_that_nobody_agreed_to_is_found(spoiled: Spoiled) -> None:
    one = spoiled.row("SELECT * FROM payments_attempt WHERE channel = 'ON_FILE'")
    spoiled.sql("UPDATE payments_attempt SET channel = 'LINK_CARD' WHERE id = %(id)s", id=one["id"])
    text = spoiled.only("money_of_phones_was_agreed_to")
    assert text == f"attempt {one['id']} of {one['amount_cents']} cents was agreed to by nobody"


def test_a_press_that_never_ends_is_found(spoiled: Spoiled) -> None:
    sale = spoiled.row("SELECT * FROM payments_sale")
    spoiled.sql(_REQUEST.replace("'PAID'", "'OPEN'"), id=sale["id"])
    spoiled.sql(
        "INSERT INTO paylinks_requestline (practice_id, request_id, kind, patient_id, amount_cents, proc_num, code,"
        " description, provider) SELECT r.practice_id, r.id, l.kind, l.patient_id, r.amount_cents, 1, '', '', ''"
        " FROM paylinks_paymentrequest r, payments_saleline l WHERE l.sale_id = %(id)s",
        id=sale["id"],
    )
    row = spoiled.row(
        "INSERT INTO paylinks_requesttry (practice_id, uuid, request_id, shown_cents, amount_cents, state, language,"
        " agreed_at, made_at, refusal, refusal_words) SELECT practice_id, gen_random_uuid(), id, 9000, 9000, 'RUNNING',"
        " 'en', created_at, created_at, '', '' FROM paylinks_paymentrequest RETURNING *"
    )
    text = spoiled.only("presses_come_to_an_end")
    assert text == f"request try {row['id']} is RUNNING since {row['agreed_at']}"
