"""The money path: due parts, attempts, settling, payments, the ledger outbox, the webhook inbox."""
