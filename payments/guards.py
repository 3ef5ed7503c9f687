"""What must hold before a due part is charged (docs/money.md, "Guards of a claim"). Reads only.

claim.py asks under the locks. `refuse_early` asks without them, so that hopeless tries don't trouble Open Dental.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from cards import autopay as autopays
from cards.models import AnyAutopay, Card
from core import calendar
from payments import budget, wishes
from payments.models import Attempt, AttemptState, Dispute, DueCheck, DuePart, Move
from payplans.models import Installment

CHECK_MAX_AGE = timedelta(minutes=5)
# The processor's own limits for dollars.
LEAST_CENTS, MOST_CENTS = 50, 999_999_99
# The plan of a due part and what its autopay rests on, in one question.
_PLAN = ("installment__plan__autopay__card", "installment__plan__autopay__consent")


class UnableToClaim(Exception):
    """The due part must not be charged now. The text says why, for staff."""


def refuse_early(due_part_id: int, *, channel: str, card_id: int | None, now: datetime) -> DuePart:
    """Every guard except Open Dental's word, without locks. Raises UnableToClaim. The claim asks again."""
    part = DuePart.objects.select_related("practice", *_PLAN).filter(pk=due_part_id).first()
    if part is None:
        raise UnableToClaim("This is no longer owed")
    refuse_unless_open(part)
    refuse_unless_chargeable(part, card_of(part, card_id), channel, now)
    return part


def refuse_early_presented(due_part_id: int) -> DuePart:
    """The same for a card that a person will present: none is known yet. Raises UnableToClaim."""
    part = DuePart.objects.select_related("practice", *_PLAN).filter(pk=due_part_id).first()
    if part is None:
        raise UnableToClaim("This is no longer owed")
    refuse_unless_open(part)
    return part


def card_of(part: DuePart, card_id: int | None) -> Card:
    """The card to charge; None means the one autopay charges for it. Raises UnableToClaim."""
    if card_id is not None:
        card = Card.objects.filter(pk=card_id).first()
        if card is None:
            raise UnableToClaim("The card is gone")
        return card
    return _paying(part, _autopay_of(part)).card


def _paying(part: DuePart, autopay: AnyAutopay) -> wishes.Paying:
    """The plan's card, or the one agreed to for this charge alone."""
    if part.installment is None:
        raise UnableToClaim("Only installments are charged by autopay")
    return wishes.of_plan(part.installment.plan_id).paying(part.installment, autopay)


def _autopay_of(part: DuePart) -> AnyAutopay:
    """Of its payer on its plan, on or off; the guarantor's as it was when the plan was read. Raises UnableToClaim."""
    autopay: AnyAutopay | None = None
    if part.installment is not None and part.payer_id == part.installment.plan.guarantor_id:
        autopay = getattr(part.installment.plan, "autopay", None)
    elif part.installment is not None:
        autopay = autopays.of_payer(part.installment.plan, part.payer_id)
    if autopay is None:
        raise UnableToClaim("No card is attached to the plan")
    return autopay


def refuse_unless_open(part: DuePart) -> None:
    """Collectable at all, large enough for a card, and nothing is collecting it."""
    if part.practice.recover_since is not None:
        raise UnableToClaim("The database was restored: charges made since the backup are looked for first")
    if part.state != DuePart.State.OPEN:
        raise UnableToClaim("This is paid or no longer owed")
    if _is_being_collected(part):
        raise UnableToClaim("Another payment of the same money is under way")
    if part.amount_cents < LEAST_CENTS:
        raise UnableToClaim("Cards can't be charged less than $0.50")
    if part.amount_cents > MOST_CENTS:
        raise UnableToClaim("Cards can't be charged more than $999,999.99")
    if part.installment is not None and not part.installment.plan.is_collectable:
        raise UnableToClaim("The plan is closed, gone or paid by insurance")
    if part.installment is not None and _is_being_moved_onto(part.installment):
        raise UnableToClaim("A payment is being moved onto it in Open Dental: wait for the result")


def _is_being_collected(part: DuePart) -> bool:
    """By a try of its own, or by an open one of its installment: what a restore brings back may have another part."""
    if part.installment_id is None:
        return part.attempts.filter(state__in=AttemptState.open_or_paid()).exists()
    same = Attempt.objects.filter(due_part__installment=part.installment_id)
    return same.filter(Q(state__in=AttemptState.open()) | Q(due_part=part, state=AttemptState.SUCCEEDED)).exists()


