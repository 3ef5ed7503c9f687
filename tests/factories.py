"""Rows for tests. People are invented, numbers are 555-01xx, cards are tokens only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

import factory
from django.contrib.auth.hashers import make_password

from cards.models import Autopay, Card, Consent
from patients.models import Patient
from payments.models import DueCheck, DuePart
from payplans.models import ChargeRow, Installment, PayPlan
from practices.models import Membership, PaymentSettings, Practice, User

# Hashing takes its time by design; once is enough.
_hashed = cache(make_password)
LONG_AGO = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class PracticeFactory(factory.django.DjangoModelFactory[Practice]):
    class Meta:
        model = Practice

    slug = factory.Sequence(lambda n: f"maple-{n}")
    name = "Maple Grove Dental"
    timezone = "America/New_York"
    phone = "(555) 555-0100"


class PaymentSettingsFactory(factory.django.DjangoModelFactory[PaymentSettings]):
    class Meta:
        model = PaymentSettings

    practice = factory.SubFactory(PracticeFactory)


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"desk{n}@example.com")
    name = "Dana Desk"
    password = factory.LazyFunction(lambda: _hashed("correct horse battery"))


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    practice = factory.SubFactory(PracticeFactory)
    role = Membership.Role.ADMIN


class PatientFactory(factory.django.DjangoModelFactory[Patient]):
    class Meta:
        model = Patient

    practice = factory.SubFactory(PracticeFactory)
    pat_num = factory.Sequence(lambda n: 100 + n)
    guarantor_num = factory.SelfAttribute("pat_num")
    first_name = "Ana"
    last_name = "Sample-Ortiz"
    birth_date = date(1986, 3, 14)
    mobile_phone = "+15555550142"
    email = "ana@example.com"
    texting_wish = "Yes"
    synced_at = LONG_AGO


class PayPlanFactory(factory.django.DjangoModelFactory[PayPlan]):
    class Meta:
        model = PayPlan

    practice = factory.SelfAttribute("patient.practice")
    patient = factory.SubFactory(PatientFactory)
    guarantor = factory.SelfAttribute("patient")
    pay_plan_num = factory.Sequence(lambda n: 160 + n)
    kind = PayPlan.Kind.DYNAMIC
    agreed_date = date(2026, 2, 1)
    pay_amount_cents = 128_60
    principal_cents = 643_00
    completed_cents = 643_00
    start_date = date(2026, 3, 10)
    synced_at = LONG_AGO


class InstallmentFactory(factory.django.DjangoModelFactory[Installment]):
    class Meta:
        model = Installment

    practice = factory.SelfAttribute("plan.practice")
    plan = factory.SubFactory(PayPlanFactory)
    due_date = date(2026, 3, 10)
    first_due_date = factory.SelfAttribute("due_date")
    principal_cents = 128_60
    is_issued = True


class ChargeRowFactory(factory.django.DjangoModelFactory[ChargeRow]):
    class Meta:
        model = ChargeRow

    practice = factory.SelfAttribute("installment.practice")
    installment = factory.SubFactory(InstallmentFactory)
    pay_plan_charge_num = factory.Sequence(lambda n: 900 + n)
    charge_date = factory.SelfAttribute("installment.due_date")
    principal_cents = factory.SelfAttribute("installment.principal_cents")
    interest_cents = factory.SelfAttribute("installment.interest_cents")


class CardFactory(factory.django.DjangoModelFactory[Card]):
    class Meta:
        model = Card

    practice = factory.SelfAttribute("patient.practice")
    patient = factory.SubFactory(PatientFactory)
    customer = factory.Sequence(lambda n: f"cus_{n}")
    payment_method = factory.Sequence(lambda n: f"pm_{n}")
    brand = "visa"
    last4 = "4242"
    exp_month = 10
    exp_year = 2030
    funding = "credit"
    fingerprint = factory.Sequence(lambda n: f"fp_{n}")
    is_primary = True
    saved_at = LONG_AGO


class ConsentFactory(factory.django.DjangoModelFactory[Consent]):
    class Meta:
        model = Consent

    practice = factory.SelfAttribute("card.practice")
    kind = Consent.Kind.AUTOPAY
    card = factory.SubFactory(CardFactory)
    patient = factory.SelfAttribute("card.patient")
    text = "I agree that Maple Grove Dental charges my card for this plan."
    text_version = "test"
    card_last4 = factory.SelfAttribute("card.last4")
    max_charge_cents = 128_60
    channel = Consent.Channel.STAFF
    given_by = "user:1"
    given_at = LONG_AGO


class AutopayFactory(factory.django.DjangoModelFactory[Autopay]):
    class Meta:
        model = Autopay

    practice = factory.SelfAttribute("plan.practice")
    plan = factory.SubFactory(PayPlanFactory)
    card = factory.SubFactory(CardFactory, patient=factory.SelfAttribute("..plan.guarantor"))
    consent = factory.SubFactory(
        ConsentFactory, card=factory.SelfAttribute("..card"), plan=factory.SelfAttribute("..plan")
    )
    since = LONG_AGO


class DuePartFactory(factory.django.DjangoModelFactory[DuePart]):
    class Meta:
        model = DuePart

    practice = factory.SelfAttribute("installment.practice")
    kind = DuePart.Kind.INSTALLMENT
    installment = factory.SubFactory(InstallmentFactory)
    payer = factory.SelfAttribute("installment.plan.guarantor")
    amount_cents = factory.SelfAttribute("installment.amount_cents")
    next_try_at = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)


class DueCheckFactory(factory.django.DjangoModelFactory[DueCheck]):
    class Meta:
        model = DueCheck

    practice = factory.SelfAttribute("due_part.practice")
    due_part = factory.SubFactory(DuePartFactory)
    checked_at = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
    owed_cents = factory.SelfAttribute("due_part.amount_cents")


def collectable(practice: Practice, **card: object) -> DuePart:
    """A due part that everything speaks for charging on March 10 2026: plan, card, consent, fresh check."""
    patient = PatientFactory(practice=practice)
    plan = PayPlanFactory(patient=patient)
    installment = InstallmentFactory(plan=plan)
    ChargeRowFactory(installment=installment)
    AutopayFactory(plan=plan, card=CardFactory(patient=patient, **card))
    due_part: DuePart = DuePartFactory(installment=installment)
    DueCheckFactory(due_part=due_part)
    return due_part
