"""What a patient's text means: STOP in its seven forms and in plain words, START, HELP, or something for staff. Pure.

Any reasonable wording revokes consent (47 CFR 64.1200(a)(10)). In doubt it is a STOP: a text that is missed can be
put right, one that is sent against a wish can't.
"""

from __future__ import annotations

import re
import unicodedata

from notifications.models import Reply

Meaning = Reply.Meaning

# Twilio's list with its additions of 2025, and the Spanish words.
STOP_WORDS = frozenset(
    "stop stopall unsubscribe cancel end quit optout revoke alto pare parar detener basta baja".split()  # noqa: SIM905
)
START_WORDS = frozenset({"start", "unstop", "yes", "si", "comenzar"})
HELP_WORDS = frozenset({"help", "info", "ayuda"})
# The carrier itself confirms these; it delivers nothing more to the number, so we don't try to.
CARRIER_STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"})

_THINGS = r"(?:text(?:ing|s)?|messag(?:e|es|ing)|sms|contact(?:ing)?|mensajes?|textos?)"
_PLAIN_WORDS = re.compile(
    rf"\bopt(?:ing|ed)? ?(?:me )?out\b|\bunsubscribe\b|\bstop ?all\b|\bleave me alone\b"
    rf"|\b(?:stop|quit|end|cancel|revoke|no more|dont|do not|never|cease)\b(?:\s\w+){{0,4}}\s{_THINGS}\b"
    rf"|\b(?:dont|do not|never|stop|quit)\b(?:\s\w+){{0,2}}\s(?:send|sending|bother|bothering)\b"
    rf"|\b(?:take|remove|delete)\b(?:\s\w+){{0,3}}\s(?:off|from|number|list)\b|\bwrong number\b"
    rf"|\bno (?:me )?(?:envi\w+|mand\w+|escrib\w+|text\w+)\b|\b(?:deje\w*|pare\w*|basta)\b(?:\s\w+){{0,3}}\s{_THINGS}\b"
    rf"|\bno mas {_THINGS}\b|\bdeje\w* de (?:envi|mand|escrib)\w*\b"
)
_SHORT_STOP = re.compile(r"(?:\w+ )?(?:\w+ )?stop(?: it| now| please| this| that| porfavor| por favor)?")


def meaning(body: str, carrier_says: str = "") -> Reply.Meaning:
    """`carrier_says` is the carrier's own reading of the word (OptOutType: STOP, START, HELP), when it sends one."""
    text = _plain(body)
    if carrier_says in (Meaning.STOP, Meaning.START, Meaning.HELP):
        return Meaning(carrier_says)
    if text in STOP_WORDS or _SHORT_STOP.fullmatch(text) or _PLAIN_WORDS.search(text):
        return Meaning.STOP
    if text in START_WORDS:
        return Meaning.START
    return Meaning.HELP if text in HELP_WORDS else Meaning.OTHER


def confirmed_by_carrier(body: str) -> bool:
    """The carrier answers this word itself."""
    return _plain(body) in CARRIER_STOP_WORDS


def _plain(body: str) -> str:
    """Lower case, without accents and punctuation: "¡Por favor, PARE!" -> "por favor pare", "don't" -> "dont"."""
    letters = unicodedata.normalize("NFKD", body.lower().replace("'", "").replace("’", ""))
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", kept).split())
