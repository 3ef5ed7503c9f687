"""Settings → Card processor: which account is connected, whether it answers, and whether it tells all the news."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock
from practices import access
from practices.access import Permission, StaffRequest
from practices.models import Event, Practice
from processors import accounts, connecting
from processors.models import ProcessorAccount
from processors.port import UnableToReachProcessor


@access.staff(Permission.VIEW)
@require_GET
def settings_processor(request: HttpRequest) -> HttpResponse:
    """As last known; the part about its news asks the processor by itself."""
    account = ProcessorAccount.objects.filter(practice=cast("StaffRequest", request).practice).first()
    return render(request, "payments/processor.html", {"account": account})


@access.staff(Permission.VIEW)
@require_GET
def processor_news(request: HttpRequest) -> HttpResponse:
    page = _looked_at(cast("StaffRequest", request).practice)
    return render(request, "payments/processor_news.html", page)


def _looked_at(practice: Practice) -> dict[str, Any]:
    try:
        endpoint = accounts.for_practice(practice.pk).endpoint(connecting.webhook_url(practice))
    except UnableToReachProcessor as error:
        return {"problem": str(error)}
    return {"endpoint": endpoint, "address": connecting.webhook_url(practice)}


@access.staff(Permission.CONNECTION)
@require_POST
def complete_processor_news(request: HttpRequest) -> HttpResponse:
    """Have the processor tell what a newer release listens to. Nothing that it tells already is taken away."""
    practice = cast("StaffRequest", request).practice
    try:
        processor = accounts.for_practice(practice.pk)
        endpoint = processor.endpoint(connecting.webhook_url(practice))
        if endpoint is not None:
            processor.complete_endpoint(endpoint)
    except UnableToReachProcessor as error:
        messages.error(request, f"{error}. Nothing was changed.")
        return redirect("settings_processor")
    if endpoint is None:
        messages.warning(request, "The card processor knows no webhook with our address: connect it anew.")
        return redirect("settings_processor")
    Event.record(
        practice.pk, kind="processor_news_completed", actor=access.actor(request), now=clock.now(), about={},
        text=", ".join(endpoint.missing)[:400],
    )  # fmt: skip
    messages.success(request, "The card processor tells everything now.")
    return redirect("settings_processor")
