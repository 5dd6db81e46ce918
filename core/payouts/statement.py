"""The payout that proves itself: what was carried over, every line since, and what is left when the payout has gone. It is a view over
the journals, and no money leaves before it adds up."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

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


def take_lines(payout: Payout, *, last: datetime | None) -> Money:
    """Put every entry of the seller's available money that stands on no statement yet on this one; answers what they come to.

    `last`: when the payout before it was made. The vendor is held, so nothing is added meanwhile.
    """
    since = first_id_at(last - SETTLED) if last else uuid.UUID(int=0)
    taken = db.session.execute(
        text(_TAKE),
        {
            "vendor": payout.vendor_id, "mode": payout.mode, "currency": payout.currency, "payout": payout.id, "code": SELLER_AVAILABLE,
            "since": since, "own": PAYOUT,
        },
    )  # fmt: skip
    return Money(int(taken.scalar_one()), payout.currency)


_TAKE = """
WITH open AS (
  SELECT e.vendor_id, e.mode, e.journal_id, e.leg, e.amount_minor FROM entries e
  JOIN journals j ON j.vendor_id = e.vendor_id AND j.mode = e.mode AND j.id = e.journal_id
  WHERE e.vendor_id = :vendor AND e.mode = :mode AND e.code = :code AND e.sub = '' AND e.currency = :currency AND e.journal_id >= :since
    AND j.kind <> :own
    AND NOT EXISTS (SELECT 1 FROM payout_lines l
      WHERE l.vendor_id = e.vendor_id AND l.mode = e.mode AND l.journal_id = e.journal_id AND l.leg = e.leg)),
kept AS (
  INSERT INTO payout_lines (vendor_id, mode, journal_id, leg, payout_id)
  SELECT vendor_id, mode, journal_id, leg, :payout FROM open RETURNING 1)
SELECT coalesce(-sum(amount_minor), 0) FROM open"""


def sums_of(payout: Payout) -> Sums:
    """The statement's sums, added up anew from the journals, for whoever shows them: look whether they `add_up`. When they are not what the
    payout says, that is an alarm, each time it is seen."""
    asked = {"vendor": payout.vendor_id, "mode": payout.mode, "payout": payout.id, "currency": payout.currency}
    total = int(db.session.execute(text(_SUM), asked).scalar_one())
    sums = Sums(*(Money(minor, payout.currency) for minor in (payout.opening_minor, total, payout.amount_minor, payout.carried_minor)))
    if not sums.add_up:
        log.error("payout_does_not_add_up", payout=payout.public_id, problem=str(sums))
    return sums


def prove(payout: Payout) -> Sums:
    """The same before money leaves: raises StatementDoesNotAddUp."""
    sums = sums_of(payout)
    if not sums.add_up:
        raise StatementDoesNotAddUp(f"payout {payout.public_id}: {sums}")
    return sums


_SUM = """
SELECT coalesce(-sum(e.amount_minor), 0) FROM payout_lines l
JOIN entries e ON e.vendor_id = l.vendor_id AND e.mode = l.mode AND e.journal_id = l.journal_id AND e.leg = l.leg
WHERE l.vendor_id = :vendor AND l.mode = :mode AND l.payout_id = :payout AND e.currency = :currency"""

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
