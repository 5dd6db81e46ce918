"""The price lists: versions of a seller's terms, each from a day on; and what of them and of the rates counts on a day."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from sqlalchemy import exists, select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.billing.clock import today_of
from core.billing.codec import decode, encode
from core.billing.fx import Rate
from core.billing.models import KeptSubscription, PriceList
from core.billing.renew import Offer
from core.billing.terms import Terms
from core.fx.rates import NoRate, get_rate
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.sentence import said

IN_FORCE, COMING, EARLIER, REPLACED = "in_force", "coming", "earlier", "replaced"


class PricesOfThePast(Refusal):
    """A price list would count from a day that is over: what was charged under another one cannot be charged anew."""

    code = "prices_of_the_past"


class PricesPublishedMeanwhile(Conflict):
    """Somebody published another version while this one was being written."""

    code = "prices_published_meanwhile"


class CurrencyIsFixed(Conflict):
    """Somebody has subscribed: sums that are owed and credited stand in the currency that there is."""

    code = "currency_is_fixed"


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


def publish_next(seller: Vendor, mode: str, terms: Terms, *, valid_from: date, after: int, by: str) -> PriceList:
    """The same for somebody at a page: `after` is the version they began with (0: none). Sent twice it is published once.

    Refuses a day that is over, another currency once somebody has subscribed, and a version that was published meanwhile.
    """
    if valid_from < today_of(seller):
        raise PricesOfThePast("Choose today or a later day: what is over was charged already.", field="valid_from")
    hold_vendor(seller.id)
    kept = list_price_lists(seller, mode)
    latest = kept[0] if kept else None
    if latest is not None and latest.version != after:
        if latest.version == after + 1 and (latest.made_by, latest.valid_from) == (by, valid_from) and _same(latest, terms):
            return latest
        words = said("Version %(version)s was published meanwhile. Look at it, and begin with it.", version=latest.version)
        raise PricesPublishedMeanwhile(words)
    if latest is not None and terms_of(latest).currency != terms.currency and is_subscribed(seller.id):
        words = said("Somebody has subscribed in %(currency)s: prices stay in this currency.", currency=terms_of(latest).currency)
        raise CurrencyIsFixed(words)
    return publish_terms(seller, mode, terms, valid_from=valid_from, by=by)


def _same(kept: PriceList, terms: Terms) -> bool:
    return {**encode(terms), "version": 0} == {**encode(terms_of(kept)), "version": 0}


def terms_of(kept: PriceList) -> Terms:
    """What a version says. A field that was not thought of when it was written is as it is by default."""
    return decode(Terms, kept.terms)


def list_price_lists(seller: Seller, mode: str) -> list[PriceList]:
    """Every version there has been, newest first."""
    mine = select(PriceList).where(PriceList.vendor_id == seller.id, PriceList.mode == mode)
    return list(db.session.scalars(mine.order_by(PriceList.version.desc())))


def find_in_force(kept: Iterable[PriceList], day: date) -> PriceList | None:
    """Which of them counts on a day: what offer_on() asks the database, of versions one has."""
    begun = [each for each in kept if each.valid_from <= day]
    return max(begun, key=lambda each: (each.valid_from, each.version), default=None)


def standings(kept: Sequence[PriceList], today: date) -> dict[int, str]:
    """Of each version: whether it counts today, is to come, counted earlier, or gave way to a later one from the same day."""
    present = find_in_force(kept, today)
    return {each.version: _standing(each, kept, present, today) for each in kept}


def _standing(each: PriceList, kept: Sequence[PriceList], present: PriceList | None, today: date) -> str:
    if present is not None and each.version == present.version:
        return IN_FORCE
    if any(other.version > each.version and other.valid_from == each.valid_from for other in kept):
        return REPLACED
    return COMING if each.valid_from > today else EARLIER


def is_subscribed(vendor_id: uuid.UUID) -> bool:
    """Whether anybody has ever subscribed to a plan of this seller, in either mode."""
    return bool(db.session.scalar(select(exists().where(KeptSubscription.vendor_id == vendor_id))))


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
    rates = tuple(rate for code in sorted(currencies - {terms.currency}) if (rate := _rate(terms.currency, code, day)))
    later = select(PriceList.valid_from, PriceList.terms).where(
        PriceList.vendor_id == vendor_id, PriceList.mode == mode, PriceList.valid_from > day
    )
    coming = db.session.execute(later.order_by(PriceList.valid_from, PriceList.version))
    return Offer(terms, rates, tuple((valid_from, decode(Terms, kept)) for valid_from, kept in coming))


def _rate(base: str, currency: str, day: date) -> Rate | None:
    try:
        found = get_rate(base, currency, on=day)
    except NoRate:
        return None
    return Rate(currency, found.ratio, found.source, found.published_on, base)
