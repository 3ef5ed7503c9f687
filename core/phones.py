"""American phone numbers in one form (E.164), so that the same phone is recognized however it was typed."""

from __future__ import annotations

import re

import phonenumbers

# Numbers reserved for fiction are accepted in any area code: demos and tests use no others.
FICTION = re.compile(r"[2-9]\d{2}55501\d{2}")


def normalize(text: str) -> str | None:
    """ "(212) 555-0142" -> "+12125550142"; None when it is no number of the North American plan that takes texts.

    A number with an extension reaches a switchboard, so it is None too.
    """
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code != 1 or number.extension:
        return None
    if not phonenumbers.is_valid_number(number) and not FICTION.fullmatch(str(number.national_number)):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
