"""python -m sandbox.control --port P --state DIR --clock FILE [--zone America/New_York] --link "Name=url" …"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sandbox.common.clock import Clock
from sandbox.common.faults import Faults
from sandbox.common.server import options, serve
from sandbox.control.app import Link, create_app


def main() -> None:
    parser = options("The movable clock and an index of the sandbox's pages")
    parser.add_argument("--zone", type=ZoneInfo, default=ZoneInfo("America/New_York"))
    parser.add_argument("--link", type=_link, action="append", default=[])
    given = parser.parse_args()
    serve(Faults(create_app(Clock(given.clock), given.zone, given.link)), given.port)


def _link(text: str) -> Link:
    name, separator, url = text.partition("=")
    if not separator:
        raise ValueError(f'a link is "Name=url", not {text!r}')
    return Link(name, url)


if __name__ == "__main__":
    main()
