"""bin/bench fairness: healthy offices beside offices that hang, refuse or throttle.

The product's own tasks on threads as in the default worker, fake offices on loopback; all their times shrunk alike.
"""

from __future__ import annotations

from benchmarks import printing
from benchmarks.running import processes
from benchmarks.town import Seen, Size, Town
from ops import ports

# As in the issue: of a thousand offices 50 hang, 50 refuse connections, 50 throttle.
FULL = Size(offices=1_000, each_sick=50, scale=0.25, seconds=120, postings=300)
TINY = Size(offices=60, each_sick=3, scale=0.5, seconds=40, postings=40)
# An office answers within this.
DELAY_SECONDS = 0.02
HEAD = ("", "sync age p50", "p95", "posting p50", "p95", "pulls", "questions to sick offices")


def main(argv: list[str]) -> int:
    wish = printing.options("How much sick offices cost the healthy ones.", argv)
    out = printing.Report(only_json=wish.json)
    size = TINY if wish.tiny else FULL
    with processes() as world:
        port = ports.free_port()
        world.python("benchmarks.offices", "--port", str(port), "--delay", str(DELAY_SECONDS), port=port)
        world.ready()
        town = Town(size, port)
        town.warm()
        alone, beside = town.run(sick=False), town.run(sick=True)
    out.say(f"{size.offices} offices, {size.sick} of them sick; 8 threads; seconds of the shrunk clock x {size.scale}.")
    out.table(HEAD, [_row("all healthy", alone), _row("with sick ones", beside)])
    return out.end(
        bench="fairness",
        offices=size.offices,
        sick=size.sick,
        scale=size.scale,
        sync_ratio=_ratio(beside.sync_p50, alone.sync_p50),
        onset_sync_ratio=_ratio(beside.onset_sync_p50, alone.onset_sync_p50),
        sync_p95_ratio=_ratio(beside.sync_p95, alone.sync_p95),
        posting_ratio=_ratio(beside.posting_p50, alone.posting_p50),
        posting_p95_ratio=_ratio(beside.posting_p95, alone.posting_p95),
        sync_seconds=round(alone.sync_p50, 2),
        posting_seconds=round(alone.posting_p50, 2),
        opened=beside.opened,
        unposted=alone.unposted + beside.unposted,
        errors=alone.errors + beside.errors,
    )


def _row(name: str, seen: Seen) -> tuple[object, ...]:
    times = (seen.sync_p50, seen.sync_p95, seen.posting_p50, seen.posting_p95)
    return (name, *(f"{seconds:.2f} s" for seconds in times), seen.pulls, seen.asked_sick)


def _ratio(ours: float, base: float) -> float:
    return round(ours / base, 3) if base else 0.0
