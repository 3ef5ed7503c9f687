"""python -m sandbox.opendental --port P --state DIR --clock FILE."""

from __future__ import annotations

import resource

from sandbox.common.clock import Clock
from sandbox.common.server import options, serve
from sandbox.opendental.app import create_app


def allow_many_files() -> None:
    """An office is three open files per connection, and tests open hundreds of offices: ask for all one may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    allow_many_files()
    asked = options("Open Dental sandbox").parse_args()
    serve(create_app(asked.state, Clock(asked.clock)), asked.port)


if __name__ == "__main__":
    main()
