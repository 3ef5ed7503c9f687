"""Runs every check over one snapshot of the books."""

from __future__ import annotations

from ops.audit.books import Books
from ops.audit.checks import (
    alarms,
    captures,
    consents,
    disputes,
    fees,
    installments,
    limits,
    messages,
    moves,
    payouts,
    plan_work,
    postings,
    presented,
    refunds,
    requests,
    sales,
    stuck,
    terminals,
    trail,
)
from ops.audit.violations import Violation
from ops.audit.world import World, open_world

CHECKS = (
    *captures.CHECKS,
    *presented.CHECKS,
    *postings.CHECKS,
    *refunds.CHECKS,
    *moves.CHECKS,
    *disputes.CHECKS,
    *payouts.CHECKS,
    *installments.CHECKS,
    *sales.CHECKS,
    *requests.CHECKS,
    *fees.CHECKS,
    *plan_work.CHECKS,
    *consents.CHECKS,
    *terminals.CHECKS,
    *messages.CHECKS,
    *stuck.CHECKS,
    *alarms.CHECKS,
    *limits.CHECKS,
    *trail.CHECKS,
)


def audit(books: Books) -> list[Violation]:
    """Everything that is wrong, in the order of the checks; [] when the books agree."""
    with open_world(books) as world:
        return violations_in(world)


def violations_in(world: World) -> list[Violation]:
    return [Violation(check.__name__, text) for check in CHECKS for text in check(world)]
