"""Payouts by the clock, what the bank's statements say of them, and those that a processor carries."""

from __future__ import annotations

import uuid

import structlog

from core.accounts.queries import get_vendor
from core.kernel.db import unit_of_work
from core.kernel.outbox import enqueue
from core.payouts import carry, receivers
from core.payouts.request import SCHEDULE, NotPayable, request_payout
from core.payouts.settle import settle_payout as settle
from core.payouts.states import CARRIED
from core.payouts.terms import claim_due
from core.providers.contract import NoSuchProvider, ProviderRefused
from core.providers.receivers import ReceiverOutcome

log = structlog.get_logger("workers")


def plan_payouts() -> None:
    """Ask for the payout of everybody whose day has come; the day is part of its name, so it is made once."""
    for terms in claim_due():
        token = f"day:{terms.currency}:{terms.updated_at:%Y%m%d}:{terms.next_on}"
        enqueue("make_payout", terms.vendor_id, mode=terms.mode, currency=terms.currency, token=token)


def make_payout(vendor_id: uuid.UUID, *, mode: str, currency: str, token: str) -> None:
    """Pay out by the schedule. What cannot be paid now waits for the next day of it."""
    with unit_of_work():
        vendor = get_vendor(vendor_id)
        try:
            request_payout(vendor, mode, currency, by=SCHEDULE, form_token=token)
        except NotPayable as reason:
            log.info("payout_waits", vendor=vendor.public_id, mode=mode, currency=currency, reason=str(reason.message))


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
