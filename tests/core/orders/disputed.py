"""A payer's bank wants back what one order of a checkout brought."""

from __future__ import annotations

import secrets
from dataclasses import replace

from core.kernel.money import Money
from tests.core.disputes.cases import Case, case_of
from tests.core.orders.market import Market, Sale
from tests.core.payouts.sellers import Seller


def dispute_of(market: Market, sale: Sale, place: int, minor: int | None = None) -> Case:
    """Nothing of it is told yet."""
    seller = Seller(sale.seller(place), "GBP")
    case = case_of(seller, sale.payment(place), minor)
    amount = Money(case.outcome.amount.minor, "GBP")
    taken = tuple(
        replace(one, reference=f"txn_{secrets.token_hex(8)}", amount=amount, fee=Money(0, "GBP")) for one in case.outcome.withdrawals
    )
    case.outcome = replace(case.outcome, amount=amount, withdrawals=taken)
    return case
