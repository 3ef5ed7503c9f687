"""Rows of patient links: fix-it links and their charges, links to receipts, requests for money."""

from paylinks.models.consents import ConsentLink
from paylinks.models.links import LinkCharge, PatientLink, ReceiptLink
from paylinks.models.plans import PlanLink
from paylinks.models.requests import PaymentRequest, RequestLine, RequestTry

__all__ = [
    "ConsentLink",
    "LinkCharge",
    "PatientLink",
    "PaymentRequest",
    "PlanLink",
    "ReceiptLink",
    "RequestLine",
    "RequestTry",
]
