"""Templates, the outbox and the channels (SMS, e-mail)."""
