"""After a back-up was restored, and before anything leaves again: every processor and bank is asked what it has done since, and what it says
is brought into the books. Nothing is charged or given back here, and no payout begins (one that had
been moved to a seller's account at a processor goes on from there); whatever cannot be brought there by itself is said in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import func, select

from core.accounts.queries import find_vendors
from core.hooks.feed import leave_a_gap
from core.kernel.db import DATABASE_AWAY, MODES, db, finish_unit, unit_of_work
from core.kernel.money import Money
from core.ledger.book import PLATFORM
from core.ledger.models import Journal
from core.payments.bank_lines import book_lines
from core.payments.found_again import take_up_payment
from core.payments.models import Attempt
from core.payments.states import LIVE_ATTEMPT
from core.payments.unknown import WORDS, list_unknown
from core.payouts.found_again import take_up_carried, take_up_transfers
from core.providers.contract import Outcome
from core.providers.registry import provider_named
from core.reconciliation.models import ReconException, ReconLine, ReconRun
from core.reconciliation.queries import Wanted, list_exceptions, list_unmatched
from core.reconciliation.runs import begin_run, find_going
from workers.bank import fetch_statements
from workers.disputes import follow_dispute
from workers.outside import find_outside_refunds
from workers.payments import settle_attempt
from workers.payouts import carry_payout
from workers.reconciliation import processors, reconcile
from workers.release import release_all

OPERATOR = "operator"
DONE = ("settled", "second_charge", "mismatch")  # what bringing a payment to the truth says when it was news
log = structlog.get_logger("workers")


@dataclass
class Found:
    """What came of it in one mode, in sentences: what was brought into the books, and what a person has to look at."""

    mode: str
    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def end_of_database() -> datetime | None:
    """The newest moment that stands in the books: the restore went as far as this, or a little further."""
    with unit_of_work():
        return db.session.scalar(select(func.max(Journal.recorded_at)))


def ask_everybody() -> Iterator[Found]:
    """One mode after the other. Safe to repeat: what is known already is no news."""
    with unit_of_work():
        leave_a_gap()  # places in the feeds that were given since are never given to anything else
    for mode in MODES:
        found = Found(mode)
        _look(mode)
        for provider in [one.name for one in processors(mode)]:
            _take_up_charges(found, provider)
            _ask_about_the_rest(found, provider)
        _ask_about_attempts(found)
        _read_the_bank(found)
        for provider in [one.name for one in processors(mode)]:
            _take_up_transfers(found, provider)
        if problem := _look(mode):
            found.left.append(problem)
        _say_what_is_left(found)
        yield found


def _look(mode: str) -> str:
    """At everything, from where the last look before the restored moment ended. Answers what could not be asked, or not to its end."""
    with unit_of_work():
        going = find_going(mode)
    if going is not None:  # the restored moment was in the middle of one
        reconcile(PLATFORM, mode=mode, run=str(going.id))
    with unit_of_work():
        run = begin_run(mode, by=OPERATOR)
    if run is None:
        raise RuntimeError("a look that no night asks for is always begun")
    reconcile(PLATFORM, mode=mode, run=str(run.id))
    with unit_of_work():
        return db.session.get_one(ReconRun, (mode, run.id), populate_existing=True).problem


def _unmatched(mode: str, provider: str, *categories: str) -> list[ReconLine]:
    with unit_of_work():
        return list_unmatched(mode, provider, categories)


def _take_up_charges(found: Found, provider: str) -> None:
    """Money that was taken for payments that are not paid here, or not here at all: the processor gives back whose each is."""
    teller = provider_named(provider, found.mode)
    for line in _unmatched(found.mode, provider, "charge"):
        with _asking(found, line.source_id):
            result = _take_up_charge(line, teller.refunds_of(line.source_id).metadata)
            if result in DONE:
                found.done.append(f"{line.reference} of {line.counterparty}: {_sum_of(line)} was paid ({result.replace('_', ' ')})")


def _take_up_charge(line: ReconLine, told: Mapping[str, str]) -> str:
    outcome = Outcome(
        "succeeded", "", charge=line.source_id, captured=Money(line.gross_minor, line.currency), fee=Money(line.fee_minor, line.currency),
        fee_reference=line.external_id, occurred_at=line.occurred_at,
    )  # fmt: skip
    with unit_of_work():
        vendor = find_vendors({line.counterparty}).get(line.counterparty)
        return take_up_payment(vendor, line.mode, line.source, told, outcome, description=line.description) if vendor else "not_ours"


def _ask_about_the_rest(found: Found, provider: str) -> None:
    """Refunds and disputes that the processor tells of and the books do not have."""
    named: dict[str, str] = {"provider": provider, "mode": found.mode}
    for line in _unmatched(found.mode, provider, "refund", "refund_failure"):
        with _asking(found, line.source_id):
            find_outside_refunds(PLATFORM, **named, refund=line.source_id)
            found.done.append(f"{line.source_id} ({line.reference}): {_sum_of(line)} went back to a payer")
    for line in _unmatched(found.mode, provider, "dispute", "dispute_reversal"):
        with _asking(found, line.source_id):
            follow_dispute(PLATFORM, **named, dispute=line.source_id, cause="report")
            found.done.append(f"{line.source_id}: a dispute about {_sum_of(line)}, read anew")


def _ask_about_attempts(found: Found) -> None:
    """Whatever was open at the restored moment: it may have been paid, declined or left since."""
    with unit_of_work():
        live = select(Attempt.vendor_id, Attempt.id).where(Attempt.mode == found.mode, Attempt.state.in_(LIVE_ATTEMPT))
        open_ones = db.session.execute(live.where(Attempt.provider != "bank", Attempt.provider_reference.is_not(None))).all()
    for vendor_id, attempt in open_ones:
        with _asking(found, str(attempt)):
            settle_attempt(vendor_id, mode=found.mode, attempt=str(attempt))
    if open_ones:
        found.done.append(f"{len(open_ones)} payments that were under way: asked about")


def _read_the_bank(found: Found) -> None:
    """Statements come by themselves only from the sandbox's bank; elsewhere somebody has imported them, and they wait to be booked."""
    with _asking(found, "our bank"):
        fetch_statements(PLATFORM, mode=found.mode)
    release_all()  # what could be paid out by then is there to be paid out of
    with unit_of_work():
        for line, payout, why in take_up_transfers(found.mode):
            if payout is None:
                found.left.append(f"{line.public_id}: {line.amount} left for {line.counter_account} on {line.booked_on}. {why}")
            else:
                found.done.append(f"{payout.public_id}: {payout.amount} had left for {line.counter_account}; it was taken up")
    while _book(found.mode):
        pass


