"""What the news of its orders mean for a checkout: it goes on, waits for the payer, is done, or what was paid goes back.

The checkout alone is locked; its orders are read from their own books and asked to end by tasks of theirs. Whoever looks later sees more:
every look comes to what follows from what stands there then, so looks may be doubled, late and in any order.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from core.accounts.queries import get_vendor
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.outbox import enqueue, is_waiting
from core.notifications.notify import notify
from core.orders.history import move, note
from core.orders.models import Checkout, OrderEvent
from core.orders.pay import TIME, UNDONE
from core.orders.queries import Part, parts_of
from core.orders.states import ALL_OR_NOTHING, CHECKOUT
from core.payments.saved import CardInUse, forget
from core.payments.saved_models import SavedCard

LOOK_AGAIN = timedelta(minutes=1)  # while something that nobody tells of is waited for: a payment that runs out, a refund that is sent
OVER = frozenset({"done", "partly", "unpaid", "undone", "expired"})
TOLD = frozenset({"waiting", "partly", "unpaid", "unwinding", "undone"})  # the payer hears once that not everything is paid
LETTER = "checkout.told"
log = structlog.get_logger("orders")


def judge(rule: str, state: str, parts: Sequence[tuple[str, bool]], *, late: bool) -> str:
    """What a checkout is, by its orders as (state, whether the payer has its money back). Pure; the one place where it is decided.

    All or nothing: one order that is declined or over, or time that is up, and whatever was or will still be paid goes back.
    """
    states = [one for one, _ in parts]
    if state == "open":
        return "expired" if late else "open"
    if state == "expired":
        return "expired"
    everything = all(one == "paid" for one in states)
    if rule == ALL_OR_NOTHING and state != "done":
        lost = state in ("unwinding", "undone") or any(one in ("declined", "over") for one in states) or (late and not everything)
        if lost:
            return "undone" if all(one == "over" or (one == "paid" and back) for one, back in parts) else "unwinding"
    if everything:
        return "done"
    if any(one in ("waiting", "paying") for one in states):
        return "paying"
    if any(one in ("action", "declined") for one in states):
        return "waiting"
    return "partly" if "paid" in states else "unpaid"


def follow_checkout(vendor_id: uuid.UUID, mode: str, checkout_id: uuid.UUID, *, by_clock: bool = False) -> str:
    """Bring a checkout to where its orders are, and ask them for what follows; answers the state it is in. Safe to repeat."""
    checkout = locked(Checkout, vendor_id, mode, checkout_id)
    if checkout is None:
        raise RuntimeError("a checkout is never deleted")
    parts, at = parts_of(checkout), now()
    late = at >= checkout.expires_at
    to = judge(checkout.rule, checkout.state, [_seen(part) for part in parts], late=late)
    if to != checkout.state and to in CHECKOUT[checkout.state]:
        move(checkout, to, actor="system", paid=sum(part.is_paid for part in parts), orders=len(parts))
        checkout.ended_at = at if to in OVER else None
        if to in TOLD and any(part.order.state in ("declined", "over") for part in parts):
            _tell_payer(checkout)
    if checkout.state == "unwinding":
        _end(checkout, [p for p in parts if p.order.ended_because != UNDONE or (by_clock and _is_kept(p))], UNDONE)
    elif late and checkout.state in ("paying", "waiting"):
        _end(checkout, [p for p in parts if p.order.state in ("action", "declined") and not p.order.ended_because], TIME)
    if by_clock:
        _look_at_payments(checkout, parts)
    checkout.due_at = _next_look(checkout, at, late=late)
    if checkout.state in OVER:
        checkout.address = ""
        _let_card_go(checkout)
    return checkout.state


def _tell_payer(checkout: Checkout) -> None:
    """Once for each checkout: whoever tries again stands on its page, and sees there what became of it."""
    mine = (OrderEvent.vendor_id == checkout.vendor_id, OrderEvent.mode == checkout.mode, OrderEvent.subject_id == checkout.id)
    before = select(OrderEvent.seq).where(*mine, OrderEvent.kind == LETTER).limit(1)
    if db.session.scalar(before) is None:
        note(checkout, LETTER, actor="system")
        notify(
            get_vendor(checkout.vendor_id), "order_declined", mode=checkout.mode, to=checkout.email, locale=checkout.locale or "en",
            checkout=checkout.public_id,
        )  # fmt: skip


def _seen(part: Part) -> tuple[str, bool]:
    """An order counts as paid when its journals and its seller's balance say so too: they are written together, so anything else is an alarm."""
    if part.order.state == "paid" and not part.is_paid:
        log.error("order_paid_but_not_booked", order=part.order.public_id)
        return "paying", False
    return part.order.state, part.given_back


def _is_kept(part: Part) -> bool:
    """Its money neither is back nor on its way, and no bank holds it: a dispute that is over had called that off, or stood in the way."""
    at_the_bank = part.payment is not None and part.payment.disputed
    return part.order.state == "paid" and not part.given_back and not part.going_back and not at_the_bank


def _end(checkout: Checkout, parts: list[Part], why: str) -> None:
    for part in parts:
        enqueue("end_order", part.seller.id, mode=checkout.mode, order=str(part.order.id), why=why)


def _look_at_payments(checkout: Checkout, parts: list[Part]) -> None:
    """Some ends are told to nobody: a declined payment that has run out since."""
    for part in parts:
        if part.order.state in ("paying", "action", "declined"):
            enqueue("look_at_order", part.seller.id, mode=checkout.mode, order=str(part.order.id))
        elif part.order.state == "waiting" and checkout.state != "open":
            enqueue("pay_order", part.seller.id, mode=checkout.mode, order=str(part.order.id))


def _next_look(checkout: Checkout, at: datetime, *, late: bool) -> datetime | None:
    if checkout.state in OVER:
        return None
    return at + LOOK_AGAIN if late or checkout.state == "unwinding" else min(checkout.expires_at, at + timedelta(hours=1))


def _let_card_go(checkout: Checkout) -> None:
    """The token has done what it was given for. The provider is asked to forget it; a card of the payer's own stays."""
    if checkout.card_id is None:
        return
    card = db.session.get_one(SavedCard, (checkout.vendor_id, checkout.mode, checkout.card_id))
    if card.only_for and card.put_away_at is None:
        try:
            forget(card)
        except CardInUse:  # by an order of the operator's own; its news bring us here once more
            log.info("card_still_in_use", checkout=checkout.public_id)


def claim_due_checkouts(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Checkouts to look at now, each given to one caller: (vendor id, mode, id). Their next turn is planned at once."""
    due = (
        select(Checkout)
        .where(Checkout.due_at <= now(), ~is_waiting("follow_checkout", Checkout.vendor_id, checkout=Checkout.id))
        .order_by(Checkout.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(due))
    for checkout in found:
        checkout.due_at = now() + LOOK_AGAIN
    return [(one.vendor_id, one.mode, one.id) for one in found]
