"""The event trail: every state of an attempt and a posting was reached with an event that says who and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ops.audit.world import World

ENDINGS = {"SUCCEEDED": "payment_succeeded", "DECLINED": "payment_declined", "NOT_TAKEN": "payment_not_taken"}
# What a posting in this state must have gone through.
STEPS = {
    "SENDING": ["posting_sending"],
    "UNCLEAR": ["posting_sending", "posting_unclear"],
    "POSTED": ["posting_sending", "posting_posted"],
    "MATCHED": ["posting_sending", "posting_posted", "posting_matched"],
    "MISMATCH": ["posting_sending", "posting_mismatch"],
    "REFUSED": ["posting_refused"],
    "MARKED": ["posting_marked"],
}


def attempts_have_their_events(world: World) -> Iterator[str]:
    """One start; exactly one ending, and that of its state."""
    kinds = world.events_about("attempt")
    for row in world.rows("payments_attempt"):
        found = kinds.get(row["id"], Counter())
        ending = ENDINGS.get(row["state"])
        endings = {kind: found[kind] for kind in ENDINGS.values() if found[kind]}
        # Cash is taken when it is written down; what a restored database was taught has no start here, unless it was
        # open in the backup.
        starts = {0} if row["channel"] == "RECORDED" else {0, 1} if row["recovered_at"] else {1}
        if found["attempt_started"] not in starts or endings != ({ending: 1} if ending else {}):
            yield f"attempt {row['id']} is {row['state']}, its events are {dict(sorted(found.items()))}"


def postings_have_their_events(world: World) -> Iterator[str]:
    kinds = world.events_about("posting")
    for row in world.rows("payments_ledgerposting"):
        found = kinds.get(row["id"], Counter())
        missing = [kind for kind in STEPS.get(row["state"], []) if not found[kind]]
        if missing:
            yield f"posting {row['id']} is {row['state']} without the events {missing}"


def marks_name_a_person_and_a_reason(world: World) -> Iterator[str]:
    """Nothing was compared, so at least it is known whose word was taken, and on what ground."""
    told = {
        row["about"]["posting"]: row for row in sorted(world.events_of("posting_marked"), key=lambda row: row["id"])
    }
    for row in world.rows("payments_ledgerposting"):
        event = told.get(row["id"])
        if row["state"] != "MARKED" or event is None:
            continue  # Without any event postings_have_their_events says so.
        if not event["actor"].startswith("user:") or not event["text"].strip() or not row["state_reason"].strip():
            yield f"posting {row['id']} is marked as posted by hand by {event['actor']} for {event['text']!r}"


def alarms_closed_by_hand_have_their_event(world: World) -> Iterator[str]:
    """Who said that it is dealt with stands in the trail, too."""
    closed = Counter((row["practice_id"], row["actor"], row["text"]) for row in world.events_of("alarm_closed"))
    for row in world.rows("payments_alarm"):
        if row["closed_by"].startswith("user:") and not closed[(row["practice_id"], row["closed_by"], row["text"])]:
            yield f"alarm {row['id']} was closed by {row['closed_by']} without an event"


CHECKS = (
    attempts_have_their_events,
    postings_have_their_events,
    marks_name_a_person_and_a_reason,
    alarms_closed_by_hand_have_their_event,
)
