"""This sandbox's web application: Open Dental's API under /api/v1, control under /_sandbox and on the front page."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request

from sandbox.common.clock import Clock
from sandbox.common.faults import Faults
from sandbox.opendental import (
    control,
    pages,
    resources,  # noqa: F401 -- importing it registers the endpoints
)
from sandbox.opendental.api import Api
from sandbox.opendental.office import Registry
from sandbox.opendental.starting import ensure_defaults

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def create_app(state: Path, clock: Clock) -> Faults:
    """State (offices.sqlite and one file per office) lives in `state` and survives restarts."""
    app = Flask(__name__)
    registry = Registry(state, clock)
    ensure_defaults(registry)
    api = Api(registry)

    @app.route("/api/v1/<path:path>", methods=METHODS)
    def answer(path: str) -> Response:
        return api.answer(request.method, f"/{path}", request.headers, request.args, request.get_data())

    app.register_blueprint(control.blueprint(registry))
    faults = Faults(app)
    app.register_blueprint(pages.blueprint(registry, faults))
    return faults
