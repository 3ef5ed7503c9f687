"""The Stripe adapter: the only package that imports the stripe library. Turns its answers into our outcomes.

Facts about stripe 16.1.0: it does not retry unless asked, and HTTP 409 and 429 carry their code in `e.error.code` only.
"""

from processors.stripe.account import StripeProcessor
from processors.stripe.events import ProcessorEvent, UnableToTrustEvent, read_event

__all__ = ["ProcessorEvent", "StripeProcessor", "UnableToTrustEvent", "read_event"]
