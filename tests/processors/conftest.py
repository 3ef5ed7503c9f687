"""A person with a card that works at the sandbox Stripe."""

from __future__ import annotations

import pytest

from cards.models import Card
from patients.models import Patient
from practices.models import Practice
from tests import factories
from tests.plugins.stripe import Shop


@pytest.fixture
def ana(practice: Practice) -> Patient:
    patient: Patient = factories.PatientFactory.create(practice=practice)
    return patient


@pytest.fixture
def card(shop: Shop, ana: Patient) -> Card:
    return shop.card(ana)
