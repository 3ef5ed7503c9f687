"""What the drawers of plan work show: what will happen here, and what Open Dental does all the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import QueryDict
from django.shortcuts import get_object_or_404

from cards.models import Card
from core.calendar import local_date
from payments import attach_pages, charge_cards, wishes
from payments.plan_change_forms import ChargeCardForm, MoveForm
from payments.plan_changes import current_pause, last_day
from payments.plan_pages import autopay_of, with_rows
from payplans.models import Installment, PayPlan
from practices.models import PaymentSettings, Practice
from practices.templatetags.show import plain_day


@dataclass(frozen=True)
class Words:
    """A drawer: its heading, what follows, its button. `busy` is what the button says while it works."""

    title: str
    text: tuple[str, ...]
    button: str
    busy: str
    done: str


ISSUES = (
    "Open Dental is not changed: it issues the charge on its date as ever. It stays owed there and is listed as "
    "overdue here until it is paid."
)
PAUSE = Words(
    "Pause autopay",
    (
        "Nothing of this plan is charged by itself on these days. What was due before is tried again after them.",
        "What falls due in the pause is not charged by itself afterwards: use Pay Now, or give it a charge day.",
        ISSUES,
        "The patient is told that the plan changed; no new consent is needed.",
    ),
    "Pause the plan", "Pausing…", "Paused. Nothing is charged by itself on these days.",
)  # fmt: skip
RESUME = Words(
    "End the pause",
    (
        "From today on what comes due is charged on its date again.",
        "What fell due in the pause stays held: charge it with Pay Now, or give it a charge day.",
    ),
    "End the pause today", "Ending…", "The pause is over. What fell due in it waits for you.",
)  # fmt: skip
SKIP = Words(
    "Skip this payment",
    (
        "It is not charged by itself, whatever happens, until somebody takes this back. Pay Now stays possible.",
        ISSUES,
        "The patient is told that the plan changed; no new consent is needed.",
    ),
    "Skip it", "Skipping…", "Skipped. It stays owed in Open Dental.",
)  # fmt: skip
UNSKIP = Words(
    "Charge it after all",
    ("It is charged on its date as agreed, or within minutes if that has passed.",),
    "Charge it as agreed", "Saving…", "No longer skipped.",
)  # fmt: skip
MOVE = Words(
    "Move the charge",
    (
        "It is charged on the day you choose instead of its due date, and tried again by the same rules.",
        ISSUES,
        "The patient is told that the plan changed; a later day needs no new consent.",
        "If Open Dental moves the payment itself, this no longer holds.",
    ),
    "Move the charge", "Moving…", "Moved. The patient is told.",
)  # fmt: skip
CARD = Words(
    "Another card for this payment",
    (
        "Only this payment is charged to it, with its later tries; the others stay with the plan's card.",
        "The patient must agree to it, and gets a copy. A new card on the plan ends it.",
    ),
    "Use this card", "Saving…", "This payment has a card of its own. The patient gets a copy of the consent.",
)  # fmt: skip
DROP_CARD = Words(
    "Use the plan's card again",
    ("This payment is charged to the card of the plan, as the patient agreed for all its payments.",),
    "Use the plan's card", "Saving…", "The plan's card pays it again.",
)  # fmt: skip


def plan_or_404(practice: Practice, plan_id: int) -> PayPlan:
    return get_object_or_404(with_rows(PayPlan.objects.filter(practice=practice)), pk=plan_id)


def installment_or_404(practice: Practice, installment_id: int) -> Installment:
    rows = Installment.objects.filter(practice=practice)
    return get_object_or_404(
        rows.select_related("plan__guarantor", "plan__patient", "plan__practice"), pk=installment_id
    )


def about_plan(plan: PayPlan, words: Words, form: Any, now: datetime) -> dict[str, Any]:
    pause = current_pause(wishes.of_plan(plan.pk), local_date(now, plan.practice.zone))
    return {"plan": plan, "words": words, "form": form, "pause": pause, "subject": f"Plan {plan.pay_plan_num}"}


def about_one(one: Installment, words: Words, form: Any, now: datetime) -> dict[str, Any]:
    today = local_date(now, one.plan.practice.zone)
    subject = f"Plan {one.plan.pay_plan_num} of {one.plan.patient.full_name}, due {plain_day(one.due_date, today)}"
    return {"plan": one.plan, "installment": one, "words": words, "form": form, "subject": subject}


def move_form(one: Installment, data: QueryDict | None, now: datetime) -> MoveForm:
    return MoveForm(data, last=_latest(one, now))


def _latest(one: Installment, now: datetime) -> date:
    settings = PaymentSettings.objects.get(practice_id=one.practice_id)
    today, others = local_date(now, one.plan.practice.zone), list(one.plan.installments.all())
    return last_day(one, others, today=today, most_days=settings.move_days)


def card_form(one: Installment, data: QueryDict | None) -> ChargeCardForm:
    cards, current = attach_pages.cards_for(one.plan.guarantor_id), autopay_of(one.plan)
    others = cards.exclude(pk=current.card_id) if current else cards
    language = "es" if one.plan.guarantor.language.startswith("sp") else "en"
    return ChargeCardForm(data, cards=others, initial={"card": others.first(), "language": language})


def card_page(one: Installment, form: ChargeCardForm, now: datetime) -> dict[str, Any]:
    text = shown_text(one, form)
    page = about_one(one, CARD, form, now)
    return {**page, "cards": list(form.fields["card"].queryset), "text": text, "shown": text}  # type: ignore[attr-defined]


def shown_text(one: Installment, form: ChargeCardForm) -> str:
    """The words for the choices now in the form; '' until a card is chosen."""
    chosen = form["card"].value()
    key = chosen.pk if isinstance(chosen, Card) else chosen
    cards = {str(card.pk): card for card in form.fields["card"].queryset}  # type: ignore[attr-defined]
    card = cards.get(str(key))
    return charge_cards.text(one, card, str(form["language"].value())) if card else ""
