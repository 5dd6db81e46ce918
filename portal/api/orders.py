"""Payment events and orders for the vendor's own software: a thin door over core/orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.kernel.money import Money
from core.orders.deliver import deliver_order
from core.orders.models import Checkout, Order
from core.orders.open import open_checkout, payer_token
from core.orders.pay import payment_of
from core.orders.queries import Part, Sold, checkout_of, get_checkout, get_order, lines_of, parts_of
from core.orders.states import CHECKOUT, KEEP, ORDER, RULES
from core.orders.wish import MOST_LINES, MOST_ORDERS, USUAL_HOURS, CheckoutWish, LineWish, OrderWish
from core.payments.models import Payment
from core.web import addresses
from portal.api.endpoint import endpoint
from portal.api.guard import acting
from portal.api.kinds import Amount, Fields, Kind, Listed, Number, Text, Within
from portal.api.objects import MODES
from portal.api.shapes import each, flag, inner, moment, money, number, shape, text


@dataclass(frozen=True)
class SeenOrder:
    """An order as its seller sees it."""

    seller: Vendor
    order: Order
    checkout: Checkout
    payment: Payment | None


LINE = shape(
    "order_line",
    "One line of an order.",
    name=text("What it is.", lambda sold: sold.line.name),
    category=text("Its kind, on which the platform's fee may depend.", lambda sold: sold.line.category),
    quantity=number("How many.", lambda sold: sold.line.quantity),
    amount=money("What they come to.", lambda sold: sold.line.amount),
    refunded=money("What went back of it.", lambda sold: sold.refunded),
)


def _back(order: Order, payment: Payment | None) -> Money:
    return payment.refunded if payment else Money(0, order.currency)


def _lines(one: SeenOrder) -> list[Sold]:
    return lines_of(one.seller, one.order)


ORDER_OBJECT = shape(
    "order",
    "What one seller sells in a payment event, as that seller sees it.",
    id=text("Its number, ord_...", lambda one: one.order.public_id),
    mode=text("Practice or real money.", lambda one: one.order.mode, one_of=MODES),
    event=text("The payment event it belongs to.", lambda one: one.checkout.public_id),
    seller=text("Who sells.", lambda one: one.seller.public_id),
    reference=text("What the caller calls it; may be empty.", lambda one: one.order.reference),
    status=text("How it stands.", lambda one: one.order.state, one_of=ORDER),
    amount=money("What it comes to.", lambda one: one.order.amount),
    fee=money("What the platform keeps of it.", lambda one: one.order.fee),
    payment=text("Its payment, once there is one.", lambda one: one.payment.public_id if one.payment else None, nullable=True),
    refunded=money("What went back of it.", lambda one: _back(one.order, one.payment)),
    why_not_paid=text("Why it was not paid.", lambda one: one.order.why_over or None, nullable=True),
    delivered_at=moment("When it was said to be delivered.", lambda one: one.order.delivered_at),
    available_at=moment("When its money is the seller's.", lambda one: one.payment.available_at if one.payment else None),
    released_at=moment("When it became so.", lambda one: one.payment.released_at if one.payment else None),
    lines=each(LINE, "What is sold.", _lines),
)


def _why(part: Part) -> str | None:
    order, payment = part.order, part.payment
    return order.why_over or (payment.decline_code if payment and order.state == "declined" else None) or None


PART = shape(
    "event_order",
    "One order of a payment event, as whoever opened the event sees it.",
    id=text("Its number, ord_...", lambda part: part.order.public_id),
    seller=text("Who sells.", lambda part: part.seller.public_id),
    reference=text("What you call it; may be empty.", lambda part: part.order.reference),
    status=text("How it stands.", lambda part: part.order.state, one_of=ORDER),
    amount=money("What it comes to.", lambda part: part.order.amount),
    refunded=money("What went back of it.", lambda part: _back(part.order, part.payment)),
    why_not_paid=text("Why it was not paid.", _why, nullable=True),
    delivered_at=moment("When it was said to be delivered.", lambda part: part.order.delivered_at),
)


@dataclass(frozen=True)
class SeenEvent:
    """A payment event with all its orders."""

    checkout: Checkout
    parts: list[Part]


_PAYER_OF = inner(
    email=text("Their e-mail address.", lambda checkout: checkout.email),
    name=text("Their name; may be empty.", lambda checkout: checkout.payer_name),
)


def _page_of(one: SeenEvent) -> str:
    return addresses.several(payer_token(get_vendor(one.checkout.vendor_id), one.checkout))


EVENT = shape(
    "payment_event",
    "One payer who pays orders of several sellers with one card.",
    id=text("Its number, chk_...", lambda one: one.checkout.public_id),
    mode=text("Practice or real money.", lambda one: one.checkout.mode, one_of=MODES),
    checkout_id=text("Your own id of it.", lambda one: one.checkout.checkout_id),
    status=text("How it stands.", lambda one: one.checkout.state, one_of=CHECKOUT),
    rule=text("What happens when an order cannot be paid.", lambda one: one.checkout.rule, one_of=RULES),
    amount=money("What all orders come to.", lambda one: one.checkout.total),
    payer=_PAYER_OF("Who pays.", lambda one: one.checkout),
    payment_page=text("Where the payer goes.", _page_of),
    is_payment_done=flag("Whether every order is paid.", lambda one: all(part.order.state == "paid" for part in one.parts)),
    is_ledger_updated=flag("Whether every capture is in the books.", lambda one: all(part.in_ledger for part in one.parts)),
    is_wallet_updated=flag("Whether every seller has it in the balance.", lambda one: all(part.in_wallet for part in one.parts)),
    created_at=moment("When it was opened.", lambda one: one.checkout.created_at, nullable=False),
    expires_at=moment("Until when the payer may take.", lambda one: one.checkout.expires_at, nullable=False),
    ended_at=moment("When it was over.", lambda one: one.checkout.ended_at),
    orders=each(PART, "All its orders.", lambda one: one.parts),
)

LINE_FIELDS: Fields = {
    "name": Text(about="What it is.", most=10_000),
    "quantity": Number(about="How many.", usual=1, least=-(2**53) + 1),
    "unit_amount": Amount(about="What one costs."),
    "category": Text(about="Its kind, on which the platform's fee may depend.", usual="", most=10_000),
}
ORDER_FIELDS: Fields = {
    "seller": Text(about="Who sells: a business that lets you sell for it, or yourself.", most=10_000),
    "lines": Listed(about="What is sold.", of=Within(about="One line.", fields=LINE_FIELDS), most=MOST_LINES),
    "reference": Text(about="What you call the order.", usual="", most=10_000),
}
PAYER: Fields = {"email": Text(about="Their e-mail address.", most=10_000), "name": Text(about="Their name.", usual="", most=10_000)}
CARD: Kind = Text(about="A card that this payer saved with you before; without one they enter one on our page.", usual="", most=10_000)
EVENT_FIELDS: Fields = {
    "checkout_id": Text(about="Your own id of it. The same one again is the same event.", most=10_000),
    "currency": Text(about="The currency of all amounts.", example="GBP", most=10_000),
    "payer": Within(about="Who pays.", fields=PAYER),
    "orders": Listed(about="What each seller sells.", of=Within(about="One order.", fields=ORDER_FIELDS), most=MOST_ORDERS),
    "payment_details": Within(about="With what.", usual=None, fields={"card": CARD}),
    "rule": Text(
        about="keep: what is paid stays paid. all_or_nothing: one that is not paid gives all of it back.", usual=KEEP, most=10_000
    ),
    "locale": Text(about="The language of the payer's page and letters.", usual="", most=10_000),
    "release_days": Number(
        about="How many days money waits for the delivery; left out: what the seller’s terms say.", usual=None, least=-(2**53) + 1
    ),
    "expires_in_hours": Number(about="For how long the payer may take.", usual=USUAL_HOURS, least=-(2**53) + 1),
}


@endpoint("POST", "/payments/event", gives=EVENT, takes=EVENT_FIELDS, status=201)
def open_event(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Open a payment event

    A payer and orders of different sellers. Nothing is charged before the payer has entered a card.
    """
    wish = CheckoutWish(
        checkout_id=sent["checkout_id"], email=sent["payer"]["email"], name=sent["payer"]["name"], currency=sent["currency"],
        orders=tuple(_order(one) for one in sent["orders"]), rule=sent["rule"], locale=sent["locale"],
        card=(sent["payment_details"] or {}).get("card") or None, release_days=sent["release_days"], hours=sent["expires_in_hours"],
    )  # fmt: skip
    return _event(open_checkout(vendor, mode, wish, by=acting()))


def _order(sent: dict[str, Any]) -> OrderWish:
    lines = tuple(LineWish(line["name"], line["quantity"], line["unit_amount"], line["category"]) for line in sent["lines"])
    return OrderWish(sent["seller"], lines, sent["reference"])


@endpoint("GET", "/payments/event/<number>", gives=EVENT)
def show_event(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a payment event

    With all its orders, whoever sells them.
    """
    return _event(get_checkout(vendor, mode, number))


@endpoint("GET", "/orders/<number>", gives=ORDER_OBJECT)
def show_order(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read one of your orders

    As its seller sees it.
    """
    return _own(vendor, get_order(vendor, mode, number))


@endpoint("POST", "/orders/<number>/deliver", gives=ORDER_OBJECT)
def deliver(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Say that an order has reached its payer

    Its money becomes available at once.
    """
    return _own(vendor, deliver_order(vendor, get_order(vendor, mode, number), by=acting()))


def _event(checkout: Checkout) -> dict[str, Any]:
    return EVENT.encode(SeenEvent(checkout, parts_of(checkout)))


def _own(seller: Vendor, order: Order) -> dict[str, Any]:
    return ORDER_OBJECT.encode(SeenOrder(seller, order, checkout_of(order), payment_of(order)))
