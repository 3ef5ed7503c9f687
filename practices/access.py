"""Who may do what: permissions by role, and the decorator that every staff view carries first."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from practices import refund_limits
from practices.models import Membership, Practice, User


class Permission(StrEnum):
    VIEW = "view"
    CARDS = "save and remove cards"
    AUTOPAY = "attach cards to plans"
    CHARGE = "charge cards"
    PLANS = "make, change and close plans in Open Dental"
    REFUND = "give money back"
    MESSAGE = "send messages"
    POSTING = "work on postings"
    LEAKS = "work on leaks"
    EXPORT = "export lists"
    DISPUTES = "work on disputes"
    FREEZE = "release a disputed card"
    TERMINALS = "register and change terminals"
    SETTINGS = "change payment settings"
    CONNECTION = "change the Open Dental connection"


# Who may give back at all is a matter of the practice's limits (practices/refund_limits.py): the front desk may not
# unless the practice lets it.
_DESK = {
    Permission.VIEW,
    Permission.CARDS,
    Permission.AUTOPAY,
    Permission.CHARGE,
    Permission.MESSAGE,
    Permission.PLANS,
    Permission.REFUND,
    Permission.LEAKS,
}
_BILLER = _DESK | {Permission.POSTING, Permission.EXPORT, Permission.DISPUTES}
_MANAGER = _BILLER | {Permission.FREEZE, Permission.SETTINGS, Permission.TERMINALS}
PERMISSIONS: dict[str, set[Permission]] = {
    Membership.Role.AUDITOR: {Permission.VIEW, Permission.EXPORT},
    Membership.Role.FRONT_DESK: _DESK,
    Membership.Role.BILLER: _BILLER,
    Membership.Role.MANAGER: _MANAGER,
    Membership.Role.ADMIN: set(Permission),
}


class StaffRequest(HttpRequest):
    """A request that passed `staff`: somebody with a membership is signed in and the practice is in scope."""

    user: User
    practice: Practice
    membership: Membership
    htmx: HtmxDetails


View = Callable[..., HttpResponseBase]


def may(membership: Membership, permission: Permission) -> bool:
    if permission not in PERMISSIONS[membership.role]:
        return False
    return permission is not Permission.REFUND or not refund_limits.of(membership).is_barred


def actor(request: HttpRequest) -> str:
    """ "user:3", the form in which events name who did it."""
    return f"user:{request.user.pk}"


def staff(permission: Permission) -> Callable[[View], View]:
    """Let only signed-in members with this permission in; others go to the sign-in page or get a 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            membership = cast("StaffRequest", request).membership
            if cast("Membership | None", membership) is None:
                raise PermissionDenied("You are not a member of any practice. Ask an admin to invite you.")
            if not may(membership, permission):
                role = membership.get_role_display().lower()
                raise PermissionDenied(f"The role {role} may not {permission.value}. Ask a manager of your practice.")
            return view(request, *args, **kwargs)

        # Read by the test that walks all addresses and refuses one without a guard.
        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A part of a page can't show the sign-in form; the browser goes there and comes back to the page.
        return HttpResponseClientRedirect(reverse("sign_in"))
    return redirect_to_login(request.get_full_path())
