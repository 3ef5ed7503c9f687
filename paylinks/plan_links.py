"""Links to My plan: opening and finding them (ADR 13)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from core.tokens import link_token, token_hash
from notifications import outbox
from notifications.models import Kind, Message
from patients.models import Patient
from paylinks.models import PlanLink
from payments import upward
from payplans.models import PayPlan
from practices.models import Event

# Business time.
VALID_FOR = timedelta(days=60)


@dataclass(frozen=True)
class FoundPlan:
    """A link that exists."""

    link: PlanLink
    is_dead: bool

    @property
    def patient(self) -> Patient:
        return self.link.patient

    @property
    def plan(self) -> PayPlan:
        return self.link.plan


def open_link(plan: PayPlan, *, now: datetime) -> PlanLink:
    """The payer's link to this plan: the one still good for a while, else a new one. No own transaction."""
    lasting = PlanLink.objects.filter(
        plan=plan, patient=plan.guarantor_id, revoked_at=None, expires_at__gt=now + VALID_FOR / 2
    )
    found = lasting.select_related("practice").order_by("-pk").first()
    if found is not None:
        return found
    nonce = uuid.uuid4()
    return PlanLink.objects.create(
        practice_id=plan.practice_id, nonce=nonce, token_hash=token_hash(link_token(nonce)), plan=plan,
        patient_id=plan.guarantor_id, created_at=now, expires_at=now + VALID_FOR,
    )  # fmt: skip


def send(plan: PayPlan, *, channel: str, click: uuid.UUID, actor: str, now: datetime) -> Message:
    """Queue the message to the payer; the same `click` again returns the one that is there."""
    with transaction.atomic():
        link = open_link(plan, now=now)
        about = {"patient": plan.guarantor_id, "plan": plan.pk}
        message = outbox.enqueue(
            practice=plan.practice, kind=Kind.MY_PLAN, patient=plan.guarantor, values={}, link_nonce=link.nonce,
            now=now, dedupe_key=f"{Kind.MY_PLAN}:{click}", about=about, prefers=channel,
        )  # fmt: skip
        Event.record(
            plan.practice_id, kind="my_plan_sent", actor=actor, now=now, about=about, text="Link to My plan sent"
        )
        practice_id = plan.practice_id
        transaction.on_commit(lambda: upward.handlers.nudge(practice_id), robust=True)
    return message


def find(token: str, now: datetime) -> FoundPlan | None:
    """The link of this token in the practice in scope; None for a token that is wrong or of another kind."""
    rows = PlanLink.objects.select_related("patient__practice", "practice", "plan__practice", "plan__guarantor")
    link = rows.filter(token_hash=token_hash(token)).first()
    return None if link is None else FoundPlan(link, not link.is_usable(now))


def address(link: PlanLink, name: str = "page") -> str:
    """The path of its page, or of a step of it."""
    return reverse(f"link_{name}", args=[link.practice.slug, link_token(link.nonce)])
