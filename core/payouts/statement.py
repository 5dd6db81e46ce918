"""The payout that proves itself: what was carried over, every line since, and what is left when the payout has gone. It is a view over
the journals, and no money leaves before it adds up."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import BigInteger, DateTime, SmallInteger, String, Subquery, Uuid, case, column, literal, select, text, tuple_

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.kernel.money import Money
from core.kernel.sheet import decimal, instant, words, write_sheet
from core.ledger.book import PAYOUT, SELLER_AVAILABLE
from core.ledger.marks import SETTLED
from core.payouts.models import Payout

log = structlog.get_logger("payouts")


class StatementDoesNotAddUp(RuntimeError):
    """What was carried over and the lines are not what the balance holds: a bug or a broken book. Nothing is paid out on it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the seller's available money: what adds to it is positive. `reference` is that of the payment it is about, or empty.

    Of a released payment `net` = `gross` + `fee` + `given_back`: what the payer paid, what the platform kept of it, and what had gone
    back to the payer before the release. Of anything else they are nothing, and `net` stands alone.
    """

    journal_id: uuid.UUID
    leg: int
    kind: str
    about: str
    reference: str
    effective_at: datetime
    net: Money
    gross: Money
    fee: Money

    @property
    def given_back(self) -> Money:
        """Refunds of a payment before it was released."""
        return self.net - self.gross - self.fee if self.gross else Money(0, self.net.currency)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a statement comes to: opening + lines = paid + carried."""

    opening: Money
    lines: Money
    paid: Money
    carried: Money

    @property
    def add_up(self) -> bool:
        """When they do not, nothing is paid out and nothing is claimed of the statement."""
        return self.opening + self.lines == self.paid + self.carried


def take_lines(payouts: Sequence[Payout], *, last: Mapping[uuid.UUID, datetime | None]) -> dict[uuid.UUID, Money]:
    """Put every entry of each seller's available money that stands on no statement yet on this one; answers what they come to, by payout.

    They are in one mode and one currency, each of another seller. `last`: by payout, when the one before it was made. The vendors are held, so
    nothing is added meanwhile.
    """
    asked = _named(payouts) | {
        "since": [first_id_at(at - SETTLED) if (at := last[payout.id]) else uuid.UUID(int=0) for payout in payouts],
        "code": SELLER_AVAILABLE, "own": PAYOUT,
    }  # fmt: skip
    taken = {payout_id: int(minor) for payout_id, minor in db.session.execute(text(_TAKE), asked)}
    return {payout.id: Money(taken.get(payout.id, 0), payout.currency) for payout in payouts}


def _named(payouts: Sequence[Payout]) -> dict[str, Any]:
    return {
        "vendors": [payout.vendor_id for payout in payouts], "payouts": [payout.id for payout in payouts], "mode": payouts[0].mode,
        "currency": payouts[0].currency,
    }  # fmt: skip


# Seller by seller, so that the work of one is what that one has sold, however many are asked for.
_TAKE = """
WITH open AS (
  SELECT w.payout_id, o.* FROM unnest(CAST(:vendors AS uuid[]), CAST(:payouts AS uuid[]), CAST(:since AS uuid[])) AS w (vendor_id, payout_id, since)
  CROSS JOIN LATERAL (
    SELECT e.vendor_id, e.mode, e.journal_id, e.leg, e.amount_minor FROM entries e
    JOIN journals j ON j.vendor_id = e.vendor_id AND j.mode = e.mode AND j.id = e.journal_id
    WHERE e.vendor_id = w.vendor_id AND e.mode = :mode AND e.code = :code AND e.sub = '' AND e.currency = :currency
      AND e.journal_id >= w.since AND j.kind <> :own
      AND NOT EXISTS (SELECT 1 FROM payout_lines l
        WHERE l.vendor_id = e.vendor_id AND l.mode = e.mode AND l.journal_id = e.journal_id AND l.leg = e.leg)
    OFFSET 0) o),
kept AS (
  INSERT INTO payout_lines (vendor_id, mode, journal_id, leg, payout_id)
  SELECT vendor_id, mode, journal_id, leg, payout_id FROM open RETURNING 1)
SELECT payout_id, -sum(amount_minor) FROM open GROUP BY payout_id"""


def sums_of(payout: Payout) -> Sums:
    """The statement's sums, added up anew from the journals, for whoever shows them: look whether they `add_up`. When they are not what the
    payout says, that is an alarm, each time it is seen."""
    return _sums([payout])[payout.id]


def prove(payout: Payout) -> Sums:
    """The same before money leaves: raises StatementDoesNotAddUp."""
    return prove_all([payout])[payout.id]


def prove_all(payouts: Sequence[Payout]) -> dict[uuid.UUID, Sums]:
    """The same of several in one mode and one currency, by payout: all of them add up, or it raises."""
    found = _sums(payouts)
    for payout in payouts:
        if not found[payout.id].add_up:
            raise StatementDoesNotAddUp(f"payout {payout.public_id}: {found[payout.id]}")
    return found


