"""The desk gives money back, voids it, or moves it to another place: each perhaps pressed twice."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from ops.browser import Browser, Form, Page, UnableToWalk
from ops.faults.patience import page_with

# What is disputed can't be given back, and the newest are those of today. Every other payment is left to be moved.
PAYMENTS = (
    "SELECT p.id, p.amount_cents, r.slug FROM payments_payment p JOIN practices_practice r ON r.id = p.practice_id"
    " WHERE NOT EXISTS (SELECT 1 FROM payments_refund f WHERE f.payment_id = p.id)"
    " AND NOT EXISTS (SELECT 1 FROM payments_dispute d WHERE d.payment_id = p.id)"
    " AND (mod(p.id, 2) = 1 OR NOT EXISTS (SELECT 1 FROM payments_allocation l WHERE l.payment_id = p.id"
    " AND l.line_id IS NOT NULL)) ORDER BY p.id DESC LIMIT 80"
)
# Of desk sales without a fee: what an installment pays stays on its plan.
SOLD = (
    "SELECT p.id, p.amount_cents, r.slug, s.patient_id, t.pat_num FROM payments_payment p"
    " JOIN payments_attempt a ON a.id = p.attempt_id JOIN payments_duepart d ON d.id = a.due_part_id"
    " JOIN payments_sale s ON s.id = d.sale_id JOIN patients_patient t ON t.id = s.patient_id"
    " JOIN practices_practice r ON r.id = p.practice_id"
    " JOIN payments_ledgerposting l ON l.payment_id = p.id AND l.movement = 'PAYMENT'"
    " WHERE NOT EXISTS (SELECT 1 FROM payments_refund f WHERE f.payment_id = p.id)"
    " AND NOT EXISTS (SELECT 1 FROM payments_tenderfee f WHERE f.due_part_id = d.id)"
    " AND NOT EXISTS (SELECT 1 FROM payments_move m WHERE m.payment_id = p.id AND m.state = 'ORDERED')"
    " AND l.state IN ('MATCHED', 'QUEUED', 'REFUSED') ORDER BY p.id DESC LIMIT 40"
)


@dataclass(frozen=True)
class Till:
    """One practice's desk; `clicks` go out side by side."""

    browser: Browser
    pool: Executor
    clicks: int

    def give_back(self, payment: int, cents: int, facts: dict[str, Any]) -> str:
        """So much of a payment, by its refund form."""
        page = self.browser.get(f"/payments/{payment}/refund/")
        form = page.form("amount")
        wish = {**form.fields, "amount": f"{cents / 100:.2f}", "reason": "REQUESTED"}
        if "then" in form.choices:
            wish["then"] = str(facts["then"])
        return self._press(page, form, wish)

    def void(self, payment: int) -> str:
        page = self.browser.get(f"/payments/{payment}/void/")
        form = page.form("newest")
        return self._press(page, form, dict(form.fields))

    def move(self, payment: int, patient: int, where: str) -> str:
        """To a prepayment of this patient, or to their newest procedure."""
        page = page_with(self.browser, f"/payments/{payment}/move/?patient={patient}", "reason")
        form = page.form("reason")
        wish = {**form.fields, "where": where, "reason": "Posted to the wrong place"}
        if where == "procedures":
            wish["procedures"] = self._newest(form)
        shown = self.browser.send(page, form, wish)
        # The form that orders it carries the step "move" hidden.
        order = next((one for one in shown.forms if one.fields.get("step") == "move"), None)
        if order is None:
            raise UnableToWalk(f"{shown.url} orders no move: {shown.text[-300:]}")
        return self._press(shown, order, dict(order.fields))

    def _newest(self, form: Form) -> str:
        found = [int(one) for one in form.choices.get("procedures", [])]
        if not found:
            raise UnableToWalk("nothing is open to move it to")
        return str(max(found))

    def _press(self, page: Page, form: Form, wish: dict[str, str]) -> str:
        more = [self.pool.submit(self.browser.send, page, form, wish) for _ in range(self.clicks - 1)]
        try:
            return self.browser.send(page, form, wish).url
        finally:
            for click in more:
                click.exception(timeout=30)
