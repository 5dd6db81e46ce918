"""Transfers our bank is to make: written down, handed over, and believed only when a statement shows them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.providers.bank_accounts import check_iban
from core.providers.bank_models import BankLine, BankOrder, BankOrderFile
from core.providers.contract import ProviderRefused, RefundOutcome
from core.providers.pain import NO_NAME, can_be_written

REFUND, PAYOUT = "refund", "payout"  # what an order is for: whose money it waits on, until a statement shows it


@dataclass(frozen=True, slots=True)
class Sender:
    """Where transfers of a payment came from, and how much of them has not gone back yet."""

    name: str
    account: str
    bic: str
    left: Money
    ours: str  # our account into which it came


class NoWayBack(ProviderRefused):
    """Nobody knows to which account the money should go."""

    def __init__(self) -> None:
        super().__init__("no_sender_account", "The bank did not say from which account this money came. Ask the payer for an IBAN.")


def senders(mode: str, payment: str) -> list[Sender]:
    """Who sent the payment's money, the last one first, as far as it has not gone back. Locks the lines until the unit ends."""
    came = select(BankLine).where(BankLine.mode == mode, BankLine.payment == payment, BankLine.sign == 1, BankLine.reversed_by.is_(None))
    lines = list(db.session.scalars(came.order_by(BankLine.booked_on.desc(), BankLine.public_id).with_for_update()))
    gone = _already_sent(mode, payment)
    faces: dict[str, BankLine] = {}
    total: dict[str, int] = {}
    for line in lines:
        faces.setdefault(line.counter_account, line)
        total[line.counter_account] = total.get(line.counter_account, 0) + line.amount_minor
    elsewhere = sum(amount for account, amount in gone.items() if account not in total)  # to an IBAN the payer named later
    found = []
    for account, face in faces.items():
        left = total[account] - gone.get(account, 0)
        apart = min(elsewhere, max(left, 0))
        elsewhere -= apart
        if left - apart > 0:
            found.append(Sender(face.name, account, face.bic, Money(left - apart, face.currency), face.account))
    return found


def order_return(
    mode: str, payment: str, reference: str, amount: Money, *, vendor: str, text: str, iban: str = "", name: str = ""
) -> BankOrder:
    """An order that gives `amount` of a payment's transfers back to the account it came from, or to `iban` (of `name`, or of who sent it).

    In the present transaction. The same reference again gives the same order. Refuses more than came and has not gone back yet,
    more than one sender sent (each gets their own), and money whose sender nobody knows.
    """
    known = find_order(mode, reference)
    if known is not None:
        if known.amount != amount:
            raise ProviderRefused("idempotency_error", "This reference was used before, for another sum.")
        return known
    found = senders(mode, payment)
    left = sum(sender.left.minor for sender in found)
    if amount.minor <= 0 or any(s.left.currency != amount.currency for s in found) or amount.minor > left:
        raise ProviderRefused("charge_already_refunded" if left <= 0 else "amount_too_large", "More cannot go back than has come.")
    sender = next((s for s in found if iban or amount <= s.left), None)
    if sender is None:
        raise ProviderRefused(
            "several_senders",
            f"This money came from several accounts; at most {max(s.left for s in found)} can go back to one of them at once.",
        )
    to = (name or sender.name, iban, "") if iban else (sender.name, sender.account, sender.bic)
    return write_order(mode, reference=reference, vendor=vendor, payment=payment, account=sender.ours, to=to, amount=amount, text=text)


def knows_a_way_back(mode: str, payment: str) -> bool:
    """Whether any transfer of this payment came from an account that one can transfer to."""
    came = select(BankLine.counter_account).where(BankLine.mode == mode, BankLine.payment == payment, BankLine.sign == 1)
    return any(check_iban(account) for account in db.session.scalars(came.where(BankLine.reversed_by.is_(None))))


def write_order(
    mode: str,
    *,
    reference: str,
    account: str,
    to: tuple[str, str, str],
    amount: Money,
    text: str,
    vendor: str | None = None,
    payment: str | None = None,
    line: str | None = None,
    purpose: str = REFUND,
    at_once: bool = True,
) -> BankOrder:
    """One order, in the present transaction: `at_once`, or with whatever else the unit writes. Its end-to-end reference is its own number, so
    that its debit names it."""
    name, iban, bic = to
    number = check_iban(iban)
    if not number:
        raise NoWayBack
    order = BankOrder(
        mode=mode,
        end_to_end=uuid7().hex,
        public_id=public_id("ord"),
        purpose=purpose,
        reference=reference,
        vendor=vendor,
        payment=payment,
        line=line,
        account=account,
        to_name=name[:140] if can_be_written(name) else NO_NAME,  # some statements name nobody; the IBAN says where it goes
        to_account=number,
        to_bic=bic,
        currency=amount.currency,
        amount_minor=amount.minor,
        text=text[:140],
        state="requested",
        created_at=now(),
    )
    db.session.add(order)
    if at_once:
        db.session.flush()
    return order


