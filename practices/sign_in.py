"""Sign-in with a lockout: after five wrong tries of one e-mail from one address each further try waits longer.

Real time throughout (decisions 16). A try is written down before the password is looked at, so that many at once
count as many. Nothing tells a known e-mail from an unknown one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db.models import Count, Max
from django.http import HttpRequest

from core import clock
from practices import tenancy
from practices.models import Event, Membership, SignInAttempt, User

FREE_TRIES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
# Older tries are forgotten.
MEMORY = timedelta(hours=24)


class UnableToSignIn(Exception):
    """Refused; the text is for the person at the screen."""


def sign_in(request: HttpRequest, *, email: str, password: str, now: datetime) -> User:
    """The user with this e-mail and password. `now` is real time. Raises UnableToSignIn."""
    email, ip = email.strip().lower(), request.META["REMOTE_ADDR"]
    _refuse_while_locked(email, ip, now)
    attempt = SignInAttempt.objects.create(email=email, ip=ip)
    user = authenticate(request, username=email, password=password)
    if user is None:
        _record_failure(email, ip)
        raise UnableToSignIn(_refusal(email, ip, attempt.at))
    SignInAttempt.objects.filter(email=email, ip=ip).delete()
    if not isinstance(user, User):
        raise TypeError(type(user))
    return user


def wait_after(tries: int) -> timedelta:
    """How long the next try waits: nothing for the first five, then 30 s, doubling up to an hour."""
    if tries < FREE_TRIES:
        return timedelta(0)
    doublings: int = min(tries - FREE_TRIES, 10)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << doublings))


def _recent(email: str, ip: str, now: datetime) -> tuple[int, datetime | None]:
    found = SignInAttempt.objects.filter(email=email, ip=ip, at__gt=now - MEMORY).aggregate(
        n=Count("pk"), last=Max("at")
    )
    return found["n"], found["last"]


def _refuse_while_locked(email: str, ip: str, now: datetime) -> None:
    tries, last = _recent(email, ip, now)
    if last is not None and now < last + wait_after(tries):
        raise UnableToSignIn(_locked_text(last + wait_after(tries) - now))


def _refusal(email: str, ip: str, now: datetime) -> str:
    wait = wait_after(_recent(email, ip, now)[0])
    return _locked_text(wait) if wait else "That e-mail and password do not belong together."


def _locked_text(wait: timedelta) -> str:
    seconds = max(1, round(wait.total_seconds()))
    span = f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
    return f"Too many wrong tries. Wait {span}, then try again, or ask an admin of your practice to reset the password."


def _record_failure(email: str, ip: str) -> None:
    """An audit event in every practice this person belongs to; an unknown e-mail leaves the counted try only."""
    for membership in Membership.objects.filter(user__email=email, is_active=True):
        with tenancy.scope(membership.practice_id):
            Event.record(
                membership.practice_id,
                kind="SIGN_IN_FAILED",
                actor="visitor",
                now=clock.now(),
                about={"user": membership.user_id},
                text=f"Wrong password from {ip}",
            )
