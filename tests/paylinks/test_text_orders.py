"""Texts that do something: MOVE and a day, CARD, CALL, PLAN, in English and Spanish; unclear ones are asked back."""

from __future__ import annotations

import uuid
from datetime import date

import pytest

from core.tokens import link_token
from notifications import inbound, texting
from notifications.models import Message, Reply
from paylinks import plan_links, text_orders, text_words
from paylinks.models import PatientLink
from paylinks.text_words import Ask
from payments.models import Alarm, DuePart, PlanChange
from payplans.models import PayPlan
from practices.models import Event, PaymentSettings
from tests.paylinks.conftest import Time

TODAY = date(2026, 12, 10)  # A Thursday.


@pytest.mark.parametrize(
    ("text", "ask", "rest"),
    [
        ("MOVE 15", Ask.MOVE, "15"),
        ("please move it to Dec 15.", Ask.MOVE, "it to dec 15"),
        ("Mover al viernes", Ask.MOVE, "al viernes"),
        ("¡Cámbielo al 15!", Ask.MOVE, "al 15"),
        ("Cambiar para el 15/12", Ask.MOVE, "para el 15/12"),
        ("card", Ask.CARD, ""),
        ("Nueva tarjeta", Ask.CARD, ""),
        ("change card", Ask.CARD, ""),
        ("Call me!", Ask.CALL, ""),
        ("Llámenme", Ask.CALL, ""),
        ("mi plan", Ask.PLAN, ""),
        ("I lost my card yesterday, what now?", None, ""),
        ("moved to a new house", None, ""),
        ("ok", None, ""),
        ("move " + "x" * 80, None, ""),
    ],
)
def test_only_short_orders_are_understood(text: str, ask: Ask | None, rest: str) -> None:
    found = text_words.order(text)

    assert (found and found.ask, found.rest if found else "") == (ask, rest)


@pytest.mark.parametrize(
    ("rest", "language", "day"),
    [
        ("15", "en", date(2026, 12, 15)),
        ("to the 15th", "en", date(2026, 12, 15)),
        ("9", "en", date(2027, 1, 9)),
        ("10", "en", date(2027, 1, 10)),
        ("31", "es", date(2026, 12, 31)),
        ("0", "en", None),
        ("32", "en", None),
        ("12/15", "en", date(2026, 12, 15)),
        ("15/12", "en", date(2026, 12, 15)),
        ("15/12", "es", date(2026, 12, 15)),
        ("5/12", "es", None),
        ("12/12", "es", date(2026, 12, 12)),
        ("12/15/26", "en", date(2026, 12, 15)),
        ("12-15-2026", "en", date(2026, 12, 15)),
        ("13/13", "en", None),
        ("dec 15", "en", date(2026, 12, 15)),
        ("15 de diciembre", "es", date(2026, 12, 15)),
        ("jan 2nd", "en", date(2027, 1, 2)),
        ("nov 2", "en", date(2026, 11, 2)),
        ("friday", "en", date(2026, 12, 11)),
        ("el jueves", "es", date(2026, 12, 17)),
        ("mañana", "es", date(2026, 12, 11)),
        ("feb 30", "en", None),
        ("payday", "en", None),
        ("", "en", None),
        ("15 or 16", "en", None),
    ],
)
def test_a_day_is_the_next_such_day_and_what_is_not_clear_is_none(rest: str, language: str, day: date | None) -> None:
    assert text_words.day(rest, TODAY, language) == day


@pytest.fixture
def told(failed: DuePart, time: Time) -> Message:
    """The notice of the payment that failed went to Ana's phone by text."""
    Message.objects.filter(kind="PAYMENT_FAILED").update(channel="SMS", to=failed.payer.mobile_phone)
    return Message.objects.get(kind="PAYMENT_FAILED")


def reply(told: Message, body: str, time: Time) -> str:
    row = Reply.objects.create(
        practice=told.practice, carrier_reference=uuid.uuid4().hex, phone=told.to, patient=told.patient, body=body,
        meaning=Reply.Meaning.OTHER, received_at=time.now,
    )  # fmt: skip
    return text_orders.answer(row, time.now)


