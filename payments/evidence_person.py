"""Evidence about the person: what was sent to them, who they are, and the work that was paid for."""

from __future__ import annotations

from django.db.models import Q

from core.pdf import Column
from notifications.models import Channel, Message
from payments import pages, receipts
from payments.evidence_shapes import Content, Table, day, filled, moment
from payments.models import Dispute

# So many messages are shown, the newest.
MESSAGES = 40
_NAME = "Patient Name"


def messages(dispute: Dispute) -> Content:
    """What told of this payment and its plan. Texts word for word but for the name; of an e-mail the kind only."""
    zone = dispute.practice.zone
    rows = tuple(
        (moment(one.sent_at or one.created_at, zone), one.get_kind_display(), one.get_channel_display() or "None",
         _masked(one), one.get_state_display(), _words(one))
        for one in reversed(_sent(dispute))
    )  # fmt: skip
    columns = (
        Column("When", 1.3),
        Column("Kind", 1.2),
        Column("By", 0.9),
        Column("To", 1.1),
        Column("State", 1),
        Column("Text", 2.6),
    )
    return Content(tables=(Table(columns, rows),) if rows else ())


def _sent(dispute: Dispute) -> list[Message]:
    attempt = dispute.payment.attempt
    of_this = Q(about__attempt=attempt.pk)
    installment = attempt.due_part.installment
    if installment is not None:
        of_this |= Q(about__installment=installment.pk) | Q(
            about__plan=installment.plan_id, about__installment__isnull=True
        )
    rows = Message.objects.filter(of_this, practice=dispute.practice_id, patient=dispute.payment.payer_id)
    return list(rows.order_by("-created_at", "-pk")[:MESSAGES])


def _masked(message: Message) -> str:
    """ "…0123", "a…@example.com": enough to tell one from another."""
    if message.channel == Channel.EMAIL:
        name, _, host = message.to.partition("@")
        return f"{name[:1]}…@{host}" if host else ""
    return f"…{message.to[-4:]}" if message.to else ""


def _words(message: Message) -> str:
    if message.channel != Channel.SMS:
        return ""
    text, name = message.body.replace(Message.LINK_MARK, "[link]"), str(message.values.get(_NAME) or "")
    return text.replace(name, "[name]") if name else text


def person(dispute: Dispute) -> Content:
    payer = dispute.payment.payer
    return Content(facts=filled(
        ("Name", payer.full_name), ("Mobile phone", payer.mobile_phone), ("E-mail", payer.email),
    ))  # fmt: skip


def work(dispute: Dispute) -> Content:
    """What the receipt says, patient by patient."""
    paid = pages.payment_or_404(dispute.practice, dispute.payment_id)
    receipt = receipts.of_payment(paid, now=dispute.made_at)
    columns = (
        Column("Patient", 1.4), Column("Date of service", 1.1), Column("Code", 0.8), Column("Service", 2.4),
        Column("Provider"), Column("Amount", right=True),
    )  # fmt: skip
    rows = tuple(
        (section.patient, day(line.service_date), line.code, line.words, line.provider, line.amount_cents)
        for section in receipt.sections
        for line in section.lines
    )
    return Content(tables=(Table(columns, rows),) if rows else ())
