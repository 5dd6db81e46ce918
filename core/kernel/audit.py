"""Who did what: one row for every sensitive act of a person, in the same transaction as the act."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.clock import now
from core.kernel.db import Base, TransactionId, db
from core.kernel.errors import NotFound
from core.kernel.ids import uuid7
from core.kernel.write import Lot, add_rows

THE_HOUSE = uuid.UUID(int=0)  # what concerns no vendor, or all of them


class AuditEntry(Base):
    """Append-only (PostgreSQL refuses to change or delete one)."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_vendor_at", "vendor_id", "at"), Index("ix_audit_entries_newest", "id"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    actor: Mapped[str] = mapped_column(String(60))  # usr_..., stf_..., 'system' or 'payer'
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(60))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]
    xid: Mapped[int | None] = mapped_column(TransactionId, server_default=text("pg_current_xact_id()"))  # which transaction wrote it


class AuditOrigin(Base):
    """From which network address an entry's act came. Apart from the entry, because this is let go of after a while and that is not."""

    __tablename__ = "audit_origins"
    __table_args__ = (Index("ix_audit_origins_at", "at"),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]


PEOPLE = ("usr_", "stf_")  # whose address is kept: a worker has none, and a payer's is nobody's business here
LONGEST_VALUE = 200
_asked_from: ContextVar[str] = ContextVar("asked_from", default="")


def asked_from(address: str) -> None:
    """What is recorded from here on was asked for from this network address; empty when nobody asks any more. The doors' kit says so."""
    _asked_from.set(address[:60])


def record(vendor_id: uuid.UUID, *, actor: str, action: str, subject: str, **detail: Any) -> None:
    """Write the row. `detail` holds plain values only: no secrets, no card data. What changed is `changes`, see differences()."""
    add_rows(*entry_rows(vendor_id, actor=actor, action=action, subject=subject, **detail))


def entry_rows(vendor_id: uuid.UUID, *, actor: str, action: str, subject: str, **detail: Any) -> list[Lot]:
    """The same as rows, for an act that writes them in one journey with what it is about."""
    entry, at = uuid7(), now()
    row = {"vendor_id": vendor_id, "id": entry, "actor": actor, "action": action, "subject": subject, "detail": detail, "at": at}
    lots: list[Lot] = [(AuditEntry, [row])]
    if (address := _asked_from.get()) and actor.startswith(PEOPLE):
        lots.append((AuditOrigin, [{"vendor_id": vendor_id, "entry_id": entry, "address": address, "at": at}]))
    return lots


def record_all(entries: Iterable[list[Lot]]) -> None:
    """Write what entry_rows gave for several acts, in one journey."""
    rows: dict[type[Base], list[dict[str, Any]]] = {}
    for lots in entries:
        for lot in lots:
            rows.setdefault(lot[0], []).extend(lot[1])
    add_rows(*rows.items())


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Name -> [before, after] for every value of `after` that was another one before, short enough to be read in a log."""
    return {name: [_plain(before.get(name)), _plain(value)] for name, value in after.items() if before.get(name) != value}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value][:20]
    return str(value)[:LONGEST_VALUE]


def origins_of(entries: list[AuditEntry]) -> dict[uuid.UUID, str]:
    """The addresses that are still kept, by the id of their entry. Entries of several vendors may be asked about at once."""
    if not entries:
        return {}
    whose = AuditOrigin.vendor_id.in_({entry.vendor_id for entry in entries})
    rows = db.session.execute(
        select(AuditOrigin.entry_id, AuditOrigin.address).where(whose, AuditOrigin.entry_id.in_([entry.id for entry in entries]))
    )
    return {entry_id: address for entry_id, address in rows}


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries, newest first, and where the older ones begin (None at the end)."""

    rows: list[AuditEntry]
    next: str | None


def list_entries_everywhere(
    *,
    vendor_ids: list[uuid.UUID] | None = None,
    actor: str | None = None,
    staff_only: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> AuditPage:
    """The log of every vendor and of the house itself, newest first, by keyset. For staff only."""
    query = select(AuditEntry)
    if vendor_ids is not None:
        query = query.where(AuditEntry.vendor_id.in_(vendor_ids))
    if actor:
        query = query.where(AuditEntry.actor == actor)
    if staff_only:
        query = query.where(AuditEntry.actor.startswith("stf", autoescape=True))
    if after:
        query = query.where(AuditEntry.id < _place(after))
    rows = list(db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit + 1)))
    return AuditPage(rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None)


def _place(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound("That page of the list does not exist.") from None
