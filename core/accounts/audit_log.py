"""The audit log as its vendor reads it: who did what in this account, the platform's staff included, newest first; and the same as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, String, case, cast, or_, select

from core.accounts.models import Vendor
from core.kernel.audit import AuditEntry, AuditOrigin, AuditPage
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import first_id_at
from core.kernel.sheet import instant, words, write_sheet


def list_own_entries(
    vendor: Vendor,
    *,
    actions: Sequence[str] = (),
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
) -> AuditPage:
    """By keyset. `actions` are beginnings of actions, `link.`; `actor` is a person's number, or `stf` for anybody of the staff."""
    query = _narrowed(vendor, actions, actor, since, until)
    if after:
        query = query.where(AuditEntry.id < _place(after))
    rows = list(db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit + 1)))
    return AuditPage(rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None)


def entries_sheet(
    vendor: Vendor,
    *,
    actions: Sequence[str] = (),
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    titles: Mapping[str, str] | None = None,
) -> Iterator[bytes]:
    """All of them under these filters."""
    columns = (
        ("at", instant(AuditEntry.at)),
        ("who", words(AuditEntry.actor)),
        ("what", words(AuditEntry.action)),
        ("about", words(AuditEntry.subject)),
        ("reason", words(AuditEntry.detail["reason"].astext)),
        ("changes", words(cast(AuditEntry.detail["changes"], String))),
        ("detail", words(cast(AuditEntry.detail, String))),
        ("address", case((AuditEntry.actor.startswith("stf_", autoescape=True), None), else_=AuditOrigin.address)),  # staff's is ours alone
    )
    rows = _narrowed(vendor, actions, actor, since, until)
    rows = rows.outerjoin(AuditOrigin, (AuditOrigin.vendor_id == AuditEntry.vendor_id) & (AuditOrigin.entry_id == AuditEntry.id))
    return write_sheet(columns, rows.order_by(AuditEntry.id.desc()), titles=titles)


def _narrowed(
    vendor: Vendor, actions: Sequence[str], actor: str | None, since: datetime | None, until: datetime | None
) -> Select[tuple[AuditEntry]]:
    query = select(AuditEntry).where(AuditEntry.vendor_id == vendor.id)
    if actions:
        query = query.where(or_(*(AuditEntry.action.startswith(action, autoescape=True) for action in actions)))
    if actor:
        query = query.where(AuditEntry.actor.startswith("stf_", autoescape=True) if actor == "stf" else AuditEntry.actor == actor)
    if since:
        query = query.where(AuditEntry.id >= first_id_at(since))
    if until:
        query = query.where(AuditEntry.id < first_id_at(until))
    return query


def _place(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("That page of the list does not exist.") from None
