"""Finding what was issued: of one payment in order, or of everything the newest first, by keyset."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from core.accounts.models import Vendor
from core.invoices.models import SaleDocument
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.notifications.models import Paper
from core.payments.models import Payment

PAPER = "sale_document"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedFilter:
    """What a list is narrowed by: the kind, and the days of issue from the first to the last."""

    kind: str | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class IssuedPage:
    """Some documents with their payments, newest first, and the one to ask the older ones after (None at the end)."""

    rows: list[tuple[SaleDocument, Payment]]
    next: str | None


def documents_of(vendor: Vendor, payment: Payment) -> list[SaleDocument]:
    """What was issued for one payment, the first first."""
    mine = select(SaleDocument).where(
        SaleDocument.vendor_id == vendor.id, SaleDocument.mode == payment.mode, SaleDocument.payment_id == payment.id
    )
    return list(db.session.scalars(mine.order_by(SaleDocument.place)))


def get_document(vendor: Vendor, mode: str, public: str) -> SaleDocument:
    """One of the vendor's own, or a 404."""
    found = None
    if is_public_id("inv", public):
        mine = (SaleDocument.vendor_id == vendor.id, SaleDocument.mode == mode, SaleDocument.public_id == public)
        found = db.session.scalar(select(SaleDocument).where(*mine))
    if found is None:
        raise NotFound("There is no such invoice.")
    return found


def list_issued(vendor: Vendor, mode: str, narrow: IssuedFilter, *, after: str | None = None, limit: int = 25) -> IssuedPage:
    """What the vendor has issued. `after` is the public id of the last one seen."""
    same = (Payment.vendor_id == SaleDocument.vendor_id) & (Payment.mode == SaleDocument.mode) & (Payment.id == SaleDocument.payment_id)
    query = select(SaleDocument, Payment).join(Payment, same).where(SaleDocument.vendor_id == vendor.id, SaleDocument.mode == mode)
    if narrow.kind:
        query = query.where(SaleDocument.kind == narrow.kind)
    if narrow.since:
        query = query.where(SaleDocument.issued_on >= narrow.since)
    if narrow.until:
        query = query.where(SaleDocument.issued_on <= narrow.until)
    if after:
        query = query.where(SaleDocument.id < get_document(vendor, mode, after).id)
    rows = [(document, payment) for document, payment in db.session.execute(query.order_by(SaleDocument.id.desc()).limit(limit + 1))]
    return IssuedPage(rows[:limit], rows[limit - 1][0].public_id if len(rows) > limit else None)


def get_payment_of(document: SaleDocument) -> Payment:
    """What it was issued for."""
    return db.session.get_one(Payment, (document.vendor_id, document.mode, document.payment_id))


def corrected_by(document: SaleDocument) -> SaleDocument | None:
    """The document that this one puts right."""
    if document.corrects is None:
        return None
    mine = (
        SaleDocument.vendor_id == document.vendor_id,
        SaleDocument.mode == document.mode,
        SaleDocument.payment_id == document.payment_id,
    )
    return db.session.scalars(select(SaleDocument).where(*mine, SaleDocument.place == document.corrects)).one()


def printed(vendor_id: uuid.UUID, mode: str, documents: Iterable[SaleDocument]) -> set[str]:
    """Those of some that have been printed, by their public id."""
    names = [document.public_id for document in documents]
    mine = select(Paper.about).where(Paper.vendor_id == vendor_id, Paper.mode == mode, Paper.kind == PAPER, Paper.about.in_(names))
    return set(db.session.scalars(mine))
