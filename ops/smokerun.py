"""bin/run --smoke: the whole stack on free ports in a temporary folder, the main job walked over HTTP, one answer."""

from __future__ import annotations

import json
import tempfile
import traceback
from collections.abc import Mapping
from time import monotonic

import httpx

from ops import postgres, product, smoke, stack
from ops.browser import UnableToWalk
from ops.console import UnableToStart, last_lines, note, say
from ops.places import Places
from ops.stack import Running

# The timetable runs ten times as often, so that nobody waits for it.
BEAT_SCALE = "0.1"
# Of a cold start's 60 seconds 20 are for installing the packages.
FIRST_START_SECONDS, WARM_START_SECONDS = 40.0, 5.0


def run(*, as_json: bool) -> int:
    """Start, walk, stop, remove; exit code 0 only if everything the walk answers with yes or no is a yes."""
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="kasperpay-smoke-") as folder:
        place = stack.temporary_folder(folder)
        try:
            seen = _start_and_walk(place)
        except UnableToStart as error:
            seen = {"error": str(error)}
        finally:
            postgres.remove(place.data)
    seen["seconds"] = round(monotonic() - began, 1)
    _report(seen, as_json=as_json)
    return 0 if is_good(seen) else 1


def is_good(seen: dict[str, object]) -> bool:
    """Every yes-or-no in the answer is a yes, and no error is named."""
    return "error" not in seen and all(value for value in seen.values() if isinstance(value, bool))


def _start_and_walk(place: Places) -> dict[str, object]:
    place.prepare()
    chosen = stack.choose_ports(place, {}, any_free=True)
    began = monotonic()
    with stack.running(place, chosen, BEAT_SCALE=BEAT_SCALE) as running:
        first = monotonic() - began
        running.supervisor.wait(product.WORKERS)
        seen = _walk(running)
        seen["all_processes_alive"] = not running.supervisor.dead()
    if is_good(seen):
        seen |= _start_times(first, _start_again(place, chosen))
    if not is_good(seen):
        _show_logs(place)
    return seen


def _start_again(place: Places, chosen: Mapping[str, int]) -> float:
    """Seconds until pages answer when everything is set up already."""
    began = monotonic()
    with stack.running(place, chosen) as running:
        seconds = monotonic() - began
        httpx.get(f"{running.web}/sign-in/", trust_env=False, timeout=10).raise_for_status()
    return seconds


def _start_times(first: float, again: float) -> dict[str, object]:
    """`first` is with migrations and demo, without the packages, which bin/run installs before this program runs."""
    return {
        "first_start_seconds": round(first, 1),
        "warm_start_seconds": round(again, 1),
        "starts_in_time": first <= FIRST_START_SECONDS and again <= WARM_START_SECONDS,
    }


def _walk(running: Running) -> dict[str, object]:
    try:
        return smoke.walk(running)
    except (UnableToWalk, httpx.HTTPError, AssertionError, LookupError, ValueError) as error:
        note("".join(traceback.format_exception(error)))
        return {"error": f"{type(error).__name__}: {error}"}


def _show_logs(place: Places) -> None:
    for log in sorted(place.log.glob("*.log")):
        note(f"--- {log.name}\n{last_lines(log, 40)}")


def _report(seen: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(seen))
    else:
        for name, value in seen.items():
            say(f"  {name:<24}{value}")
