"""Documents: metadata, and Upload of a file as base64."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, wire
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.records import find, insert, stamp, where
from sandbox.opendental.resources.payplans import patient_of

LONGEST = 16_800_000


def document_json(call: Call, row: Row) -> dict[str, Any]:
    category = find(call.office.books, "definition", row["DocCategory"])
    return {
        "DocNum": row["DocNum"],
        "Description": row["Description"],
        "DateCreated": row["DateCreated"],
        "DocCategory": row["DocCategory"],
        "docCategory": category["ItemName"] if category else "",
        "PatNum": row["PatNum"],
        "FileName": row["FileName"],
        "ImgType": enums.name(enums.IMAGE_TYPE, row["ImgType"]),
        "ToothNumbers": row["ToothNumbers"],
        "DateTStamp": row["DateTStamp"],
        "ProvNum": row["ProvNum"],
        "PrintHeading": wire.flag(row["PrintHeading"]),
    }


@endpoint("GET", "/documents/<int:number>", since="24.2.32")
def single(call: Call, number: int) -> dict[str, Any]:
    row = find(call.office.books, "document", number)
    if row is None:
        raise not_found("Document not found.")
    return document_json(call, row)


@endpoint("GET", "/documents", since="21.2")
def multiple(call: Call) -> list[dict[str, Any]]:
    patient = call.number("PatNum")
    if patient is None:
        raise bad("PatNum is required.")
    rows = where(call.office.books, "document", PatNum=patient_of(call, patient)["PatNum"])
    return [document_json(call, row) for row in rows]


def _teeth(text: str) -> str:
    """ "1-3,9" → "1,2,3,9"."""
    found: list[str] = []
    for part in filter(None, text.replace(" ", "").split(",")):
        first, _, last = part.partition("-")
        if last and first.isdigit() and last.isdigit():
            found += map(str, range(int(first), min(int(last), 32) + 1))
        else:
            found.append(part)
    return ",".join(found)


@endpoint("POST", "/documents/Upload", permission="ApiDocuments")
def upload(call: Call) -> dict[str, Any]:
    wire.required(call.body, "PatNum", "rawBase64", "extension")
    if len(str(call.body["rawBase64"])) > LONGEST:
        raise bad("The request body is too large.")
    patient = patient_of(call, wire.integer(call.body, "PatNum"))
    categories = where(call.office.books, "definition", Category=18)
    category = wire.integer(call.body, "DocCategory", categories[0]["DefNum"] if categories else 0)
    if category not in [row["DefNum"] for row in categories]:
        raise not_found("DocCategory not found.")
    number = insert(
        call.office.books,
        "document",
        PatNum=patient["PatNum"],
        DocCategory=category,
        Description=wire.text(call.body, "Description"),
        DateCreated=wire.moment_of(call.body, "DateCreated", stamp(call.now)),
        ImgType=wire.choice(call.body, "ImgType", enums.IMAGE_TYPE, "Document"),
        ToothNumbers=_teeth(wire.text(call.body, "ToothNumbers")),
        FileName="x",
        RawBase64=wire.text(call.body, "rawBase64"),
        DateTStamp=stamp(call.now),
    )
    return single(call, number)
