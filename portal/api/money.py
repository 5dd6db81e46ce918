"""Payouts, wallet and ledger for the vendor's own software. A payout is asked for; the books are written by what happens, and only read."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.ledger.book import RESERVE
from core.ledger.explore import feed_bookings
from core.ledger.queries import balances
from core.payouts.feed import feed_payouts
from core.payouts.queries import account_of, get_payout
from core.payouts.request import request_payout
from core.payouts.statement import StatementDoesNotAddUp
from core.payouts.states import PAYOUT
from portal.api.endpoint import endpoint
from portal.api.guard import acting, check_signed_in_now, wish_token
from portal.api.kinds import Currency, Text
from portal.api.objects_money import JOURNAL, PAYOUT_OBJECT, WALLET
from portal.api.paging import Asked, list_of

PURSES = {"seller_pending": "pending", "seller_available": "available", "seller_hold": "disputed", "seller_receivable": "owed"}
RESERVED = "reserved"  # of what is held, what a rule keeps for some days; the rest is disputed


@endpoint(
    "GET",
    "/payouts",
    gives=PAYOUT_OBJECT,
    many=True,
    query={"status": Text(about="How they stand.", usual="", one_of=tuple(sorted(PAYOUT)))},
)
def all_payouts(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List payouts"""
    return list_of(PAYOUT_OBJECT, feed_payouts(vendor, mode, asked.span, status=asked.filters["status"]))


@endpoint("POST", "/payouts", gives=PAYOUT_OBJECT, status=201, takes={"currency": Currency(about="Of which balance.")})
def ask_for_payout(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Ask for a payout

    All that is available in one currency, less what refunds wait for, to your own account. A worker sends it; a large one waits for the
    platform to look at it first.
    """
    check_signed_in_now()
    try:
        payout = request_payout(vendor, mode, sent["currency"], by=acting(), form_token=wish_token())
    except StatementDoesNotAddUp:  # nothing is paid on it, and the staff are alarmed
        raise Conflict(
            "Your balance is being looked at by a person of the platform, so nothing can be paid out just now. You do not have to do anything."
        ) from None
    return PAYOUT_OBJECT.encode((payout, account_of(vendor, payout)))


@endpoint("GET", "/payouts/<number>", gives=PAYOUT_OBJECT)
def show_payout(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a payout"""
    payout = get_payout(vendor, mode, number)
    return PAYOUT_OBJECT.encode((payout, account_of(vendor, payout)))


@endpoint("GET", "/wallet", gives=WALLET)
def wallet(vendor: Vendor, mode: str) -> dict[str, Any]:
    """Read what you have

    By currency: pending, available, in reserve, held for disputes, and what you owe.
    """
    sums: dict[str, dict[str, int]] = {}
    for (account, sub, currency), amount in balances(vendor, mode).items():
        if account in PURSES:
            purse = sums.setdefault(currency, dict.fromkeys((*PURSES.values(), RESERVED), 0))
            purse[RESERVED if sub == RESERVE else PURSES[account]] += amount.minor
    purses = [(code, {name: Money(minor, code) for name, minor in purse.items()}) for code, purse in sorted(sums.items())]
    return WALLET.encode((mode, purses))


@endpoint(
    "GET",
    "/ledger",
    gives=JOURNAL,
    many=True,
    query={"about": Text(about="A payment, a payout or a dispute, by its id.", usual="", most=60)},
)
def ledger(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List the journals of your book

    Newest first; the entries of each come to zero.
    """
    return list_of(JOURNAL, feed_bookings(vendor, mode, asked.span, about=asked.filters["about"]))
