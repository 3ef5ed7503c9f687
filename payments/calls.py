"""Work for the desk that a patient asked for: a call, a plan to be paid off. An alarm that a person closes."""

from __future__ import annotations

from datetime import datetime

from patients.models import Patient
from payments.models import Alarm, DuePart
from payplans.models import PayPlan
from practices.models import Event

CALL, PAYOFF = "CALL_WANTED", "PAYOFF_WANTED"


def _key(kind: str, number: int) -> str:
    return f"{kind.lower().replace('_', '-')}:{number}"


def want(part: DuePart, *, now: datetime) -> None:
    """The payer wants to be called about this payment; once while the last wish is open."""
    about = {"patient": part.payer_id}
    if part.installment is not None:
        about |= {"plan": part.installment.plan_id, "installment": part.installment.pk}
    text = "A patient wants a call about a payment that did not go through"
    _raise(part.practice_id, CALL, part.payer_id, text, about, part.payer_id, now)


def want_for(person: Patient, *, now: datetime) -> None:
    """Somebody wants to be called, about no payment that we could tell."""
    about = {"patient": person.pk}
    _raise(person.practice_id, CALL, person.pk, "A patient wants a call", about, person.pk, now)


def want_payoff(plan: PayPlan, shown: str, *, now: datetime) -> None:
    """The payer wants to pay the plan off; `shown` is the quote they saw, with its currency."""
    about = {"patient": plan.guarantor_id, "plan": plan.pk}
    text = f"A patient wants to pay a plan off ({shown} as shown): close the plan, then send the request"
    _raise(plan.practice_id, PAYOFF, plan.pk, text, about, plan.guarantor_id, now)


def _raise(
    practice_id: int, kind: str, number: int, text: str, about: dict[str, int], payer: int, now: datetime
) -> None:
    key = _key(kind, number)
    if Alarm.objects.filter(practice_id=practice_id, key=key, closed_at=None).exists():
        return
    Alarm.raise_once(practice_id, kind=kind, key=key, text=text, about=about, now=now)
    Event.record(practice_id, kind=kind.lower(), actor=f"patient:{payer}", now=now, about=about, text=text)


def is_open(payer_id: int, practice_id: int) -> bool:
    """A call is wanted and nobody has dealt with it."""
    return Alarm.objects.filter(practice_id=practice_id, key=_key(CALL, payer_id), closed_at=None).exists()


def is_payoff_open(plan: PayPlan) -> bool:
    key = _key(PAYOFF, plan.pk)
    return Alarm.objects.filter(practice_id=plan.practice_id, key=key, closed_at=None).exists()
