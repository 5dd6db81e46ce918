"""A processor with an account of its own at the real sandbox, and what our books say of it: sales, refunds, mishaps, a look at it all."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from core.accounts.models import Vendor
from core.disputes.follow import follow_dispute
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.ledger.book import PLATFORM
from core.ledger.queries import find_breaks
from core.payments.models import Attempt, Payment
from core.payments.refund import begin_sending, settle_refund
from core.payments.refund_models import Refund
from core.payments.settle import settle
from core.providers.bank_models import BankLine
from core.providers.contract import OpenPayment, Outcome
from core.providers.settlement import Settlement
from core.providers.stripe import Stripe
from core.reconciliation.exceptions import trail_of
from core.reconciliation.models import ReconException, ReconLine, ReconSettlement
from core.reconciliation.runs import look_at_bank, match_and_look
from core.reconciliation.totals import stands_on
from core.reconciliation.untold import MOVEMENTS, PAYOUTS, Stretch, stretches
from tests.core.payments.transfers import TestBank
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_payment, open_payment, unit
from tests.sandbox.running import ask, new_key
from workers.reconciliation import fetch


class Processor:
    """Its name is nobody else's, so that in a shared database its lines and entries stand alone."""

    def __init__(self, shop: Shop, currency: str = "USD") -> None:
        self.shop, self.currency, self.key, self.name = shop, currency, new_key(), f"p{secrets.token_hex(6)}"
        self.adapter = Stripe(
            self.name,
            "test",
            key=self.key,
            publishable_key=self.key.replace("sk_", "pk_"),
            secrets=["whsec_x"],
            api_base=settings().sandbox_url,
        )

    # --- what happens ------------------------------------------------------------------------------------------------------

    def control(self, method: str, path: str, /, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        status, found, text = ask(method, f"{settings().sandbox_url}/_sandbox/{path}", json.dumps(body) if body else None, headers)
        assert status < 300, text
        return json.loads(text) if "json" in found["Content-Type"] else text

    def mishap(self, name: str, **more: Any) -> str:
        return str(self.control("POST", "mishaps", mishap=name, **more)["done_to"])

    def sells(self, amount: str = "25.00", *, card: str = "pm_card_visa", shop: Shop | None = None) -> Payment:
        """A card is charged at the sandbox, and what it says of that is settled here."""
        shop = shop or self.shop
        payment = make_payment(shop, make_link(shop, amount=amount, currency=self.currency))
        self.settles(payment, self.charges(payment, card=card, shop=shop), shop)
        return fresh(shop, payment)

    def charges(self, payment: Payment, *, card: str = "pm_card_visa", shop: Shop | None = None) -> tuple[Attempt, Outcome]:
        shop = shop or self.shop
        attempt = open_payment(shop, payment)
        with unit(shop.app):
            mine = (Attempt.vendor_id == attempt.vendor_id) & (Attempt.public_id == attempt.public_id)
            db.session.execute(update(Attempt).where(mine).values(provider=self.name))
            db.session.execute(update(Payment).where(Payment.public_id == payment.public_id).values(provider=self.name))
        told = {"vendor": shop.vendor.public_id, "mode": "test", "payment": payment.public_id, "attempt": attempt.public_id}
        wish = OpenPayment(
            reference=attempt.public_id, mode="test", amount=payment.amount, description="A pot", email=None, return_url="http://shop.test/r",
            cancel_url="http://shop.test/c", expires_at=now() + timedelta(hours=2), surface="fields", metadata=told,
        )  # fmt: skip
        with shop.app.app_context():
            opening = self.adapter.open_payment(wish)
            self.adapter.try_published_card(opening.provider_reference, card, "http://shop.test/r")
            return attempt, self.adapter.inquire(opening.provider_reference)

    def settles(self, payment: Payment, told: tuple[Attempt, Outcome], shop: Shop | None = None) -> str:
        shop = shop or self.shop
        with unit(shop.app):
            return settle(shop.vendor, again(payment), again(told[0]), told[1], cause=f"evt_{secrets.token_hex(6)}")

    def refunds(self, payment: Payment, amount: str | None = None) -> Refund:
        """Asked for, sent to the sandbox, and settled by its answer."""
        refund = ask_refund(self.shop, payment, amount)
        with unit(self.shop.app):
            begin_sending(refund)
        metadata = {"vendor": self.shop.vendor.public_id, "mode": "test", "payment": payment.public_id, "refund": refund.public_id}
        with self.shop.app.app_context():
            outcome = self.adapter.refund(refund.public_id, payment.charge or "", refund.amount, refund.reason, metadata)
        with unit(self.shop.app):
            settle_refund(self.shop.vendor, again(refund), outcome, cause="answer")
        return fresh(self.shop, refund)

    def hears_of(self, payment: Payment, dispute: str) -> None:
        """What it says of a dispute is brought into the books."""
        with self.shop.app.app_context():
            outcome = self.adapter.inquire_dispute(dispute)
        with unit(self.shop.app):
            follow_dispute(self.shop.vendor, again(payment), outcome, provider=self.name, cause=f"evt_{secrets.token_hex(6)}")

    def pays_out(self) -> Settlement:
        self.control("POST", "payouts", at_once=True, currency=self.currency.lower())
        return self.settlements()[-1]

    def settlements(self) -> list[Settlement]:
        with self.shop.app.app_context():
            return self.adapter.settlements(now() - timedelta(days=1))[0][::-1]

    def report(self, **query: str) -> bytes:
        return str(self.control("GET", "settlement.csv")).encode()

    # --- what is found -----------------------------------------------------------------------------------------------------

    def looks(self, *, held: bool = True, fetching: bool = True, asking: bool = False) -> dict[str, int]:
        """Everything a look does about this processor, which is asked about the last weeks; with `asking` as far back as a look asks."""
        weeks = now() - timedelta(days=20)
        with unit(self.shop.app):
            asked = stretches("test", self.name) if asking else [Stretch(MOVEMENTS, weeks, now()), Stretch(PAYOUTS, weeks, now())]
        left: list[Stretch] = []
        with self.shop.app.app_context():
            if fetching:
                _, left = fetch(self.adapter, asked)
            balance = self.adapter.held() if held else None
        with unit(self.shop.app):
            return match_and_look("test", self.name, balance, left)

    def bank_brings(self, payout: Settlement, *, text: str | None = None, minor: int | None = None) -> None:
        """The payout stands on our bank's statement, and the bank is looked at."""
        trace = payout.trace
        tx = Tx(minor or payout.amount_minor, name="Sandbox Processor", text=f"SANDBOX PAYOUT {trace}" if text is None else text)
        TestBank(self.shop, payout.currency).tell(Line((tx,), booked_on=now().date()))
        with unit(self.shop.app):
            look_at_bank("test")

    def open(self, *kinds: str) -> list[ReconException]:
        """What is open about this processor."""
        with unit(self.shop.app):
            mine = select(ReconException).where(
                ReconException.source == self.name, ReconException.state.in_(("waiting", "open", "proposed"))
            )
            return [row for row in db.session.scalars(mine.order_by(ReconException.id)) if not kinds or row.kind in kinds]

    def all(self, kind: str) -> list[ReconException]:
        with unit(self.shop.app):
            return list(db.session.scalars(select(ReconException).where(ReconException.source == self.name, ReconException.kind == kind)))

    def lines(self) -> list[ReconLine]:
        with unit(self.shop.app):
            return list(db.session.scalars(select(ReconLine).where(ReconLine.source == self.name).order_by(ReconLine.occurred_at)))

    def settlement(self, payout: Settlement) -> ReconSettlement:
        with unit(self.shop.app):
            return db.session.get_one(ReconSettlement, ("test", self.name, payout.external_id), populate_existing=True)

    def bank_line(self, number: str) -> BankLine:
        with unit(self.shop.app):
            return db.session.scalars(select(BankLine).where(BankLine.public_id == number)).one()

    def trail(self, row: ReconException) -> list[str]:
        with unit(self.shop.app):
            return [note.kind for note in trail_of(row)]

    def holds(self) -> int:
        """What our books say it holds."""
        with unit(self.shop.app):
            return stands_on("test", 1010, self.name).get(self.currency, 0)

    def says(self) -> int:
        """What it says itself."""
        with self.shop.app.app_context():
            return self.adapter.held().get(self.currency, 0)

    def books_are_whole(self, *more: Vendor) -> bool:
        with unit(self.shop.app):
            return all(find_breaks(owner, "test") == [] for owner in (self.shop.vendor.id, PLATFORM, *(one.id for one in more)))
