"""What a refund would do, worked out before anybody confirms it: the tax in it, the fee that comes back, and the balance afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from core.accounts.models import Vendor
from core.kernel.money import Money, round_half_up
from core.ledger.queries import balance
from core.payments.models import Payment
from core.payments.refund_books import fee_to_return, sellers_account
from core.payments.refund_queue import IN_LINE, credit_left, debt_limit, find_first
from core.payments.sale import find_cart


@dataclass(frozen=True, slots=True)
class Effect:
    """`outcome`: now, credit (the balance goes below zero) or queued. `gives`: what leaves the seller, the fee's share being ours."""

    amount: Money
    tax: Money | None
    fee_returned: Money
    fee_kept: Money
    gives: Money
    account: str
    before: Money
    after: Money
    outcome: str
    limit: Money


def effect_of(vendor: Vendor, payment: Payment, amount: Money) -> Effect:
    """As things stand at this moment. What is asked for afterwards is worked out anew."""
    fee = fee_to_return(payment, amount)
    gives, account = amount - fee, sellers_account(payment)
    before = balance(vendor, payment.mode, account, payment.currency)
    outcome = "now"
    if account == IN_LINE and find_first(vendor.id, payment.mode, payment.currency) is not None:
        outcome = "queued"
    elif before < gives:
        outcome = "credit" if account == IN_LINE and credit_left(payment, gives) else "queued"
    return Effect(
        amount=amount,
        tax=_tax_in(vendor, payment, amount),
        fee_returned=fee,
        fee_kept=payment.fee - fee,
        gives=gives,
        account=account,
        before=before,
        after=before if outcome == "queued" else before - gives,
        outcome=outcome,
        limit=debt_limit(payment.currency),
    )


def _tax_in(vendor: Vendor, payment: Payment, amount: Money) -> Money | None:
    """The tax in this part of the sale, worked out on the running total so that all parts come to the whole; None for a sale without."""
    cart = find_cart(vendor, payment)
    if cart is None or not cart.taxes or not payment.captured_minor:
        return None
    whole = sum(line.tax.minor for line in cart.taxes)
    gone = payment.captured_minor - payment.refundable.minor

    def until(minor: int) -> int:
        return round_half_up(Fraction(whole * minor, payment.captured_minor))

    return Money(until(gone + amount.minor) - until(gone), payment.currency)
