"""How much money a role may give back, at once and a day (Settings → Payment Settings → General)."""

from __future__ import annotations

from dataclasses import dataclass

from core.money import format_cents
from practices.models import Membership, PaymentSettings

Role = Membership.Role


@dataclass(frozen=True)
class Limit:
    """Cents; None = no limit. `day_cents` counts what one person gave back on a practice-local day."""

    cents: int | None
    day_cents: int | None

    @property
    def is_barred(self) -> bool:
        return 0 in (self.cents, self.day_cents)

    @property
    def words(self) -> str:
        """What the form says before anything is typed; '' = nothing to say."""
        said = [] if self.cents is None else [f"up to {format_cents(self.cents)} at once"]
        said += [] if self.day_cents is None else [f"up to {format_cents(self.day_cents)} a day"]
        return " and ".join(said)

    def refusal(self, cents: int, given_today_cents: int) -> str:
        """Why this much may not be given back; '' = it may."""
        if self.cents is not None and cents > self.cents:
            return f"Your role may give back {format_cents(self.cents)} at once at most"
        if self.day_cents is not None and given_today_cents + cents > self.day_cents:
            given = format_cents(given_today_cents)
            return f"Your role may give back {format_cents(self.day_cents)} a day at most; {given} is given back today"
        return ""


def of(membership: Membership) -> Limit:
    """The limit of this person, as the settings of their practice are."""
    return of_role(membership.role, membership.practice.payment_settings)


def of_role(role: str, settings: PaymentSettings) -> Limit:
    """Who can't be told apart may give back nothing."""
    match role:
        case Role.FRONT_DESK:
            return Limit(settings.refund_front_desk_cents, settings.refund_front_desk_day_cents)
        case Role.BILLER:
            return Limit(settings.refund_biller_cents, settings.refund_biller_day_cents)
        case Role.MANAGER:
            return Limit(settings.refund_manager_cents, settings.refund_manager_day_cents)
        case Role.ADMIN:
            return Limit(None, None)
        case _:
            return Limit(0, 0)
