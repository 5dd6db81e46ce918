"""The charges that subscriptions want: each becomes one payment to the payer's saved card, and each answer is told to billing once."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import aliased

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.billing import queries, store
from core.billing.begin import START
from core.billing.lines import sum_of
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.customers.meet import CustomerBlocked
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.money import Money
from core.kernel.outbox import is_waiting
from core.kernel.sentence import said
from core.payments.charge import charge_saved
from core.payments.charge_news import GIVEN_BACK, UNREACHABLE
from core.payments.models import Payment
from core.payments.saved import find_default, find_saved
from core.payments.saved_models import SavedCard, SavedCharge
from core.subscriptions.follow import follow
from core.subscriptions.given_back import note_given_back, note_paid_again
from core.subscriptions.pay_back import pay_back_late
from core.subscriptions.tell import tell_outage

LOOK_AGAIN = timedelta(hours=1)  # a bank that was told by the payer themselves may take days
UNPAID = ("declined", "requires_action", "expired", "canceled")


def list_due(limit: int = 200) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """The subscriptions with a charge whose time has come, oldest first, but for those that a worker has been asked about."""
    whose = (BillingCharge.vendor_id, BillingCharge.mode, BillingCharge.subscription_id)
    asked = is_waiting("send_charges", BillingCharge.vendor_id, mode=BillingCharge.mode, subscription=BillingCharge.subscription_id)
    due = select(*whose).where(BillingCharge.state == "wanted", BillingCharge.due_at <= now(), ~asked)
    found = db.session.execute(due.order_by(BillingCharge.due_at, BillingCharge.id).limit(limit)).all()
    return list(dict.fromkeys((vendor_id, mode, subscription_id) for vendor_id, mode, subscription_id in found))


def send_charges(vendor_id: uuid.UUID, mode: str, subscription_id: uuid.UUID) -> int:
    """Make a payment of each charge that is due; answers how many. **No money moves**: a worker sends them once this is committed.

    Nothing is asked for twice: a charge for documents that another one is out for waits for that answer, as it does while the payer's own
    money is on its way, and what is paid by then is not asked for any more. Without a card it counts as declined for good: a new card is
    asked for.
    """
    row = _lock(vendor_id, mode, subscription_id)
    seller, sent = get_vendor(vendor_id), 0
    while (charge := _first_due(row)) is not None:
        amount = _still_asked(row, charge)
        if not amount:
            _end(charge, "stopped")
            continue
        if _is_on_its_way(row, charge):
            charge.due_at = now() + LOOK_AGAIN
            continue
        payment = _pay(seller, row, charge, amount)
        if payment is None:
            _end(charge, "refused")
            store.refuse(row, tuple(charge.documents), hard=True)
            follow(row)
            continue
        charge.state, charge.payment_id = "sent", payment.id
        db.session.flush()
        sent += 1
    return sent


def _still_asked(row: KeptSubscription, charge: BillingCharge) -> Money:
    """What of a charge its documents still ask for: those that are owed, and the draft of a change that waits for its payment."""
    state = queries.read(row)
    owed = sum_of((each.due for each in state.open if each.document in charge.documents), charge.currency)
    held = state.awaiting
    if held is not None and held.document.number in charge.documents:
        owed = owed + held.document.gross - min(held.document.gross, state.balance)
    return min(owed, Money(charge.amount_minor, charge.currency))


def _pay(seller: Vendor, row: KeptSubscription, charge: BillingCharge, amount: Money) -> Payment | None:
    card = find_card_of(seller, row)
    if card is None:
        return None
    _let_go_of_earlier(row, charge)
    try:
        with db.session.begin_nested():
            return charge_saved(
                seller, card, amount=amount, description=_description(row, charge), reference=charge.public_id, on_settled="hear_charge",
                locale=row.locale,
            )  # fmt: skip
    except CustomerBlocked:
        return None


def find_card_of(seller: Vendor, row: KeptSubscription) -> SavedCard | None:
    """The card that pays. One that was chosen for this and is put away is replaced by no other: whoever chose it is asked for another."""
    if row.card_id is None:
        return find_default(seller, row.mode, row.payer_email)
    card = find_saved(seller, row.mode, row.card_id)
    return card if card is not None and card.put_away_at is None else None


def _is_on_its_way(row: KeptSubscription, charge: BillingCharge) -> bool:
    """Whether the payer has answered an earlier demand for the same documents themselves, on its page, and their bank has not said yet what
    comes of it."""
    return db.session.scalar(_earlier(row, charge, "processing", "unknown").limit(1)) is not None


def _let_go_of_earlier(row: KeptSubscription, charge: BillingCharge) -> None:
    """An earlier payment for the same documents that still waits for its payer is closed: nobody is to pay twice. One on whose page a card
    was declined waits as well: it would take another.

    Whoever is faster than that has paid, and what is too much is theirs: it becomes balance.
    """
    waiting = _earlier(row, charge, "requires_action", "requires_method")
    for payment in db.session.scalars(waiting.order_by(Payment.id).with_for_update()):
        payment.expires_at = min(payment.expires_at, now())


def _earlier(row: KeptSubscription, charge: BillingCharge, *states: str) -> Select[tuple[Payment]]:
    """Payments in one of these states that other charges of these documents have made."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    same = select(BillingCharge.payment_id).where(
        *mine, BillingCharge.id != charge.id, BillingCharge.payment_id.is_not(None), BillingCharge.documents.overlap(charge.documents)
    )
    return select(Payment).where(
        Payment.vendor_id == row.vendor_id, Payment.mode == row.mode, Payment.id.in_(same), Payment.state.in_(states)
    )


