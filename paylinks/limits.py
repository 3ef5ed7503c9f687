"""How often one address may ask for patient pages. Links can't be guessed (128 bits); this keeps robots cheap."""

from __future__ import annotations

import logging

from django.core.cache import cache
from redis.exceptions import RedisError

# A page that waits for a charge reloads itself every few seconds, and a family shares an address.
PAGES_PER_MINUTE = 240
WRONG_LINKS_PER_MINUTE = 20
log = logging.getLogger(__name__)


def is_over(ip: str) -> bool:
    """Count this page; True when the address had its share of this minute, of pages or of wrong links."""
    return _count(f"link-pages:{ip}") > PAGES_PER_MINUTE or _seen(f"link-misses:{ip}") >= WRONG_LINKS_PER_MINUTE


def miss(ip: str) -> None:
    """Count a link that does not exist."""
    _count(f"link-misses:{ip}")


def _count(key: str) -> int:
    try:
        cache.add(key, 0, timeout=60)
        return int(cache.incr(key))
    except ValueError:
        return 1  # The minute ended between the two calls.
    except RedisError:
        # Paying matters more than counting.
        log.exception("Unable to count pages")
        return 0


def _seen(key: str) -> int:
    try:
        return int(cache.get(key, 0))
    except RedisError:
        log.exception("Unable to count pages")
        return 0
