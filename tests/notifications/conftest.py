"""The messaging sandbox as the practice's carrier and mail server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from notifications.models import MessagingAccount
from patients.models import Patient
from practices.models import Practice
from tests import factories, outside
from tests.factories import LONG_AGO

SID = "AC00000000000000000000000000000001"
TOKEN = "sandbox-token"
OUR_NUMBER = "+12125550100"


@pytest.fixture(scope="session")
def carrier_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[outside.Outside]:
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    folder: Path = tmp_path_factory.mktemp("messaging")
    running = outside.start("sandbox.messaging", folder, "--smtp-port", str(outside.free_port()))
    yield running
    running.stop()


@pytest.fixture
def carrier(carrier_process: outside.Outside) -> outside.Outside:
    """The sandbox with nothing in it but our number."""
    carrier_process.http.post("/_sandbox/reset").raise_for_status()
    carrier_process.http.delete("/_sandbox/faults").raise_for_status()
    number = {"number": OUR_NUMBER, "inbound_url": ""}
    carrier_process.http.post("/_sandbox/numbers", json=number).raise_for_status()
    return carrier_process


@pytest.fixture
def account(carrier: outside.Outside, practice: Practice) -> MessagingAccount:
    return MessagingAccount.objects.create(
        practice=practice, base_url=carrier.url, sid=SID, token=TOKEN, from_number=OUR_NUMBER, connected_at=LONG_AGO
    )


@pytest.fixture
def mail_server(carrier: outside.Outside, settings: Any) -> outside.Outside:
    """Django's e-mail goes to the sandbox by SMTP."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = carrier.http.get("/_sandbox/health").json()["smtp_port"]
    return carrier


@pytest.fixture
def ana(practice: Practice) -> Patient:
    """May be texted, has an e-mail address, lives by the practice's clock."""
    patient: Patient = factories.PatientFactory.create(practice=practice)
    return patient


def texts(carrier: outside.Outside, **filters: str) -> list[dict[str, Any]]:
    """What went out, oldest first."""
    found: list[dict[str, Any]] = carrier.http.get("/_sandbox/messages", params=filters).json()
    return [one for one in found if one["direction"] != "inbound"]


@pytest.fixture(autouse=True)
def _static_folder(settings: Any, tmp_path: Path) -> None:
    """WhiteNoise warns about a folder that collectstatic has not made."""
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def web(_static_folder: None, practice: Practice, settings: Any) -> Iterator[str]:
    """KasperPay itself on a port, so that webhooks reach it; its address."""
    server = LiveServer("localhost")
    settings.BASE_URL = server.url
    yield server.url
    server.stop()