def find_order(mode: str, reference: str) -> BankOrder | None:
    """The order made for this refund or return."""
    return db.session.scalar(select(BankOrder).where(BankOrder.mode == mode, BankOrder.reference == reference))


def get_order(mode: str, number: str) -> BankOrder | None:
    """An order by its own public number."""
    return db.session.scalar(select(BankOrder).where(BankOrder.mode == mode, BankOrder.public_id == number))


def lock_order(mode: str, end_to_end: str) -> BankOrder | None:
    """The order a statement's line names, locked. Some banks hand the reference on in capitals."""
    text = end_to_end.strip().lower()
    return locked(BankOrder, mode, text) if _is_number(text) else None


def _is_number(text: str) -> bool:
    """Whether we could have issued it: 32 hexadecimal digits of a UUID."""
    try:
        return len(text) == 32 and uuid.UUID(text).hex == text
    except ValueError:
        return False


def list_waiting_orders(mode: str, limit: int = 100, *, without: Sequence[ColumnElement[bool]] = ()) -> list[BankOrder]:
    """What a person (or a line to the bank) still has to hand over, oldest first, `without` those of which one of these is true; what a file carries is
    not among them."""
    waiting = select(BankOrder).where(BankOrder.mode == mode, BankOrder.state == "requested", BankOrder.file_id.is_(None))
    waiting = waiting.where(*(~one for one in without))
    return list(db.session.scalars(waiting.order_by(BankOrder.created_at).limit(limit)))


def in_an_open_file(order: BankOrder) -> bool:
    """Whether a file that is made and not yet given to the bank carries it. The order is locked, so it gets into none meanwhile."""
    if order.file_id is None:
        return False
    file = db.session.get(BankOrderFile, (order.mode, order.file_id), populate_existing=True)
    return file is not None and file.state == "made"


def claim_for_line(order: BankOrder) -> bool:
    """The line to the bank is about to tell this order: from now on no file carries it. False when a file does, or it has been refused."""
    fresh = locked(BankOrder, order.mode, order.end_to_end)
    if fresh is None or fresh.state != "requested" or fresh.file_id is not None:
        return False
    fresh.sent_at = fresh.sent_at or now()
    return True


def give_up_claim(order: BankOrder) -> None:
    """The bank has definitely not taken it over the line: a file may carry it."""
    fresh = locked(BankOrder, order.mode, order.end_to_end)
    if fresh is not None and fresh.state == "requested":
        fresh.sent_at = None


def call_off_untold(mode: str, reference: str, *, why: str) -> BankOrder | None:
    """The order made for this refund or return fails, when nobody has told our bank of it yet; None when somebody may have. One that a file
    carries, or the line to the bank has in hand, is not waited for: whoever holds it may wait for its payment."""
    untold = select(BankOrder).where(
        BankOrder.mode == mode, BankOrder.reference == reference, BankOrder.state == "requested", BankOrder.file_id.is_(None),
        BankOrder.sent_at.is_(None),
    )  # fmt: skip
    order = db.session.scalar(untold.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    if order is not None:
        order.state, order.failure_reason = "failed", why
    return order


def note_sent(orders: Sequence[BankOrder]) -> None:
    """The bank has been told of these, which are in one mode. Nothing has left yet."""
    these = select(BankOrder).where(BankOrder.mode == orders[0].mode, BankOrder.end_to_end.in_([order.end_to_end for order in orders]))
    locked_ones = these.order_by(BankOrder.end_to_end).with_for_update().execution_options(populate_existing=True)
    for order in db.session.scalars(locked_ones):
        if order.state == "requested":
            order.state, order.sent_at = "sent", now()


def standing(order: BankOrder) -> RefundOutcome:
    """How far it is, as a provider says it: only what a statement shows has succeeded."""
    state = {"settled": "succeeded", "failed": "failed"}.get(order.state, "pending")
    return RefundOutcome(state, order.reference, order.amount, failure_reason=order.failure_reason)


def _already_sent(mode: str, payment: str) -> dict[str, int]:
    """By account, what is on its way back or has gone."""
    gone = (
        select(BankOrder.to_account, func.sum(BankOrder.amount_minor))
        .where(BankOrder.mode == mode, BankOrder.payment == payment, BankOrder.state != "failed")
        .group_by(BankOrder.to_account)
    )
    return {account: int(total) for account, total in db.session.execute(gone)}
