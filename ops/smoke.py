"""bin/run --smoke: the whole stack on free ports in a temporary folder, the main job walked over HTTP, one answer."""

from __future__ import annotations

import json
import tempfile
from time import monotonic

from ops import stack
from ops.console import last_lines, note, say
from ops.stack import Running

# The timetable runs ten times as often, so that nobody waits for it.
BEAT_SCALE = "0.1"


def run(*, as_json: bool) -> int:
    """Start, walk, stop, remove; exit code 0 only if everything the walk answers with yes or no is a yes."""
    began = monotonic()
    with tempfile.TemporaryDirectory(prefix="kasperpay-smoke-") as folder:
        place = stack.temporary_folder(folder)
        place.prepare()
        chosen = stack.choose_ports(place, {}, any_free=True)
        try:
            with stack.running(place, chosen, BEAT_SCALE=BEAT_SCALE) as running:
                seen = _attempt(running)
        finally:
            stack.forget(place)
    seen["seconds"] = round(monotonic() - began, 1)
    _report(seen, as_json=as_json)
    return 0 if is_good(seen) else 1


def is_good(seen: dict[str, object]) -> bool:
    """Every yes-or-no in the answer is a yes, and no error is named."""
    return "error" not in seen and all(value for value in seen.values() if isinstance(value, bool))


def walk(running: Running) -> dict[str, object]:
    """The main job, step by step, by the pages a person would use; what was seen at each step."""
    return {"web": running.web}


def _attempt(running: Running) -> dict[str, object]:
    try:
        seen = walk(running)
    except Exception as error:  # noqa: BLE001 (whatever went wrong belongs in the one answer)
        seen = {"error": f"{type(error).__name__}: {error}"}
    dead = running.supervisor.dead()
    seen["all_processes_alive"] = not dead
    if dead or "error" in seen:
        for log in sorted(running.places.log.glob("*.log")):
            note(f"--- {log.name}\n{last_lines(log)}")
    return seen


def _report(seen: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(seen))
    else:
        for name, value in seen.items():
            say(f"  {name:<24}{value}")
