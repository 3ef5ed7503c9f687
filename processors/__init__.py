"""The port to card processors, the Stripe adapter and each practice's account."""
