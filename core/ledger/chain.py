"""The hash chains: committed journals of each book, and the log of who did what, are linked one after the other, after the fact.

Whoever books takes no part: a worker looks afterwards for rows of transactions that have ended, takes nothing but its own chain's row, and
gives each row the next number and h(n) = SHA-256(tag, h(n-1), n, the row in its canonical form). docs/decisions/0055 says why so.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as insert_or_leave

from core.kernel.canonical import link, pack
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.ledger.chain_models import Chain, ChainLink

HOUSE = uuid.UUID(int=0)  # under whose number the chain over the log of all vendors stands
FORM = 1
TAGS = {"journals": "portal:journal:1", "audit": "portal:audit:1"}
MARGIN = timedelta(minutes=10)  # how much older than the newest one a row may be when it is committed; what is later still, a sweep finds
AT_ONCE = 2000
log = structlog.get_logger("ledger")


class Key(NamedTuple):
    """Which chain: of a book's journals, or of the log (then the house's and live)."""

    vendor_id: uuid.UUID
    mode: str
    what: str = "journals"


AUDIT = Key(HOUSE, "live", "audit")


def extend(key: Key, *, sweep: bool = False, limit: int = AT_ONCE) -> bool:
    """Link up to `limit` rows more; answers whether there may be others. A sweep looks at the whole book, not only at its newest rows.

    Somebody else at the same chain is not waited for. Twice is as good as once.
    """
    chain = _taken(key)
    if chain is None:
        return False
    ended = _ended_below()
    if ended < chain.swept_below:  # numbers of transactions begin anew only where a dump was read into another cluster
        log.warning("chain_moved", vendor=str(key.vendor_id), mode=key.mode, what=key.what)
        chain.swept_below, sweep = 0, True
    since = None if sweep or chain.newest is None else _a_little_before(chain.newest)
    found = db.session.execute(
        text(_UNLINKED[key.what]),
        {**key._asdict(), "since": since or HOUSE, "ended": str(ended), "swept": str(chain.swept_below), "limit": limit},
    ).scalars()
    ids = list(found)
    _link(chain, ids)
    chain.extended_at = now()
    if len(ids) == limit:
        return True
    if since is None:
        chain.swept_below, chain.swept_at = ended, now()
    return False


def books_with_news(limit: int = 500) -> list[Key]:
    """Books whose newest journal is not linked yet. The index is jumped through from book to book, so their size does not matter."""
    return [Key(vendor_id, mode) for vendor_id, mode in db.session.execute(text(_NEWS), {"limit": limit})]


def _a_little_before(newest: uuid.UUID) -> uuid.UUID:
    """Ids begin with their millisecond."""
    return uuid.UUID(int=max((newest.int >> 80) - MARGIN // timedelta(milliseconds=1), 0) << 80)


def _taken(key: Key) -> Chain | None:
    begun = {**key._asdict(), "seq": 0, "hash": b"", "swept_below": 0, "extended_at": now()}
    mine = Chain.vendor_id == key.vendor_id, Chain.mode == key.mode, Chain.what == key.what
    held = select(Chain).where(*mine).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    if (chain := db.session.scalar(held)) is not None:
        return chain
    linked = select(ChainLink.seq).where(ChainLink.vendor_id == key.vendor_id, ChainLink.mode == key.mode, ChainLink.what == key.what)
    if db.session.scalar(linked.limit(1)) is not None:  # its row was taken away, or is held: where it really ended nobody here can say
        return None
    db.session.execute(insert_or_leave(Chain).values(**begun).on_conflict_do_nothing())
    return db.session.scalar(held)


def _ended_below() -> int:
    """Every transaction with a smaller number has ended, one way or the other."""
    return int(db.session.execute(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")).scalar_one())


def _link(chain: Chain, ids: list[uuid.UUID]) -> None:
    if not ids:
        return
    contents, days = _journals(chain, ids) if chain.what == "journals" else (_audit(ids), {})
    at, rows = now(), []
    for of_id in ids:
        chain.seq, chain.hash = chain.seq + 1, link(TAGS[chain.what], chain.hash, chain.seq + 1, contents[of_id])
        rows.append(_row(chain, of_id, days.get(of_id), at))
    today = first_id_at(at + MARGIN)  # an id from the time machine's future would hide all that comes before it
    chain.newest = max([chain.newest or HOUSE, *(of_id for of_id in ids if of_id < today)])
    db.session.execute(insert(ChainLink), rows)


def _row(chain: Chain, of_id: uuid.UUID, day: date | None, at: datetime) -> dict[str, Any]:
    key = {"vendor_id": chain.vendor_id, "mode": chain.mode, "what": chain.what}
    return {**key, "seq": chain.seq, "of_id": of_id, "day": day, "form": FORM, "hash": chain.hash, "linked_at": at}


def journal_bytes(journal: Any, entries: list[Any]) -> bytes:
    """A journal with all its legs, as it is hashed. It holds no name and no address of anybody: those may be erased, this may not change."""
    head = (
        journal.vendor_id, journal.mode, journal.id, journal.event_key, journal.kind, journal.n_legs, journal.digest, journal.about,
        journal.reverses, int(journal.xid), journal.effective_at, journal.original_effective_at, journal.recorded_at, len(entries),
    )  # fmt: skip
    legs = (value for e in entries for value in (e.leg, e.code, e.sub, e.currency, e.amount_minor, e.ref))
    return pack((*head, *legs))


def audit_bytes(entry: Any) -> bytes:
    """A line of the log as it is hashed. From which address it came stands elsewhere, because that is let go of after a while."""
    return pack((entry.vendor_id, entry.id, entry.actor, entry.action, entry.subject, entry.detail, entry.at))


def _journals(chain: Chain, ids: list[uuid.UUID]) -> tuple[dict[uuid.UUID, bytes], dict[uuid.UUID, date]]:
    """What each holds, and to which day it belongs."""
    key = {"vendor_id": chain.vendor_id, "mode": chain.mode, "ids": ids}
    legs: dict[uuid.UUID, list[Any]] = {}
    for entry in db.session.execute(text(_ENTRIES), key):
        legs.setdefault(entry.journal_id, []).append(entry)
    journals = list(db.session.execute(text(_JOURNALS), key))
    contents = {journal.id: journal_bytes(journal, legs.get(journal.id, [])) for journal in journals}
    return contents, {journal.id: journal.effective_at.astimezone(UTC).date() for journal in journals}


def _audit(ids: list[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    return {entry.id: audit_bytes(entry) for entry in db.session.execute(text(_LOG), {"ids": ids})}


_JOURNALS = """SELECT vendor_id, mode, id, event_key, kind, n_legs, digest::text AS digest, about, reverses, xid::text::bigint AS xid, effective_at,
  original_effective_at, recorded_at FROM journals WHERE vendor_id = :vendor_id AND mode = :mode AND id = ANY (:ids)"""
_ENTRIES = """SELECT journal_id, leg, code, sub, currency::text AS currency, amount_minor, ref FROM entries
  WHERE vendor_id = :vendor_id AND mode = :mode AND journal_id = ANY (:ids) ORDER BY journal_id, leg"""
_LOG = "SELECT vendor_id, id, actor, action, subject, detail::text AS detail, at FROM audit_entries WHERE id = ANY (:ids)"

# Rows of transactions that have ended and that no link holds yet. One that pretends to be of a transaction which a sweep had seen the end of
# was added afterwards: it is never linked, and the proof names it.
_NOT_YET = """NOT EXISTS (SELECT FROM chain_links l WHERE l.vendor_id = :vendor_id AND l.mode = :mode AND l.what = :what AND l.of_id = t.id)
  ORDER BY t.id LIMIT :limit"""
_UNLINKED = {
    "journals": f"""SELECT t.id FROM journals t WHERE t.vendor_id = :vendor_id AND t.mode = :mode AND t.id >= :since
      AND t.xid < CAST(:ended AS xid8) AND t.xid >= CAST(:swept AS xid8) AND {_NOT_YET}""",
    "audit": f"""SELECT t.id FROM audit_entries t WHERE t.id >= :since
      AND coalesce(t.xid, '1'::xid8) < CAST(:ended AS xid8) AND coalesce(t.xid, '1'::xid8) >= CAST(:swept AS xid8) AND {_NOT_YET}""",
}
_NEWS = """
  WITH RECURSIVE book AS (
    (SELECT vendor_id, mode FROM journals ORDER BY vendor_id, mode LIMIT 1)
    UNION ALL
    SELECT next.vendor_id, next.mode FROM book CROSS JOIN LATERAL (
      SELECT vendor_id, mode FROM journals t WHERE (t.vendor_id, t.mode) > (book.vendor_id, book.mode) ORDER BY vendor_id, mode LIMIT 1) next
  ) SELECT b.vendor_id, b.mode FROM book b CROSS JOIN LATERAL (
      SELECT t.id FROM journals t WHERE t.vendor_id = b.vendor_id AND t.mode = b.mode ORDER BY t.id DESC LIMIT 1) newest
    WHERE b.mode IN ('test', 'live') AND NOT EXISTS (SELECT FROM chain_links l
      WHERE l.vendor_id = b.vendor_id AND l.mode = b.mode AND l.what = 'journals' AND l.of_id = newest.id) LIMIT :limit"""
