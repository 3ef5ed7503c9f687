"""bin/bench NAME [--json] [--tiny]: starts the stores, then runs benchmarks/NAME.py in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import stores
from ops import product, stack
from ops.children import ROOT
from ops.console import UnableToStart, note

# No module of the package is a measurement unless it has this.
ENTRY = "def main("
LONGEST_SECONDS = 15 * 60
# These charge in the measuring process itself, which then is what a charge worker is (kasperpay/settings.py).
CHARGING = {"growth"}


def main(arguments: list[str]) -> int:
    """The measurement's exit code; the services are gone afterwards, whatever happened."""
    if not arguments or arguments[0] not in names():
        note(f"Usage: bin/bench NAME [--json] [--tiny], NAME one of: {', '.join(names())}")
        return 2
    # Asked to stop, nothing may be left behind: the child and the stores go on the usual way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with tempfile.TemporaryDirectory(prefix="kasperpay-bench-") as folder:
            place = stack.temporary_folder(folder)
            place.prepare()
            with stores.running(place) as environment:
                prepared = {"PREPARE_STATEMENTS": "true"} if arguments[0] in CHARGING else {}
                return _run(arguments, {**product.clean_environment(), **environment, **prepared})
    except UnableToStart as error:
        note(f"The measurement cannot start: {error}")
    except KeyboardInterrupt:
        note("Interrupted.")
    return 1


def names() -> list[str]:
    """What can be measured: every module of this package with a `main(argv) -> int`, but for the two that start one."""
    files = sorted(Path(__file__).parent.glob("[a-z]*.py"))
    return [file.stem for file in files if file.stem != "inside" and ENTRY in file.read_text()]


def _run(arguments: list[str], environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "benchmarks.inside", *arguments]
    try:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=LONGEST_SECONDS).returncode
    except subprocess.TimeoutExpired:
        note(f"Stopped after {LONGEST_SECONDS} seconds.")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
