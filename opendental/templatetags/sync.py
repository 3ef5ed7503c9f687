"""How long ago something was read from Open Dental, in words; and that of one plan."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import clock
from opendental import features
from opendental.models import Connection
from payplans.models import PayPlan

register = template.Library()
_STEPS = ((86_400, "day"), (3_600, "h"), (60, "min"))


@register.filter
def span(age: timedelta | float | None) -> str:
    """A length of time in its largest unit: "40 s", "5 min", "3 h", "2 days"."""
    seconds = int(age.total_seconds() if isinstance(age, timedelta) else age or 0)
    for length, unit in _STEPS:
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{max(0, seconds)} s"


@register.filter
def ago(moment: datetime | None) -> SafeString:
    """ "just now", "40 s ago", "3 h ago", "2 days ago", the exact moment on hover; nothing for None."""
    if moment is None:
        return SafeString("")
    local, gone = timezone.localtime(moment), clock.now() - moment
    words = "just now" if gone < timedelta(seconds=10) else f"{span(gone)} ago"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), f"{local:%A, %B %d, %Y, %I:%M %p %Z}", words
    )


@register.simple_tag(takes_context=True)
def plan_freshness(context: dict[str, Any], plan: PayPlan) -> SafeString:
    """How current a plan is. Where changes are found at once its last reading says nothing, so the last look does."""
    connection = _connection(context, plan.practice_id)
    if connection is None:
        return SafeString("")
    if not features.can_query(connection):
        return format_html("Read from Open Dental {}", ago(plan.synced_at))
    if connection.in_step_at is None:
        return format_html("Read from Open Dental {}; its first sync is still running", ago(plan.synced_at))
    return format_html("In step with Open Dental as of {}", ago(max(connection.in_step_at, plan.synced_at)))


def _connection(context: dict[str, Any], practice_id: int) -> Connection | None:
    """One query a page, however many plans it shows."""
    request = context.get("request")
    if not hasattr(request, "opendental_connection"):
        found = Connection.objects.filter(practice_id=practice_id).first()
        if request is None:
            return found
        request.opendental_connection = found
    kept: Connection | None = getattr(request, "opendental_connection", None)
    return kept
