"""Who is calling: secret keys, the accounts they open, connected accounts. /v1/account."""

from __future__ import annotations

import base64
import re

from werkzeug.datastructures import Headers

from sandbox.stripe.books import Books, Scope
from sandbox.stripe.schema import new_id
from sandbox.stripe.wire import JSON, ApiError

_TEST_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9_]{3,}")


def sign_in(books: Books, headers: Headers, request: str) -> Scope:
    """The account this request speaks for. 401 without a usable key, 403 for an account that is not its own."""
    key = _key(headers.get("Authorization", ""))
    account = _account_of(books, key)
    wanted = headers.get("Stripe-Account")
    if wanted and wanted != account:
        account = _connected(books, account, wanted)
    return books.scope(account, request, headers.get("Idempotency-Key"))


def _key(header: str) -> str:
    kind, _, value = header.partition(" ")
    if kind == "Basic":
        return base64.b64decode(value + "==").decode(errors="replace").split(":")[0]
    return value.strip() if kind == "Bearer" else ""


def _account_of(books: Books, key: str) -> str:
    if not key:
        raise ApiError(401, "You did not provide an API key.")
    shown = f"{key[:8]}********{key[-4:]}" if len(key) >= 16 else "********"
    if key.startswith(("sk_live_", "rk_live_")):
        raise ApiError(401, f"A live key was sent to the sandbox and refused: {shown}")
    row = books.store.one("SELECT * FROM keys WHERE secret = ?", key)
    if not _TEST_KEY.fullmatch(key) or (row and row["state"] == "revoked"):
        raise ApiError(401, f"Invalid API Key provided: {shown}")
    if row and row["state"] == "restricted":
        raise ApiError(403, "The provided key does not have the required permissions for this endpoint.")
    return row["account"] if row else register(books, key)


def register(books: Books, key: str, name: str | None = None) -> str:
    """The account behind a key, opened on first use; `name` is the practice line of its hosted pages."""
    with books.store.transaction():
        row = books.store.one("SELECT account FROM keys WHERE secret = ?", key)
        account: str = row["account"] if row else open_account(books, None)
        if row is None:
            books.store.run("INSERT INTO keys (secret, account) VALUES (?, ?)", key, account)
        if name:
            books.store.run("UPDATE accounts SET name = ? WHERE id = ?", name, account)
    return account


def open_account(books: Books, platform: str | None, identifier: str | None = None) -> str:
    account = identifier or new_id("account")
    books.store.run(
        "INSERT INTO accounts (id, name, platform) VALUES (?, ?, ?)", account, "Your dental office", platform
    )
    return account


def _connected(books: Books, platform: str, account: str) -> str:
    row = books.store.one("SELECT platform FROM accounts WHERE id = ?", account)
    if row is None and account.startswith("acct_"):
        with books.store.transaction():
            return open_account(books, platform, account)
    if row is None or row["platform"] != platform:
        raise ApiError(403, f"The key has no access to account '{account}'.", code="account_invalid")
    return account


def name_of(books: Books, account: str) -> str:
    row = books.store.one("SELECT name FROM accounts WHERE id = ?", account)
    return str(row["name"]) if row else ""


def retrieve(scope: Scope, params: JSON, identifier: str | None = None) -> JSON:
    account = scope.account
    if identifier and identifier != account:
        account = _connected(scope.books, scope.account, identifier)
    name = name_of(scope.books, account)
    return {
        "id": account, "object": "account", "business_profile": {"name": name, "support_email": None, "url": None},
        "capabilities": {"card_payments": "active", "transfers": "active"}, "charges_enabled": True, "country": "US",
        "default_currency": "usd", "details_submitted": True, "email": "office@example.com", "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": name, "timezone": "America/New_York"},
                     "payments": {"statement_descriptor": "PRACTICE"}},
        "type": "standard",
    }  # fmt: skip
