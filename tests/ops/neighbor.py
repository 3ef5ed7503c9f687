"""A process of another machine that waits for turns and says when it had them: -m tests.ops.neighbor WHAT COUNT KEY."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import django


def main() -> None:
    what, count, key = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kasperpay.settings")
    django.setup()
    step = {"processor": _processor, "office": _office, "job": _job}[what](key)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    turns = [turn for turn in (step() for _ in range(count)) if turn]
    sys.stdout.write(json.dumps(turns) + "\n")


Turn = tuple[float, float]


def _processor(key: str) -> Callable[[], Turn | None]:
    from processors.limits import Lane
    from processors.models import ProcessorAccount

    lane = Lane(ProcessorAccount(base_url="http://127.0.0.1:9", secret_key=key), "confirm")

    def call() -> Turn:
        lane.wait()
        return time.time(), time.time()

    return call


def _office(key: str) -> Callable[[], Turn | None]:
    from opendental import pacing

    lane = pacing.Lane(key, 0.5, urgent=False)

    def call() -> Turn:
        with pacing.turn(lane, "GET /patients"):
            began = time.time()
            time.sleep(0.1)
            return began, time.time()

    return call


def _job(key: str) -> Callable[[], Turn | None]:
    from opendental.turns import only_one

    def call() -> Turn | None:
        with only_one("pull", int(key)) as turn:
            began = time.time()
            time.sleep(0.02)
            return (began, time.time()) if turn else None

    return call


if __name__ == "__main__":
    main()
