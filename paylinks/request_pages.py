"""What the pages of a request show. Reading changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from cards import wording
from cards.models import Card, Consent
from core.money import format_cents
from notifications.templates import shown_phone
from paylinks import reasons, request_amounts, request_tries
from paylinks.models import PaymentRequest, RequestLine, RequestTry
from paylinks.models.requests import Refusal
from paylinks.requests import LEAST_CENTS, MOST_WRONG_DATES
from payments.models import Attempt, AttemptState, Payment


@dataclass(frozen=True)
class UnderWay:
    """Something runs. `tried` waits for a worker; else `attempt` waits for the processor, perhaps at its open page."""

    tried: RequestTry | None
    attempt: Attempt | None

    @property
    def is_at_page(self) -> bool:
        """A card can be typed in on the processor's page."""
        attempt = self.attempt
        return self.tried is None and attempt is not None and attempt.state == "PENDING" and bool(attempt.page)

    @property
    def is_unknown(self) -> bool:
        return self.attempt is not None and self.attempt.state == AttemptState.UNKNOWN


@dataclass(frozen=True)
class PayPage:
    """`asked_cents` of which `pay_cents` are paid now; `was_cents` was asked before (0: the same)."""

    request: PaymentRequest
    asked_cents: int
    pay_cents: int
    was_cents: int
    cards: Sequence[tuple[Card, str]]
    may_pay_part: bool
    can_show_services: bool

    @property
    def is_part(self) -> bool:
        return self.pay_cents != self.asked_cents

    @property
    def is_too_small(self) -> bool:
        """For a card."""
        return self.asked_cents < LEAST_CENTS


def under_way(request: PaymentRequest) -> UnderWay | None:
    waiting = request.tries.filter(state__in=[RequestTry.State.READY, RequestTry.State.RUNNING]).first()
    moving = request_tries.open_attempts(request)
    return UnderWay(waiting, moving[-1] if moving else None) if waiting or moving else None


def pay_page(request: PaymentRequest, now: datetime, language: str, *, pay_cents: int = 0) -> PayPage:
    """`pay_cents` 0: all of it."""
    asked = request_amounts.asked_lately(request, now)
    may_pay_part = request.practice.payment_settings.part_payments and asked > 2 * LEAST_CENTS
    part = pay_cents if may_pay_part and 0 < pay_cents < asked else asked
    was = request_amounts.left_cents(request)
    return PayPage(
        request=request,
        asked_cents=asked,
        pay_cents=part,
        was_cents=was if was != asked else 0,
        cards=[(card, consent_text(request, card, part, language)) for card in saved_cards(request)],
        may_pay_part=may_pay_part,
        can_show_services=request.payer.birth_date is not None and request.wrong_tries < MOST_WRONG_DATES,
    )


def saved_cards(request: PaymentRequest) -> list[Card]:
    """Of the person who was asked, and of nobody else, the primary one first."""
    return list(Card.objects.filter(patient=request.payer, state=Card.State.ACTIVE).order_by("-is_primary", "-pk"))


def consent_text(request: PaymentRequest, card: Card, cents: int, language: str) -> str:
    """The words above the button: one charge of this amount to this card."""
    amount, practice = format_cents(cents), request.practice
    terms = wording.Terms(practice.name, shown_phone(practice.phone), str(card), maximum=amount, amount=amount)
    return wording.text(Consent.Kind.ONE_CHARGE, language, terms)


def services(request: PaymentRequest) -> list[RequestLine]:
    """What it was sent for, line by line: only after the birth date."""
    return list(request.lines.select_related("patient").order_by("pk"))


def last_payment(request: PaymentRequest) -> Payment | None:
    """The newest one made on its link."""
    paid = Payment.objects.filter(attempt__due_part__sale__request_try__request=request)
    return paid.select_related("attempt__card", "practice").order_by("-pk").first()


def what_happened(tried: RequestTry) -> str:
    """Why nothing was taken, in the language in force; '' where the page itself says it."""
    attempt = tried.attempt
    if attempt is not None and attempt.state == AttemptState.DECLINED:
        return reasons.of(attempt)
    match tried.refusal:
        case Refusal.CHANGED:
            return _("The amount has changed since this page was opened. Please look at the new one.")
        case Refusal.BUSY:
            return _("Another payment is still being recorded. Please try again in a few minutes.")
        case Refusal.AWAY:
            return _("We can't check the amount at the moment. Please try again in a few minutes.")
        case Refusal.REFUSED | Refusal.LOST:
            return _("The payment could not be made now. Please try again or call us.")
        case _:
            return ""
