"""Exchanging what a vendor has available from one currency into another, at a rate that was promised first."""

from __future__ import annotations

from core.accounts.models import User, Vendor
from core.accounts.queries import hold_vendor
from core.fx.models import RateQuote
from core.fx.quote import make_quote, use_quote
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.ledger import book
from core.ledger.post import BalanceTooLow, post
from core.ledger.queries import balance
from core.payments.refund_books import settle_debt
from core.payments.refund_queue import lines_of_refunds


class NotEnoughToExchange(Refusal):
    """More was to be exchanged than is available."""

    code = "not_enough_to_exchange"


def quote_exchange(vendor: Vendor, mode: str, amount: Money, *, into: str, by: User) -> RateQuote:
    """Promise the exchange for some minutes. Nothing moves and nothing is held back for it."""
    _check_free(vendor, mode, amount, field="amount")
    return make_quote(vendor, mode=mode, amount=amount, into=into, margin_bps=settings().fx_margin_bps, by=by.public_id)


def exchange(vendor: Vendor, quote: RateQuote, *, by: User) -> bool:
    """Carry the quote out to the minor unit: booked once, however often it is sent. False when it was carried out before.

    Refuses with QuoteExpired when it is too late, with NotEnoughToExchange when the money has gone since.
    """
    hold_vendor(vendor.id)
    if quote.used_at is None:
        _check_free(vendor, quote.mode, quote.gives)
    journal = book.exchange(vendor.id, quote.mode, quote=quote.public_id, gives=quote.gives, gets=quote.gets, worth=quote.worth, at=now())
    try:
        with db.session.begin_nested():  # what is refused leaves the promise as it was
            if not use_quote(vendor, quote):
                return False
            post([journal])
    except BalanceTooLow:
        raise NotEnoughToExchange(_too_little(balance(vendor, quote.mode, "seller_available", quote.from_currency))) from None
    settle_debt(vendor.id, quote.mode, quote.gets.currency, about=quote.public_id)
    detail = {"gave": str(quote.gives), "got": str(quote.gets), "margin": str(quote.margin)}
    audit.record(vendor.id, actor=by.public_id, action="balance.exchanged", subject=quote.public_id, **detail)
    return True


def _check_free(vendor: Vendor, mode: str, amount: Money, *, field: str | None = None) -> None:
    """What refunds in line wait for is not given away before them."""
    available = balance(vendor, mode, "seller_available", amount.currency)
    waiting = lines_of_refunds(vendor, mode).get(amount.currency)
    free = max(available - waiting.amount, Money(0, amount.currency)) if waiting else available
    if free < amount:
        raise NotEnoughToExchange(_too_little(free), field=field)


def _too_little(available: Money) -> str:
    return said("Only %(amount)s is available.", amount=available)
