"""The naive way, as a tutorial would write it: a Celery task with one transaction around the call to the processor."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import django

django.setup()

import stripe  # noqa: E402 - models need the set-up above
from celery import Celery  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402

from payments.models import DuePart  # noqa: E402
from payplans.models import Installment  # noqa: E402
from practices import tenancy  # noqa: E402

app = Celery("textbook", broker=settings.REDIS_URL)
app.conf.update(task_ignore_result=True, task_default_queue="textbook", worker_hijack_root_logger=False)


@app.task
def charge(practice_id: int, due_part_id: int) -> None:
    with tenancy.scope(practice_id), transaction.atomic():
        part = DuePart.objects.select_for_update().get(pk=due_part_id)
        installment = Installment.objects.get(due_parts=part)
        create_and_confirm(part.amount_cents)
        part.state, installment.status = DuePart.State.PAID, Installment.Status.PAID
        installment.collected_cents = part.amount_cents
        part.save(update_fields=["state"])
        installment.save(update_fields=["status", "collected_cents"])


def create_and_confirm(cents: int) -> None:
    """The two calls of every charge here: ours, the bare loop's and the textbook's."""
    made = client().payment_intents.create({"amount": cents, "currency": "usd", "description": "Account balance"})
    client().payment_intents.confirm(made.id, {"off_session": True})


@cache
def client() -> Any:
    """One client a process, as the product has."""
    http = stripe.RequestsClient(timeout=(5, 30))
    return stripe.StripeClient(
        "sk_test_floor", base_addresses={"api": os.environ["BENCH_PROCESSOR"]}, http_client=http
    ).v1
