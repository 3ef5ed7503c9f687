"""python -m sandbox.opendental --port P --state DIR --clock FILE."""

from __future__ import annotations

from sandbox.common.clock import Clock
from sandbox.common.server import options, serve
from sandbox.opendental.app import create_app


def main() -> None:
    asked = options("Open Dental sandbox").parse_args()
    serve(create_app(asked.state, Clock(asked.clock)), asked.port)


if __name__ == "__main__":
    main()
