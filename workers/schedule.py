"""What the clock plans: inquiries, disputes, expiries, reviews, fees, releases, waiting refunds, statements, reminders, marks and proofs of the books, pruning, rates and the
midnights of subscriptions. Rows decide, not the clock."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import structlog
from sqlalchemy import select

from core.accounts.fees import apply_due_fees
from core.accounts.pay_domains import plan_looks
from core.billing.advance import ask_for_due
from core.disputes.accept_rules import accept_when_due, list_to_accept
from core.kernel.db import DATABASE_AWAY, db, unit_of_work
from core.kernel.outbox import enqueue, is_waiting
from core.ledger.book import PLATFORM
from core.ledger.marks import day_to_mark, mark_balances
from core.ledger.proof import claim_due_proofs
from core.ledger.proof_run import night_run
from core.payments.claim import expire_claim, list_claims_to_expire
from core.payments.poll import claim_due_attempts, claim_due_refunds, claim_overdue_payments
from core.payments.refund_queue import list_lines_to_move, send_first
from core.payments.release import give_reserves_back
from core.payments.reserve import list_due as books_with_reserves_due
from core.payments.review import claim_lapsed
from core.payments.saving import claim_due_savings
from core.providers.bank_accounts import has_line
from core.reconciliation.runs import night_runs
from workers.disputes import plan_disputes
from workers.due_letters import LETTERS, send_due
from workers.orders import plan_checkouts
from workers.payouts import plan_carrying, plan_payouts
from workers.pruning import plan_pruning
from workers.rates import plan_rates
from workers.release import release_next
from workers.subscriptions import plan_midnights
from workers.vat import plan_vat_checks

BOOKS = 20  # of which reserves are given back, before it is asked which are next
MOST_IN_A_ROW = 20  # refunds of one line in one look
FETCH_SECONDS = 10  # between two looks at whether the bank has new statements
SEND_SECONDS = 300  # between two looks at whether an order may leave by now that was kept back
LINK_SECONDS = 30  # between two looks at which books have journals that no chain holds yet
log = structlog.get_logger("workers")
_marked: set[date] = set()  # the day this process has marked; marking it again would find nothing new


def tick() -> None:
    """One look around. Each part is a unit of work by itself, and one that fails holds nothing else back."""
    for part in PARTS:
        try:
            part()
        except DATABASE_AWAY:
            raise  # every other part would only say the same
        except Exception:
            log.exception("clock_part_failed", part=part.__name__)


def _ask_about_attempts() -> None:
    with unit_of_work():
        for vendor_id, mode, attempt_id in claim_due_attempts():
            enqueue("settle_attempt", vendor_id, mode=mode, attempt=str(attempt_id))


def _ask_about_refunds() -> None:
    with unit_of_work():
        for vendor_id, mode, refund_id in claim_due_refunds():
            enqueue("poll_refund", vendor_id, mode=mode, refund=str(refund_id))


def _close_overdue_payments() -> None:
    with unit_of_work():
        for vendor_id, mode, payment_id in claim_overdue_payments():
            enqueue("close_payment", vendor_id, mode=mode, payment=str(payment_id))


def _ask_about_savings() -> None:
    with unit_of_work():
        for vendor_id, mode, saving_id in claim_due_savings():
            enqueue("settle_saving", vendor_id, mode=mode, saving=str(saving_id))


def _end_reviews() -> None:
    with unit_of_work():
        for vendor_id, mode, review_id in claim_lapsed():
            enqueue("end_review", vendor_id, mode=mode, review_id=str(review_id))


def _give_reserves_back() -> None:
    """Each book is a unit of work by itself: killed in between, what is done is done; those that fail hold no other back."""
    after: tuple[UUID, str] | None = None
    while True:
        with unit_of_work():
            books = books_with_reserves_due(BOOKS, after=after)
        for vendor_id, mode in books:
            try:
                with unit_of_work():
                    give_reserves_back(vendor_id, mode)
            except DATABASE_AWAY:
                raise
            except Exception:
                log.exception("reserve_not_given_back", vendor=str(vendor_id), mode=mode)
        if len(books) < BOOKS:
            return
        after = books[-1]


def _end_refund_links() -> None:
    """Each in a unit of its own: one that fails holds back itself."""
    with unit_of_work():
        over = list_claims_to_expire()
    for one in over:
        try:
            with unit_of_work():
                expire_claim(*one)
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("refund_link_not_ended", vendor=str(one[0]), mode=one[1])


def _look_at_pay_domains() -> None:
    with unit_of_work():
        plan_looks()


def _send_waiting_refunds() -> None:
    """Refunds that waited for their seller's balance, in their order, each in a unit of its own: one book that fails holds back itself."""
    with unit_of_work():
        lines = list_lines_to_move()
    for line in lines:
        try:
            for _ in range(MOST_IN_A_ROW):
                with unit_of_work():
                    more = send_first(*line)
                if not more:
                    break
        except Exception:
            log.exception("waiting_refunds_failed", vendor=str(line[0]), mode=line[1])


