"""Checks request parameters against the installed stripe library's own parameter types, at every depth."""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

# Options are a second dict for the client; the library takes them in the first one and sends them as form fields.
OPTIONS = frozenset(RequestOptions.__annotations__)


def assert_known(params: dict[str, Any], typed_dict: Any) -> None:
    """Fail on a key, enum value or type that the library's TypedDict does not have, and on a missing required key.

    Enum values are held to the listed ones although the library types them openly (`Literal[…] | str`).
    """
    misplaced = OPTIONS & params.keys()
    assert not misplaced, f"request options among the parameters: {sorted(misplaced)}"
    problem = _fits_dict(params, typed_dict, typed_dict.__name__)
    assert problem is None, problem


def keys_of(typed_dict: Any) -> set[str]:
    """The parameter names of one TypedDict, without request options."""
    return set(typed_dict.__annotations__) - OPTIONS


def hint_of(typed_dict: Any, name: str) -> Any:
    return _hints(typed_dict)[name]


@cache
def _hints(typed_dict: Any) -> dict[str, Any]:
    # Only its own names: those of RequestOptions cannot be resolved outside a type checker.
    own = {name: hint for name, hint in typed_dict.__annotations__.items() if name not in OPTIONS}
    holder = type("Own", (), {"__annotations__": own, "__module__": typed_dict.__module__})
    return typing.get_type_hints(holder)


def _fits_dict(params: Any, typed_dict: Any, path: str) -> str | None:
    if not isinstance(params, dict):
        return f"{path}: a hash is needed, not {type(params).__name__}"
    hints = _hints(typed_dict)
    missing = typed_dict.__required_keys__ - params.keys() - OPTIONS
    if missing:
        return f"{path}: missing {sorted(missing)}"
    for name, value in params.items():
        if name not in hints:
            return f"{path}: unknown parameter {name}"
        problem = _fits(value, hints[name], f"{path}.{name}")
        if problem:
            return problem
    return None


def _fits(value: Any, hint: Any, path: str) -> str | None:
    if get_origin(hint) in (NotRequired, Required):
        hint = get_args(hint)[0]
    choices = list(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else [hint]
    words = [word for choice in choices if get_origin(choice) is Literal for word in get_args(choice)]
    if isinstance(value, str) and any(words):
        return None if value in words else f"{path}: {value!r} is not one of {words}"
    problems = [_fits_one(value, choice, path) for choice in choices]
    if None in problems:
        return None
    return next((problem for problem in problems if problem and "unknown parameter" in problem), problems[0])


def _fits_one(value: Any, hint: Any, path: str) -> str | None:
    if hint is Any:
        return None
    if is_typeddict(hint):
        return _fits_dict(value, hint, path)
    if get_origin(hint) is Literal:
        return None if value in get_args(hint) else f"{path}: {value!r} is not allowed"
    kind = get_origin(hint) or hint
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return _fits_inside(value, hint, path)
    return f"{path}: {type(value).__name__} where {hint} is needed"


def _fits_inside(value: Any, hint: Any, path: str) -> str | None:
    inner = get_args(hint)
    if isinstance(value, list) and inner:
        return next((p for p in (_fits(item, inner[0], f"{path}[]") for item in value) if p), None)
    if isinstance(value, dict) and len(inner) == 2:
        return next((p for p in (_fits(item, inner[1], f"{path}.{name}") for name, item in value.items()) if p), None)
    return None
