"""Process Payment: what a patient owes outside plans, how it is to be spread, and by which means it is paid."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core import clock
from patients import pages as patient_pages
from payments import asking, fee_pages, fee_terms, making_room, recorded, sale_pages, sales, upward
from payments.fees import Means
from payments.models import DuePart, Sale
from payments.sale_forms import TenderForm
from payments.sales import PriceChanged, UnableToSell
from payments.upward import UnableToReadAccount
from payments.views import MOST_POLLS
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted


@access.staff(Permission.CHARGE)
def process_payment(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The page loads the account by itself: reading it takes Open Dental some seconds."""
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    page = patient_pages.head(patient, "patient_payments")
    if request.method != "POST":
        return render(request, "payments/process_payment.html", page)
    account = sale_pages.shown_account(patient, request.POST.get("token", ""))
    if account is None:
        messages.warning(request, "This was read from Open Dental more than 10 minutes ago, so it was read again.")
        return redirect("process_payment", patient_id)
    form = sale_pages.form_for(account, request.POST["token"], request.POST)
    if not form.is_valid():
        shown = {**page, **sale_pages.chooser(patient, account, form)}
        return render(request, "payments/process_payment.html", shown, status=422)
    wish = {"basis": form.cleaned_data["basis"], "note": form.cleaned_data["note"], "lines": form.lines}
    sale = sales.draft(patient, **wish, actor=access.actor(request), now=account.read_at)
    return redirect("sale", sale.uuid)


@access.staff(Permission.CHARGE)
@require_GET
def sale_account(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The amount chooser, fed by Open Dental at this moment."""
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    page = patient_pages.head(patient, "patient_payments")
    try:
        account, token = sale_pages.read_account(patient, clock.now())
    except UnableToReadAccount as error:
        page["problem"] = str(error)
    else:
        page |= sale_pages.chooser(patient, account, sale_pages.form_for(account, token, None))
    part_only = cast("StaffRequest", request).htmx
    return render(request, "payments/sale_account.html" if part_only else "payments/process_payment.html", page)


@access.staff(Permission.CHARGE)
@require_GET
def sale(request: HttpRequest, sale_uuid: UUID) -> HttpResponse:
    found = sale_pages.sale_or_404(cast("StaffRequest", request).practice, sale_uuid)
    page = sale_pages.page(
        found, sale_pages.tender_form(found, None, cast("StaffRequest", request).user.pk), clock.now()
    )
    page["opening"] = request.GET.get("opening", "")
    return render(request, "payments/sale.html", page)


@access.staff(Permission.CHARGE)
@require_GET
def sale_state(request: HttpRequest, sale_uuid: UUID) -> HttpResponse:
    """The part that replaces itself until every tender is settled and read back, or MOST_POLLS were asked."""
    found = sale_pages.sale_or_404(cast("StaffRequest", request).practice, sale_uuid)
    given = request.GET.get("poll", "1")
    poll = int(given) + 1 if given.isdecimal() and int(given) < MOST_POLLS else 0
    page = {**sale_pages.state(found, poll=poll), "was_paying": request.GET.get("paying") == "1"}
    page["opening"] = request.GET.get("opening", "")
    answer = render(request, "payments/sale_state.html", page)
    for row in page["tenders"]:
        if row.is_at_page and str(row.part.pk) == page["opening"]:
            answer["HX-Redirect"] = reverse("card_page", args=[found.uuid, row.part.pk])
    return answer


@access.staff(Permission.CHARGE)
@require_POST
def sale_price(request: HttpRequest, sale_uuid: UUID) -> HttpResponse:
    """The price for what is being chosen; nothing is taken."""
    found = sale_pages.sale_or_404(cast("StaffRequest", request).practice, sale_uuid)
    form = sale_pages.tender_form(found, request.POST, cast("StaffRequest", request).user.pk)
    page = {"sale": found, "form": form, "price": fee_pages.price(found, form, clock.now())}
    return render(request, "payments/sale_price.html", page)


@access.staff(Permission.CHARGE)
@require_POST
def pay_sale(request: HttpRequest, sale_uuid: UUID) -> HttpResponse:
    staff = cast("StaffRequest", request)
    found = sale_pages.sale_or_404(staff.practice, sale_uuid)
    form = sale_pages.tender_form(found, posted(request), staff.user.pk)
    # Nothing is left while a tender is under way: then the sale itself says so, not a field of the form.
    if form.is_valid() or not sales.left_cents(found):
        try:
            return redirect(_take(found, form, access.actor(request)))
        except PriceChanged:
            page = sale_pages.page(found, form, clock.now(), has_changed=True)
            return render(request, "payments/sale.html", page, status=422)
        except UnableToSell as error:
            messages.error(request, f"{error}.")
            return redirect("sale", found.uuid)
    return render(request, "payments/sale.html", sale_pages.page(found, form, clock.now()), status=422)


def _take(found: Sale, form: TenderForm, actor: str) -> str:
    """Hand it over; the address on which it can be followed. Raises UnableToSell."""
    if not form.is_valid():
        raise UnableToSell("All of this is paid or being paid")
    now, card = clock.now(), form.card
    wish = {"cents": form.cents, "shown_cents": form.cleaned_data["shown"], "newest": form.cleaned_data["newest"]}
    who: dict[str, Any] = {"payer": card.patient if card else found.patient, "actor": actor, "now": now}
    # A page on a phone is closed only for a payment that nothing else speaks against.
    sales.refuse_early(found, means=_means(found, form, now), now=now, **wish)
    making_room.make_room(found.patient, actor=actor, now=now)
    if form.is_recorded:
        pay_type = form.cleaned_data["pay_type"]
        recorded.record(found.pk, pay_type_num=pay_type, paid_with=form.paid_with, **who, **wish)
        return reverse("sale", args=[found.uuid])
    part = sales.tender(found.pk, means=_means(found, form, now), **who, **wish)
    return _hand_over(found, part, form, actor)


def _means(found: Sale, form: TenderForm, now: datetime) -> Means:
    if form.is_recorded:
        return fee_terms.offer(found.practice, now).means_of_type(form.cleaned_data["pay_type"])
    return Means.of_card(form.card.funding) if form.card else Means.OTHER


def _hand_over(found: Sale, part: DuePart, form: TenderForm, actor: str) -> str:
    here, tender = reverse("sale", args=[found.uuid]), [found.uuid, part.pk]
    if form.card is not None:
        asking.sale_card(part, card_id=form.card.pk, actor=actor)
        return here
    if form.reader_id is not None:
        consent = upward.handlers.reader_words(found.patient) if form.cleaned_data["keeps_card"] else ""
        return asking.sale_reader(part, reader_id=form.reader_id, consent=consent, actor=actor, now=clock.now())
    back = settings.BASE_URL + reverse("card_page_back", args=tender)
    asking.sale_page(part, actor=actor, back=back, cancel=settings.BASE_URL + here)
    # Whoever asked for the card page is led there as soon as it is open.
    return f"{here}?opening={part.pk}"


@access.staff(Permission.CHARGE)
@require_POST
def cancel_sale(request: HttpRequest, sale_uuid: UUID) -> HttpResponse:
    found = sale_pages.sale_or_404(cast("StaffRequest", request).practice, sale_uuid)
    try:
        sales.cancel(found.pk, actor=access.actor(request), now=clock.now())
    except UnableToSell as error:
        messages.error(request, f"{error}.")
        return redirect("sale", found.uuid)
    messages.success(request, "Ended. What was paid stays paid.")
    return redirect("patient_payments", found.patient_id)