def _is_being_moved_onto(installment: Installment) -> bool:
    return Move.objects.filter(installment=installment.pk, state=Move.State.ORDERED).exists()


def refuse_if_tried_since(part: DuePart, newest: int | None) -> None:
    """One click, one try: a second click, or a task delivered twice, must not try the card again."""
    if newest is not None and part.attempts.filter(pk__gt=newest).exists():
        raise UnableToClaim("It was tried meanwhile: look at the result first")


def refuse_unless_owed(part: DuePart, now: datetime) -> None:
    """Open Dental has just said so."""
    check = DueCheck.objects.filter(due_part=part).first()
    if check is None or now - check.checked_at > CHECK_MAX_AGE:
        raise UnableToClaim("Open Dental has not confirmed that this is still owed")
    if check.obstacle:
        raise UnableToClaim(check.obstacle)
    if check.owed_cents < part.amount_cents or part.installment is not None and not part.installment.is_open:
        raise UnableToClaim("Open Dental says that less is owed now")


def refuse_unless_issued(part: DuePart, channel: str) -> None:
    """Autopay takes only charges that Open Dental has issued (decisions 8); a person may also pay the next one early.

    Asked after a recheck: Open Dental may just have issued it. It spends a prepayment on the next charge it issues, so
    money for a later one would land on the wrong installment.
    """
    installment = part.installment
    if installment is None or installment.is_issued:
        return
    if channel == Attempt.Channel.AUTOPAY:
        raise UnableToClaim("Open Dental has not issued this charge yet")
    if installment.plan.installments.before(installment).exists():
        raise UnableToClaim("Open Dental would put this money on an earlier payment of the plan: take that one first")


def refuse_unless_chargeable(part: DuePart, card: Card, channel: str, now: datetime) -> None:
    """The card may be tried for this part, now and in this way."""
    if card.state != Card.State.ACTIVE:
        raise UnableToClaim("The card is no longer active")
    if card.patient_id != part.payer_id:
        raise UnableToClaim("The card belongs to another person")
    if channel == Attempt.Channel.AUTOPAY:
        _refuse_unless_autopay(part, card, now)
        if Dispute.freezes(card):
            raise UnableToClaim(Dispute.FROZEN)
    if channel == Attempt.Channel.FIX_LINK and part.hold == DuePart.Hold.RECONCILE:
        # Only staff can tell that the bank's "duplicate" was none.
        raise UnableToClaim("An earlier payment is being looked for first")
    reason = budget.obstacle(part, card, channel, now)
    if reason:
        raise UnableToClaim(reason)


def _refuse_unless_autopay(part: DuePart, card: Card, now: datetime) -> None:
    if part.installment is None:
        raise UnableToClaim("Only installments are charged by autopay")
    autopay, wished = _autopay_of(part), wishes.of_plan(part.installment.plan_id)
    paying = wished.paying(part.installment, autopay)
    agreed = autopay.is_on and autopay.consent.revoked_at is None and paying.consent.revoked_at is None
    if not agreed or paying.card.pk != card.pk:
        raise UnableToClaim("Autopay is off")
    if part.amount_cents > paying.consent.max_charge_cents:
        raise UnableToClaim("The amount is above the agreed maximum")
    # Not the due part's hold alone: what staff decided counts whatever stands there.
    if refusal := wished.refusal(part.installment, calendar.local_date(now, part.practice.zone)):
        raise UnableToClaim(refusal)
    if part.charge_from is not None and calendar.local_date(now, part.practice.zone) < part.charge_from:
        raise UnableToClaim("It was agreed for a later day")
    if part.hold or part.next_try_at is None or part.next_try_at > now:
        raise UnableToClaim("The next try has not come yet")
    _refuse_unless_due(part.installment, part, now)


def _refuse_unless_due(installment: Installment, part: DuePart, now: datetime) -> None:
    """The consent is for due dates."""
    if installment.is_down_payment:
        raise UnableToClaim("A down payment is taken at the desk")
    if installment.due_date > calendar.local_date(now, part.practice.zone):
        raise UnableToClaim("The due date has not come yet")
