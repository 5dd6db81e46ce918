"""The bank's lines beside the processors' payouts: by the trace on the line, several that are one credit, or a sum that has nobody else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations

from sqlalchemy import or_, select

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.payments.unknown import line_is_a_settlement
from core.providers.bank_models import BankLine
from core.reconciliation.exceptions import Finding
from core.reconciliation.models import ReconSettlement
from core.reconciliation.settle import arrived, book_arrival
from core.reconciliation.states import ALONE, EXACT, SUBSET

PATIENCE = timedelta(hours=1)  # for the payout it may be, whose lines are not all known yet
AROUND = timedelta(days=5)  # between the day a processor names and the day a bank books
MOST_CANDIDATES = 12
MOST_LINES = 20_000  # unknown ones of one look, the newest: the others were looked at when they were
_BLANKS = re.compile(r"[^A-Z0-9]")
REASONS = {
    EXACT: "The trace of the payout stands on the line, and the sum is the same",
    SUBSET: "These payouts, and no others of those days, come to the line together",
    ALONE: "The only credit and the only payout of this sum in those days",
}


@dataclass(slots=True)
class Tally:
    """What one look at the bank came to."""

    matched: int = 0


def match_bank(mode: str) -> tuple[int, list[Finding], set[str]]:
    """Match unknown credits with payouts that are under way, and debits nobody ordered with what processors collect. Answers how many, what
    is left of both to look at, and which unknown lines were not looked at: somebody is at work on them, or they are too many."""
    either = or_(BankLine.sign == 1, BankLine.why == "debit")
    unknown = select(BankLine).where(BankLine.mode == mode, BankLine.state == "unknown", either)
    newest = unknown.order_by(BankLine.booked_on.desc(), BankLine.public_id.desc()).limit(MOST_LINES)
    lines = list(db.session.scalars(newest.with_for_update(skip_locked=True)))[::-1]
    open_ones = select(ReconSettlement).where(
        ReconSettlement.mode == mode, ReconSettlement.line.is_(None), ReconSettlement.booked_at.is_not(None)
    )
    payouts = list(db.session.scalars(open_ones.order_by(ReconSettlement.created_at, ReconSettlement.external_id).with_for_update()))
    traces = {row.trace for row in payouts if row.trace}
    named = {line.public_id: _named_on(line, traces) for line in lines}
    tally, odd = Tally(), []
    for line in lines:
        meant = [row for row in payouts if row.trace in named[line.public_id] and _same_way(row, line)]
        if len(meant) == 1 and meant[0].amount == _brought(line):
            _one(meant[0], line, EXACT, tally)
        elif len(meant) == 1:
            odd.append((meant[0], line))
    _sums([line for line in lines if not named[line.public_id]], payouts, tally)
    strange = {line.public_id for _, line in odd}
    left = [line for line in lines if line.state == "unknown" and line.public_id not in strange]
    still = select(BankLine.public_id).where(BankLine.mode == mode, BankLine.state == "unknown", either)
    unseen = set(db.session.scalars(still)) - named.keys()
    return tally.matched, [*(_unlike(row, line) for row, line in odd), *(_nobodys(line) for line in left if line.sign > 0)], unseen


def _named_on(line: BankLine, traces: Collection[str]) -> set[str]:
    """The payouts under way whose traces stand on it."""
    words = _packed(line) if traces else ""
    return {trace for trace in traces if trace in words}


def _brought(line: BankLine) -> Money:
    """What the line did to our account: below zero for a debit."""
    return Money(line.sign * line.amount_minor, line.currency)


def _same_way(row: ReconSettlement, line: BankLine) -> bool:
    """A payout is a credit, what a processor collects is a debit."""
    return row.amount_minor * line.sign > 0


def _packed(line: BankLine) -> str:
    return _BLANKS.sub("", f"{line.end_to_end} {line.reference} {line.text}".upper())


def _one(row: ReconSettlement, line: BankLine, rule: int, tally: Tally) -> None:
    arrived(row, line, rule=rule, reason=REASONS[rule])
    tally.matched += 1


def _sums(lines: list[BankLine], payouts: list[ReconSettlement], tally: Tally) -> None:
    """Passes 5 and 6: only of lines on which no trace speaks for a payout, and only when there is one answer."""
    silent = [line for line in lines if line.state == "unknown" and line.why in ("no_reference", "debit")]
    alone = Counter(_brought(line) for line in silent)
    for line in silent:
        near = [row for row in payouts if row.line is None and row.currency == line.currency and _near(row, line) and _same_way(row, line)]
        alike = [row for row in near if row.amount == _brought(line)]
        if len(alike) == 1 and alone[_brought(line)] == 1:
            _one(alike[0], line, ALONE, tally)
        elif (
            not alike
            and len(near) <= MOST_CANDIDATES
            and (found := only_subset(line.sign * line.amount_minor, [row.amount_minor for row in near]))
        ):
            _several([near[place] for place in found], line, tally)


def _near(row: ReconSettlement, line: BankLine) -> bool:
    return abs(row.arrives_on - line.booked_on) <= AROUND


def only_subset(target: int, amounts: list[int]) -> tuple[int, ...] | None:
    """The places of the one set of two or more that comes to `target`; None when there is none, or more than one. At most twelve amounts."""
    if len(amounts) > MOST_CANDIDATES:
        return None
    found = [
        places
        for size in range(2, len(amounts) + 1)
        for places in combinations(range(len(amounts)), size)
        if sum(amounts[place] for place in places) == target
    ]
    return found[0] if len(found) == 1 else None


def _several(rows: list[ReconSettlement], line: BankLine, tally: Tally) -> None:
    line = line_is_a_settlement(line, payout=rows[0].external_id, by="system", reason=REASONS[SUBSET])
    for row in rows:
        book_arrival(row, line, rule=SUBSET)
    tally.matched += 1


def _unlike(row: ReconSettlement, line: BankLine) -> Finding:
    """The bank names the payout and brings another sum."""
    brought = line.sign * line.amount_minor
    theirs = {"line": line.public_id, "amount_minor": brought, "currency": line.currency, "booked_on": line.booked_on.isoformat()}
    ours = {"external_id": row.external_id, "amount_minor": row.amount_minor, "currency": row.currency, "trace": row.trace}
    kind = "amount_mismatch" if row.currency == line.currency else "currency_mismatch"
    difference = brought - row.amount_minor if row.currency == line.currency else brought
    return Finding(
        kind,
        f"bank:{line.public_id}",
        "bank",
        line.currency,
        difference,
        line.booked_on,
        book=book.PLATFORM,
        about=line.public_id,
        ours=ours,
        theirs=theirs,
    )


def _nobodys(line: BankLine) -> Finding:
    theirs = {
        "line": line.public_id, "amount_minor": line.amount_minor, "currency": line.currency, "booked_on": line.booked_on.isoformat(), "name": line.name,
        "text": line.text[:200], "account": line.account,
    }  # fmt: skip
    return Finding(
        "bank_unknown", line.public_id, "bank", line.currency, line.amount_minor, line.booked_on, book=book.PLATFORM, about=line.public_id,
        ours={"why": line.why}, theirs=theirs, due_at=now() + PATIENCE,
    )  # fmt: skip