def _talk_to_the_bank() -> None:
    """One look at a time, and the next one a while after it has ended. Orders are looked at as well: one that was kept back leaves when its
    hold is over, or what its seller owed is made up, whatever made it up."""
    if not has_line("test"):
        return
    with unit_of_work():
        if not db.session.scalar(select(is_waiting("fetch_statements", PLATFORM, mode="test"))):
            enqueue("fetch_statements", PLATFORM, due_in=FETCH_SECONDS, mode="test")
        if not db.session.scalar(select(is_waiting("send_bank_orders", PLATFORM, mode="test"))):
            enqueue("send_bank_orders", PLATFORM, due_in=SEND_SECONDS, mode="test")


def _write_letters() -> None:
    for kind in LETTERS:
        send_due(kind)


def _prove_books() -> None:
    with unit_of_work():
        for vendor_id, mode in claim_due_proofs():
            enqueue("prove_book", vendor_id, queue="papers", mode=mode)  # it may take its time, and money never waits behind it
    with unit_of_work():
        night_run()
    with unit_of_work():
        night_runs()


def _apply_fees() -> None:
    with unit_of_work():
        apply_due_fees()


def _extend_chains() -> None:
    """One look at a time over all books, and the next one a while after it has ended."""
    with unit_of_work():
        if not db.session.scalar(select(is_waiting("extend_chains", PLATFORM))):
            enqueue("extend_chains", PLATFORM, queue="papers", due_in=LINK_SECONDS)


def _plan_housekeeping() -> None:
    with unit_of_work():
        plan_pruning()
    with unit_of_work():
        plan_rates()
    with unit_of_work():
        plan_vat_checks()


def _plan_payouts() -> None:
    with unit_of_work():
        plan_payouts()
    with unit_of_work():
        plan_carrying()


def _ask_about_disputes() -> None:
    with unit_of_work():
        plan_disputes()


def _give_in_as_announced() -> None:
    """Each dispute in a unit of its own: one that fails holds back itself."""
    with unit_of_work():
        due = list_to_accept()
    for one in due:
        try:
            with unit_of_work():
                accept_when_due(*one)
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("dispute_not_given_in", vendor=str(one[0]), mode=one[1])


def _look_at_checkouts() -> None:
    with unit_of_work():
        plan_checkouts()


def _plan_midnights() -> None:
    with unit_of_work():
        plan_midnights()


def _go_on_with_clocks() -> None:
    with unit_of_work():
        ask_for_due()


def _mark_balances() -> None:
    if (day := day_to_mark()) not in _marked:
        with unit_of_work():
            mark_balances(day)
        _marked.clear()
        _marked.add(day)


PARTS = (
    _ask_about_attempts, _ask_about_refunds, _ask_about_disputes, _give_in_as_announced, _close_overdue_payments, _end_reviews, _ask_about_savings, _apply_fees, release_next, _give_reserves_back, _send_waiting_refunds, _end_refund_links, _plan_payouts,
    _look_at_checkouts, _plan_midnights, _go_on_with_clocks, _write_letters, _talk_to_the_bank, _prove_books, _extend_chains, _plan_housekeeping, _mark_balances, _look_at_pay_domains,
)  # fmt: skip
