"""Runs the sandbox Stripe: `python -m sandbox.stripe --port P --state DIR --clock FILE`."""

from __future__ import annotations

from sandbox.common import server
from sandbox.common.clock import Clock
from sandbox.stripe import accounts
from sandbox.stripe.app import make
from sandbox.stripe.books import Books


def main() -> None:
    parser = server.options("The sandbox Stripe.")
    parser.add_argument("--secret-key", help="register this test key at the start")
    parser.add_argument("--name", help="the practice line on this key's hosted pages")
    wish = parser.parse_args()
    books = Books(wish.state, Clock(wish.clock))
    books.host = f"http://127.0.0.1:{wish.port}"
    if wish.secret_key:
        accounts.register(books, wish.secret_key, wish.name)
    server.serve(make(books), wish.port)


main()
