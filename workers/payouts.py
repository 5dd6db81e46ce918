"""Payouts by the clock, and what the bank's statements say of them."""

from __future__ import annotations

import uuid

import structlog

from core.accounts.queries import get_vendor
from core.kernel.db import unit_of_work
from core.kernel.outbox import enqueue
from core.payouts.request import SCHEDULE, NotPayable, request_payout
from core.payouts.settle import settle_payout as settle
from core.payouts.terms import claim_due

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
