"""Saved cards, autopay and consent records."""
