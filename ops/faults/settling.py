"""After the faults: everything runs, business time passes, and the books come to rest before they are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import psycopg

from ops.faults import clockwork
from ops.faults.founding_facts import zone_of
from ops.faults.spoiling import Spoiler
from ops.faults.world import World

# Rows of KasperPay's own books that still move: not a refund's posting whose payment waits for staff. The auditor
# judges; this only tells when waiting longer is idle.
_MOVING = """
SELECT (SELECT count(*) FROM payments_attempt WHERE state IN ('STARTED', 'PENDING', 'UNKNOWN')),
       (SELECT count(*) FROM payments_ledgerposting p WHERE state IN ('QUEUED', 'SENDING', 'UNCLEAR', 'POSTED')
        AND NOT (movement = 'REFUND' AND EXISTS (SELECT 1 FROM payments_ledgerposting paid
            WHERE paid.payment_id = p.payment_id AND paid.movement = 'PAYMENT'
            AND paid.state IN ('MISMATCH', 'REFUSED')))
        AND NOT (movement = 'MOVE_IN' AND EXISTS (SELECT 1 FROM payments_ledgerposting off
            WHERE off.move_id = p.move_id AND off.movement = 'MOVE_OUT'
            AND off.state IN ('MISMATCH', 'REFUSED', 'BY_HAND')))),
       (SELECT count(*) FROM payments_move m WHERE state = 'ORDERED' AND NOT EXISTS (SELECT 1
            FROM payments_ledgerposting p WHERE p.move_id = m.id AND p.state IN ('MISMATCH', 'REFUSED', 'BY_HAND'))),
       (SELECT count(*) FROM opendental_planorder WHERE state IN ('QUEUED', 'SENDING', 'UNCLEAR', 'READING')),
       (SELECT count(*) FROM payments_refund WHERE state IN ('STARTED', 'UNKNOWN')),
       (SELECT count(*) FROM payments_ledgeradjustment WHERE state IN ('QUEUED', 'SENDING', 'UNCLEAR', 'POSTED')),
       (SELECT count(*) FROM paylinks_requesttry WHERE state <> 'DONE'),
       (SELECT count(*) FROM payments_webhookevent WHERE state = 'NEW'),
       (SELECT count(*) FROM notifications_message WHERE state IN ('SENDING', 'UNKNOWN')),
       (SELECT count(*) FROM payments_attempt WHERE started_at > %(lately)s),
       (SELECT count(*) FROM payments_sale WHERE state = 'OPEN'),
       (SELECT count(*) FROM payments_duepart part JOIN payplans_installment i ON i.id = part.installment_id
        JOIN payplans_payplan plan ON plan.id = i.plan_id JOIN cards_autopay a ON a.plan_id = plan.id
        WHERE part.state = 'OPEN' AND part.hold = '' AND part.wait_reason = '' AND part.next_try_at <= %(lately)s
        AND a.is_on AND NOT plan.is_closed AND plan.gone_at IS NULL AND i.status IN ('PENDING', 'FAILED'))
"""
# So much that is due is still charged while things settle; of more, staff turn the plans' autopay off.
_MOST_DUE = 40
_ROUND_SECONDS = 4.0
_ROUND = timedelta(minutes=5)
# So much business time passes at least, and the last of it without anything moving.
LEAST = timedelta(minutes=40)
_QUIET_ROUNDS = 3


def settle(world: World, spoiler: Spoiler, *, most_seconds: float, tend: Callable[[], None]) -> bool:
    """Let it come to rest, at midday so that nobody waits for the end of the night. False: it did not in time."""
    end = time.monotonic() + most_seconds
    _wait_for_held(spoiler, tend)
    world.finish(world.errand("ops.faults.founding:stop_autopay", _MOST_DUE))
    world.clock.jump(clockwork.until_wall(world.clock.now(), zone_of(0), 12, 30, 0))
    began, quiet = world.clock.now(), 0
    while time.monotonic() < end:
        _let_run(_ROUND_SECONDS, tend)
        quiet = quiet + 1 if at_rest(world) else 0
        if quiet >= _QUIET_ROUNDS and world.clock.now() - began >= LEAST:
            return True
        world.clock.jump(_ROUND)
    return False


def at_rest(world: World) -> bool:
    """Nothing moves, and nothing was begun in the last minutes."""
    return not any(moving(world))


def moving(world: World) -> tuple[int, ...]:
    """Open attempts, postings on their way, moves, plan orders, refunds, discounts, presses on a link, new webhooks,
    texts in doubt, attempts just begun, sales, parts due.
    """
    try:
        return tuple(int(number) for number in world.rows(_MOVING, {"lately": world.clock.now() - _ROUND})[0])
    except psycopg.OperationalError:
        return (1,)


def _wait_for_held(spoiler: Spoiler, tend: Callable[[], None]) -> None:
    """What is held by the sandbox gets through before time jumps."""
    end = time.monotonic() + 12
    while (spoiler.holding() or spoiler.writing()) and time.monotonic() < end:
        _let_run(0.1, tend)


def _let_run(seconds: float, tend: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tend()
        time.sleep(0.05)
