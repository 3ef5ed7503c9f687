"""The API's resources; importing this package registers every endpoint."""

from sandbox.opendental.resources import (
    payments,
    payplancharges,
    payplans,
    paysplits,
    patients,
    queries,
    reference,
)

__all__ = ["patients", "payments", "payplancharges", "payplans", "paysplits", "queries", "reference"]
