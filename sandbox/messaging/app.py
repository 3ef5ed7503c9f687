"""Puts the messaging sandbox together: Twilio's API, the control API and the pages on one Flask app."""

from __future__ import annotations

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from sandbox.messaging.books import Books
from sandbox.messaging.carrier import Carrier
from sandbox.messaging.control import ControlApi
from sandbox.messaging.delivery import Delivery
from sandbox.messaging.pages import inbox_pages
from sandbox.messaging.twilio_api import TwilioApi, refusal


def create_app(books: Books, *, smtp_port: int) -> tuple[Flask, Delivery]:
    """The app and its delivery thread, which the caller starts and stops."""
    app = Flask(__name__)
    delivery = Delivery(books)
    carrier = Carrier(books, delivery)
    app.register_blueprint(TwilioApi(books, carrier).blueprint())
    app.register_blueprint(ControlApi(books, carrier, smtp_port).blueprint())
    app.register_blueprint(inbox_pages(books, carrier))
    app.register_error_handler(HTTPException, _explain)
    return app, delivery


def _explain(error: HTTPException) -> Response:
    """Twilio's shape under its own paths, a short JSON elsewhere."""
    status = error.code or 500
    if request.path.startswith("/2010-04-01"):
        return refusal(status, 20000 + status, f"{request.method} {request.path}: {error.name}")
    answer = jsonify({"error": error.description})
    answer.status_code = status
    return answer
