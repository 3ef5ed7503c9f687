"""python -m sandbox.messaging --port P --state DIR --clock FILE --smtp-port Q"""

from __future__ import annotations

from sandbox.common.clock import Clock
from sandbox.common.faults import Faults
from sandbox.common.server import options, serve
from sandbox.messaging.app import create_app
from sandbox.messaging.books import Books
from sandbox.messaging.mail import start_mail_server


def main() -> None:
    parser = options("Twilio's REST API, a mail server and an inbox page")
    parser.add_argument("--smtp-port", type=int, required=True)
    given = parser.parse_args()
    books = Books(given.state / "messaging.sqlite3", Clock(given.clock))
    app, delivery = create_app(books, smtp_port=given.smtp_port)
    mail_server = start_mail_server(books, delivery.rules, given.smtp_port)
    delivery.start()
    try:
        serve(Faults(app), given.port)
    finally:
        delivery.stop()
        mail_server.stop()


if __name__ == "__main__":
    main()