def test_move_moves_the_charge_and_the_answer_says_what_will_happen(told: Message, time: Time) -> None:
    before = Message.objects.count()

    said = reply(told, "Move 20", time)

    assert said == (
        "Maple Grove Dental: $128.60 will be charged to Visa 4242 on Mar 20, 2026. To change it text MOVE and a day, "
        "or CALL."
    )
    assert len(said) <= 160
    assert str(DuePart.objects.get().next_try_at) == "2026-03-20 14:00:00+00:00"
    assert Message.objects.count() == before, "the answer tells it: no second message"
    assert Event.objects.filter(kind="text_move").count() == 1
    assert reply(told, "mover 21", time).startswith("Maple Grove Dental: cobraremos $128.60 a Visa 4242 el 21 mar 2026")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("MOVE", "to which day? Text for example MOVE 25. The latest day is Mar 25, 2026."),
        ("MOVE payday", "to which day? Text for example MOVE 25."),
        ("MOVER 5/4", "¿para que dia? Escriba por ejemplo MOVER 25."),
        ("MOVE 30", "that is too late, the latest day is Mar 25, 2026. Text for example MOVE 25, or CALL."),
        ("MOVE 3/1/26", "that day is too early. Text MOVE and a day from Mar 12, 2026 to Mar 25, 2026."),
    ],
)
def test_an_unclear_day_or_one_outside_the_rule_is_asked_back_and_changes_nothing(
    told: Message, time: Time, text: str, said: str
) -> None:
    assert said in reply(told, text, time)

    assert PlanChange.objects.count() == 0


def test_what_can_not_be_moved_is_said_with_what_can_be_done(told: Message, time: Time) -> None:
    PaymentSettings.objects.update(patient_moves=0)

    for text in ("MOVE 20", "MOVE"):
        assert "this payment can't be moved now. Text CARD to pay it or CALL" in reply(told, text, time)


def test_card_call_and_plan_answer_with_their_link_or_work_for_the_desk(told: Message, time: Time) -> None:
    card = reply(told, "CARD", time)
    assert card.endswith(link_token(PatientLink.objects.get().nonce))
    assert "thank you, we call you back" in reply(told, "call me", time)
    assert Alarm.objects.get().kind == "CALL_WANTED"
    plan = reply(told, "mi plan", time)
    link = plan_links.open_link(PayPlan.objects.get(), now=time.now)
    assert plan.endswith(link_token(link.nonce))
    assert plan.startswith("Maple Grove Dental: su plan: http")
    for said in (card, plan):
        assert len(said) <= 160


def test_nothing_is_done_for_strangers_old_notices_or_who_opted_out(told: Message, time: Time) -> None:
    texting.record(told.practice_id, told.to, allowed=False, source="test", now=time.now)
    assert reply(told, "MOVE 20", time) == ""
    texting.record(told.practice_id, told.to, allowed=True, source="test", now=time.now)
    Message.objects.update(to="+15555550199")
    assert "we found no open payment for this number" in reply(told, "MOVE 20", time)
    stranger = Reply(practice=told.practice, phone="+15555550177", body="MOVE 20", received_at=time.now)
    assert text_orders.answer(stranger, time.now) == ""
    assert PlanChange.objects.count() == 0


def test_a_text_that_the_carrier_tells_twice_acts_and_answers_once(told: Message, time: Time) -> None:
    form = {"From": told.to, "Body": "MOVE 20", "MessageSid": "SM77"}

    answers = [inbound.take_text(told.practice, form, time.now) for _ in range(2)]

    assert "will be charged to Visa 4242 on Mar 20, 2026" in answers[0]
    assert answers[1] == ""
    assert (PlanChange.objects.count(), Reply.objects.count()) == (1, 1)
    stop = {"From": told.to, "Body": "STOP", "MessageSid": "SM78"}
    assert inbound.take_text(told.practice, stop, time.now) == ""
    assert inbound.take_text(told.practice, {**form, "MessageSid": "SM79"}, time.now) == "", "nobody could be told"