def _sums(payouts: Sequence[Payout]) -> dict[uuid.UUID, Sums]:
    totals = {payout_id: int(total) for payout_id, total in db.session.execute(text(_SUM), _named(payouts))}
    found = {}
    for payout in payouts:
        minors = payout.opening_minor, totals[payout.id], payout.amount_minor, payout.carried_minor
        sums = found[payout.id] = Sums(*(Money(minor, payout.currency) for minor in minors))
        if not sums.add_up:
            log.error("payout_does_not_add_up", payout=payout.public_id, problem=str(sums))
    return found


_SUM = """
SELECT w.payout_id, s.total FROM unnest(CAST(:vendors AS uuid[]), CAST(:payouts AS uuid[])) AS w (vendor_id, payout_id)
CROSS JOIN LATERAL (
  SELECT coalesce(-sum(e.amount_minor), 0) AS total FROM payout_lines l
  JOIN entries e ON e.vendor_id = l.vendor_id AND e.mode = l.mode AND e.journal_id = l.journal_id AND e.leg = l.leg
  WHERE l.vendor_id = w.vendor_id AND l.mode = :mode AND l.payout_id = w.payout_id AND e.currency = :currency) s"""

PAGE = 500


def _lines(vendor: Vendor, payout: Payout) -> Subquery:
    """Every line, with what a release is made of."""
    asked = {"vendor": vendor.id, "mode": payout.mode, "payout": payout.id}
    return text(_LINES).bindparams(**asked).columns(*_COLUMNS).subquery("lines")


def lines_of(vendor: Vendor, payout: Payout, *, after: tuple[uuid.UUID, int] | None = None, limit: int = PAGE) -> list[Line]:
    """Its lines in the order in which they were booked, `limit` of them after the one named."""
    of = _lines(vendor, payout).c
    query = select(of).order_by(of.journal_id, of.leg).limit(limit)
    rows = db.session.execute(query.where(tuple_(of.journal_id, of.leg) > after) if after else query)
    return [
        Line(
            r.journal_id,
            r.leg,
            r.kind,
            r.about,
            r.reference,
            r.effective_at,
            *(Money(int(m), payout.currency) for m in (r.net, r.gross, r.fee)),
        )
        for r in rows
    ]


def payout_sheet(vendor: Vendor, payout: Payout, *, through: str = "", titles: Mapping[str, str] | None = None) -> Iterator[bytes]:
    """The statement as CSV: what was carried over, each line, what was paid, `through` whom and under which
    number on the seller's bank statement. Written by PostgreSQL as it is read."""
    of, code = _lines(vendor, payout).c, literal(payout.currency)
    columns = (
        ("at", instant(of.effective_at)),
        ("what", words(of.kind)),
        ("about", words(of.about)),
        ("reference", words(of.reference)),
        ("currency", code),
        ("amount", decimal(of.gross, code)),
        ("fee", decimal(of.fee, code)),
        ("refunded", decimal(case((of.gross != 0, of.net - of.gross - of.fee), else_=0), code)),
        ("net", decimal(of.net, code)),
    )

    def edge(what: str, minor: int, reference: str = "") -> list[str]:
        return [
            f"{payout.created_at:%Y-%m-%dT%H:%M:%SZ}",
            what,
            payout.public_id,
            reference,
            payout.currency,
            "",
            "",
            "",
            Money(minor, payout.currency).decimal_text,
        ]

    return write_sheet(
        columns,
        select(of.journal_id).order_by(of.journal_id, of.leg),
        titles=titles,
        first=edge("carried over", payout.opening_minor),
        last=edge("paid out", -payout.amount_minor, f"{through} {payout.trace}".strip()),
    )


# What a release is made of is read from the payment's own journals up to the release: what came in, and our fee less what was returned,
# with what the seller bears of the processor's.
_LINES = """
SELECT l.journal_id, l.leg, j.kind, j.about, coalesce(b.reference, '') AS reference, j.effective_at, -e.amount_minor AS net, coalesce(p.gross, 0) AS gross, coalesce(p.fee, 0) AS fee
FROM payout_lines l
JOIN entries e ON e.vendor_id = l.vendor_id AND e.mode = l.mode AND e.journal_id = l.journal_id AND e.leg = l.leg
JOIN journals j ON j.vendor_id = l.vendor_id AND j.mode = l.mode AND j.id = l.journal_id
LEFT JOIN payments b ON b.vendor_id = j.vendor_id AND b.mode = j.mode AND b.public_id = j.about
LEFT JOIN LATERAL (
  SELECT -sum(x.amount_minor) FILTER (WHERE o.kind = 'capture' AND x.code IN (2010, 4010)) AS gross,
         sum(x.amount_minor) FILTER (WHERE x.code IN (4010, 4015) OR (o.kind = 'processor fee borne' AND x.code = 5010)) AS fee
  FROM journals o JOIN entries x ON x.vendor_id = o.vendor_id AND x.mode = o.mode AND x.journal_id = o.id
  WHERE o.vendor_id = j.vendor_id AND o.mode = j.mode AND o.about = j.about AND o.id < j.id AND x.currency = e.currency) p
  ON j.kind = 'release'
WHERE l.vendor_id = :vendor AND l.mode = :mode AND l.payout_id = :payout"""
_COLUMNS = (
    column("journal_id", Uuid), column("leg", SmallInteger), column("kind", String), column("about", String), column("reference", String),
    column("effective_at", DateTime(timezone=True)), column("net", BigInteger), column("gross", BigInteger), column("fee", BigInteger),
)  # fmt: skip
