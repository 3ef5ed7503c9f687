"""Runs the sandbox Stripe: `python -m sandbox.stripe --port P --state DIR --clock FILE`."""

from __future__ import annotations

import argparse

from sandbox.common import server
from sandbox.common.clock import Clock
from sandbox.stripe import accounts
from sandbox.stripe.app import make
from sandbox.stripe.books import Books
from sandbox.stripe.control import Control
from sandbox.stripe.delivery import Courier


def main() -> None:
    parser = server.options("The sandbox Stripe.")
    parser.add_argument("--secret-key", help="register this test key at the start")
    parser.add_argument("--name", help="the practice line on this key's hosted pages")
    parser.add_argument("--webhook", help="send the key's events to this URL")
    parser.add_argument("--webhook-secret", help="and sign them with this secret")
    parser.add_argument("--public-url", help="how browsers reach this process, when not by 127.0.0.1 and the port")
    wish = parser.parse_args()
    if wish.webhook and not (wish.secret_key and wish.webhook_secret):
        parser.error("--webhook needs --secret-key and --webhook-secret")
    books = Books(wish.state, Clock(wish.clock))
    books.host = wish.public_url or f"http://127.0.0.1:{wish.port}"
    app = make(books, lambda: prepare(books, wish))
    Courier(books).start()
    server.serve(app, wish.port)


def prepare(books: Books, wish: argparse.Namespace) -> None:
    """The key and the endpoint of the command line; the same ones again after a restart."""
    if wish.secret_key:
        accounts.register(books, wish.secret_key, wish.name)
    if wish.webhook:
        fields = {"account_key": wish.secret_key, "url": wish.webhook, "secret": wish.webhook_secret}
        Control(books, lambda: None).webhooks(fields)


main()
