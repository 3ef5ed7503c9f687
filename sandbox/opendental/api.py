"""The API's frame: who may ask, which method answers, pages of a list, errors as JSON strings.

Order of the checks: key, content type, office reachable, resource and method, permission, version, the method itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from flask import Response
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from sandbox.opendental import malform, service, throttle
from sandbox.opendental.errors import ApiError, bad, not_found, unauthorized
from sandbox.opendental.office import Office, Registry

DEVELOPER_KEY = "dev-sandbox"
PAGE = 100
Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass
class Call:
    """One request that passed the checks; `now` is office-local."""

    office: Office
    now: datetime
    query: MultiDict[str, str]
    body: dict[str, Any]

    def number(self, name: str) -> int | None:
        """An integer URL parameter, None when absent."""
        value = self.query.get(name)
        if value is None or value == "":
            return None
        try:
            return int(value)
        except ValueError:
            raise bad(f"{name} is invalid.") from None


@dataclass(frozen=True)
class Listing:
    """Rows of a long list, rendered only for the page that goes out."""

    rows: Sequence[Any]
    render: Callable[[Any], Any]


@dataclass(frozen=True)
class Endpoint:
    handler: Callable[..., Any]
    permission: str
    since: str
    gone: str
    resource: str


RULES = Map(strict_slashes=False)
ENDPOINTS: dict[str, Endpoint] = {}
RESOURCES: set[str] = set()


def endpoint(
    method: str, path: str, *, since: str = "21.1", permission: str = "ApiReadAll", gone: str = ""
) -> Callable[[Handler], Handler]:
    """Register a handler: (call, **numbers in the path) → object (POST: 201) or list (paged).

    An office at version `gone` or later answers 410.
    """

    def register(handler: Handler) -> Handler:
        name, resource = f"{method} {path}", path.split("/")[1]
        RULES.add(Rule(path, endpoint=name, methods=[method]))
        ENDPOINTS[name] = Endpoint(handler, permission, since, gone, resource)
        RESOURCES.add(resource)
        return handler

    return register


class Api:
    """Answers everything under /api/v1."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.gates: dict[str, throttle.Gate] = {}
        self.gates_lock = threading.Lock()

    def answer(self, method: str, path: str, headers: Any, query: MultiDict[str, str], raw: bytes) -> Response:
        try:
            office = self._office(headers.get("Authorization", ""))
            with self._gate(office):
                return self._answer(office, method, path, headers, query, raw)
        except ApiError as error:
            return reply(error.status, error.explanation)
        except throttle.TooManyRequests as error:
            response = reply(429, "Too many requests are queued for this customer key.")
            response.headers["Retry-After"] = str(error.seconds)
            return response

    def _gate(self, office: Office) -> throttle.Gate:
        with self.gates_lock:
            gate = self.gates.setdefault(office.settings.file, throttle.Gate(office))
        if gate.office is not office:
            gate = self.gates[office.settings.file] = throttle.Gate(office)
        return gate

    def _office(self, header: str) -> Office:
        scheme, _, keys = header.partition(" ")
        developer, _, customer = keys.strip().partition("/")
        office = self.registry.offices.get(customer)
        if scheme != "ODFHIR" or developer != DEVELOPER_KEY or office is None:
            raise unauthorized("Invalid developer or customer key.")
        if not office.settings.enabled:
            raise unauthorized("The customer key is disabled.")
        return office

    def _answer(
        self, office: Office, method: str, path: str, headers: Any, query: MultiDict[str, str], raw: bytes
    ) -> Response:
        if not headers.get("Content-Type", "").lower().startswith("application/json"):
            raise bad("Content-Type header must be application/json.")
        if office.settings.offline:
            raise bad("The office's eConnector is not running or cannot be reached.")
        found, arguments = _match(method, path)
        _admit(office, found)
        body = _body(raw) if method in ("POST", "PUT") else {}
        service.catch_up(office)
        call = Call(office, office.now(), query, body)
        result = _run(found, call, method, arguments)
        return _shape(found, call, method, result)


def _match(method: str, path: str) -> tuple[Endpoint, dict[str, Any]]:
    resource, *rest = path.strip("/").split("/")
    if resource not in RESOURCES:
        raise not_found(f"{resource} is not a valid resource.")
    try:
        name, arguments = RULES.bind("").match(path, method)
    except HTTPException:
        verb = rest[-1] if rest and not rest[-1].isdigit() else ""
        raise bad(f"{resource} {method} {verb} is not a valid method.") from None
    return ENDPOINTS[name], dict(arguments)


def _admit(office: Office, found: Endpoint) -> None:
    permission = office.switch("close_permission") if found.permission == "close" else found.permission
    if permission not in office.settings.permissions:
        raise unauthorized(f"The customer key does not have the permission {permission}.")
    if not office.at_least(found.since):
        raise bad(f"This method requires Open Dental {found.since} or later; the office has {office.settings.version}.")
    if found.gone and office.at_least(found.gone):
        raise ApiError(410, f"This method is deprecated as of version {found.gone}.")


def _body(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        return {}
    try:
        body = json.loads(raw)
    except ValueError:
        raise bad("The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise bad("The request body must be a JSON object.")
    return body


def _run(found: Endpoint, call: Call, method: str, arguments: dict[str, Any]) -> Any:
    if method == "GET":
        return found.handler(call, **arguments)
    with call.office.books.transaction():
        return found.handler(call, **arguments)


def _shape(found: Endpoint, call: Call, method: str, result: Any) -> Response:
    if isinstance(result, Listing):
        result = [result.render(row) for row in page(call, result.rows)]
    elif isinstance(result, list) and method == "GET":
        result = page(call, result)
    spoiled = malform.apply(call.office, found.resource, result)
    response = reply(201 if method == "POST" else 200, spoiled)
    if method == "POST" and isinstance(result, dict) and result:
        response.headers["Location"] = f"/api/v1/{found.resource}/{next(iter(result.values()))}"
    return response


def page(call: Call, rows: Sequence[Any]) -> Sequence[Any]:
    """Offset and Limit; 100 rows at most, more with the Enterprise permission."""
    most = 1000 if "ApiEnterprise" in call.office.settings.permissions else PAGE
    offset, limit = call.number("Offset") or 0, call.number("Limit")
    size = most if limit is None else max(0, min(limit, most))
    return rows[max(0, offset) : max(0, offset) + size]


def reply(status: int, payload: Any) -> Response:
    """JSON as Open Dental serializes it: line ends become spaces."""
    text = json.dumps(payload, ensure_ascii=False).replace("\\r\\n", " ")
    return Response(text, status=status, mimetype="application/json")
