"""The API's resources; importing this package registers every endpoint."""

from sandbox.opendental.resources import (
    accountmodules,
    adjustments,
    claimprocs,
    commlogs,
    documents,
    patients,
    payments,
    payplancharges,
    payplanlinks,
    payplans,
    paysplits,
    procedurelogs,
    queries,
    reference,
    trail,
)

__all__ = [
    "accountmodules",
    "adjustments",
    "claimprocs",
    "commlogs",
    "documents",
    "patients",
    "payments",
    "payplancharges",
    "payplanlinks",
    "payplans",
    "paysplits",
    "procedurelogs",
    "queries",
    "reference",
    "trail",
]
