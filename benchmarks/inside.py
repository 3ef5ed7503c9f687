"""The process of one measurement: Django is set up, the database migrated, then benchmarks/NAME.py is run."""

from __future__ import annotations

import importlib
import signal
import sys

import django
from django.core.management import call_command
from django.db import connections


def main(arguments: list[str]) -> int:
    """Exit code of the measurement named first."""
    # Whoever ends us wants our children gone too: the usual way out stops them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    django.setup()
    call_command("migrate", database="owner", verbosity=0)
    connections["owner"].close()
    code: int = importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
