"""The outside world as processes of its own: Open Dental offices, Stripe, SMS and e-mail. Imports no app."""