def _book(mode: str) -> int:
    with unit_of_work():
        return book_lines(mode)


def _take_up_transfers(found: Found, provider: str) -> None:
    """Payouts that a processor carries."""
    for line in _unmatched(found.mode, provider, "transfer"):
        with _asking(found, line.external_id):
            with unit_of_work():
                vendor = find_vendors({line.counterparty}).get(line.counterparty)
                amount = Money(-line.gross_minor, line.currency)
                payout = take_up_carried(vendor, found.mode, provider, line.reference, amount, at=line.occurred_at) if vendor else None
            if payout is not None:
                found.done.append(f"{line.reference} of {line.counterparty}: {amount} had been moved there; it was taken up")
            if vendor is not None:
                carry_payout(vendor.id, mode=found.mode, payout=line.reference)


@contextmanager
def _asking(found: Found, what: str) -> Iterator[None]:
    """Whoever does not answer, or says what does not fit, holds nothing else up and is said to be so."""
    try:
        yield
    except DATABASE_AWAY:
        raise
    except Exception as problem:
        finish_unit(keep=False)
        log.warning("not_settled_after_restore", what=what, error=repr(problem))
        found.left.append(f"{what}: {problem}")


def _sum_of(line: ReconLine) -> Money:
    return Money(abs(line.gross_minor), line.currency)


def _say_what_is_left(found: Found) -> None:
    with unit_of_work():
        after: str | None = None
        while True:
            page = list_exceptions(found.mode, Wanted(), after=after, limit=100)
            found.left += [_in_words(row) for row in page.rows]
            if (after := page.next) is None:
                break
        found.left += [
            f"{line.public_id}: {line.amount} on our bank account. {WORDS.get(line.why, line.why)}" for line in list_unknown(found.mode)
        ]


def _in_words(row: ReconException) -> str:
    return f"{row.public_id}: {row.kind.replace('_', ' ')}, {row.source}, {row.amount}, {row.about or row.key}"
