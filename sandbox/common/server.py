"""Starts one sandbox process: threaded HTTP/1.1 on loopback, options every sandbox takes, a clean stop."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server


class QuietHandler(WSGIRequestHandler):
    """Keep-alive, and no line per request on the terminal."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        logging.getLogger("sandbox.requests").debug("%s %s", self.requestline, code)


def options(description: str) -> argparse.ArgumentParser:
    """--port, --state (folder of the SQLite files) and --clock (the clock file)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--clock", type=Path, required=True)
    return parser


def serve(app: Any, port: int) -> None:
    """Serve until SIGTERM or SIGINT; only ever on 127.0.0.1."""
    signal.signal(signal.SIGTERM, _stop)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
