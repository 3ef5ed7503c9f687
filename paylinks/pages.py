"""What the pages of a link show. Reading changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from cards import autopay, wording
from cards.models import Card, Consent
from core.money import format_cents
from core.tokens import link_token
from notifications.templates import shown_phone
from paylinks import choices, reasons
from paylinks.choices import Choices
from paylinks.links import Found
from paylinks.models import LinkCharge
from payments import budget, dividing, wishes
from payments.models import Attempt, AttemptState, DuePart
from payplans.models import Installment, PayPlan


@dataclass(frozen=True)
class FixPage:
    """A payment that failed and what the patient can do. Dates are practice-local.

    `cents` is paid now, of `part`; less than it where a part is paid.
    """

    part: DuePart
    installment: Installment | None
    cents: int
    failed: Attempt | None
    reason: str
    # What autopay does by itself: with this card, not before now.
    next_card: Card | None
    next_try_at: datetime | None
    tries_left: int
    new_card_text: str
    same_card: Card | None
    same_card_text: str
    choices: Choices

    # When the rest is charged, of a part that is paid now.
    rest_day: date

    @property
    def rest_cents(self) -> int:
        return self.part.amount_cents - self.cents


def fix_page(found: Found, now: datetime, language: str, cents: int = 0) -> FixPage:
    """`cents` 0: all of it."""
    part, failed = found.part, _last_failed(found.part)
    same_card, next_card = _card_for_another_try(part, failed, now), autopay_card(part)
    cents = cents or part.amount_cents
    return FixPage(
        part=part,
        installment=part.installment,
        cents=cents,
        failed=failed,
        reason=reasons.of(failed) if failed else "",
        next_card=next_card,
        next_try_at=max(part.next_try_at, now) if next_card and part.next_try_at else None,
        tries_left=budget.tries_left(part, next_card, now) if next_card else 0,
        new_card_text=consent_text(found, None, language, cents),
        same_card=same_card,
        same_card_text=consent_text(found, same_card, language, cents) if same_card else "",
        choices=choices.of(part, now),
        rest_day=dividing.rest_day(part, now),
    )


def _last_failed(part: DuePart) -> Attempt | None:
    """The newest decline; parts that were replaced belong to the same installment."""
    tries = Attempt.objects.filter(state=AttemptState.DECLINED).select_related("card")
    # A second payer's card and declines are nobody else's.
    mine = tries.filter(due_part__payer=part.payer_id)
    of_it = mine.filter(due_part__installment=part.installment) if part.installment else mine.filter(due_part=part)
    return of_it.order_by("-started_at", "-pk").first()


def _card_for_another_try(part: DuePart, failed: Attempt | None, now: datetime) -> Card | None:
    """The card that failed, when the network's rules let it be tried once more now."""
    if failed is None or failed.saved_card.state != Card.State.ACTIVE:
        return None
    return None if budget.obstacle(part, failed.saved_card, Attempt.Channel.FIX_LINK, now) else failed.card


def autopay_card(part: DuePart) -> Card | None:
    """The card that autopay tries by itself; None when it won't."""
    if part.hold or part.installment is None or part.next_try_at is None:
        return None
    found = autopay.of_payer(part.installment.plan, part.payer_id)
    if found is None or not found.is_on:
        return None
    card = wishes.of_plan(part.installment.plan_id).paying(part.installment, found).card
    return card if card.state == Card.State.ACTIVE else None


def consent_text(found: Found, card: Card | None, language: str, cents: int) -> str:
    """The words above the button: one charge of this amount, to this card or to the one entered next."""
    practice, rest = found.link.practice, found.part.amount_cents - cents
    terms = wording.Terms(
        practice=practice.name,
        phone=shown_phone(practice.phone),
        card=str(card) if card else _("entered on the next page"),
        maximum=format_cents(rest or cents),
        amount=format_cents(cents),
    )
    kind = "PART_CHARGE" if rest and autopay_card(found.part) else Consent.Kind.ONE_CHARGE
    return wording.text(kind, language, terms)


def open_attempt(part: DuePart) -> Attempt | None:
    """Money of this part, or of another part of its installment, is in flight, on whatever channel."""
    moving = Attempt.objects.filter(state__in=AttemptState.open()).select_related("card")
    of_it = moving.filter(due_part__installment=part.installment) if part.installment else moving.filter(due_part=part)
    return of_it.first()


def charge_under_way(found: Found) -> LinkCharge | None:
    under_way = [LinkCharge.State.READY, LinkCharge.State.RUNNING]
    return LinkCharge.objects.filter(link=found.link, state__in=under_way).first()


def receipt(found: Found) -> Attempt | None:
    """The attempt that paid; None when it was paid at the office."""
    paid = Attempt.objects.filter(state=AttemptState.SUCCEEDED).select_related("card", "payment")
    part = found.part
    mine = paid.filter(due_part__payer=part.payer_id)
    of_it = mine.filter(due_part__installment=part.installment) if part.installment else mine.filter(due_part=part)
    return of_it.order_by("-pk").first()


@dataclass(frozen=True)
class Offer:
    """Autopay with the card that just paid, in the exact words that would be kept."""

    plan: PayPlan
    card: Card
    max_charge_cents: int
    text: str


def offer(found: Found, paid: Attempt | None, language: str, now: datetime) -> Offer | None:
    """For a payment on this link with a card that does not pay the plan yet, while something is still to come."""
    installment = found.part.installment
    if paid is None or installment is None or paid.channel != Attempt.Channel.FIX_LINK:
        return None
    plan, card = installment.plan, paid.saved_card
    running = autopay.of_payer(plan, card.patient_id)
    taken = running is not None and running.is_on and running.card_id == card.pk
    to_come = plan.installments.unpaid().filter(is_down_payment=False).exists()
    if taken or not to_come or not plan.is_collectable or card.patient_id not in autopay.payers(plan):
        return None
    maximum = autopay.proposed_maximum_cents(plan, card.patient_id)
    text = autopay.consent_text(plan, card, max_charge_cents=maximum, language=language, now=now)
    return Offer(plan, card, maximum, text)


def address_of(charge: LinkCharge) -> tuple[str, str]:
    """Slug and token of a charge's link, for its addresses."""
    return charge.practice.slug, link_token(charge.link.nonce)
