"""A processor's payout to our bank, or what it collects there when its balance is below zero (a payout of less than nothing): its lines, whose they
are, booked when it leaves, and again when the bank shows it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.kernel.clock import now
from core.kernel.db import db, driver
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import post
from core.payments.transfer_receive import booked_at
from core.payments.unknown import line_is_a_settlement
from core.providers.bank_models import BankLine
from core.providers.settlement import Settlement
from core.reconciliation.exceptions import Finding
from core.reconciliation.models import ReconLine, ReconSettlement
from core.reconciliation.states import TOGETHER

PATIENCE = timedelta(hours=1)  # for lines that nothing was matched with yet: then the platform's book carries their share
ARRIVES_WITHIN = timedelta(days=2)  # after the day the processor named
SYSTEM = "system"


def note_settlements(mode: str, source: str, told: Iterable[Settlement]) -> None:
    """Write down what the processor says it pays out. Only its own word for how far it is changes later."""
    for one in told:
        values: dict[str, Any] = {
            "mode": mode, "source": source, "external_id": one.external_id, "currency": one.currency, "amount_minor": one.amount_minor,
            "told_state": one.state, "trace": one.trace, "itemised": one.itemised, "created_at": one.created_at, "arrives_on": one.arrives_on,
        }  # fmt: skip
        fresh = insert(ReconSettlement).values(**values)
        key = ["mode", "source", "external_id"]
        db.session.execute(fresh.on_conflict_do_update(index_elements=key, set_={"told_state": one.state, "trace": one.trace}))


_FROM_LINES = """INSERT INTO recon_settlements (mode, source, external_id, currency, amount_minor, told_state, trace, itemised, created_at, arrives_on, lines_minor)
SELECT p.mode, p.source, p.source_id, p.currency, -p.net_minor, 'paid', '', x.lines > 0, p.occurred_at, p.value_on, CASE WHEN x.lines > 0 THEN x.total END
FROM recon_lines p JOIN LATERAL (SELECT count(*) AS lines, coalesce(sum(net_minor), 0) AS total FROM recon_lines l WHERE l.mode = p.mode AND l.source = p.source
  AND l.settlement_id = p.source_id AND l.settlement_id <> '' AND l.category NOT IN ('payout', 'payout_reversal')) x ON true
WHERE p.mode = %(mode)s AND p.source = %(source)s AND p.category = 'payout' AND p.state = 'new' AND p.source_id <> ''
ON CONFLICT DO NOTHING"""


def settlements_from_lines(mode: str, source: str) -> None:
    """Payouts that only a report has told of: nobody could ask the processor about them."""
    driver().execute(_FROM_LINES, {"mode": mode, "source": source})


def awaited(mode: str, source: str) -> list[str]:
    """Payouts whose lines are not all here yet, by the processor's own name."""
    mine = ReconSettlement.mode == mode, ReconSettlement.source == source, ReconSettlement.itemised, ReconSettlement.lines_minor.is_(None)
    return list(db.session.scalars(select(ReconSettlement.external_id).where(*mine).order_by(ReconSettlement.created_at)))


def lines_are_here(mode: str, source: str, payout: str) -> None:
    """All lines of it have been taken: what do they come to?"""
    row = db.session.get_one(ReconSettlement, (mode, source, payout), with_for_update=True)
    total = select(func.coalesce(func.sum(ReconLine.net_minor), 0)).where(
        ReconLine.mode == mode, ReconLine.source == source, ReconLine.settlement_id == payout, ReconLine.category.not_in(("payout", "payout_reversal"))
    )  # fmt: skip
    row.lines_minor = int(db.session.scalar(total) or 0)


def book_settlements(mode: str, source: str) -> int:
    """Book what has left and is not booked yet, each in every book that has a share in it; answers how many."""
    waiting = select(ReconSettlement).where(
        ReconSettlement.mode == mode,
        ReconSettlement.source == source,
        ReconSettlement.booked_at.is_(None),
        ReconSettlement.line.is_(
            None
        ),  # one that was taken back before it was booked is over, whatever a page of the processor's says late
        ReconSettlement.told_state.in_(("pending", "in_transit", "paid")),
        ReconSettlement.amount_minor != 0,
    )
    done = 0
    for row in db.session.scalars(
        waiting.order_by(ReconSettlement.created_at, ReconSettlement.external_id).with_for_update(skip_locked=True)
    ):
        if row.itemised and row.lines_minor is None:
            continue
        shares, unknown = _shares(row)
        if unknown and row.created_at > now() - PATIENCE:
            continue
        row.shares, row.booked_at = {str(owner): minor for owner, minor in shares.items()}, now()
        post(
            [
                book.settlement_left(
                    owner, mode, source=source, payout=row.external_id, share=Money(minor, row.currency), at=row.created_at
                )
                for owner, minor in sorted(shares.items())
            ]
        )
        done += 1
    return done


def _shares(row: ReconSettlement) -> tuple[dict[uuid.UUID, int], int]:
    """What each book has in it, and how many lines nobody knows yet. What belongs to nobody, and what the lines do not explain, is the platform's."""
    asked = """SELECT coalesce(book, %(platform)s), sum(net_minor), count(*) FILTER (WHERE state = 'new') FROM recon_lines
               WHERE mode = %(mode)s AND source = %(source)s AND settlement_id = %(payout)s AND category NOT IN ('payout', 'payout_reversal')
               GROUP BY 1"""
    values = {"platform": book.PLATFORM, "mode": row.mode, "source": row.source, "payout": row.external_id}
    shares: dict[uuid.UUID, int] = {}
    unknown = 0
    for owner, minor, new in driver().execute(asked, values).fetchall():
        shares[owner] = int(minor)
        unknown += int(new)
    shares[book.PLATFORM] = shares.get(book.PLATFORM, 0) + row.amount_minor - sum(shares.values())
    return {owner: minor for owner, minor in shares.items() if minor}, unknown


