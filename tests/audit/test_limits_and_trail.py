"""What the auditor says about cards that were tried too often, and about gaps in the event trail."""

from __future__ import annotations

import pytest

from tests.audit.conftest import Spoiled

DECLINED = "json_extract(body, '$.status') = 'failed'"
DAY = 86_400


def declined_again(spoiled: Spoiled, times: int, *, days_apart: int, **outcome: str) -> list[str]:
    """The poor card is declined so many times more, on intents of an attempt of ours."""
    begin = int(spoiled.books.now.timestamp()) - 40 * DAY
    charges = []
    for place in range(times):
        intent = spoiled.stripe_copy("charge", {"created": begin + place * days_apart * DAY, **outcome}, where=DECLINED)
        charges.append(intent)
    return charges


def test_a_sixteenth_decline_in_thirty_days_is_found(spoiled: Spoiled) -> None:
    declined_again(spoiled, 15, days_apart=1)
    assert spoiled.found() == []
    last = spoiled.stripe_copy("charge", {"created": int(spoiled.books.now.timestamp()) - 25 * DAY}, where=DECLINED)
    text = spoiled.only("cards_rest_after_fifteen_declines")
    assert text.endswith(f"was declined 16 times in 30 days, the last time with {last}")


def test_declines_spread_over_months_are_fine(spoiled: Spoiled) -> None:
    declined_again(spoiled, 25, days_apart=4)
    assert spoiled.found() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("advice_code", "do_not_try_again"), ("network_decline_code", "41"), ("network_advice_code", "03")],
)
def test_a_try_after_the_network_said_never_is_found(spoiled: Spoiled, name: str, value: str) -> None:
    first = spoiled.stripe_copy("charge", {}, where=DECLINED)
    spoiled.stripe("charge", lambda body: body["outcome"].update({name: value}), where=f"id = '{first}'")
    assert spoiled.found() == []
    again = spoiled.stripe_copy("charge", {}, where=DECLINED)
    text = spoiled.only("cards_are_not_tried_after_never")
    assert text.endswith(f"was tried again with {again} after the network said never")


@pytest.mark.parametrize("kind", ["attempt_started", "payment_succeeded", "payment_declined"])
def test_an_attempt_without_its_event_is_found(spoiled: Spoiled, kind: str) -> None:
    row = spoiled.row("SELECT * FROM practices_event WHERE kind = %(kind)s ORDER BY id LIMIT 1", kind=kind)
    spoiled.sql("DELETE FROM practices_event WHERE id = %(id)s", id=row["id"])
    text = spoiled.only("attempts_have_their_events")
    assert text.startswith(f"attempt {row['about']['attempt']} is ")
    assert kind not in text


def test_an_attempt_that_ended_twice_is_found(spoiled: Spoiled) -> None:
    row = spoiled.row("SELECT * FROM practices_event WHERE kind = 'payment_succeeded' ORDER BY id LIMIT 1")
    spoiled.insert_like("practices_event", row["id"])
    text = spoiled.only("attempts_have_their_events")
    assert "'payment_succeeded': 2" in text


@pytest.mark.parametrize("kind", ["posting_sending", "posting_posted", "posting_matched"])
def test_a_posting_without_its_event_is_found(spoiled: Spoiled, kind: str) -> None:
    row = spoiled.row("SELECT * FROM practices_event WHERE kind = %(kind)s ORDER BY id LIMIT 1", kind=kind)
    spoiled.sql("DELETE FROM practices_event WHERE id = %(id)s", id=row["id"])
    text = spoiled.only("postings_have_their_events")
    assert text == f"posting {row['about']['posting']} is MATCHED without the events ['{kind}']"


def test_an_alarm_closed_by_a_person_without_an_event_is_found(spoiled: Spoiled) -> None:
    practice = spoiled.number("SELECT id FROM practices_practice")
    alarm = spoiled.alarm(practice, "PAID_TWICE", "paid-twice:1", closed_by="user:7")
    spoiled.sql("DELETE FROM practices_event WHERE kind = 'alarm_closed'")
    text = spoiled.only("alarms_closed_by_hand_have_their_event")
    assert text == f"alarm {alarm} was closed by user:7 without an event"


@pytest.mark.parametrize(("actor", "reason"), [("poster", "On the deposit"), ("user:7", " ")])
def test_a_mark_without_a_person_or_a_reason_is_found(spoiled: Spoiled, actor: str, reason: str) -> None:
    row = spoiled.row("SELECT * FROM payments_ledgerposting WHERE route = 'PREPAYMENT'")
    change = "UPDATE payments_ledgerposting SET state = 'MARKED', state_reason = 'On the deposit' WHERE id = %(id)s"
    spoiled.sql(change, id=row["id"])
    assert spoiled.only("postings_have_their_events").endswith("without the events ['posting_marked']")
    event = spoiled.number("SELECT min(id) FROM practices_event")
    spoiled.insert_like(
        "practices_event", event, kind="posting_marked", actor=actor, text=reason, about={"posting": row["id"]}
    )
    text = spoiled.only("marks_name_a_person_and_a_reason")
    assert text == f"posting {row['id']} is marked as posted by hand by {actor} for {reason!r}"
