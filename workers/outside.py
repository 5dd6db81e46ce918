"""The job that finds refunds nobody asked for here: the provider is asked about the charge, and each is brought to the truth."""

from __future__ import annotations

import uuid

import structlog

from core.accounts.queries import find_vendors
from core.kernel.db import unit_of_work
from core.payments.match import find_refund
from core.payments.outside_refund import settle_outside_refund
from core.payments.queries import find_payment
from core.payments.refund import ASKED, begin_sending, settle_refund
from core.providers.contract import RefundsOfCharge
from core.providers.registry import provider_named

log = structlog.get_logger("workers")


class RefundDoesNotFit(Exception):
    """More was given back at the provider than is left here. A refund of ours may be under way for the same money: look again later."""


def find_outside_refunds(_nobody: uuid.UUID, *, provider: str, mode: str, charge: str = "", refund: str = "") -> None:
    """Ask which refunds this charge has, or that of this refund, and book those made at the provider itself. Twice is as good as once.

    A refund that does not fit yet is an error when all the others are booked: the job comes back, and gives up where staff see it.
    """
    teller = provider_named(provider, mode)
    charge = charge or teller.inquire_refund(refund).charge or ""
    if not charge:
        log.info("refund_of_no_charge", provider=provider, mode=mode)
        return
    found = teller.refunds_of(charge)
    with unit_of_work():
        results = _settle(found, provider, mode)
    if "excess" in results:
        raise RefundDoesNotFit(f"a refund of {charge} is larger than what is left of its payment")


def _settle(found: RefundsOfCharge, provider: str, mode: str) -> list[str]:
    vendor = find_vendors({found.metadata.get("vendor", "")}).get(found.metadata.get("vendor", ""))
    payment = find_payment(vendor, mode, found.metadata.get("payment", "")) if vendor else None
    if vendor is None or payment is None or payment.provider not in (provider, "bank"):  # a second charge may stand beside a transfer
        log.info("refund_of_nobodys_charge", provider=provider, mode=mode)
        return []
    results = []
    for outcome in found.refunds:
        ours = find_refund(vendor, mode, outcome.reference) if outcome.reference else None
        if ours is not None and ours.payment_id == payment.id and ours.provider_reference in (None, outcome.provider_reference):
            begin_sending(ours)  # the provider has it; a database that was restored to a moment before it was sent does not know that
            results.append(settle_refund(vendor, ours, outcome, cause=ASKED))
        else:  # nobody asked for it; or it was asked for once and is there twice, and ours is the other
            results.append(settle_outside_refund(vendor, payment, outcome, cause=outcome.provider_reference))
    return results
