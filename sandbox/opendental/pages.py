"""The control page: offices, patients, plans with their charges and splits, and buttons for what staff would do."""

from __future__ import annotations

from flask import Blueprint

from sandbox.opendental.office import Registry


def blueprint(registry: Registry) -> Blueprint:
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def front() -> str:
        return "Open Dental sandbox: " + ", ".join(sorted(registry.offices))

    return pages
