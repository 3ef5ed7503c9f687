"""What is wrong with a template before anybody gets it: findings for the settings page and for saving. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from core import pans
from notifications import segments, variables
from notifications.defaults import TemplateText
from notifications.models import Channel
from notifications.render import UnableToRender, as_sent
from notifications.variables import Value, Variable

MAX_SEGMENTS = 2
_STOP = re.compile(r"\bSTOP\b")
# Health information in words (HIPAA, product.md §8); a small list of what practices write most.
_HEALTH = re.compile(
    r"\b(root canals?|crowns?|fillings?(?! (?:out|in)\b)|extractions?|implants?|dentures?|veneers?|cavit(?:y|ies)|"
    r"decay|tooth|teeth|molars?|gums?|periodontal|diagnos[ie]s|x-?rays?|cleanings?|braces|aligners?|surger(?:y|ies)|"
    r"procedures?|treatments?|endodoncias?|coronas?|empastes?|extracci[oó]n(?:es)?|implantes?|dentaduras?|carillas?|caries|"
    r"dientes?|muelas?|enc[ií]as?|diagn[oó]sticos?|radiograf[ií]as?|limpiezas?|frenos|cirug[ií]as?|tratamientos?)\b",
    re.IGNORECASE,
)


class Level(StrEnum):
    BLOCK = "block"
    WARN = "warn"
    OK = "ok"


@dataclass(frozen=True)
class Finding:
    """`text` is for staff: what is wrong and what to do."""

    level: Level
    text: str


def lint(kind: str, channel: str, language: str, template: TemplateText, sample: dict[str, Value]) -> list[Finding]:
    """All findings; a single OK when there is nothing to say. `sample` holds values for every known variable."""
    found = [*_variables(kind, channel, template), *_texts(channel, template)]
    if channel == Channel.SMS:
        found += [*_lawful(template), *_length(language, template, sample)]
    return found or [Finding(Level.OK, "Ready to send.")]


def is_blocked(findings: list[Finding]) -> bool:
    return any(finding.level == Level.BLOCK for finding in findings)


def _variables(kind: str, channel: str, template: TemplateText) -> list[Finding]:
    used = variables.used(f"{template.subject} {template.body}")
    allowed = variables.allowed(kind)
    unknown = [name for name in dict.fromkeys(used) if name not in allowed]
    missing = [name for name in variables.required(kind, channel) if name not in variables.used(template.body)]
    found = [Finding(Level.BLOCK, f"{{{name}}} is not a variable of this message.") for name in unknown]
    found += [Finding(Level.BLOCK, f"{name.placeholder} is missing: the message needs it.") for name in missing]
    if set(variables.LINKS) & set(variables.used(template.subject)):
        found.append(Finding(Level.BLOCK, "A link can't stand in the subject."))
    return found


def _texts(channel: str, template: TemplateText) -> list[Finding]:
    found = []
    if not template.body.strip():
        found.append(Finding(Level.BLOCK, "The text is empty."))
    if channel == Channel.EMAIL and not template.subject.strip():
        found.append(Finding(Level.BLOCK, "The subject is empty."))
    loose = variables.PLACEHOLDER.sub("", f"{template.subject} {template.body}")
    if "{" in loose or "}" in loose:
        found.append(Finding(Level.BLOCK, "A brace { or } stands alone: use the buttons to put in a variable."))
    return [*found, *_health(channel, loose)]


def _health(channel: str, words: str) -> list[Finding]:
    told = list(dict.fromkeys(word.lower() for word in _HEALTH.findall(words)))
    level = Level.BLOCK if channel == Channel.SMS else Level.WARN
    return [Finding(level, f"Tells about health: {', '.join(told)}. Say it in person or on the page.")] if told else []


def lint_words(channel: str, words: str, as_text: str) -> list[Finding]:
    """What is wrong with words that staff wrote to one patient; `as_text` is the whole text message that holds them."""
    found = [] if words.strip() else [Finding(Level.BLOCK, "The message is empty.")]
    if pans.has_one(words):
        found.append(Finding(Level.BLOCK, "A card number stands in it. Never write one into a message."))
    found += _health(channel, words)
    size = segments.count(as_text)
    if channel == Channel.SMS and size.count > MAX_SEGMENTS:
        found.append(Finding(Level.BLOCK, f"Too long for a text: {size.count} segments, {MAX_SEGMENTS} are the most."))
    return found


def _lawful(template: TemplateText) -> list[Finding]:
    found = []
    if not _STOP.search(template.body):
        found.append(Finding(Level.BLOCK, "Say how to opt out: add “Reply STOP to opt out.”"))
    if Variable.PRACTICE_NAME not in variables.used(template.body):
        found.append(Finding(Level.WARN, "Say who writes: add {Practice Name}."))
    return found


def _length(language: str, template: TemplateText, sample: dict[str, Value]) -> list[Finding]:
    try:
        size = segments.count(as_sent(Channel.SMS, template, sample, language).body)
    except UnableToRender:
        return []  # The unknown variable is already a finding.
    if size.count <= 1:
        return []
    level = Level.BLOCK if size.count > MAX_SEGMENTS else Level.WARN
    why = f" Letters that take double room: {size.odd[:12]}" if size.odd else ""
    return [Finding(level, f"{size.count} segments with sample values ({size.units} characters).{why}")]
