"""How often a card may be tried: the history that payplans/retry.py judges, read from our attempts."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from django.db.models import QuerySet

from cards.models import Card
from core import calendar
from payments.models import Attempt, AttemptState, DuePart
from payplans import retry
from practices.models import PaymentSettings

# After a try that was not taken; doubled each time in a row, so that a wrong key makes no flood of attempts.
PAUSE_AFTER_NOT_TAKEN = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=6)
BUDGET_WINDOW = timedelta(days=retry.BUDGET_DAYS)


def declined_on_card(card: Card, now: datetime) -> list[datetime]:
    """Declined tries of this card number (fingerprint) in the last 30 days, whatever they were for."""
    tries = Attempt.objects.filter(
        card__fingerprint=card.fingerprint, state=AttemptState.DECLINED, started_at__gt=now - BUDGET_WINDOW
    )
    return list(tries.order_by("started_at").values_list("started_at", flat=True))


def tries_of(part: DuePart) -> QuerySet[Attempt]:
    """Every try at the same money: the part is replaced when the owed amount changes, its history stays."""
    if part.installment_id is None:
        return Attempt.objects.filter(due_part=part)
    return Attempt.objects.filter(due_part__installment=part.installment_id, due_part__payer=part.payer_id)


def tries_by_part(part_ids: list[int]) -> dict[int, list[Attempt]]:
    """The tries at each of these parts, newest first: state and time only."""
    found: dict[int, list[Attempt]] = {part_id: [] for part_id in part_ids}
    if part_ids:
        tries = Attempt.objects.filter(due_part__in=part_ids).only("due_part_id", "state", "settled_at")
        for attempt in tries.order_by("-pk"):
            found[attempt.due_part_id].append(attempt)
    return found


def pause_until(newest: list[Attempt]) -> datetime | None:
    """When autopay may ask again after tries in a row that the processor did not take; None: there were none."""
    in_a_row = list(itertools.takewhile(lambda attempt: attempt.state == AttemptState.NOT_TAKEN, newest[:8]))
    if not in_a_row or in_a_row[0].settled_at is None:
        return None
    return in_a_row[0].settled_at + min(PAUSE_AFTER_NOT_TAKEN * (1 << (len(in_a_row) - 1)), LONGEST_PAUSE)


def verdict(attempt: Attempt, now: datetime) -> retry.Verdict:
    """What the decline of this (already recorded) attempt means."""
    settings = PaymentSettings.objects.select_related("practice").get(practice_id=attempt.practice_id)
    declined = tries_of(attempt.due_part).filter(
        state=AttemptState.DECLINED, card__fingerprint=attempt.saved_card.fingerprint
    )
    return retry.after_decline(
        retry.Decline(
            decline_code=attempt.decline_code, advice_code=attempt.advice_code,
            network_decline_code=attempt.network_decline_code, network_advice_code=attempt.network_advice_code,
        ),
        due_part_declines=list(declined.order_by("started_at").values_list("started_at", flat=True)),
        card_declines=declined_on_card(attempt.saved_card, now),
        policy=policy(settings),
        now=now,
    )  # fmt: skip


def policy(settings: PaymentSettings) -> retry.Policy:
    return retry.Policy(
        zone=settings.practice.zone,
        charge_hour=settings.charge_hour,
        weekdays=frozenset(settings.retry_weekdays),
        max_tries=settings.max_tries,
    )


def tries_left(part: DuePart, card: Card, now: datetime) -> int:
    """How many declined tries of this part with this card the network's and the practice's limits still leave."""
    settings = PaymentSettings.objects.filter(practice_id=part.practice_id).first() or PaymentSettings()
    of_part = tries_of(part).filter(state=AttemptState.DECLINED, card__fingerprint=card.fingerprint)
    used = retry.budget_used(list(of_part.values_list("started_at", flat=True)), now)
    return max(0, min(settings.max_tries - used, retry.BUDGET - len(declined_on_card(card, now))))


def obstacle(part: DuePart, card: Card, channel: str, now: datetime) -> str:
    """Why this card may not be tried for this part today; '' when it may."""
    zone = part.practice.zone
    recent = _recent_tries(card, now)
    tried = [try_.started_at for try_ in recent if _is_same_money(try_.due_part, part)]
    today = calendar.local_date(now, zone)
    if channel == Attempt.Channel.AUTOPAY and any(calendar.local_date(at, zone) == today for at in tried):
        return "This card was already tried today"
    return (
        retry.may_pay_now(
            never_again=Card.objects.filter(fingerprint=card.fingerprint, never_again=True).exists(),
            due_part_declines=tried,
            # A try whose answer is still to come may be declined too: it counts against the budget until then.
            card_declines=[try_.started_at for try_ in recent if try_.state != AttemptState.SUCCEEDED],
            zone=zone,
            now=now,
        )
        or ""
    )


def _recent_tries(card: Card, now: datetime) -> list[Attempt]:
    """Tries of this card number in the budget's window that reached the bank, oldest first."""
    tries = Attempt.objects.filter(card__fingerprint=card.fingerprint, started_at__gt=now - BUDGET_WINDOW)
    shown = ("state", "started_at", "due_part__installment_id", "due_part__payer_id")
    taken = tries.exclude(state=AttemptState.NOT_TAKEN)
    return list(taken.select_related("due_part").only(*shown).order_by("started_at"))


def _is_same_money(other: DuePart, part: DuePart) -> bool:
    """The part is replaced when the owed amount changes; it is the same money of the same payer."""
    if part.installment_id is None:
        return other.pk == part.pk
    return (other.installment_id, other.payer_id) == (part.installment_id, part.payer_id)
