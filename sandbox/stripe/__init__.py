"""Stripe as a process of its own: accounts, intents, charges, hosted card page, signed webhooks. Imports no app."""
