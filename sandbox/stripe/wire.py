"""What goes over the wire: form fields as nested parameters, errors in Stripe's shape."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

JSON = dict[str, Any]
API_VERSION = "2026-10-28.endive"
_PART = re.compile(r"\[([^\]]*)\]")


class ApiError(Exception):
    """An answer other than 2xx. `keep` says the effects so far stand (a decline), else they are rolled back."""

    def __init__(self, status: int, message: str, *, keep: bool = False, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.keep = keep
        kind = fields.pop("type", "api_error" if status >= 500 else "invalid_request_error")
        self.error: JSON = {"type": kind, "message": message, **{k: v for k, v in fields.items() if v is not None}}

    @property
    def body(self) -> JSON:
        return {"error": self.error}


def invalid(message: str, *, code: str | None = None, param: str | None = None, **fields: Any) -> ApiError:
    """HTTP 400, the caller's mistake."""
    return ApiError(400, message, code=code, param=param, **fields)


def parse_form(pairs: Iterable[tuple[str, str]]) -> JSON:
    """`a[b][0]=x` as nested dicts of strings; list places stay keys, the parameter table turns them into lists."""
    tree: JSON = {}
    for name, value in pairs:
        head = name.split("[", 1)[0]
        path = [head, *_PART.findall(name[len(head) :])]
        _place(tree, path, value)
    return tree


def _place(tree: JSON, path: list[str], value: str) -> None:
    node = tree
    for part in path[:-1]:
        below = node.setdefault(part, {})
        if not isinstance(below, dict):
            raise invalid(f"{part} was sent both as a value and as a hash.", param=part)
        node = below
    node[path[-1] or str(len(node))] = value


def fingerprint(method: str, path: str, params: JSON) -> str:
    """The same request gives the same text; used to tell a resend from another request under the same key."""
    text = json.dumps([method, path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def public(value: Any) -> Any:
    """A copy without the books' own fields (those that start with an underscore), at every depth."""
    if isinstance(value, dict):
        return {key: public(item) for key, item in value.items() if not key.startswith("_")}
    if isinstance(value, list):
        return [public(item) for item in value]
    return value
