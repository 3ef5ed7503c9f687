"""What the frame around every staff page shows: navigation, practice, the movable clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from core import clock
from practices.access import Permission, may
from practices.models import Membership, Practice

SCRIPTS = ["keys", "menu", "drawer", "toast", "search", "guard", "idle", "amount"]
DRAWER = "drawer-body"


@dataclass(frozen=True)
class Item:
    """One entry of the left navigation; `key` is the letter after "g"."""

    label: str
    view: str
    icon: str = ""
    key: str = ""
    # Name of the view that answers with the red count.
    badge_view: str = ""
    permission: Permission = Permission.VIEW
    children: tuple[Item, ...] = field(default=())


# Only screens that exist stand here.
NAVIGATION = (
    Item("Dashboard", "dashboard", "home", "d", badge_view="dashboard_badge"),
    Item(
        "Communication",
        "communication",
        "chat",
        "c",
        badge_view="messages_badge",
        children=(Item("Messages", "messages"),),
    ),
    Item("Payment Plans", "plans", "plan", "p", badge_view="plans_badge"),
    Item("Payments", "payments", "money", "t", badge_view="payments_badge"),
    Item("Terminals", "terminals", "terminal", "m"),
    Item(
        "Reports",
        "settlement",
        "report",
        "r",
        children=(Item("Daily settlement", "settlement"), Item("Drawer", "drawer"), Item("Payouts", "payouts")),
    ),
    Item(
        "Settings",
        "settings_payment",
        "settings",
        "s",
        children=(
            Item("Payment Settings", "settings_payment"),
            Item("Terminal Settings", "settings_terminals"),
            Item("Fees", "settings_fees"),
            Item("Payment Templates", "payment_templates"),
            Item("Payment Plan Templates", "settings_templates"),
            Item("Open Dental", "settings_opendental"),
            Item("Card processor", "settings_processor"),
        ),
    ),
)


@dataclass(frozen=True)
class Move:
    """One button of the movable clock: a form field of its control page."""

    label: str
    field: str
    value: str


CLOCK_MOVES = (
    Move("+1 hour", "hours", "1"),
    Move("+1 day", "days", "1"),
    Move("+1 week", "days", "7"),
    Move("+1 month", "months", "1"),
)


def _may(membership: Membership) -> dict[str, Any]:
    """Worked out when a page looks at it: whether somebody may give money back is asked of the settings."""
    return {one.name.lower(): SimpleLazyObject(partial(may, membership, one)) for one in Permission}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of every page; pages shown in the right drawer get the drawer's layout."""
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        return {}
    in_drawer = request.headers.get("HX-Target") == DRAWER
    return {
        "layout": "staff/drawer.html" if in_drawer else "staff/base.html",
        "in_drawer": in_drawer,
        "may": _may(membership),
        # Parts of a page never look at it, so it costs them nothing.
        "frame": SimpleLazyObject(lambda: _frame(request, membership)),
    }


def _frame(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    return {
        "practice": membership.practice,
        "role": membership.get_role_display(),
        "nav": [_entry(item, request.path) for item in NAVIGATION if may(membership, item.permission)],
        "other_practices": _other_practices(membership),
        "search_url": reverse("communication"),
        "results_url": reverse("search_results"),
        "sync_url": reverse("sync_chip"),
        "clock": _clock(request),
        "idle_seconds": settings.SESSION_COOKIE_AGE,
        "scripts": [f"js/{name}.js" for name in SCRIPTS],
    }


def _entry(item: Item, path: str) -> dict[str, Any]:
    url = reverse(item.view)
    children = [_entry(child, path) for child in item.children]
    here = path.startswith(url) or any(child["is_current"] for child in children)
    return {
        "label": item.label,
        "url": url,
        "icon": item.icon,
        "key": item.key,
        "badge": reverse(item.badge_view) if item.badge_view else "",
        "is_current": here,
        "children": children,
    }


def _other_practices(membership: Membership) -> list[Practice]:
    others = Membership.objects.filter(user=membership.user_id, is_active=True, practice__is_active=True)
    found = others.exclude(pk=membership.pk).select_related("practice").order_by("practice__name")
    return [one.practice for one in found]


def _clock(request: HttpRequest) -> dict[str, Any] | None:
    """Business time with the buttons that move it; None where the clock is real."""
    control = settings.CLOCK_CONTROL_URL
    if not control and not clock.is_movable():
        return None
    return {
        "now": timezone.localtime(clock.now()),
        "moves": CLOCK_MOVES if control else (),
        "home": control,
        "url": control.rstrip("/") + "/clock",
        # The page hides its address from other origins, so it says itself where the browser comes back to.
        "back": request.build_absolute_uri(),
    }
