"""The sandbox's own JSON API: make offices, move their switches, do what staff would do, read the books."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.opendental import books, bulk, desk, examples, seed, service
from sandbox.opendental.errors import ApiError
from sandbox.opendental.office import SWITCHES, Office, Registry, Settings
from sandbox.opendental.records import find, stamp
from sandbox.opendental.starting import ensure_defaults, open_up

SETTINGS = ("permissions", "timezone", "throttle", "enabled", "offline")


def blueprint(registry: Registry) -> Blueprint:
    """Routes under /_sandbox; an ApiError answers with its status and {"error": …}."""
    control = Blueprint("control", __name__, url_prefix="/_sandbox")
    _whole(control, registry)
    _one_office(control, registry)
    _reading(control, registry)
    return control


def _whole(control: Blueprint, registry: Registry) -> None:
    @control.errorhandler(ApiError)
    def refused(error: ApiError) -> tuple[Response, int]:
        return jsonify(error=error.explanation), error.status

    @control.get("/health")
    def health() -> Response:
        return jsonify(ok=True, offices=sorted(registry.offices))

    @control.post("/reset")
    def reset() -> Response:
        registry.forget_all()
        ensure_defaults(registry)
        return jsonify(ok=True)

    @control.get("/offices")
    def offices() -> Response:
        return jsonify([describe(office) for office in registry.offices.values()])

    @control.post("/offices")
    def make_office() -> tuple[Response, int]:
        body = _body()
        known = {name: body[name] for name in ("key", "version", *SETTINGS, "switches") if name in body}
        try:
            office = open_up(registry, Settings(**known), body.get("preferences"))
        except (TypeError, ValueError) as error:
            raise ApiError(400, str(error)) from None
        return jsonify(describe(office)), 201


def _one_office(control: Blueprint, registry: Registry) -> None:
    @control.post("/offices/<key>/<action>")
    def act(key: str, action: str) -> Response:
        office = office_of(registry, key)
        return jsonify(perform(registry, office, action, _body()))


def _reading(control: Blueprint, registry: Registry) -> None:
    @control.get("/offices/<key>")
    def one(key: str) -> Response:
        return jsonify(describe(office_of(registry, key)))

    @control.get("/offices/<key>/books")
    def read_books(key: str) -> Response:
        office = office_of(registry, key)
        service.catch_up(office)
        return jsonify(books.everything(office))

    @control.get("/offices/<key>/plans/<int:number>/projection")
    def read_projection(key: str, number: int) -> Response:
        office = office_of(registry, key)
        service.catch_up(office)
        plan = find(office.books, "payplan", number)
        if plan is None:
            raise ApiError(404, "PayPlan not found.")
        return jsonify(books.projection(office, plan, next_only=request.args.get("next_only") == "true"))


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True) or {}
    if not isinstance(body, dict):
        raise ApiError(400, "The request body must be a JSON object.")
    return body


def office_of(registry: Registry, key: str) -> Office:
    office = registry.offices.get(key)
    if office is None:
        raise ApiError(404, f"No office has the key {key}.")
    return office


def describe(office: Office) -> dict[str, Any]:
    settings = vars(office.settings).copy()
    settings["switches"] = {name: office.switch(name) for name in SWITCHES}
    return {**settings, "now": stamp(office.now())}


def perform(registry: Registry, office: Office, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """One action by name: on the office's settings, or at its desk after the service has caught up."""
    if action in SETTING_ACTIONS:
        SETTING_ACTIONS[action](registry, office, body)
        registry.save(office)
        return describe(office)
    found = {**desk.ACTIONS, **FILLING}.get(action)
    if found is None:
        raise ApiError(404, f"{action} is not an action.")
    service.catch_up(office)
    with office.books.transaction():
        return found(office, body, office.now())


def _offline(registry: Registry, office: Office, body: dict[str, Any]) -> None:
    office.settings.offline = bool(body.get("offline", True))


def _service(registry: Registry, office: Office, body: dict[str, Any]) -> None:
    service.catch_up(office)
    office.settings.service = bool(body.get("on", True))


def _switches(registry: Registry, office: Office, body: dict[str, Any]) -> None:
    unknown = sorted(set(body) - set(SWITCHES))
    if unknown:
        raise ApiError(400, f"Unknown switches: {', '.join(unknown)}.")
    office.settings.switches.update(body)


def _settings(registry: Registry, office: Office, body: dict[str, Any]) -> None:
    """Any of permissions, timezone, throttle, enabled, offline, version; `key` renames."""
    for name in (*SETTINGS, "version"):
        if name in body:
            setattr(office.settings, name, body[name])
    if "version" in body:
        for name in ("ProgramVersion", "DataBaseVersion"):
            office.set_pref(name, str(body["version"]))
    if body.get("key") and body["key"] != office.settings.key:
        if body["key"] in registry.offices:
            raise ApiError(400, "That key is taken.")
        registry.rename(office, str(body["key"]))


def _preferences(registry: Registry, office: Office, body: dict[str, Any]) -> None:
    for name, value in body.items():
        office.set_pref(name, str(value))


def _malform(registry: Registry, office: Office, body: dict[str, Any]) -> None:
    """resource, pk, field, value: that field comes out as `value`; {} heals every row."""
    if not body:
        office.settings.malformed.clear()
        return
    if not {"resource", "pk", "field", "value"} <= set(body):
        raise ApiError(400, "resource, pk, field and value are required.")
    office.settings.malformed.append({name: body[name] for name in ("resource", "pk", "field", "value")})


FILLING = {"seed": seed.fill, "examples": examples.fill, "bulk": bulk.fill, "bulk_change": bulk.change}
SETTING_ACTIONS = {
    "offline": _offline,
    "service": _service,
    "switches": _switches,
    "settings": _settings,
    "preferences": _preferences,
    "malform": _malform,
}
