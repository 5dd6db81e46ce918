"""Questions about customers; every one begins with whose they are."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.kernel.alike import likeness
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id

ALIKE = 82  # hundredths
ALIKE_READ = 300  # names are compared, no more


@dataclass(frozen=True)
class CustomerPage:
    """Some customers, the last seen first, and what to ask for to see the next ones (None at the end)."""

    rows: list[Customer]
    next: str | None


def get_customer(vendor: Vendor, mode: str, public_id: str) -> Customer:
    """This vendor's customer; refuses with 404."""
    if is_public_id("cus", public_id):
        mine = select(Customer).where(Customer.vendor_id == vendor.id, Customer.mode == mode, Customer.public_id == public_id)
        if customer := db.session.scalar(mine):
            return customer
    raise NotFound("There is no such customer.")


def find_customer(vendor: Vendor, mode: str, email: str) -> Customer | None:
    """The customer with this address."""
    mine = select(Customer).where(Customer.vendor_id == vendor.id, Customer.mode == mode, Customer.email == email.strip().lower())
    return db.session.scalar(mine.execution_options(populate_existing=True))  # it is met by a statement that no session sees


def list_customers(
    vendor: Vendor, mode: str, *, text: str | None = None, blocked: bool = False, after: str | None = None, limit: int = 25
) -> CustomerPage:
    """Customers, the last seen first, by keyset. `text` is the beginning of an address, of a name or of its last word."""
    query = select(Customer).where(Customer.vendor_id == vendor.id, Customer.mode == mode)
    if text:
        return CustomerPage(search_customers(vendor, mode, text, limit=limit), None)
    if blocked:
        query = query.where(Customer.blocked_at.is_not(None))
    if after:
        query = query.where(tuple_(Customer.last_seen_at, Customer.id) < _cursor(after))
    rows = list(db.session.scalars(query.order_by(Customer.last_seen_at.desc(), Customer.id.desc()).limit(limit + 1)))
    more, rows = len(rows) > limit, rows[:limit]
    return CustomerPage(rows, f"{rows[-1].last_seen_at.isoformat()}~{rows[-1].id}" if more else None)


def search_customers(vendor: Vendor, mode: str, text: str, *, limit: int = 10) -> list[Customer]:
    """Those whose address, name or last name begins with this. Three indexes, each read a few rows deep, never a scan."""
    key = text.strip().lower()[:254]
    if not key:
        return []
    found: dict[uuid.UUID, Customer] = {}
    for column in (Customer.email, Customer.name_key, Customer.surname_key):
        mine = select(Customer).where(Customer.vendor_id == vendor.id, Customer.mode == mode)
        for row in db.session.scalars(mine.where(column.startswith(key, autoescape=True)).order_by(column).limit(limit)):
            found.setdefault(row.id, row)
    rows = list(found.values()) or _spelt_alike(vendor, mode, key)
    return sorted(rows, key=lambda row: row.last_seen_at, reverse=True)[:limit]


def _spelt_alike(vendor: Vendor, mode: str, key: str) -> list[Customer]:
    """Whose name begins as this does and is nearly this: Whitlok finds Whitlock. Asked only where nothing was found as it was typed."""
    if "@" in key or len(key) < 4:
        return []
    near: dict[uuid.UUID, Customer] = {}
    for column in (Customer.name_key, Customer.surname_key):
        mine = select(Customer).where(Customer.vendor_id == vendor.id, Customer.mode == mode)
        begins = column.startswith(key[: max(3, len(key) // 2)], autoescape=True)
        for row in db.session.scalars(mine.where(begins).order_by(column).limit(ALIKE_READ)):
            if likeness(key, getattr(row, column.key)) >= ALIKE:
                near.setdefault(row.id, row)
    return list(near.values())


def any_customers(vendor: Vendor, mode: str) -> bool:
    """Whether there is any yet."""
    mine = select(Customer.id).where(Customer.vendor_id == vendor.id, Customer.mode == mode)
    return db.session.scalar(mine.limit(1)) is not None


def _cursor(text: str) -> tuple[datetime, uuid.UUID]:
    try:
        at, _, row = text.partition("~")
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError("an instant has a zone")
        return instant, uuid.UUID(row)
    except ValueError:
        raise NotFound("That page of customers does not exist.") from None
