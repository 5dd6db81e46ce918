"""A checkout is opened: the event and the orders it is split into are written in one transaction, before anybody is asked for money."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import find_vendor, find_vendors
from core.accounts.standing import check_open, takes_payments
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.kernel.sentence import said
from core.kernel.signing import TokenRefused, make_token, read_token
from core.orders.consent import may_sell
from core.orders.history import begin, move
from core.orders.models import Checkout, CheckoutPart, Order, OrderLine
from core.orders.terms import Sold, Terms, cut, terms_now, tier_of
from core.orders.weigh import weigh_checkout
from core.orders.wish import CheckoutWish, OrderWish, WishRefused, check_wish
from core.payments.saved import get_saved
from core.payments.saved_models import SavedCard, Saving
from core.payments.saving import request_saving
from core.risk.rule_sets import standing

ADDRESS_LIFE = timedelta(days=180)  # how long the payer's page tells what became of it


class CheckoutDiffers(Conflict):
    """The caller has used this id of theirs before, for something else."""

    code = "checkout_differs"


def open_checkout(operator: Vendor, mode: str, wish: CheckoutWish, *, by: str) -> Checkout:
    """Write a checkout down with all its orders. **No money moves.** The same wish again is the same checkout, whoever sends it twice.

    With a saved card its orders are paid by workers from here on; without one the payer enters a card on the page behind `payer_token`.
    Refuses CheckoutDiffers when its id stands for something else, WishRefused at a field, NothingToSaveWith, CustomerBlocked.
    """
    wish = replace(wish, email=wish.email.strip().lower(), name=wish.name.strip())
    again = find_by_checkout_id(operator, mode, wish.checkout_id)
    if again is not None:
        return _the_same(again, wish)
    check_open(operator, mode)
    check_wish(wish)
    sellers = _sellers(operator, mode, wish)
    card = _card(operator, mode, wish, sellers)
    terms = terms_now(mode)
    checkout = _write(operator, mode, wish, terms, by)
    if checkout is None:  # somebody else was faster with the same id
        written = find_by_checkout_id(operator, mode, wish.checkout_id)
        if written is None:
            raise RuntimeError("a checkout that is in the way can be read")
        return _the_same(written, wish)
    begin(checkout, actor=by, total_minor=checkout.total_minor, currency=checkout.currency, orders=len(wish.orders))
    _write_orders(operator, checkout, wish, sellers, terms, by)
    record(
        operator.id,
        actor=by,
        action="checkout.opened",
        subject=checkout.public_id,
        amount_minor=checkout.total_minor,
        currency=wish.currency,
    )
    if card is None:
        saving_of(operator, checkout)
    else:
        checkout.decision = weigh_checkout(operator, checkout, card)  # its row is new: nobody waits for it
        pay_with(checkout, card, actor=by)
    return checkout


def find_by_checkout_id(operator: Vendor, mode: str, checkout_id: str) -> Checkout | None:
    """The checkout that the caller knows by this id."""
    mine = select(Checkout).where(Checkout.vendor_id == operator.id, Checkout.mode == mode)
    return db.session.scalar(mine.where(Checkout.checkout_id == checkout_id))


def _the_same(checkout: Checkout, wish: CheckoutWish) -> Checkout:
    if checkout.digest != wish.digest:
        raise CheckoutDiffers("This checkout id was used before, with other orders or another payer.", field="checkout_id")
    return checkout


def _sellers(operator: Vendor, mode: str, wish: CheckoutWish) -> list[Vendor]:
    """Whose orders these are, each of whom takes part and has agreed to be sold for by this caller."""
    found, sellers = find_vendors({order.seller for order in wish.orders}), []
    for number, order in enumerate(wish.orders):
        seller, field = found.get(order.seller), f"orders.{number}.seller"
        if seller is None or seller.id == HOUSE or not may_sell(operator.id, seller.id, mode):
            # Whether there is such a business is nobody's to find out by trying.
            raise WishRefused(
                said("%(seller)s does not sell here through you. They can allow it in their portal.", seller=order.seller), field=field
            )
        if not takes_payments(seller, mode) or (mode == "live" and not seller.live_enabled):
            raise WishRefused(said("%(seller)s takes no payments at the moment.", seller=seller.name), field=field)
        sellers.append(seller)
    return sellers


def _card(operator: Vendor, mode: str, wish: CheckoutWish, sellers: list[Vendor]) -> SavedCard | None:
    if wish.card is None:
        return None
    card = get_saved(operator, mode, wish.card)
    if card.put_away_at is not None or card.only_for or card.email != wish.email or any(seller.id != operator.id for seller in sellers):
        # It was saved for this business: what it pays of other sellers' orders the payer has to agree to once more, on our page.
        raise WishRefused("This card cannot pay for that. Leave it out, and the payer enters a card.", field="payment_details.card")
    return card


def _write(operator: Vendor, mode: str, wish: CheckoutWish, terms: Terms, by: str) -> Checkout | None:
    at = now()
    row: dict[str, Any] = {
        "vendor_id": operator.id,
        "mode": mode,
        "id": uuid7(),
        "public_id": public_id("chk"),
        "checkout_id": wish.checkout_id,
        "digest": wish.digest,
        "token_id": public_id("tok"),
        "email": wish.email,
        "payer_name": wish.name,
        "locale": wish.locale,
        "currency": wish.currency,
        "total_minor": sum(order.minor for order in wish.orders),
        "rule": wish.rule,
        "terms_version": terms.version,
        "state": "open",
        "opened_by": by,
        "expires_at": at + timedelta(hours=wish.hours),
        "due_at": at + timedelta(hours=wish.hours),
        "created_at": at,
        "updated_at": at,
        "version": 0,
    }
    writing = insert(Checkout).values(**row).on_conflict_do_nothing(index_elements=["vendor_id", "mode", "checkout_id"])
    made = db.session.execute(writing.returning(Checkout.id)).scalar()
    return None if made is None else db.session.get_one(Checkout, (operator.id, mode, made))


def _write_orders(operator: Vendor, checkout: Checkout, wish: CheckoutWish, sellers: list[Vendor], terms: Terms, by: str) -> None:
    """Each order in its seller's book, with the platform's share of it worked out and kept."""
    sold = [
        Sold(tier_of(seller, checkout.mode), seller.fee_bps, [(line.category, line.quantity * line.unit_minor) for line in order.lines])
        for seller, order in zip(sellers, wish.orders, strict=True)
    ]
    fees = cut(terms, sold, wish.currency)
    for place, (seller, order, fee) in enumerate(zip(sellers, wish.orders, fees, strict=True), 1):
        waits, least = terms.waits(wish.release_days, seller, opened_itself=seller.id == operator.id)
        made = _order(checkout, seller, order, fee, seller_bears=terms.seller_bears, release_days=waits, least_days=least)
        db.session.add(made)
        begin(made, actor=by, amount_minor=made.amount_minor, currency=made.currency, fee_minor=made.fee_minor, checkout=checkout.public_id)
        part = CheckoutPart(
            vendor_id=operator.id, mode=checkout.mode, checkout_id=checkout.id, place=place, seller_id=seller.id, order_id=made.id
        )
        db.session.add(part)
        db.session.flush()
        for number, line in enumerate(order.lines, 1):
            db.session.add(
                OrderLine(
                    vendor_id=seller.id, mode=checkout.mode, order_id=made.id, place=number, name=line.name.strip(), category=line.category,
                    quantity=line.quantity, unit_minor=line.unit_minor, amount_minor=line.quantity * line.unit_minor, currency=wish.currency,
                )
            )  # fmt: skip
    db.session.flush()


def _order(
    checkout: Checkout, seller: Vendor, order: OrderWish, fee: Money, *, seller_bears: bool, release_days: int, least_days: int
) -> Order:
    at = now()
    return Order(
        vendor_id=seller.id, mode=checkout.mode, id=uuid7(), public_id=public_id("ord"), operator_id=checkout.vendor_id,
        checkout_id=checkout.id, reference=order.reference, currency=checkout.currency, amount_minor=order.minor, fee_minor=fee.minor,
        seller_bears=seller_bears, release_days=release_days, least_days=least_days, state="waiting", created_at=at, updated_at=at, version=0,
    )  # fmt: skip


def find_saving_of(checkout: Checkout) -> Saving | None:
    """That page, where it was asked for; asks for nothing."""
    mine = select(Saving).where(Saving.vendor_id == checkout.vendor_id, Saving.mode == checkout.mode)
    return db.session.scalar(mine.where(Saving.form_token == _saving_name(checkout)))


def _saving_name(checkout: Checkout) -> str:
    return f"checkout:{checkout.public_id}"


def saving_of(operator: Vendor, checkout: Checkout) -> Saving:
    """The page at the processor on which the payer enters the card for this checkout, and nothing else: one for each checkout."""
    return request_saving(
        operator, checkout.mode, email=checkout.email, name=checkout.payer_name, description=operator.name,
        form_token=_saving_name(checkout), locale=checkout.locale, on_saved="begin_paying", only_for=checkout.public_id,
    )  # fmt: skip


def note_address(checkout: Checkout, address: str) -> None:
    """Where its payer comes from, while it is open and a rule or a list may ask for that."""
    counting = standing(checkout.mode)
    if checkout.state == "open" and not counting.empty and checkout.address != address[:60]:
        checkout.address = address[:60]


def pay_with(checkout: Checkout, card: SavedCard, *, actor: str) -> None:
    """The token is there: have each order paid with it by a worker, each in its own seller's book. The checkout is locked, or new."""
    checkout.card_id = card.id
    move(checkout, "paying", actor=actor, card=card.public_id)
    parts = select(CheckoutPart).where(
        CheckoutPart.vendor_id == checkout.vendor_id, CheckoutPart.mode == checkout.mode, CheckoutPart.checkout_id == checkout.id
    )
    for part in db.session.scalars(parts.order_by(CheckoutPart.place)):
        enqueue("pay_order", part.seller_id, mode=checkout.mode, order=str(part.order_id))


def payer_token(operator: Vendor, checkout: Checkout) -> str:
    """The signed text of the payer's page."""
    expires_at = checkout.created_at + ADDRESS_LIFE
    return make_token("checkout", vendor=operator.public_id, mode=checkout.mode, token_id=checkout.token_id, expires_at=expires_at)


def open_checkout_token(text: str) -> tuple[Vendor, Checkout]:
    """Whose checkout this is. Raises TokenRefused for anything we did not issue."""
    claims = read_token("checkout", text)
    operator = find_vendor(claims.vendor)
    mine = select(Checkout).where(Checkout.mode == claims.mode, Checkout.token_id == claims.token_id)
    checkout = db.session.scalar(mine.where(Checkout.vendor_id == operator.id)) if operator else None
    if operator is None or checkout is None:
        raise TokenRefused("revoked")
    return operator, checkout
