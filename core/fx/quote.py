"""A quote: an exchange promised to a vendor, to the minor unit, until it expires or is used."""

from __future__ import annotations

import uuid
from datetime import timedelta
from fractions import Fraction
from typing import Protocol

from sqlalchemy import select

from core.fx.models import RateQuote
from core.fx.rates import get_usable_rate
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.money import Money
from core.kernel.sentence import said

HOLDS = timedelta(minutes=10)


class Asker(Protocol):
    """Whom it is promised to: a vendor."""

    @property
    def id(self) -> uuid.UUID: ...


class QuoteExpired(Refusal):
    """The promise held for ten minutes and was not used."""

    code = "quote_expired"
    status = 409


class QuoteTooSmall(Refusal):
    """So little is given that nothing would be got."""

    code = "quote_too_small"


def make_quote(vendor: Asker, *, mode: str, amount: Money, into: str, margin_bps: int, by: str) -> RateQuote:
    """Promise an exchange of `amount` into another currency. What is got is rounded down, so that nobody grows rich on halves of pennies.

    Refuses with NoRate when the rate is unknown or too old, with QuoteTooSmall when nothing would be got.
    """
    if amount.minor <= 0 or amount.currency == into:
        raise Refusal("Choose two different currencies and an amount.", field="into")
    rate = get_usable_rate(amount.currency, into)
    exact = amount.minor * rate.of_minor * Fraction(10_000 - margin_bps, 10_000)
    gets = exact.numerator // exact.denominator
    if gets < 1:
        raise QuoteTooSmall(said("That is worth less than the smallest amount in %(currency)s.", currency=into), field="amount")
    at = now()
    quote = RateQuote(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("fxq"), from_currency=amount.currency, from_minor=amount.minor,
        to_currency=into, to_minor=gets, worth_minor=max(rate.worth(amount).minor, gets), rate_numerator=rate.ratio.numerator,
        rate_denominator=rate.ratio.denominator, margin_bps=margin_bps, published_on=rate.published_on, source=rate.source, made_by=by, made_at=at, expires_at=at + HOLDS,
    )  # fmt: skip
    db.session.add(quote)
    return quote


def get_quote(vendor: Asker, mode: str, public: str) -> RateQuote:
    """The vendor's quote of that name, or a 404."""
    found = None
    if is_public_id("fxq", public):
        found = db.session.scalar(
            select(RateQuote).where(RateQuote.vendor_id == vendor.id, RateQuote.mode == mode, RateQuote.public_id == public)
        )
    if found is None:
        raise NotFound(said("There is no such quote."))
    return found


def use_quote(vendor: Asker, quote: RateQuote) -> bool:
    """Take the promise up, once: True now, False when it was taken up before. Refuses with QuoteExpired when it is too late."""
    row = locked(RateQuote, vendor.id, quote.mode, quote.id)
    if row is None:
        raise NotFound(said("There is no such quote."))
    if row.used_at is not None:
        return False
    if now() >= row.expires_at:
        raise QuoteExpired(said("This rate was promised for ten minutes and has expired. Ask for a new one: nothing was exchanged."))
    row.used_at = now()
    return True


def list_exchanges(vendor: Asker, mode: str, *, limit: int = 20) -> list[RateQuote]:
    """The exchanges made, newest first."""
    mine = select(RateQuote).where(RateQuote.vendor_id == vendor.id, RateQuote.mode == mode, RateQuote.used_at.is_not(None))
    return list(db.session.scalars(mine.order_by(RateQuote.made_at.desc(), RateQuote.id.desc()).limit(limit)))
