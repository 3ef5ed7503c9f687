"""Practices (tenants), their staff, settings and the event log."""
