"""Patient pages of a receipt's link: amount and practice for whoever has the address, the rest after a birth date."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from core.tokens import link_token
from paylinks import limits, opening, receipt_links
from paylinks.opening import link_page
from paylinks.receipt_forms import BirthDateForm
from paylinks.receipt_links import FoundReceipt
from payments import receipt_paper, receipts
from payments.pages import payment_or_404
from payments.receipts import Receipt


def ask(request: HttpRequest, found: FoundReceipt, form: BirthDateForm, *, wrong: bool = False) -> HttpResponse:
    """Whose receipt is it? Reading this changes nothing: previews of messengers read too."""
    status = 422 if wrong or form.is_bound else 200
    left = receipt_links.tries_left(found.link)
    return _render(request, found, "receipt_ask", status=status, form=form, wrong=wrong, left=left)


def _render(request: HttpRequest, found: FoundReceipt, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
    practice, token = found.link.practice, link_token(found.link.nonce)
    to = {one: reverse(f"link_{one}", args=[practice.slug, token]) for one in ("page", "receipt", "receipt_pdf")}
    page = {"practice": practice, "link": found.link, "code": found.link.spoken_code, "to": to, **more}
    return render(request, f"patient/{name}.html", page, status=status)


@require_http_methods(["GET", "POST"])
@link_page(receipt_links.find)
def open_receipt(request: HttpRequest, found: FoundReceipt, now: datetime) -> HttpResponse:
    if request.method != "POST":
        # Whoever changes the language comes back by a GET.
        return _back(found)
    form = BirthDateForm(request.POST)
    if not form.is_valid():
        return ask(request, found, form)
    if receipt_links.proves(found.link, form.born, now=now):
        given = receipt_links.make_pass(found.link)
        return _render(request, found, "receipt", receipt=_receipt(found, now), given=given)
    limits.miss(opening.address_of(request))
    if not receipt_links.tries_left(found.link):
        return opening.gone(request, found.link.practice)
    return ask(request, found, form, wrong=True)


def _back(found: FoundReceipt) -> HttpResponse:
    token = link_token(found.link.nonce)
    return HttpResponseRedirect(reverse("link_page", args=[found.link.practice.slug, token]), status=303)


def _receipt(found: FoundReceipt, now: datetime) -> Receipt:
    return receipts.of_payment(payment_or_404(found.link.practice, found.link.payment_id), now=now)


@require_POST
@link_page(receipt_links.find)
def receipt_pdf(request: HttpRequest, found: FoundReceipt, now: datetime) -> HttpResponse:
    if not receipt_links.is_pass(found.link, request.POST.get("pass", "")):
        return _back(found)
    receipt_links.taken(found.link, now)
    return receipt_paper.answer(_receipt(found, now))
