"""bin/run: start everything, say where it is, watch it until Ctrl-C."""

from __future__ import annotations

import json
import os
import sys
import time
from time import monotonic

from ops import options, places, smokerun, stack
from ops.console import UnableToStart, note, say
from ops.options import Options
from ops.outside import PAGES
from ops.places import Places
from ops.stack import Running

WATCH_SECONDS = 0.2
INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """The exit code: 0 after Ctrl-C or a good smoke run, 1 when it could not start or the walk failed, 130 when cut."""
    wish = options.parse(arguments)
    try:
        return smokerun.run(as_json=wish.json) if wish.smoke else _serve(wish)
    except KeyboardInterrupt:
        # While starting or walking; once it runs, Ctrl-C is the ordinary end.
        return INTERRUPTED
    except UnableToStart as error:
        note(f"KasperPay cannot start: {error}")
    except OSError as error:
        note(f"KasperPay cannot go on: {error.strerror}: {error.filename or wish.data}")
    return 1


def _serve(wish: Options) -> int:
    began = monotonic()
    place = Places(wish.data)
    place.prepare()
    with places.hold_lock(place.data):
        if wish.reset:
            _start_over(place, sure=wish.yes)
        chosen = stack.choose_ports(place, wish.ports, any_free=wish.any_free)
        with stack.running(place, chosen) as running:
            _watch(running, seconds=monotonic() - began)
    return 0


def _watch(running: Running, *, seconds: float) -> None:
    try:
        _greet(running, seconds)
        while True:
            running.supervisor.watch()
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        note("\nStopping ...")


def _start_over(place: Places, *, sure: bool) -> None:
    if "DATABASE_URL" in os.environ:
        raise UnableToStart("--reset deletes only what bin/run made. Empty the database of DATABASE_URL yourself.")
    if not sure:
        if not sys.stdin.isatty():
            raise UnableToStart("--reset deletes all data; without a terminal to ask on, add --yes.")
        if input(f"Delete everything in {place.data} and start over? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise UnableToStart("nothing was deleted.")
    stack.forget(place)
    place.prepare()


def _greet(running: Running, seconds: float) -> None:
    say(f"\nKasperPay is running: {running.web}   (started in {seconds:.1f} s, Ctrl-C stops it)\n")
    for sign_in in _sign_ins(running.places):
        say(f"  Sign in as {sign_in['role']:<14} {sign_in['email']}   password {sign_in['password']}")
    say(f"\n  Sandbox: clock and faults      {running.outside.control}")
    for name, title in PAGES.items():
        say(f"           {title:<20}  {getattr(running.outside, name)}")
    say(f"  Logs and data in {running.places.data}\n")


def _sign_ins(place: Places) -> list[dict[str, str]]:
    return list(json.loads(place.demo.read_text())["sign_ins"]) if place.demo.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
