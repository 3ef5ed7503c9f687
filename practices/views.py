"""Signing in and out, the way home, and which practice is in front of one."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth import login, logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import PaymentSettingsForm, SignInForm, posted
from practices.middleware import PRACTICE_KEY
from practices.models import Membership
from practices.settings_page import payment_settings, save_payment_settings
from practices.sign_in import UnableToSignIn, sign_in


@never_cache
def sign_in_view(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("home")
    form = SignInForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            user = sign_in(request, now=timezone.now(), **form.cleaned_data)
        except UnableToSignIn as refused:
            form.add_error(None, str(refused))
        else:
            login(request, user)
            return redirect(_next(request))
    return render(request, "practices/sign_in.html", {"form": form}, status=422 if form.errors else 200)


def _next(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}) else "home"


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign_in")


@access.staff(Permission.VIEW)
@require_GET
def home(_request: HttpRequest) -> HttpResponse:
    """The first screen of the day."""
    return redirect("dashboard")


@access.staff(Permission.VIEW)
@require_GET
def stay(_request: HttpRequest) -> HttpResponse:
    """Asked by "Stay signed in": any answer renews the session."""
    return HttpResponse(status=204)


@access.staff(Permission.VIEW)
@require_POST
def switch_practice(request: HttpRequest) -> HttpResponse:
    mine = Membership.objects.filter(user=request.user.pk, is_active=True, practice__is_active=True)
    chosen = mine.filter(practice__slug=request.POST.get("practice", "")).first()
    if chosen is None:
        raise PermissionDenied("You are not a member of that practice.")
    request.session[PRACTICE_KEY] = chosen.practice_id
    return redirect("home")


@access.staff(Permission.SETTINGS)
def payment_settings_view(request: HttpRequest) -> HttpResponse:
    staff = cast("StaffRequest", request)
    row = payment_settings(staff.practice)
    is_admin = staff.membership.role == Membership.Role.ADMIN
    form = PaymentSettingsForm(posted(request), instance=row, is_admin=is_admin)
    if request.method == "POST" and form.is_valid():
        changed = save_payment_settings(form, actor=access.actor(request))
        messages.success(request, "Saved. It applies from the next charge on." if changed else "Nothing was changed.")
        return redirect("settings_payment")
    page = {"form": form, "practice": staff.practice, "is_admin": is_admin}
    return render(request, "practices/payment_settings.html", page, status=422 if form.errors else 200)
