"""The retry calendar, walked day by day at the charge hour: the days of tries and, as much, the quiet days between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import at_hour, local_date
from payplans import declines
from payplans.retry import (
    BUDGET,
    Decline,
    Policy,
    Verdict,
    VerdictKind,
    after_decline,
    budget_used,
    may_pay_now,
)

NEW_YORK = ZoneInfo("America/New_York")
HONOLULU = ZoneInfo("Pacific/Honolulu")
START = date(2026, 5, 4)  # a Monday
DAILY = Policy(NEW_YORK)
SOFT = Decline("insufficient_funds")
VAGUE = Decline("do_not_honor")
A_FEW_SECONDS = timedelta(seconds=5)


def verdict(
    decline: Decline = SOFT, *, now: datetime, tries: Sequence[datetime] | None = None, policy: Policy = DAILY,
    card: Sequence[datetime] | None = None,
) -> Verdict:  # fmt: skip
    """The verdict on a decline at `now`; the histories hold just that decline unless given."""
    own = [now] if tries is None else tries
    return after_decline(
        decline, due_part_declines=own, card_declines=own if card is None else card, policy=policy, now=now
    )


def walk(decline: Decline, days: int, *, start: date = START, policy: Policy = DAILY) -> str:
    """A calendar from `start`: x a declined try, . a quiet day. The answer comes seconds after the charge hour."""
    tries: list[datetime] = []
    next_try: datetime | None = at_hour(start, policy.charge_hour, policy.zone)
    calendar = ""
    for offset in range(days):
        day = start + timedelta(days=offset)
        due = next_try is not None and local_date(next_try, policy.zone) <= day
        calendar += "x" if due else "."
        if due:
            assert next_try is not None
            tries.append(next_try + A_FEW_SECONDS)
            next_try = verdict(decline, now=tries[-1], tries=tries, policy=policy).next_try_at
    return calendar


def test_soft_declines_are_tried_daily_until_fifteen_in_thirty_days() -> None:
    """15 days of tries, 15 quiet ones while the first ones age, then on as they drop out one by one."""
    assert walk(SOFT, 75) == "x" * 15 + "." * 15 + "x" * 15 + "." * 15 + "x" * 15


def test_vague_declines_are_tried_on_days_1_4_and_8_then_weekly() -> None:
    assert walk(VAGUE, 30) == "xx..x...x......x......x......x"


@pytest.mark.parametrize(
    ("code", "calendar"),
    [
        ("24", "xxxx"),
        ("25", "xxxx"),
        ("26", "x.x.x"),
        ("27", "x...x...x"),
        ("28", "x.....x.....x"),
        ("29", "x.......x"),
        ("30", "x.........x"),
    ],
)
def test_network_advice_24_to_30_sets_its_own_delay(code: str, calendar: str) -> None:
    assert walk(Decline("do_not_honor", network_advice_code=code), len(calendar)) == calendar


def test_a_delay_from_late_in_the_day_waits_for_the_next_charge_hour_after_it() -> None:
    evening = datetime(2026, 5, 4, 22, 0, tzinfo=UTC)  # 18:00 in New York
    found = verdict(Decline("do_not_honor", network_advice_code="25"), now=evening)
    assert found.next_try_at == datetime(2026, 5, 6, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("decline", "kind", "never_again"),
    [
        (Decline("lost_card"), VerdictKind.NEW_CARD, True),
        (Decline("stop_payment_order"), VerdictKind.NEW_CARD, True),
        (Decline("generic_decline", advice_code="do_not_try_again"), VerdictKind.NEW_CARD, True),
        (Decline("insufficient_funds", network_advice_code="03"), VerdictKind.NEW_CARD, True),
        (Decline("insufficient_funds", network_advice_code="21"), VerdictKind.NEW_CARD, True),
        (Decline("do_not_honor", network_decline_code="r1"), VerdictKind.NEW_CARD, True),
        (Decline("stolen_card", advice_code="try_again_later"), VerdictKind.NEW_CARD, True),
        (Decline("expired_card"), VerdictKind.NEW_CARD, False),
        (Decline("authentication_required", advice_code="try_again_later"), VerdictKind.NEW_CARD, False),
        (Decline("do_not_honor", advice_code="confirm_card_data"), VerdictKind.NEW_CARD, False),
        (Decline("insufficient_funds", network_advice_code="01"), VerdictKind.NEW_CARD, False),
        (Decline("duplicate_transaction"), VerdictKind.RECONCILE, False),
        (Decline("brand_new_code"), VerdictKind.STAFF, False),
        (Decline(""), VerdictKind.STAFF, False),
        (Decline("insufficient_funds", advice_code="brand_new_advice"), VerdictKind.STAFF, False),
    ],
)
def test_what_must_not_be_retried_gets_no_date(decline: Decline, kind: VerdictKind, never_again: bool) -> None:
    found = verdict(decline, now=at_hour(START, 10, NEW_YORK))
    assert (found.kind, found.never_again, found.next_try_at) == (kind, never_again, None)
    assert walk(decline, 30) == "x" + "." * 29


@pytest.mark.parametrize(
    "decline",
    [
        Decline("try_again_later"),
        Decline("processing_error"),
        Decline("brand_new_code", advice_code="try_again_later"),
        Decline("do_not_honor", advice_code="try_again_later"),
        Decline("do_not_honor", network_advice_code="02"),
        Decline("insufficient_funds", network_advice_code="99"),
    ],
)
def test_what_is_worth_another_try_gets_tomorrow(decline: Decline) -> None:
    found = verdict(decline, now=at_hour(START, 10, NEW_YORK))
    assert (found.kind, found.next_try_at) == (VerdictKind.RETRY, datetime(2026, 5, 5, 14, 0, tzinfo=UTC))


@pytest.mark.parametrize("code", sorted(declines.VISA_NEVER))
def test_visa_category_1_is_never_tried_again(code: str) -> None:
    assert verdict(Decline("generic_decline", network_decline_code=code), now=at_hour(START, 10, NEW_YORK)).never_again


@pytest.mark.parametrize(
    "code",
    ["incorrect_number", "lost_card", "pickup_card", "stolen_card", "revocation_of_authorization",
     "revocation_of_all_authorizations", "authentication_required", "highest_risk_level"],
)  # fmt: skip
def test_the_processors_own_non_retryable_codes_never_get_a_date(code: str) -> None:
    for advice in ("", "try_again_later", "confirm_card_data"):
        assert verdict(Decline(code, advice), now=at_hour(START, 10, NEW_YORK)).kind is VerdictKind.NEW_CARD


def test_the_charge_hour_holds_over_both_clock_changes() -> None:
    for start, hours in ((date(2026, 3, 7), [15, 14, 14]), (date(2026, 10, 31), [14, 15, 15])):
        assert walk(SOFT, 3, start=start) == "xxx"
        at = at_hour(start, 10, NEW_YORK)
        seen = [at.hour]
        for _ in range(2):
            found = verdict(now=at + A_FEW_SECONDS).next_try_at
            assert found is not None
            at = found
            seen.append(at.hour)
        assert seen == hours


def test_a_charge_hour_that_a_clock_change_skips_is_the_first_moment_after_it() -> None:
    found = verdict(now=at_hour(date(2026, 3, 7), 2, NEW_YORK), policy=Policy(NEW_YORK, charge_hour=2))
    assert found.next_try_at == datetime(2026, 3, 8, 7, 0, tzinfo=UTC)


def test_a_practice_in_hawaii_counts_its_own_days() -> None:
    """A Pay Now at 18:00 in Honolulu is the next day in UTC; the next try is tomorrow there."""
    found = verdict(now=datetime(2026, 5, 5, 4, 0, tzinfo=UTC), policy=Policy(HONOLULU))
    assert found.next_try_at == datetime(2026, 5, 5, 20, 0, tzinfo=UTC)


def test_only_allowed_weekdays_are_tried() -> None:
    assert walk(SOFT, 15, policy=Policy(NEW_YORK, weekdays=frozenset({2, 5}))) == "xx..x...x..x..."
    assert walk(SOFT, 3, policy=Policy(NEW_YORK, weekdays=frozenset())) == "xxx"


def test_a_gentler_practice_tries_less_often() -> None:
    assert walk(SOFT, 64, policy=Policy(NEW_YORK, max_tries=4)) == ("x" * 4 + "." * 26) * 2 + "x" * 4
    found = verdict(now=at_hour(START, 10, NEW_YORK), policy=Policy(NEW_YORK, max_tries=4))
    assert (found.budget_used, found.budget) == (1, 4)


@pytest.mark.parametrize("settings", [{"max_tries": 16}, {"max_tries": 0}, {"weekdays": frozenset({0})}])
def test_a_policy_cannot_loosen_the_limits(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="max_tries|weekdays"):
        Policy(NEW_YORK, **settings)  # type: ignore[arg-type]


def test_the_budget_counts_everything_charged_to_the_card() -> None:
    now = at_hour(START, 10, NEW_YORK)
    elsewhere = [now - timedelta(days=days) for days in range(1, 15)]
    found = verdict(now=now, card=[*elsewhere, now])
    assert (found.kind, found.budget_used, found.budget) == (VerdictKind.WAIT_BUDGET, 15, 15)
    # The oldest of the fifteen was 14 days before: 16 days on, it is 30 days old.
    assert found.next_try_at == now + timedelta(days=16)
    assert found.reason == "Declined: insufficient funds; 15 of 15 tries in 30 days are used, so it rests"


def test_a_try_exactly_thirty_days_old_does_not_count() -> None:
    now = at_hour(START, 10, NEW_YORK)
    assert budget_used([now - timedelta(days=30), now - timedelta(days=30) + A_FEW_SECONDS], now) == 1


def test_the_words_are_plain_for_staff_and_the_patient() -> None:
    now = at_hour(START, 10, NEW_YORK)
    said = {code: verdict(Decline(code), now=now) for code in ("insufficient_funds", "expired_card", "odd_code")}
    assert [(found.reason, found.patient_reason) for found in said.values()] == [
        ("Declined: insufficient funds", "The card was declined: insufficient funds"),
        (
            "Declined: the card has expired; the patient must confirm or replace the card",
            "The card was declined: the card has expired",
        ),
        ("Declined: unknown code odd_code; not tried again by itself, staff must decide", "The card was declined"),
    ]
    forbidden = verdict(Decline("do_not_honor", network_advice_code="21"), now=now)
    assert forbidden.reason == "Declined: the cardholder stopped recurring payments; a new card is needed"


@pytest.mark.parametrize(
    "code",
    ["lost_card", "stolen_card", "pickup_card", "fraudulent", "merchant_blacklist", "security_violation",
     "highest_risk_level"],
)  # fmt: skip
def test_a_patient_hears_only_declined_for_lost_stolen_and_fraud(code: str) -> None:
    found = verdict(Decline(code), now=at_hour(START, 10, NEW_YORK))
    assert found.patient_reason == "The card was declined"
    assert found.reason.startswith("Declined: the ")


TEN = at_hour(START, 10, NEW_YORK)


@pytest.mark.parametrize(
    ("never_again", "tries", "card", "refusal"),
    [
        (False, [], [], None),
        (False, [TEN], [TEN], None),
        (False, [TEN, TEN + A_FEW_SECONDS], [TEN, TEN], "already tried twice today"),
        (False, [TEN - timedelta(days=1)] * 2, [TEN], None),
        (True, [], [], "never to try this card again"),
        (False, [], [TEN - timedelta(days=day) for day in range(15)], "declined 15 times in 30 days"),
        (False, [], [TEN - timedelta(days=30 + day) for day in range(15)], None),
    ],
)
def test_pay_now_is_one_more_try_a_day_within_the_budget(
    never_again: bool, tries: list[datetime], card: list[datetime], refusal: str | None
) -> None:
    now = TEN + timedelta(hours=3)
    said = may_pay_now(never_again=never_again, due_part_declines=tries, card_declines=card, zone=NEW_YORK, now=now)
    assert (said is None) if refusal is None else (said is not None and refusal in said)


moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(
    st.builds(
        Decline,
        st.sampled_from(["insufficient_funds", "do_not_honor", "processing_error", "odd_code"]),
        network_advice_code=st.sampled_from(["", "02", "24", "27", "30"]),
    ),
    moments,
    st.lists(st.integers(0, 50 * 24 * 60), max_size=20),
    st.builds(
        Policy,
        st.sampled_from([NEW_YORK, HONOLULU]),
        st.integers(0, 23),
        st.frozensets(st.integers(1, 7)),
        st.integers(1, BUDGET),
    ),
)
def test_no_date_is_ever_today_on_a_barred_weekday_or_over_budget(
    decline: Decline, now: datetime, minutes: list[int], policy: Policy
) -> None:
    tries = [now - timedelta(minutes=ago) for ago in minutes] + [now]
    found = verdict(decline, now=now, tries=tries, policy=policy)
    if found.next_try_at is None:
        return
    day = local_date(found.next_try_at, policy.zone)
    assert day > local_date(now, policy.zone)
    assert not policy.weekdays or day.isoweekday() in policy.weekdays
    assert budget_used(tries, found.next_try_at) < policy.max_tries
    assert timedelta(0) <= found.next_try_at - at_hour(day, policy.charge_hour, policy.zone) <= timedelta(hours=1)
