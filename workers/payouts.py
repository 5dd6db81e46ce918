"""Payouts by the clock, what the bank's statements say of them, and those that a processor carries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import structlog
from rq.timeouts import JobTimeoutException
from sqlalchemy import select

from core.accounts.everywhere import vendors_by_id
from core.accounts.models import Vendor
from core.accounts.queries import get_vendor, hold_vendors
from core.kernel.db import db, gave_way, unit_of_work
from core.kernel.outbox import OutboxTask, enqueue
from core.ledger.book import PLATFORM
from core.payouts import carry, receivers
from core.payouts.models import PayoutTerms
from core.payouts.request import SCHEDULE, NotPayable, Wish, request_payout, request_payouts
from core.payouts.settle import settle_payout as settle
from core.payouts.states import CARRIED
from core.payouts.terms import claim_due, is_anybody_due
from core.providers.contract import NoSuchProvider, ProviderRefused
from core.providers.receivers import ReceiverOutcome

AT_ONCE = 50  # in one transaction: a kill costs no more than these, and they are done again
MOST_ROUNDS = 20  # in one turn: other work of the queue waits no longer for it
TURNS = 2  # that run or wait at once
log = structlog.get_logger("workers")


def plan_payouts() -> None:
    """A turn is asked for as soon as somebody's day has come: one that runs and one that waits, so that a turn whose worker was killed holds
    nobody up until its lease is over. In the present unit, by the clock."""
    turns = select(OutboxTask.id).where(OutboxTask.vendor_id == PLATFORM, OutboxTask.job == "run_payouts", OutboxTask.state == "waiting")
    if is_anybody_due() and len(db.session.scalars(turns.limit(TURNS)).all()) < TURNS:
        enqueue("run_payouts", PLATFORM)


def run_payouts(_nobody: uuid.UUID) -> None:
    """Pay out everybody whose day has come, a portion in a transaction: killed, late or run by two at once, nobody's is made twice.

    What fails takes its portion with it, and then each of them has a task of their own: one that fails holds nobody else up.
    """
    for _ in range(MOST_ROUNDS):
        try:
            with unit_of_work():
                due = claim_due(AT_ONCE)
                _pay_out(due)
        except Exception as problem:
            if gave_way(problem) or isinstance(problem, JobTimeoutException):
                raise  # no seller's fault: the rest of the turn is done again
            log.exception("payouts_one_by_one")
            with unit_of_work():
                due = claim_due(AT_ONCE)
                for terms in due:
                    enqueue("make_payout", terms.vendor_id, mode=terms.mode, currency=terms.currency, token=_token(terms))
        if len(due) < AT_ONCE:
            return


def _pay_out(due: Sequence[PayoutTerms]) -> None:
    """By mode and currency, so that each seller is among those of one act once. All of them are held first, so that two turns never wait for
    each other."""
    hold_vendors({terms.vendor_id for terms in due})
    vendors = vendors_by_id({terms.vendor_id for terms in due})
    alike: dict[tuple[str, str], list[PayoutTerms]] = {}
    for terms in due:
        alike.setdefault((terms.mode, terms.currency), []).append(terms)
    for (mode, currency), some in alike.items():
        wishes = [Wish(vendors[terms.vendor_id], _token(terms)) for terms in some]
        for wish, answer in zip(wishes, request_payouts(wishes, mode, currency, by=SCHEDULE), strict=True):
            if isinstance(answer, NotPayable):
                _say_it_waits(wish.vendor, mode, currency, answer)


def _token(terms: PayoutTerms) -> str:
    """The day is part of its name, so a payout is made once."""
    return f"day:{terms.currency}:{terms.updated_at:%Y%m%d}:{terms.next_on}"


def _say_it_waits(vendor: Vendor, mode: str, currency: str, reason: NotPayable) -> None:
    log.info("payout_waits", vendor=vendor.public_id, mode=mode, currency=currency, reason=str(reason.message))


def make_payout(vendor_id: uuid.UUID, *, mode: str, currency: str, token: str) -> None:
    """Pay out by the schedule, alone. What cannot be paid now waits for the next day of it."""
    with unit_of_work():
        vendor = get_vendor(vendor_id)
        try:
            request_payout(vendor, mode, currency, by=SCHEDULE, form_token=token)
        except NotPayable as reason:
            _say_it_waits(vendor, mode, currency, reason)


def settle_payout(vendor_id: uuid.UUID, *, mode: str, payout: str, line: str) -> None:
    """A statement's line is about this payout."""
    with unit_of_work():
        settle(get_vendor(vendor_id), mode, payout, cause=line)


def carry_payout(vendor_id: uuid.UUID, *, mode: str, payout: str, cause: str = "asked") -> None:
    """Take a payout through the processor as far as it goes now. Killed anywhere, it goes on from what was written down; twice is once."""
    for _ in CARRIED:
        with unit_of_work():
            question = carry.next_question(get_vendor(vendor_id), mode, payout)
        if question is None:
            return
        answer = carry.ask(question)
        with unit_of_work():
            goes_on = carry.record(get_vendor(vendor_id), question, answer, cause=cause)
        if not goes_on:
            return


def look_at_receiver(vendor_id: uuid.UUID, *, mode: str, provider: str, receiver: str = "") -> None:
    """Ask the processor where a seller's account stands, and bring ours there."""
    with unit_of_work():
        vendor = get_vendor(vendor_id)
        opened = receivers.to_look_at(vendor, mode, provider, receiver)
    if opened is None:
        return
    try:
        outcome = receivers.ask_about(opened)
    except NoSuchProvider:
        raise  # a key that is missing here says nothing of the account there
    except ProviderRefused as no:  # it has gone there, or is none of ours any more: nothing is paid out through it
        log.error("receiver_refused", receiver=opened.wish.reference, code=no.code)
        outcome = ReceiverOutcome("restricted", opened.reference or "", reason=no.code)
    with unit_of_work():
        receivers.record_receiver(vendor, mode, opened.id, outcome)


def plan_carrying() -> None:
    """Ask about payouts that a processor carries, and about sellers' accounts there: news get lost."""
    for vendor_id, mode, number in carry.claim_due():
        enqueue("carry_payout", vendor_id, mode=mode, payout=number)
    for vendor_id, mode, provider in receivers.claim_due():
        enqueue("look_at_receiver", vendor_id, mode=mode, provider=provider)