def arrived(row: ReconSettlement, line: BankLine, *, rule: int, reason: str, by: str = SYSTEM) -> None:
    """This line of the bank's is that payout: booked in every book that has a share in it."""
    line = line_is_a_settlement(line, payout=row.external_id, by=by, reason=reason)
    book_arrival(row, line, rule=rule)


def book_arrival(row: ReconSettlement, line: BankLine, *, rule: int) -> None:
    """What the line brought stands on the bank's account in each book. The line has been taken out of the platform's by whoever calls."""
    row.line, row.account, row.rule, row.banked_at = line.public_id, line.account, rule, now()
    shares = [(uuid.UUID(owner), Money(minor, row.currency)) for owner, minor in (row.shares or {}).items()]
    at = booked_at(line)
    post(
        [
            book.settlement_arrived(
                owner, row.mode, source=row.source, payout=row.external_id, share=share, account=line.account, at=at
            )
            for owner, share in sorted(shares)
        ]
    )  # fmt: skip


_REVERSED = """SELECT l.external_id, l.source_id FROM recon_lines l JOIN recon_settlements p ON p.mode = l.mode AND p.source = l.source
  AND p.external_id = l.source_id AND p.currency = l.currency AND p.amount_minor = l.net_minor
WHERE l.mode = %(mode)s AND l.source = %(source)s AND l.state = 'new' AND l.category = 'payout_reversal' AND (p.line IS NULL OR p.line = 'lost')
ORDER BY l.external_id"""
_KNOWN = """UPDATE recon_lines SET state = 'matched', rule = %(rule)s, book = %(book)s
WHERE mode = %(mode)s AND source = %(source)s AND state = 'new' AND source_id = %(payout)s AND category = ANY (%(which)s)"""


def take_back_failed(mode: str, source: str) -> int:
    """A payout failed, or was called off, and the processor's line says that it holds the money again: so do the books, share by share. What was
    never booked cancels out with its own line. One that our bank has shown is a person's: its money comes back by the bank."""
    found = driver().execute(_REVERSED, {"mode": mode, "source": source}).fetchall()
    for line, payout in found:
        row = db.session.get_one(ReconSettlement, (mode, source, payout), with_for_update=True, populate_existing=True)
        if row.line not in (None, "lost"):
            continue  # the bank has shown it since we looked
        which = ["payout_reversal"] if row.booked_at else ["payout_reversal", "payout"]
        if row.line is None and row.booked_at:
            lose(row, key=f"{source}:{line}")
        row.line, row.told_state = "lost", row.told_state if row.told_state in ("failed", "canceled") else "failed"
        known = {"mode": mode, "source": source, "rule": TOGETHER, "book": book.PLATFORM, "payout": payout, "which": which}
        driver().execute(_KNOWN, known)
    return len(found)


def lose(row: ReconSettlement, *, key: str) -> None:
    """It will not arrive: the processor holds the money again in each book that had a share in it. `key` says by whose word."""
    shares = sorted((uuid.UUID(owner), Money(minor, row.currency)) for owner, minor in (row.shares or {}).items())
    at = now()
    post([book.settlement_lost(o, row.mode, source=row.source, payout=row.external_id, share=s, key=key, at=at) for o, s in shares])
    row.line, row.banked_at = "lost", at


def look_at_settlements(mode: str, source: str) -> list[Finding]:
    """Payouts that are not the sum of their lines, and those the bank does not show in time."""
    found = []
    mine = ReconSettlement.mode == mode, ReconSettlement.source == source
    open_ones = select(ReconSettlement).where(*mine, ReconSettlement.itemised, ReconSettlement.lines_minor != ReconSettlement.amount_minor)
    for row in db.session.scalars(open_ones.order_by(ReconSettlement.created_at)):
        ours = {"lines_minor": row.lines_minor, "currency": row.currency}
        found.append(_finding("settlement_sum", row, row.amount_minor - (row.lines_minor or 0), ours))
    late = select(ReconSettlement).where(
        *mine, ReconSettlement.line.is_(None), ReconSettlement.booked_at.is_not(None), ReconSettlement.arrives_on < (now() - ARRIVES_WITHIN).date()
    )  # fmt: skip
    for row in db.session.scalars(late.order_by(ReconSettlement.created_at)):
        found.append(_finding("bank_missing", row, -row.amount_minor, {"booked_at": row.booked_at.isoformat() if row.booked_at else ""}))
    return found


def _finding(kind: str, row: ReconSettlement, minor: int, ours: dict[str, Any]) -> Finding:
    theirs = {
        "external_id": row.external_id, "amount_minor": row.amount_minor, "currency": row.currency, "trace": row.trace, "state": row.told_state,
        "arrives_on": row.arrives_on.isoformat(),
    }  # fmt: skip
    return Finding(
        kind, row.external_id, row.source, row.currency, minor, row.created_at.date(), about=row.external_id[:60], ours=ours, theirs=theirs
    )
