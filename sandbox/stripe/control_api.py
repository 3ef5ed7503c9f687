"""The control API, /_sandbox/…, for tests and for the demo."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request

from sandbox.stripe.control import Control
from sandbox.stripe.dispute_control import DisputeControl
from sandbox.stripe.payout_control import PayoutControl
from sandbox.stripe.reader_control import ReaderControl
from sandbox.stripe.wire import JSON, ApiError


def add_routes(app: Flask, control: Control, at_readers: ReaderControl) -> None:
    blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")
    payouts, disputes = PayoutControl(control), DisputeControl(control)
    actions: dict[str, Callable[[JSON], JSON]] = {
        "reset": control.reset,
        "accounts": control.account,
        "webhooks": control.webhooks,
        "webhook-faults": control.webhook_faults,
        "troubles": control.troubles,
        "refunds/next": control.next_refunds,
        "wishes/forget": control.forget_wishes,
        "cards": control.cards,
        "cards/expire": control.expire_card,
        "save_card": control.save_card,
        "intents/<id>/finish": control.finish_intent,
        "refunds/<id>/finish": control.finish_refund,
        "payouts/make": payouts.make,
        "payouts/<id>/finish": payouts.finish,
        "balance/line": payouts.line,
        "disputes/open": disputes.open,
        "disputes/<id>/finish": disputes.finish,
        "webhooks/resend": control.resend,
        "devices": at_readers.unpack,
        "readers/faults": at_readers.trouble,
        "readers/<id>/present": at_readers.present,
        "readers/<id>/cancel": at_readers.cancel,
        "readers/<id>/plug": at_readers.plug,
    }
    for path, action in actions.items():
        blueprint.add_url_rule(f"/{path}", path.replace("/", "-"), _posted(action), methods=["POST"])
    looks: dict[str, Callable[[], Any]] = {
        "health": lambda: {"ok": True, "service": "stripe"},
        "state": control.state,
        "requests": lambda: control.requests(request.args.get("path", ""), request.args.get("key", "")),
        "devices": at_readers.devices,
        "readers": at_readers.readers,
        "deliveries": lambda: control.deliveries(request.args.get("event", "")),
    }
    for path, look in looks.items():
        blueprint.add_url_rule(f"/{path}", f"see-{path}", _shown(look))
    app.register_blueprint(blueprint)


def _shown(look: Callable[[], Any]) -> Callable[[], Response]:
    return lambda: jsonify(look())


def _posted(action: Callable[[JSON], JSON]) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        wish: JSON = {**(request.get_json(silent=True) or {}), **ids}
        try:
            return jsonify(action(wish))
        except ApiError as error:
            return Response(json.dumps(error.body), error.status, content_type="application/json")
        except KeyError as error:
            body = {"error": {"message": f"Send {error.args[0]}.", "type": "invalid_request_error"}}
            return Response(json.dumps(body), 400, content_type="application/json")

    return view
