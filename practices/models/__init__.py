"""Practices, staff, settings, events."""

from practices.models.events import Event
from practices.models.people import Membership, SignInAttempt, User
from practices.models.practices import Clinic, PaymentSettings, Practice

__all__ = ["Clinic", "Event", "Membership", "PaymentSettings", "Practice", "SignInAttempt", "User"]
