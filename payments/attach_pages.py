"""The attach-card drawer: what it shows, and doing what was agreed to in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from cards import autopay
from cards.models import Card, Consent
from core.money import UnableToReadMoney, parse_cents
from payments import arrears, attaching, upward
from payments.attaching import UnableToAttach, Witness
from payments.forms import AttachForm
from payments.models import DuePart
from payments.plan_pages import autopay_of
from payments.tasks import sweep_one
from payplans.models import PayPlan


@dataclass(frozen=True)
class Overdue:
    """What is overdue on the plan and the words under which it may be charged now."""

    parts: list[DuePart]
    text: str = ""

    @property
    def cents(self) -> int:
        return sum(part.amount_cents for part in self.parts)


def cards_for(plan: PayPlan) -> QuerySet[Card]:
    """Cards that may pay the plan: active ones of the person who pays it, the primary first."""
    cards = Card.objects.usable().filter(patient=plan.guarantor_id)
    found: QuerySet[Card] = cards.order_by("-is_primary", "-saved_at", "pk")
    return found


def overdue(plan: PayPlan, form: AttachForm, now: datetime) -> Overdue:
    parts, card = arrears.overdue_parts(plan, now), chosen_card(plan, form)
    found = Overdue(parts)
    if card is None or not parts:
        return found
    return Overdue(parts, arrears.text(plan, str(card), found.cents, str(form["language"].value())))


def blank_form(plan: PayPlan) -> AttachForm:
    """The form as it opens: the card in use or the primary one, the least sensible maximum."""
    cards, least = cards_for(plan), autopay.proposed_maximum_cents(plan)
    current = autopay_of(plan)
    initial = {
        "card": (current.card if current else cards.first()),
        "maximum": f"{least / 100:.2f}",
        "language": "es" if plan.guarantor.language.startswith("sp") else "en",
    }
    return AttachForm(initial=initial, cards=cards, least_cents=least)


def sent_form(plan: PayPlan, data: QueryDict) -> AttachForm:
    return AttachForm(data, cards=cards_for(plan), least_cents=autopay.proposed_maximum_cents(plan))


def page(plan: PayPlan, form: AttachForm, now: datetime) -> dict[str, Any]:
    """Context of the drawer; the text is the one that will be kept, for the choices now in the form."""
    text, late = shown_text(plan, form, now), overdue(plan, form, now)
    return {
        "plan": plan,
        "refusal": upward.handlers.autopay_refusal(plan),
        "patient": plan.guarantor,
        "form": form,
        "cards": list(cards_for(plan)),
        "text": text,
        "shown": fingerprint(text, late),
        "overdue": late,
        "current": autopay_of(plan),
    }


def chosen_card(plan: PayPlan, form: AttachForm) -> Card | None:
    cards = {str(card.pk): card for card in cards_for(plan)}
    chosen = form["card"].value()
    return cards.get(str(chosen.pk if isinstance(chosen, Card) else chosen))


def shown_text(plan: PayPlan, form: AttachForm, now: datetime) -> str:
    """The consent text for what stands in the form; '' until a card and a readable maximum are chosen."""
    card = chosen_card(plan, form)
    try:
        cents = parse_cents(str(form["maximum"].value()))
    except UnableToReadMoney:
        return ""
    if card is None or cents <= 0:
        return ""
    language = str(form["language"].value())
    return autopay.consent_text(plan, card, max_charge_cents=cents, language=language, now=now)


def fingerprint(text: str, late: Overdue) -> str:
    """Of everything that can be agreed to on the page."""
    return hashlib.sha256(f"{text}|{late.text}".encode()).hexdigest()[:32]


def attach(plan: PayPlan, form: AttachForm, *, actor: str, ip: str | None, now: datetime) -> int:
    """Turn autopay on as the valid form says, and let the overdue be charged if that was ticked.

    Returns the cents that are being charged now. Raises UnableToAttach.
    """
    late = overdue(plan, form, now)
    if form.cleaned_data["shown"] != fingerprint(shown_text(plan, form, now), late):
        raise UnableToAttach("The text changed while this page was open. Read the new text, then agree again")
    witness = Witness(Consent.Channel.STAFF, actor, ip, form.cleaned_data["language"])
    charge_overdue = bool(late.parts) and form.cleaned_data["charge_overdue"]
    attaching.attach(
        plan, form.card, max_charge_cents=form.maximum_cents, witness=witness, now=now, charge_overdue=charge_overdue
    )
    if not charge_overdue:
        return 0
    sweep_one.delay(practice_id=plan.practice_id)
    return late.cents
