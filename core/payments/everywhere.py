"""Payments of every vendor, for staff and for the public check of a receipt's number: the only questions that name no vendor.

Each book is asked by itself, on its own index (a lateral join over the vendors), and the answers are put together. So the indexes
stay headed by the vendor, and a payment costs nothing more to write because staff may look for it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, column, false, select, true, values
from sqlalchemy.orm import aliased

from core.accounts.models import Vendor
from core.kernel.db import MODES, db
from core.kernel.errors import NotFound
from core.kernel.ids import first_id_at, is_public_id
from core.payments.models import Payment
from core.payments.queries import Page, is_shown_as
from core.payments.search import Reading
from core.providers.contract import METHODS

Found = tuple[Vendor, Payment]


@dataclass(frozen=True, slots=True, kw_only=True)
class EverywhereFilter:
    """What the list across vendors is narrowed by. `words` counts with its number, reference, last four digits or whole e-mail address."""

    words: Reading | None = None
    vendor_ids: list[uuid.UUID] | None = None
    mode: str | None = None
    status: str | None = None
    method: str | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = EverywhereFilter()


def list_everywhere(narrow: EverywhereFilter = EVERYTHING, *, after: str | None = None, limit: int = 25) -> Page[Found]:
    """Payments of all vendors and both modes with whose they are, newest first, by keyset. For staff only."""
    conditions = _conditions(narrow)
    if after:
        conditions.append(Payment.id < get_everywhere(after)[1].id)
    rows = _ask(conditions, limit + 1, vendor_ids=narrow.vendor_ids, mode=narrow.mode)
    return Page(rows[:limit], rows[limit - 1][1].public_id if len(rows) > limit else None)


def get_everywhere(public_id: str) -> Found:
    """One payment and whose it is; refuses with 404. For staff only."""
    if is_public_id("pay", public_id):
        for found in _ask([Payment.public_id == public_id], 1):
            return found
    raise NotFound("There is no such payment.")


def find_receipt_everywhere(reference: str) -> Found | None:
    """The paid payment with this reference, in whosever book. The public check of a receipt; it shows no more than the vendor's name."""
    return next(iter(_ask([Payment.reference == reference, Payment.captured_at.is_not(None)], 1)), None)


def _conditions(narrow: EverywhereFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if narrow.status:
        found.append(is_shown_as(narrow.status))
    if narrow.method:
        found.append(_paid_with(narrow.method))
    if narrow.since:
        found.append(Payment.id >= first_id_at(narrow.since))
    if narrow.until:
        found.append(Payment.id < first_id_at(narrow.until))
    if narrow.words is not None:
        found.append(_named(narrow.words))
    return found


def _paid_with(method: str) -> ColumnElement[bool]:
    """One of our ways to pay, or a brand of card. Payments from before there were several ways have none written down."""
    if method == "card":
        return (Payment.method == "card") | (Payment.method.is_(None) & Payment.card_last4.is_not(None))
    return Payment.method == method if method in METHODS else Payment.card_brand == method


def _named(words: Reading) -> ColumnElement[bool]:
    if words.public_id:
        return Payment.public_id == words.public_id
    if words.reference:
        return Payment.reference == words.reference
    if words.last4:
        return Payment.card_last4 == words.last4
    return Payment.email == words.name if words.name and "@" in words.name else false()


def _ask(
    conditions: list[ColumnElement[bool]], limit: int, *, vendor_ids: list[uuid.UUID] | None = None, mode: str | None = None
) -> list[Found]:
    modes = values(column("mode", String), name="modes").data([(one,) for one in MODES if mode in (None, one)])
    own: Select[Any] = select(Payment).where(Payment.vendor_id == Vendor.id, Payment.mode == modes.c.mode, *conditions)
    newest = own.order_by(Payment.id.desc()).limit(limit).correlate(Vendor, modes).lateral("newest")
    payment = aliased(Payment, newest)
    query = select(Vendor, payment).select_from(Vendor).join(modes, true()).join(newest, true())
    if vendor_ids is not None:
        query = query.where(Vendor.id.in_(vendor_ids))
    return [(vendor, row) for vendor, row in db.session.execute(query.order_by(payment.id.desc()).limit(limit))]
