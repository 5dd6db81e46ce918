"""The jobs of subscriptions: midnights that have passed, documents whose hour is over, charges that are due, and what became of them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from rq.timeouts import JobTimeoutException
from sqlalchemy import exists, select

from core.billing.carry_out import finalise_due
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.billing.store import catch_up_all, claim_due
from core.kernel.clock import now
from core.kernel.db import db, gave_way, unit_of_work
from core.kernel.outbox import enqueue, is_waiting
from core.payments.saved_models import Saving
from core.subscriptions import charges, pay_back
from core.subscriptions.follow import follow_all
from core.subscriptions.papers import document_final

NOBODYS = uuid.UUID(int=0)
AT_ONCE = 50  # in one transaction: a kill costs no more than these, and they are done again
MOST_ROUNDS = 40  # in one turn; the next one goes on
AGAIN = timedelta(hours=1)
log = structlog.get_logger("workers")


def plan_midnights() -> None:
    """One turn is asked for as soon as something has fallen due. In the present unit, by the clock."""
    due = exists().where(KeptSubscription.due_at <= now())
    late = exists().where(BillingDocument.state == "draft", BillingDocument.final_due_at <= now())
    unsent = exists().where(BillingCharge.state == "wanted", BillingCharge.due_at <= now())
    if db.session.scalar(select((due | late | unsent) & ~is_waiting("run_midnights", NOBODYS))):
        enqueue("run_midnights", NOBODYS)


def run_midnights(_nobody: uuid.UUID) -> None:
    """In small transactions. Late, repeated, killed or run by two at once: every boundary is caught up once and in order."""
    for _ in range(MOST_ROUNDS):
        with unit_of_work():
            rows = claim_due(AT_ONCE)
            if rows and not _ran(rows):
                for row in rows:
                    if not _ran([row]):
                        row.due_at = now() + AGAIN
        if len(rows) < AT_ONCE:
            break
    with unit_of_work():
        for document in finalise_due():
            document_final(document)
    with unit_of_work():
        due = charges.list_due()
    for vendor_id, mode, subscription_id in due:
        send_charges(vendor_id, mode=mode, subscription=str(subscription_id))


def _ran(rows: list[KeptSubscription]) -> bool:
    """Whether this midnight could be run for all of them. One that fails is looked at again in an hour and holds nobody else up."""
    names = [row.public_id for row in rows]
    try:
        with db.session.begin_nested():
            catch_up_all(rows)
            follow_all(rows)
    except Exception as problem:
        if gave_way(problem) or isinstance(problem, JobTimeoutException):
            raise  # not these subscriptions' fault: the whole turn is done again
        if len(names) == 1:
            log.exception("midnight_failed", subscription=names[0])
        for row in rows:
            db.session.refresh(row)
        return False
    return True


def send_charges(vendor_id: uuid.UUID, *, mode: str, subscription: str) -> None:
    """Make payments of the charges of a subscription that are due."""
    with unit_of_work():
        charges.send_charges(vendor_id, mode, uuid.UUID(subscription))


def hear_charge(vendor_id: uuid.UUID, *, mode: str, payment: str, result: str) -> None:
    """A payment for a subscription has news."""
    with unit_of_work():
        charges.hear_charge(vendor_id, mode, uuid.UUID(payment), result)


def hear_payout(vendor_id: uuid.UUID, *, mode: str, refund: str, result: str) -> None:
    """A refund of a balance has ended."""
    with unit_of_work():
        pay_back.hear_payout(vendor_id, mode, uuid.UUID(refund), result)


def use_new_card(vendor_id: uuid.UUID, *, mode: str, saving: str, card: str) -> None:
    """A card was saved: the subscriptions of its payer are charged what they owe."""
    with unit_of_work():
        asked = db.session.get_one(Saving, (vendor_id, mode, uuid.UUID(saving)))
        subscriber = asked.form_token.partition(":")[0]
        charges.use_new_card(vendor_id, mode, email=asked.email, subscriber=subscriber)
