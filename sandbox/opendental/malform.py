"""Rows that come out malformed on demand: the stored books stay sound, only what is read of them is spoiled."""

from __future__ import annotations

from typing import Any

from sandbox.opendental.office import Office
from sandbox.opendental.schema import TABLES

# Resource on the wire → table it is read from.
RESOURCE_TABLE = {
    "payplans": "payplan",
    "payplancharges": "payplancharge",
    "payplanlinks": "payplanlink",
    "payments": "payment",
    "paysplits": "paysplit",
    "patients": "patient",
    "procedurelogs": "procedurelog",
    "adjustments": "adjustment",
    "claimprocs": "claimproc",
    "definitions": "definition",
    "preferences": "preference",
    "clinics": "clinic",
    "providers": "provider",
    "commlogs": "commlog",
}


def key_of(resource: str) -> str:
    return TABLES[RESOURCE_TABLE[resource]].key


def apply(office: Office, resource: str, result: Any) -> Any:
    """The result with every wished-for field replaced."""
    wishes = [wish for wish in office.settings.malformed if wish["resource"] == resource]
    if not wishes:
        return result
    rows = result if isinstance(result, list) else [result]
    for row in rows:
        _spoil(row, resource, wishes)
    return result


def _spoil(row: Any, resource: str, wishes: list[dict[str, Any]]) -> None:
    if not isinstance(row, dict):
        return
    number = row.get(key_of(resource))
    for wish in wishes:
        if wish["pk"] == number:
            row[wish["field"]] = wish["value"]
