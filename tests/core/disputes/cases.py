"""A seller whose payers' banks ask for money back, and a processor that says so."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.disputes.follow import follow_dispute
from core.disputes.models import Dispute
from core.disputes.queries import disputes_of, find_dispute
from core.kernel.clock import now
from core.kernel.money import Money
from core.payments.models import Payment
from core.providers.disputes import DisputeOutcome, Withdrawal
from tests.core.payouts.sellers import Seller
from tests.factories import fresh, unit


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def taken(minor: int, *, fee: int = 0) -> Withdrawal:
    return Withdrawal(f"txn_{secrets.token_hex(8)}", usd(minor), usd(fee))


@dataclass
class Case:
    """One dispute at the processor, as it stands there. Each step changes it; `tell` brings it here."""

    seller: Seller
    payment: Payment
    outcome: DisputeOutcome

    def now(self, state: str, *more: Withdrawal, submissions: int | None = None) -> Case:
        """The processor's object has moved on."""
        withdrawals = (*self.outcome.withdrawals, *more)
        told = self.outcome.submissions if submissions is None else submissions
        self.outcome = replace(self.outcome, state=state, withdrawals=withdrawals, submissions=told)
        return self

    def tell(self, outcome: DisputeOutcome | None = None) -> str:
        with unit(self.seller.shop.app):
            return self.told(outcome)

    def told(self, outcome: DisputeOutcome | None = None) -> str:
        """The same in a unit that is open already."""
        cause = f"evt_{secrets.token_hex(8)}"
        return follow_dispute(self.seller.shop.vendor, self.payment, outcome or self.outcome, provider=self.payment.provider, cause=cause)

    def won(self) -> Case:
        return self.now("won", taken(-self.outcome.amount.minor))

    def again(self, *, fee: int = 0) -> Case:
        return self.now("needs_response", taken(self.outcome.amount.minor, fee=fee))

    @property
    def here(self) -> Dispute:
        with unit(self.seller.shop.app):
            found = disputes_of(self.seller.shop.vendor, self.payment)
            return next(one for one in found if one.provider_reference == self.outcome.provider_reference)

    @property
    def paid(self) -> Payment:
        made: Payment = fresh(self.seller.shop, self.payment)
        return made

    def again_from_here(self) -> Dispute:
        found = find_dispute(self.seller.shop.vendor, "test", self.here.public_id)
        assert found is not None
        return found


def case_of(
    seller: Seller,
    payment: Payment,
    minor: int | None = None,
    *,
    state: str = "needs_response",
    fee: int = 0,
    due_at: datetime | None = None,
) -> Case:
    """A dispute that the processor has just opened, of all of the payment unless said otherwise. Nothing is told yet."""
    amount = usd(payment.captured_minor if minor is None else minor)
    outcome = DisputeOutcome(
        state=state, provider_reference=f"du_{secrets.token_hex(8)}", charge=payment.charge or "", amount=amount, reason="product_not_received",
        network_code="13.1", due_at=due_at or now() + timedelta(days=10), opened_at=now(),
        withdrawals=() if state == "inquiry" else (taken(amount.minor, fee=fee),),
    )  # fmt: skip
    return Case(seller, payment, outcome)
