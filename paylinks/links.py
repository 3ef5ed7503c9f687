"""Opening, finding and revoking patient links. The address holds the only secret, which is stored nowhere."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.tokens import link_token, token_hash
from patients.models import Patient
from paylinks.models import PatientLink
from payments.models import DuePart
from payplans.models import Installment
from practices.models import Event

# Business time.
VALID_FOR = timedelta(days=30)


class State(StrEnum):
    USABLE = "usable"
    EXPIRED = "expired"
    REVOKED = "revoked"
    PAID = "paid"
    # Nothing is owed on it any more, and it was not paid through us: plan closed, paid at the office.
    NOTHING_OWED = "nothing owed"


@dataclass(frozen=True)
class Found:
    """A link that exists. `part` is what it collects now: the open part of the same installment and payer."""

    link: PatientLink
    part: DuePart
    state: State

    @property
    def patient(self) -> Patient:
        return self.link.patient

    @property
    def is_dead(self) -> bool:
        """The address is of no use any more, whatever it was for."""
        return self.state in (State.EXPIRED, State.REVOKED)


def open_fix_link(*, due_part: DuePart, now: datetime) -> uuid.UUID:
    """The nonce of the link that repairs this due part: the one still good, else a new one. No own transaction."""
    good = PatientLink.objects.filter(due_part=due_part, revoked_at=None, expires_at__gt=now).first()
    if good is not None:
        return good.nonce
    nonce = uuid.uuid4()
    PatientLink.objects.create(
        practice_id=due_part.practice_id, nonce=nonce, token_hash=token_hash(link_token(nonce)),
        purpose=PatientLink.Purpose.FIX_PAYMENT, patient_id=due_part.payer_id, due_part=due_part,
        created_at=now, expires_at=now + VALID_FOR,
    )  # fmt: skip
    return nonce


def find(token: str, now: datetime) -> Found | None:
    """The link of this token in the practice in scope; None for a token that is wrong or another practice's."""
    links = PatientLink.objects.select_related("patient", "practice", "due_part__installment__plan")
    link = links.filter(token_hash=token_hash(token)).first()
    if link is None:
        return None
    part = _part_now(link.due_part)
    return Found(link, part, _state(link, part, now))


def _part_now(part: DuePart) -> DuePart:
    """When the amount changed, or it was divided, others of the same installment took its place: the first open one."""
    if part.installment is None:
        return part
    same = DuePart.objects.filter(installment=part.installment, payer=part.payer_id).exclude(state=DuePart.State.CLOSED)
    found = list(same.select_related("installment__plan__practice").order_by("pk"))
    opened = [one for one in found if one.state == DuePart.State.OPEN and not one.is_once]
    return opened[0] if opened else found[-1] if found else part


def _state(link: PatientLink, part: DuePart, now: datetime) -> State:
    # A receipt is shown as long as the link is good; a paid link is not a dead one.
    if link.revoked_at is not None:
        return State.REVOKED
    if now >= link.expires_at:
        return State.EXPIRED
    if part.state == DuePart.State.PAID or _is_paid(part.installment):
        return State.PAID
    return State.USABLE if part.state == DuePart.State.OPEN else State.NOTHING_OWED


def _is_paid(installment: Installment | None) -> bool:
    return installment is not None and installment.status == Installment.Status.PAID


def revoke(link: PatientLink, *, actor: str, now: datetime) -> None:
    """Make the address useless at once."""
    if PatientLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now):
        Event.record(
            link.practice_id, kind="link_revoked", actor=actor, now=now, text="Link revoked",
            about={"patient": link.patient_id, "link": link.pk},
        )  # fmt: skip
