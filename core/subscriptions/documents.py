"""Finding documents: by their seller, or by who bought; newest first, by keyset."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlalchemy import Select, select

from core.billing.models import BillingDocument, KeptSubscription
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id

SHOWN = ("draft", "final")  # what was dropped never existed
NUMBER = re.compile(r"((?:TEST-)?(?:INV|CN)-)?0*(\d{1,9})", re.I)


class Seller(Protocol):
    """Who has issued them."""

    @property
    def id(self) -> uuid.UUID: ...


class Buyer(Protocol):
    """Whom they are made out to: another business, or a customer of the seller."""

    @property
    def public_id(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFilter:
    """What a list is narrowed by. `number` is what stands on a document, `INV-000042` or the figures alone; the days are those of issue."""

    kind: str | None = None
    number: str | None = None
    buyers: tuple[str, ...] | None = None
    since: date | None = None
    until: date | None = None


EVERYTHING = DocumentFilter()


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Some documents, newest first, and the one to ask the older ones after (None at the end)."""

    rows: list[BillingDocument]
    next: str | None


def list_documents(
    seller: Seller, mode: str, narrow: DocumentFilter = EVERYTHING, *, buyer: Buyer | None = None, after: str | None = None, limit: int = 25
) -> DocumentPage:
    """What a seller has issued and drafted; with `buyer` only what is made out to them."""
    query = documents_between(seller, mode, buyer)
    if after:
        query = query.where(BillingDocument.id < get_document(seller, mode, after, buyer=buyer).id)
    rows = list(db.session.scalars(_narrowed(query, seller, mode, narrow).order_by(BillingDocument.id.desc()).limit(limit + 1)))
    return DocumentPage(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def get_document(seller: Seller, mode: str, public: str, *, buyer: Buyer | None = None) -> BillingDocument:
    """One of them, or a 404."""
    found = None
    if is_public_id("doc", public):
        found = db.session.scalar(documents_between(seller, mode, buyer).where(BillingDocument.public_id == public))
    if found is None:
        raise NotFound("There is no such invoice.")
    return found


def documents_between(seller: Seller, mode: str, buyer: Buyer | None) -> Select[tuple[BillingDocument]]:
    """A question about what a seller has issued and drafted; with `buyer` only what is made out to them."""
    mine = select(BillingDocument).where(
        BillingDocument.vendor_id == seller.id, BillingDocument.mode == mode, BillingDocument.state.in_(SHOWN)
    )
    return mine if buyer is None else mine.where(BillingDocument.subscription_id.in_(_bought(seller, mode, (buyer.public_id,))))


def _bought(seller: Seller, mode: str, buyers: tuple[str, ...]) -> Select[tuple[uuid.UUID]]:
    theirs = select(KeptSubscription.id).where(KeptSubscription.vendor_id == seller.id, KeptSubscription.mode == mode)
    return theirs.where(KeptSubscription.subscriber.in_(buyers))


def _narrowed(query: Select[tuple[BillingDocument]], seller: Seller, mode: str, narrow: DocumentFilter) -> Select[tuple[BillingDocument]]:
    if narrow.kind:
        query = query.where(BillingDocument.kind == narrow.kind)
    if narrow.buyers is not None:
        query = query.where(BillingDocument.subscription_id.in_(_bought(seller, mode, narrow.buyers)))
    if narrow.number:
        query = _numbered(query, narrow.number)
    if narrow.since:
        query = query.where(BillingDocument.issued_on >= narrow.since)
    if narrow.until:
        query = query.where(BillingDocument.issued_on < narrow.until)
    return query


def is_number(text: str) -> bool:
    """Whether somebody may mean a document's number by it."""
    return NUMBER.fullmatch(text.strip()) is not None


def _numbered(query: Select[tuple[BillingDocument]], text: str) -> Select[tuple[BillingDocument]]:
    found = NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValueError("this is no number of a document")
    if found[1]:
        query = query.where(BillingDocument.series == found[1].upper())
    return query.where(BillingDocument.number == int(found[2]))
