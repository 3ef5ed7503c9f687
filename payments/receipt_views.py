"""The receipt of a payment at the desk: on the screen, printed, as a PDF. It can be asked for as often as wanted."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import clock
from payments import pages, receipt_paper, receipts
from practices import access
from practices.access import Permission, StaffRequest
from practices.models import Event


@access.staff(Permission.VIEW)
@require_GET
def receipt(request: HttpRequest, payment_id: int) -> HttpResponse:
    payment = pages.payment_or_404(cast("StaffRequest", request).practice, payment_id)
    return render(request, "payments/receipt.html", {"receipt": receipts.of_payment(payment, now=clock.now())})


@access.staff(Permission.VIEW)
@require_GET
def receipt_pdf(request: HttpRequest, payment_id: int) -> HttpResponse:
    """Who took it out of the product stands in the timeline."""
    payment, now = pages.payment_or_404(cast("StaffRequest", request).practice, payment_id), clock.now()
    Event.record(
        payment.practice_id, kind="receipt_downloaded", actor=access.actor(request), now=now, text="Receipt as PDF",
        about={"patient": payment.payer_id, "payment": payment.pk},
    )  # fmt: skip
    return receipt_paper.answer(receipts.of_payment(payment, now=now))
