"""Cards whose browser never came back and whose webhook was lost: the hosted page is asked, ever more rarely."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.cache import cache

from cards import saving
from cards.models import CardSetup
from processors.port import UnableToReachProcessor

logger = logging.getLogger(__name__)

FIRST_LOOK = timedelta(minutes=10)
# A hosted page lives 24 hours; after that nothing can come of it.
GIVE_UP = timedelta(hours=26)


def pick_up(*, now: datetime) -> int:
    """Take over forgotten cards of the practice in scope; returns how many. A page is asked after 10, 20, 40 … min."""
    waiting = CardSetup.objects.filter(state=CardSetup.State.OPEN, created_at__lte=now - FIRST_LOOK)
    waiting.filter(created_at__lte=now - GIVE_UP).update(state=CardSetup.State.EXPIRED)
    return sum(_look(setup, now) for setup in waiting.exclude(session="").order_by("pk")[:200])


def _look(setup: CardSetup, now: datetime) -> bool:
    age = now - setup.created_at
    # The mark lasts as long as the page is old, so the next look comes at twice the age. Losing it costs one call.
    if not cache.add(f"card-setup-look:{setup.pk}", 1, timeout=int(age.total_seconds())):
        return False
    try:
        return saving.finish(setup.uuid, now=now) is not None
    except UnableToReachProcessor as error:
        logger.warning("Unable to look at card page %s: %s", setup.pk, error)
        return False
