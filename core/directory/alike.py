"""Listings that may be one business twice: the same telephone number or the same name, in the same town or a few streets away. A person decides."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY

from core.directory.entry_models import Entry, Place
from core.directory.models import Branch, Listing
from core.directory.words import fold, query, words_of
from core.kernel.db import db

PHONE, NAME = "phone", "name"
MOST = 10
STREETS_E6 = 5_000  # half a kilometre, in millionths of a degree


def alike_for_staff(listing: Listing, branches: Sequence[Branch]) -> list[tuple[Listing, str]]:
    """What is in the directory and may be this listing's business once more, each with PHONE or NAME for why; the newest first.

    Several listings of one vendor may well have one number: of its own it names those that are called the same.
    """
    numbers = {re.sub(r"[^0-9]", "", phone) for phone in (listing.phone, *(branch.phone for branch in branches)) if phone}
    words = words_of(listing.title)
    if not branches or not words:
        return []
    same = and_(Listing.vendor_id == Place.vendor_id, Listing.mode == Place.mode, Listing.id == Place.listing_id)
    there = and_(Branch.vendor_id == Place.vendor_id, Branch.mode == Place.mode, Branch.id == Place.branch_id)
    entry = and_(Entry.vendor_id == Place.vendor_id, Entry.mode == Place.mode, Entry.listing_id == Place.listing_id)
    rings = and_(Listing.vendor_id != listing.vendor_id, or_(_digits(Listing.phone).in_(numbers), _digits(Branch.phone).in_(numbers)))
    called = Entry.named.op("@@")(cast(literal(query(words, whole=set(words))), TSQUERY))
    found = select(Listing, rings).select_from(Place).join(Listing, same).join(Branch, there).join(Entry, entry)
    found = found.where(Place.mode == "live", Place.listing_id != listing.id, or_(*map(_near, branches)), or_(rings, called))
    alike: dict[Listing, str] = {}
    for other, by_phone in db.session.execute(found.order_by(Listing.id.desc()).limit(MOST * 20)):
        if by_phone or words_of(other.title) == words:
            alike[other] = PHONE if by_phone or alike.get(other) == PHONE else NAME
    return list(alike.items())[:MOST]


def _near(branch: Branch) -> ColumnElement[bool]:
    here: ColumnElement[bool] = Place.town == fold(branch.town)
    if branch.lat_e6 is None or branch.lon_e6 is None:
        return here
    lat, lon = branch.lat_e6, branch.lon_e6
    box = Place.lat_e6.between(lat - STREETS_E6, lat + STREETS_E6), Place.lon_e6.between(lon - STREETS_E6, lon + STREETS_E6)
    return or_(here, and_(*box))


def _digits(column: object) -> ColumnElement[str]:
    """Every number begins with its country's; people put the gaps where they like."""
    return func.regexp_replace(column, "[^0-9]", "", "g")
