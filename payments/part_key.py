"""What stands at the processor beside each try, so that a restored database can tell which money it was.

A keyed digest: it names nobody, and only who has the secret key can tell what it stands for.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date

from django.conf import settings

from payments.models import DuePart
from payplans.models import Installment


def of(part: DuePart) -> str:
    """32 characters for one installment, the same in every copy of the database; '' for what is no installment."""
    return _key(part.installment, part.installment.first_due_date, part.practice.slug) if part.installment else ""


def _key(installment: Installment, day: date, slug: str) -> str:
    """Row ids don't survive a restore; the office's plan number and the day do."""
    text = f"part:{slug}:{installment.plan.pay_plan_num}:{day}:{int(installment.is_down_payment)}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def matches(installment: Installment, wanted: str, *, slug: str) -> bool:
    """Whether this is the installment a key was made of. Open Dental may have moved its day since."""
    days = {installment.first_due_date, installment.due_date}
    return bool(wanted) and any(hmac.compare_digest(_key(installment, day, slug), wanted) for day in days)
