"""The attach-card drawer: what it shows, and doing what was agreed to in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, QueryDict

from cards import autopay
from cards.models import AnyAutopay, Card, Consent
from core.money import UnableToReadMoney, parse_cents
from notifications.outbox import language_of
from patients.models import Patient
from payments import arrears, attaching, upward
from payments.attaching import UnableToAttach, Witness
from payments.forms import AttachForm
from payments.models import DuePart
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


def payer_or_404(plan: PayPlan, given: str) -> Patient:
    """The guarantor, or the second payer whose id is given; 404 for anybody else."""
    if not given:
        return plan.guarantor
    known = set(autopay.payers(plan)) | set(plan.payer_autopays.values_list("payer", flat=True))
    if not given.isdecimal() or int(given) not in known:
        raise Http404("pays nothing of this plan")
    return Patient.objects.select_related("practice").get(pk=int(given))


def cards_for(payer_id: int) -> QuerySet[Card]:
    """Cards that may pay: active ones of this person, the primary first."""
    cards = Card.objects.usable().filter(patient=payer_id)
    found: QuerySet[Card] = cards.order_by("-is_primary", "-saved_at", "pk")
    return found


def overdue(plan: PayPlan, payer: Patient, form: AttachForm, now: datetime) -> Overdue:
    parts, card = arrears.overdue_parts(plan, now, payer.pk), chosen_card(payer, form)
    found = Overdue(parts)
    if card is None or not parts:
        return found
    return Overdue(parts, arrears.text(plan, str(card), found.cents, str(form["language"].value())))


def blank_form(plan: PayPlan, payer: Patient) -> AttachForm:
    """The form as it opens: the card in use or the primary one, the least sensible maximum."""
    cards, least = cards_for(payer.pk), autopay.proposed_maximum_cents(plan, payer.pk)
    current = running(plan, payer)
    initial = {
        "card": (current.card if current else cards.first()),
        "maximum": f"{least / 100:.2f}",
        "language": language_of(payer),
    }
    return AttachForm(initial=initial, cards=cards, least_cents=least)


def running(plan: PayPlan, payer: Patient) -> AnyAutopay | None:
    """The autopay of this payer that is on."""
    found = autopay.of_payer(plan, payer.pk)
    return found if found is not None and found.is_on else None


def sent_form(plan: PayPlan, payer: Patient, data: QueryDict) -> AttachForm:
    return AttachForm(data, cards=cards_for(payer.pk), least_cents=autopay.proposed_maximum_cents(plan, payer.pk))


def page(plan: PayPlan, payer: Patient, form: AttachForm, now: datetime) -> dict[str, Any]:
    """Context of the drawer; the text is the one that will be kept, for the choices now in the form."""
    text, late = shown_text(plan, payer, form, now), overdue(plan, payer, form, now)
    return {
        "plan": plan,
        "refusal": upward.handlers.autopay_refusal(plan),
        "patient": payer,
        "payer": payer,
        # Put behind every address of this drawer.
        "whose": "" if payer.pk == plan.guarantor_id else f"?payer={payer.pk}",
        "form": form,
        "cards": list(cards_for(payer.pk)),
        "text": text,
        "shown": fingerprint(text, late),
        "overdue": late,
        "current": running(plan, payer),
    }


def chosen_card(payer: Patient, form: AttachForm) -> Card | None:
    cards = {str(card.pk): card for card in cards_for(payer.pk)}
    chosen = form["card"].value()
    return cards.get(str(chosen.pk if isinstance(chosen, Card) else chosen))


def shown_text(plan: PayPlan, payer: Patient, form: AttachForm, now: datetime) -> str:
    """The consent text for what stands in the form; '' until a card and a readable maximum are chosen."""
    card = chosen_card(payer, form)
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


def attach(plan: PayPlan, payer: Patient, form: AttachForm, *, actor: str, ip: str | None, now: datetime) -> int:
    """Turn autopay on as the valid form says, and let the overdue be charged if that was ticked.

    Returns the cents that are being charged now. Raises UnableToAttach.
    """
    late = overdue(plan, payer, form, now)
    if form.cleaned_data["shown"] != fingerprint(shown_text(plan, payer, form, now), late):
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
