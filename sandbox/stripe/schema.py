"""Tables of the sandbox Stripe, and the look of its ids."""

from __future__ import annotations

import secrets
import string

SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, name TEXT NOT NULL, platform TEXT);
CREATE TABLE IF NOT EXISTS keys (secret TEXT PRIMARY KEY, account TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'active');
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, id TEXT NOT NULL UNIQUE, object TEXT NOT NULL,
  created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_kind ON objects (account, object, created);
CREATE INDEX IF NOT EXISTS objects_customer ON objects (account, object, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_intent ON objects (account, object, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_charge ON objects (account, object, json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS objects_source ON objects (account, object, json_extract(body, '$.source'));
CREATE INDEX IF NOT EXISTS objects_open ON objects (object, json_extract(body, '$.status'));
CREATE INDEX IF NOT EXISTS objects_payout ON objects (account, object, json_extract(body, '$._payout'));
CREATE TABLE IF NOT EXISTS idempotency (
  account TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, created INTEGER NOT NULL,
  status INTEGER, body TEXT, request TEXT NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL, at REAL NOT NULL, business_at INTEGER NOT NULL,
  account TEXT, method TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL, idempotency_key TEXT,
  version TEXT, status INTEGER, replayed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS requests_path ON requests (path);
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, type TEXT NOT NULL, endpoint TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'pending', tries INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL,
  fault TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (status, next_at);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS tries (delivery INTEGER NOT NULL, at REAL NOT NULL, code INTEGER, problem TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wishes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, match TEXT NOT NULL DEFAULT '*', left INTEGER NOT NULL,
  seconds REAL NOT NULL DEFAULT 0, detail TEXT NOT NULL DEFAULT '');
"""
PREFIX = {
    "account": "acct_1",
    "customer": "cus_",
    "payment_method": "pm_1",
    "payment_intent": "pi_3",
    "setup_intent": "seti_1",
    "setup_attempt": "setatt_1",
    "charge": "ch_3",
    "refund": "re_3",
    "dispute": "du_1",
    "balance_transaction": "txn_3",
    "payout": "po_1",
    "event": "evt_1",
    "checkout.session": "cs_test_",
    "webhook_endpoint": "we_1",
    "terminal.location": "tml_",
    "terminal.reader": "tmr_",
    "device": "device_",
}
LENGTH = {"customer": 14, "checkout.session": 58, "terminal.location": 14, "terminal.reader": 14}
# Kinds whose answers carry no `created`.
UNDATED = ("terminal.location", "terminal.reader")
_ALPHABET = string.ascii_letters + string.digits


def new_id(kind: str) -> str:
    return PREFIX[kind] + "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH.get(kind, 23)))
