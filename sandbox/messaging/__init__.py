"""The carrier and the mail server of the outside world: Twilio's REST API, SMTP, and an inbox page with phones."""
