"""Settings → Payment Settings → Fees."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core import clock
from payments import fee_pages
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted


@access.staff(Permission.SETTINGS)
def settings_fees(request: HttpRequest) -> HttpResponse:
    practice, now = cast("StaffRequest", request).practice, clock.now()
    form = fee_pages.form_for(practice, posted(request), now)
    if request.method == "POST" and form.is_valid():
        fee_pages.decide(practice, form, actor=access.actor(request), now=now)
        messages.success(request, "Saved. It holds for desk payments from that day on.")
        return redirect("settings_fees")
    page = fee_pages.page(practice, form, now)
    return render(request, "payments/fee_settings.html", page, status=422 if form.errors else 200)


@access.staff(Permission.SETTINGS)
@require_POST
def settings_fees_preview(request: HttpRequest) -> HttpResponse:
    """The example for what is being typed; nothing is saved."""
    form = fee_pages.form_for(cast("StaffRequest", request).practice, request.POST, clock.now())
    form.is_valid()
    page = fee_pages.preview(form.terms, str(form["state"].value() or ""))
    return render(request, "payments/fee_preview.html", page)
