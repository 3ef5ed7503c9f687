"""What people do meanwhile: staff in Open Dental and at the desk, patients' banks, the owner at the processor.

Each deed picks its target by the step's lot among what there is at that moment, and says what it did.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from ops.browser import Browser, Page, UnableToWalk
from ops.faults import founding_facts as facts
from ops.faults import plan_working, requesting, returning, selling
from ops.faults.schedule import Step
from ops.faults.tapping import Terminal
from ops.faults.world import World

Row = tuple[Any, ...]
_PLANS = (
    "SELECT p.id, p.pay_plan_num, p.pay_amount_cents, r.id, r.slug, c.payment_method FROM payplans_payplan p"
    " JOIN practices_practice r ON r.id = p.practice_id JOIN cards_autopay a ON a.plan_id = p.id"
    " JOIN cards_card c ON c.id = a.card_id WHERE NOT p.is_closed AND p.gone_at IS NULL ORDER BY p.id"
)
_INSTALLMENTS = (
    "SELECT i.id, r.slug FROM payplans_installment i JOIN payplans_payplan p ON p.id = i.plan_id"
    " JOIN practices_practice r ON r.id = p.practice_id WHERE i.status IN ('PENDING', 'FAILED')"
    " AND NOT p.is_closed AND (i.due_date <= %s) = %s ORDER BY i.due_date, i.id LIMIT 60"
)
_ASKED = "SELECT nonce FROM paylinks_paymentrequest WHERE patient_id = %s ORDER BY id DESC LIMIT 1"
_PEOPLE = (
    "SELECT p.id, p.pat_num, r.slug FROM patients_patient p JOIN practices_practice r ON r.id = p.practice_id"
    " WHERE p.gone_at IS NULL ORDER BY p.id LIMIT 200"
)
_PAID_BY_CARD = (
    "SELECT a.reference FROM payments_attempt a WHERE a.state = 'SUCCEEDED' AND a.reference <> '' ORDER BY a.id"
)
_GOES, _PAUSE_SECONDS = 3, 0.3


class Deeds:
    """Runs in threads of its own; a deed that fails (the web is down, say) says so and is no fault."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.http = httpx.Client(trust_env=False, timeout=15)
        self.browsers: dict[str, Browser] = {}
        self.pool = ThreadPoolExecutor(12, thread_name_prefix="deeds")
        # Not the same: deeds that wait for their second click would keep it from being pressed.
        self.clicks = ThreadPoolExecutor(8, thread_name_prefix="clicks")
        self.kinds: dict[str, Callable[[Step], str]] = {
            "edit_plan": self.edit_plan, "close_plan": self.close_plan, "cash": self.cash, "decline": self.decline,
            "pay_now": self.pay_now, "refund": self.refund, "sell": self.sell, "ask": self.ask, "dispute": self.dispute,
            "plan_work": self.plan_work, "give_back": self.give_back, "move": self.move, "fee": self.fee,
        }  # fmt: skip

    def sign_in(self, practices: int) -> None:
        """The desk of every practice, before the faults begin."""
        for place in range(practices):
            browser = Browser(self.world.environment["BASE_URL"])
            page: Page = browser.get("/sign-in/")
            browser.press(page, "password", email=f"desk-{place}@example.com", password=facts.PASSWORD)
            self.browsers[facts.slug(place)] = browser

    def close(self) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.clicks.shutdown(wait=True)
        self.http.close()
        for browser in self.browsers.values():
            browser.http.close()

    def do(self, step: Step) -> str:
        said = ""
        for _ in range(_GOES):
            try:
                return self.kinds[step.kind](step)
            except httpx.TransportError as error:
                # The web was killed under the page: whoever sat there goes at it again.
                said = f"failed: {type(error).__name__}: {str(error)[:200]}"
                time.sleep(_PAUSE_SECONDS)
            except (httpx.HTTPError, UnableToWalk, OSError, LookupError, ValueError) as error:
                return f"failed: {type(error).__name__}: {str(error)[:100]} … {str(error)[-200:]}"
            except Exception as error:  # A database that is being restarted.
                return f"failed: {type(error).__name__}"
        return said

    def plan(self, step: Step) -> Row:
        """(id, PayPlanNum, payment in cents, practice, slug, payment method)"""
        return _pick(self.world.rows(_PLANS), step.lot)

    # In Open Dental

    def edit_plan(self, step: Step) -> str:
        plan = self.plan(step)
        cents = max(100, int(plan[2] * float(step.facts["factor"])))
        return self._desk(plan[4], "edit_plan", PayPlanNum=plan[1], PayAmt=f"{cents / 100:.2f}")

    def close_plan(self, step: Step) -> str:
        plan = self.plan(step)
        return self._desk(plan[4], "close_plan", PayPlanNum=plan[1])

    def cash(self, step: Step) -> str:
        plan = self.plan(step)
        return self._desk(plan[4], "cash", PayPlanNum=plan[1], amount_cents=plan[2])

    def _desk(self, office: str, action: str, **body: Any) -> str:
        url = f"{self.world.outside.opendental}/_sandbox/offices/{office}/{action}"
        return self._answer(self.http.post(url, json=body))

    # At the processor

    def decline(self, step: Step) -> str:
        """The bank says no to the next tries with this card."""
        wish = {
            "payment_method": self.plan(step)[5], "behaviour": f"decline:{step.facts['code']}",
            "times": step.facts["times"],
        }  # fmt: skip
        return self._answer(self.http.post(f"{self.world.outside.stripe}/_sandbox/cards", json=wish))

    def refund(self, step: Step) -> str:
        """The owner gives a charge back in the processor's own dashboard."""
        paid = self.world.rows(
            "SELECT a.reference, r.slug FROM payments_attempt a JOIN practices_practice r ON r.id = a.practice_id"
            " WHERE a.state = 'SUCCEEDED' ORDER BY a.id"
        )
        reference, slug = _pick(paid, step.lot)
        auth, wish = (facts.secret_key_of(slug), ""), {"payment_intent": reference}
        return self._answer(self.http.post(f"{self.world.outside.stripe}/v1/refunds", data=wish, auth=auth))

    def dispute(self, step: Step) -> str:
        """A cardholder's bank takes a charge back, and decides in the end. A card that lost stays held for autopay."""
        paid = self.world.rows(_PAID_BY_CARD)
        reference = _pick(paid, step.lot)[0]
        control = f"{self.world.outside.stripe}/_sandbox/disputes"
        made = self.http.post(f"{control}/open", json={"charge": reference, "warn": step.facts["warn"]})
        if made.is_error:
            return self._answer(made)
        said = [str(made.status_code)]
        for status in step.facts["way"]:
            time.sleep(step.facts["pause"])
            answer = self.http.post(f"{control}/{made.json()['id']}/finish", json={"status": status})
            said.append(f"{status} {answer.status_code}")
        return ", ".join(said)

    @staticmethod
    def _answer(answer: httpx.Response) -> str:
        return f"{answer.status_code} {answer.text[:120]}"

    # At the desk of KasperPay

    def pay_now(self, step: Step) -> str:
        """Staff press Pay Now, perhaps twice, while autopay may be at the same installment."""
        today = self.world.clock.now().date()
        found = _pick(self.world.rows(_INSTALLMENTS, [today, step.facts["due"]]), step.lot)
        browser = self.browsers[str(found[1])]
        page = browser.get(f"{self.world.environment['BASE_URL']}/installments/{found[0]}/pay-now/")
        form = page.form("card")
        data = {**form.fields}
        clicks = [self.clicks.submit(browser.send, page, form, data) for _ in range(int(step.facts["clicks"]) - 1)]
        said = browser.send(page, form, data).url
        for click in clicks:
            click.exception(timeout=30)
        return f"installment {found[0]}: {said.rpartition('?')[0]}"

    def sell(self, step: Step) -> str:
        """New work outside the plan, and the desk takes money for what is open."""
        patient, pat_num, slug = selling.patient_of(step, self.world.rows(_PEOPLE))
        done = self._desk(str(slug), "procedures", PatNum=pat_num, ProcFee=step.facts["fee"], ProcStatus="C")
        return f"{done[:30]} {self._sale(str(slug), int(patient)).take(step.facts)}"

    def fee(self, step: Step) -> str:
        """Work that costs less in cash or more by credit card, where the practice decided so."""
        people = [row for row in self.world.rows(_PEOPLE) if str(row[2]) in facts.FEE_SLUGS]
        patient, pat_num, slug = selling.patient_of(step, people)
        done = self._desk(str(slug), "procedures", PatNum=pat_num, ProcFee=step.facts["fee"], ProcStatus="C")
        means = "cash" if facts.fee_of(str(slug)) == "DISCOUNT" else "card"
        return f"{done[:30]} {self._sale(str(slug), int(patient)).take({**step.facts, 'means': means})}"

    def _sale(self, slug: str, patient: int) -> selling.Sale:
        terminal = Terminal(self.http, self.world.outside.stripe, slug)
        return selling.Sale(self.browsers[slug], self.clicks, patient, terminal)

    def ask(self, step: Step) -> str:
        """The desk asks for new work by text, and the patient pays it on the phone."""
        patient, pat_num, slug = selling.patient_of(step, self.world.rows(_PEOPLE))
        self._desk(str(slug), "procedures", PatNum=pat_num, ProcFee=step.facts["fee"], ProcStatus="C")
        base = self.world.environment["BASE_URL"]
        with Browser(base) as phone:
            request = requesting.Request(self._sale(str(slug), int(patient)), phone, self.clicks)
            request.ask()
            nonce = _pick(self.world.rows(_ASKED, [patient]), 0)[0]
            address = base + requesting.address_of(str(slug), nonce, self.world.environment["SECRET_KEY"])
            return f"request of patient {patient}: {request.pay(address, step.facts)}"

    def plan_work(self, step: Step) -> str:
        """The desk pauses, skips or moves what autopay may be charging, or makes and closes plans in Open Dental."""
        if step.facts["what"] == "new":
            patient, pat_num, slug = selling.patient_of(step, self.world.rows(_PEOPLE))
            self._desk(str(slug), "procedures", PatNum=pat_num, ProcFee=240, ProcStatus="C")
            target, one = int(patient), 0
        else:
            plan = self.plan(step)
            target, slug = int(plan[0]), plan[4]
            coming = self.world.rows(plan_working.NEXT, [target])
            one = int(coming[0][0]) if coming else 0
        today = self.world.clock.now().date()
        return plan_working.Desk(self.browsers[str(slug)], self.clicks, target, one, today).do(step.facts)

    def give_back(self, step: Step) -> str:
        """All, a half, or a void of one of the newest."""
        what, found = step.facts["what"], self.world.rows(returning.PAYMENTS)
        payment, cents, slug = _pick(found[: 8 if what == "void" else None], step.lot)
        till = returning.Till(self.browsers[str(slug)], self.clicks, int(step.facts["clicks"]))
        if what == "void":
            return f"payment {payment} voided: {till.void(payment)}"
        some = cents if what == "all" else max(1, cents // 2)
        return f"{some} of payment {payment}: {till.give_back(payment, some, step.facts)}"

    def move(self, step: Step) -> str:
        """A payment of the desk to somebody else, or to other work of the same person."""
        payment, cents, slug, patient, pat_num = _pick(self.world.rows(returning.SOLD), step.lot)
        if step.facts["to"] == "other":
            same_desk = [row for row in self.world.rows(_PEOPLE) if row[2] == slug]
            patient, pat_num, _ = _pick(same_desk, step.lot)
        if step.facts["where"] == "procedures":
            self._desk(str(slug), "procedures", PatNum=pat_num, ProcFee=cents / 100, ProcStatus="C")
        till = returning.Till(self.browsers[str(slug)], self.clicks, int(step.facts["clicks"]))
        return f"payment {payment} moved: {till.move(payment, int(patient), str(step.facts['where']))}"


def _pick(rows: list[Row], lot: float) -> Row:
    """Raises LookupError when there are none."""
    if not rows:
        raise LookupError("there is nothing to pick from")
    return rows[min(len(rows) - 1, int(lot * len(rows)))]
