"""The price lists: versions of a seller's terms, each from a day on; and what of them and of the rates counts on a day."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Protocol

from sqlalchemy import select

from core.accounts.queries import hold_vendor
from core.billing.codec import decode, encode
from core.billing.fx import Rate
from core.billing.models import PriceList
from core.billing.renew import Offer
from core.billing.terms import Terms
from core.fx.rates import NoRate, get_rate
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound


class Seller(Protocol):
    """Whose price list it is."""

    @property
    def id(self) -> uuid.UUID: ...


def publish_terms(seller: Seller, mode: str, terms: Terms, *, valid_from: date, by: str) -> PriceList:
    """Add the next version (the number in `terms` is ours to give). Subscribers keep theirs until their next boundary from that day on."""
    hold_vendor(seller.id)  # two who publish at once get two versions
    latest = db.session.scalar(
        select(PriceList).where(PriceList.vendor_id == seller.id, PriceList.mode == mode).order_by(PriceList.version.desc()).limit(1)
    )
    version = latest.version + 1 if latest else 1
    kept = {**encode(terms), "version": version}
    made = PriceList(vendor_id=seller.id, mode=mode, version=version, valid_from=valid_from, terms=kept, made_by=by, made_at=now())
    db.session.add(made)
    audit.record(seller.id, actor=by, action="prices.published", subject=f"{mode} {version}", valid_from=valid_from.isoformat())
    db.session.flush()
    return made


def offer_on(vendor_id: uuid.UUID, mode: str, day: date, *, currencies: frozenset[str] = frozenset()) -> Offer:
    """The newest version valid on a day, and the rates of these currencies as they were known then. Refuses before the first version."""
    found = db.session.scalar(
        select(PriceList.terms)
        .where(PriceList.vendor_id == vendor_id, PriceList.mode == mode, PriceList.valid_from <= day)
        .order_by(PriceList.valid_from.desc(), PriceList.version.desc())
        .limit(1)
    )
    if found is None:
        raise NotFound("There is no price list for this day.")
    terms = decode(Terms, found)
    return Offer(terms, tuple(rate for code in sorted(currencies - {terms.currency}) if (rate := _rate(terms.currency, code, day))))


def _rate(base: str, currency: str, day: date) -> Rate | None:
    try:
        found = get_rate(base, currency, on=day)
    except NoRate:
        return None
    return Rate(currency, found.ratio, found.source, found.published_on, base)