def _description(row: KeptSubscription, charge: BillingCharge) -> str:
    """What the payer reads: the numbers of its documents, where they have one already; of a vendor's own plan, first what it is called."""
    mine = (BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode, BillingDocument.subscription_id == row.id)
    found = db.session.scalars(
        select(BillingDocument).where(*mine, BillingDocument.ordinal.in_(charge.documents)).order_by(BillingDocument.ordinal)
    )
    names = [document.name for document in found if document.name]
    if row.vendor_id != HOUSE:
        return " · ".join([queries.read(row).plan.title, *names])
    words = said("Invoice %(names)s", names=", ".join(names)) if names else said("Subscription %(name)s", name=row.public_id)
    return str(words)


def hear_charge(vendor_id: uuid.UUID, mode: str, payment_id: uuid.UUID, result: str) -> None:
    """Tell billing what became of a charge. Late and doubled news change nothing; money that came after a refusal still counts, once."""
    charge = _charge_of(vendor_id, mode, payment_id)
    if charge is None:
        return
    row = _lock(vendor_id, mode, charge.subscription_id)
    if result == GIVEN_BACK:
        note_given_back(row, db.session.get_one(Payment, (vendor_id, mode, payment_id), populate_existing=True))
        follow(row)
        return
    charge = db.session.get_one(BillingCharge, (vendor_id, mode, charge.id), with_for_update=True, populate_existing=True)
    documents = tuple(charge.documents)
    if result == UNREACHABLE:
        if charge.state == "sent" and not _outage_is_told(row, charge):
            tell_outage(row, charge)
        return
    if result == "succeeded" and charge.state != "received":
        payment = db.session.get_one(Payment, (vendor_id, mode, payment_id))
        _end(charge, "received")
        effects = store.receive(row, documents, payment.amount, payment_id=payment.public_id)
        follow(row)
        pay_back_late(row, payment, effects, documents)
        note_paid_again(row, documents, effects)
        follow(row)
        return
    elif result == "requires_action" and _begins(row, documents):
        return  # nothing has begun yet, and the payer may still say yes to their bank: there is nothing to be behind with
    elif result in UNPAID and charge.state == "sent":
        _end(charge, "refused")
        store.refuse(row, documents, hard=_is_hard(vendor_id, mode, payment_id))
    else:
        return
    follow(row)


def _outage_is_told(row: KeptSubscription, charge: BillingCharge) -> bool:
    """Whether another charge of this subscription has told of the same outage: it is out for an answer as well."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    beside = (SavedCharge.vendor_id == row.vendor_id, SavedCharge.mode == row.mode, SavedCharge.payment_id == BillingCharge.payment_id)
    out = exists().where(*mine, *beside, BillingCharge.id != charge.id, BillingCharge.state == "sent", SavedCharge.told == UNREACHABLE)
    return bool(db.session.scalar(select(out)))


def _begins(row: KeptSubscription, documents: tuple[int, ...]) -> bool:
    """Whether a charge is for the first invoice of all, which decides whether there is a subscription."""
    return any(owed.origin == START and owed.draft is not None and owed.document in documents for owed in queries.read(row).open)


def _is_hard(vendor_id: uuid.UUID, mode: str, payment_id: uuid.UUID) -> bool:
    return bool(db.session.get_one(SavedCharge, (vendor_id, mode, payment_id)).hard)


def _charge_of(vendor_id: uuid.UUID, mode: str, payment_id: uuid.UUID) -> BillingCharge | None:
    mine = select(BillingCharge).where(BillingCharge.vendor_id == vendor_id, BillingCharge.mode == mode)
    return db.session.scalar(mine.where(BillingCharge.payment_id == payment_id))


def use_new_card(vendor_id: uuid.UUID, mode: str, *, email: str, subscriber: str = "") -> None:
    """A card was saved under this address: what its payer's subscriptions owe is charged to it at once.

    With a subscriber it is for theirs: whoever saved it pays for that from now on.
    """
    mine = select(KeptSubscription).where(KeptSubscription.vendor_id == vendor_id, KeptSubscription.mode == mode)
    theirs = (KeptSubscription.payer_email == email) | (KeptSubscription.subscriber == subscriber)
    for row in db.session.scalars(mine.where(theirs, KeptSubscription.due_at.is_not(None)).order_by(KeptSubscription.id).with_for_update()):
        row.payer_email = email
        store.new_card(row)
        follow(row)


def _lock(vendor_id: uuid.UUID, mode: str, subscription_id: uuid.UUID) -> KeptSubscription:
    row = locked(KeptSubscription, vendor_id, mode, subscription_id)
    if row is None:
        raise RuntimeError("a subscription is never deleted")
    return row


def _first_due(row: KeptSubscription) -> BillingCharge | None:
    """The first one whose time has come and whose documents no other charge is out for."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    out = aliased(BillingCharge)
    same_row = (out.vendor_id == row.vendor_id, out.mode == row.mode, out.subscription_id == row.id, out.state == "sent")
    waits = exists().where(*same_row, out.documents.overlap(BillingCharge.documents))
    due = select(BillingCharge).where(*mine, BillingCharge.state == "wanted", BillingCharge.due_at <= now(), ~waits)
    return db.session.scalar(due.order_by(BillingCharge.due_at, BillingCharge.event_seq, BillingCharge.place).limit(1).with_for_update())


def _end(charge: BillingCharge, state: str) -> None:
    charge.state, charge.ended_at = state, now()
    db.session.flush()
