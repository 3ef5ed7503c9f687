"""Does what a patient asks for by text about the payment they were told of, and says what will happen (ADR 13).

Called once per text, after its row is committed. An answer of '' leaves the text to staff.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.calendar import local_date
from core.money import format_cents
from core.tokens import link_token
from notifications import templates, texting, variables
from notifications.models import Kind, Message, Reply
from notifications.outbox import language_of
from patients.models import Patient
from paylinks import links, plan_links, text_words
from paylinks.text_words import Ask, Order
from payments import calls, self_service
from payments.models import DuePart
from payments.plan_changes import By
from payments.self_service import Days, Refused, Why
from payplans.models import Installment, PayPlan
from practices.models import Event

# Business time: a notice older than that is not what the text is about.
LOOK_BACK = timedelta(days=30)
_ABOUT = (Kind.PAYMENT_FAILED, Kind.UPCOMING_CHARGE)
# Letters of the GSM alphabet only, as in notifications/defaults.py.
_WORDS = {
    "moved": {
        "en": "{practice}: {amount} will be charged to {card} on {day}. To change it text MOVE and a day, or CALL.",
        "es": "{practice}: cobraremos {amount} a {card} el {day}. Para cambiarlo escriba MOVER y un dia, o LLAMAR.",
    },
    "which_day": {
        "en": "{practice}: to which day? Text for example MOVE {number}. The latest day is {day}.",
        "es": "{practice}: ¿para que dia? Escriba por ejemplo MOVER {number}. El ultimo dia es el {day}.",
    },
    "too_early": {
        "en": "{practice}: that day is too early. Text MOVE and a day from {first} to {day}.",
        "es": "{practice}: ese dia es muy pronto. Escriba MOVER y un dia del {first} al {day}.",
    },
    "too_late": {
        "en": "{practice}: that is too late, the latest day is {day}. Text for example MOVE {number}, or CALL.",
        "es": "{practice}: es muy tarde, el ultimo dia es el {day}. Escriba por ejemplo MOVER {number}, o LLAMAR.",
    },
    "no_move": {
        "en": "{practice}: this payment can't be moved now. Text CARD to pay it or CALL and we call you.",
        "es": "{practice}: este pago no se puede mover ahora. Escriba TARJETA para pagarlo o LLAMAR y le llamamos.",
    },
    "nothing": {
        "en": "{practice}: we found no open payment for this number. Text CALL and we call you.",
        "es": "{practice}: no hay un pago pendiente para este numero. Escriba LLAMAR y le llamamos.",
    },
    "card": {
        "en": "{practice}: pay or use another card here: {link}",
        "es": "{practice}: pague o use otra tarjeta aqui: {link}",
    },
    "plan": {
        "en": "{practice}: your plan: {link}",
        "es": "{practice}: su plan: {link}",
    },
    "call": {
        "en": "{practice}: thank you, we call you back in our opening hours.",
        "es": "{practice}: gracias, le llamamos en nuestro horario.",
    },
}


def answer(reply: Reply, now: datetime) -> str:
    """What to text back. Nothing is done for a number that could not be told of it."""
    order, patient = text_words.order(reply.body), reply.patient
    if order is None or patient is None or texting.is_opted_out(reply.practice_id, reply.phone):
        return ""
    asked = _Asked(reply, patient, order.language or language_of(patient), now)
    Event.record(
        reply.practice_id, kind=f"text_{order.ask.value}", actor=asked.actor, now=now,
        about={"patient": patient.pk, "reply": reply.pk}, text=f"Asked by text: {order.ask.value}",
    )  # fmt: skip
    return asked.do(order)


class _Asked:
    """One text of a known person."""

    def __init__(self, reply: Reply, patient: Patient, language: str, now: datetime) -> None:
        self.reply, self.patient, self.language, self.now = reply, patient, language, now
        self.actor = f"patient:{patient.pk}"
        self.part = _part(reply, patient, now)

    def do(self, order: Order) -> str:
        match order.ask:
            case Ask.MOVE:
                return self._move(order.rest)
            case Ask.CARD:
                return self._card()
            case Ask.CALL:
                self._call()
                return self._say("call")
            case Ask.PLAN:
                return self._plan()

    def _move(self, rest: str) -> str:
        if self.part is None or self.part.installment is None:
            return self._say("nothing")
        one = self.part.installment
        wanted = text_words.day(rest, local_date(self.now, self.reply.practice.zone), self.language)
        if wanted is None:
            return self._ask_back(self_service.days(one, self.now))
        try:
            card = self_service.move(one, wanted, by=By(self.actor, "Asked by text", self.now, is_told=True))
        except Refused as refused:
            return self._refused(refused)
        return self._say("moved", amount=format_cents(one.owed_cents), card=str(card), day=self._day(wanted))

    def _ask_back(self, days: Days | None) -> str:
        if days is None:
            return self._say("no_move")
        return self._say("which_day", number=str(days.last.day), day=self._day(days.last))

    def _refused(self, refused: Refused) -> str:
        days = refused.days
        if days is None or refused.why not in (Why.TOO_EARLY, Why.TOO_LATE):
            return self._say("no_move")
        which = "too_early" if refused.why == Why.TOO_EARLY else "too_late"
        first, last = self._day(days.first), self._day(days.last)
        return self._say(which, first=first, day=last, number=str(days.last.day))

    def _card(self) -> str:
        if self.part is None:
            return self._plan()
        nonce = links.open_fix_link(due_part=self.part, now=self.now)
        return self._say("card", link=templates.link_address(self.reply.practice.slug, link_token(nonce)))

    def _call(self) -> None:
        if self.part is not None:
            calls.want(self.part, now=self.now)
        else:
            calls.want_for(self.patient, now=self.now)

    def _plan(self) -> str:
        """Of the payment they were told of, else their only plan."""
        mine = PayPlan.objects.open().filter(guarantor=self.patient).exclude(kind=PayPlan.Kind.INSURANCE)
        if self.part is not None and self.part.installment is not None:
            mine = mine.filter(pk=self.part.installment.plan_id)
        plans = list(mine[:2])
        if len(plans) != 1:
            return self._say("nothing")
        link = plan_links.open_link(plans[0], now=self.now)
        return self._say("plan", link=templates.link_address(self.reply.practice.slug, link_token(link.nonce)))

    def _say(self, which: str, **values: str) -> str:
        return _WORDS[which][self.language].format(practice=self.reply.practice.name, **values)

    def _day(self, day: date) -> str:
        return variables.text_of(day, self.language)


def _part(reply: Reply, patient: Patient, now: datetime) -> DuePart | None:
    """What is still open of the payment that the newest notice to this number told this person of."""
    told = Message.objects.filter(
        practice=reply.practice_id, patient=patient, to=reply.phone, kind__in=_ABOUT, created_at__gt=now - LOOK_BACK,
        about__has_key="installment",
    )  # fmt: skip
    newest = told.order_by("-created_at", "-pk").first()
    if newest is None:
        return None
    one = Installment.objects.filter(pk=newest.about["installment"], plan__guarantor=patient).first()
    parts = DuePart.objects.filter(installment=one, payer=patient, state=DuePart.State.OPEN)
    return parts.select_related("installment__plan__practice", "payer").order_by("slot", "pk").first() if one else None
