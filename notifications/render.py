"""Puts values into a template, strictly: no placeholder ever reaches a patient. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from notifications.defaults import TemplateText
from notifications.models import Channel
from notifications.variables import PLACEHOLDER, Value, Variable, text_of

# In letters of the GSM alphabet.
_CODE = {"en": "Code", "es": "Codigo"}


class UnableToRender(Exception):
    """A variable is unknown or has no value."""


def render(template: TemplateText, values: Mapping[str, Value], language: str) -> TemplateText:
    """Subject and body with the values of their variables, by label. Raises UnableToRender."""
    subject = _fill(template.subject, values, language).replace("\n", " ").replace("\r", " ")
    return TemplateText(subject, _fill(template.body, values, language), template.version)


def as_sent(channel: str, template: TemplateText, values: Mapping[str, Value], language: str) -> TemplateText:
    """As `render`; a text message whose template does not place its verification code ends with it."""
    text, code = render(template, values, language), str(values.get(Variable.CODE, ""))
    if channel != Channel.SMS or not code or code in text.body:
        return text
    return replace(text, body=f"{text.body} {_CODE[language]} {code}")


def _fill(text: str, values: Mapping[str, Value], language: str) -> str:
    def value_of(found: re.Match[str]) -> str:
        value = values.get(found[1].strip())
        if value is None or value == "":
            raise UnableToRender(f"no value for {{{found[1]}}}")
        return text_of(value, language)

    return PLACEHOLDER.sub(value_of, text)
