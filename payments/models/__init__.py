"""Tables of the money path. docs/money.md states their invariants."""

from payments.models.adjustments import LedgerAdjustment
from payments.models.alarms import Alarm
from payments.models.attempts import Attempt, AttemptState
from payments.models.changes import PlanChange
from payments.models.disputes import Dispute
from payments.models.due import DueCheck, DuePart
from payments.models.fees import FeeSettings, TenderFee
from payments.models.moves import Move
from payments.models.payments import Allocation, LedgerPosting, Payment
from payments.models.payouts import Payout, PayoutLine
from payments.models.refunds import Refund, RefundState
from payments.models.sales import Sale, SaleLine
from payments.models.webhooks import WebhookEvent

__all__ = [
    "Alarm",
    "Allocation",
    "Attempt",
    "AttemptState",
    "Dispute",
    "DueCheck",
    "DuePart",
    "FeeSettings",
    "LedgerAdjustment",
    "LedgerPosting",
    "Move",
    "Payment",
    "Payout",
    "PayoutLine",
    "PlanChange",
    "Refund",
    "RefundState",
    "Sale",
    "SaleLine",
    "TenderFee",
    "WebhookEvent",
]
