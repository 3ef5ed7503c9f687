"""The second payer of a plan: one drawer."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import clock
from payments import plan_pages, sharing
from payments.plan_views import done, plan_url
from payments.share_forms import ShareForm
from payments.sharing import UnableToShare
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted


@access.staff(Permission.AUTOPAY)
def share_plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    plan = plan_pages.plan_or_404(cast("StaffRequest", request).practice, plan_id)
    form = ShareForm(posted(request), plan=plan, initial={"how": "percent"})
    if request.method == "POST" and form.is_valid():
        try:
            row = sharing.decide(plan.pk, form.wish, actor=access.actor(request), now=clock.now())
        except UnableToShare as refused:
            form.add_error(None, f"{refused}.")
        else:
            messages.success(request, f"Counts for payments due from {row.from_date:%b} {row.from_date.day} on.")
            return done(request, plan_url(plan))
    page = {"plan": plan, "form": form, "rows": plan.shares.select_related("payer").order_by("-pk")}
    return render(request, "payments/share.html", page, status=422 if form.errors else 200)
