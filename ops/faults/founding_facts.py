"""The practices of a run, as the runner and the process that founds them both know them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

PASSWORD = "fault-machine"
DEVELOPER = "dev-sandbox"
# Name, zone, version of Open Dental, whether the key may query, how the office is reached.
KINDS = (
    ("elm", "America/New_York", "25.4.48.0", True, "service"),
    ("fir", "America/Chicago", "25.4.48.0", True, "remote"),
    ("oak", "America/New_York", "25.4.48.0", False, "service"),
    ("ash", "America/Denver", "24.2.30.0", True, "service"),
)
# What a practice decided about fees (payments/fees.py); the others absorb them.
FEES = {"elm": "DISCOUNT", "fir": "SURCHARGE", "oak": "DISCOUNT"}
# One number each for its own budget of declines (payments/budget.py).
NUMBERS = ("4242424242424242", "5555555555554444", "6011111111111117", "5105105105105100")


def slug(place: int) -> str:
    return f"{KINDS[place % len(KINDS)][0]}-{place}"


def fee_of(slug: str) -> str:
    """DISCOUNT, SURCHARGE, or '' for none."""
    return FEES.get(slug.partition("-")[0], "")


FEE_SLUGS = {slug(place) for place in range(len(KINDS)) if fee_of(slug(place))}


def secret_key_of(slug: str) -> str:
    return f"sk_test_{slug.replace('-', '')}"


def zone_of(place: int) -> ZoneInfo:
    return ZoneInfo(KINDS[place % len(KINDS)][1])
