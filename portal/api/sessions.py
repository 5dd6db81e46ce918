"""Checkout sessions for the vendor's own software: a basket on a page of its own, for a payer who says there who they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.accounts.models import Vendor
from core.kernel.money import Money
from core.payments.basket import offer_of
from core.payments.feeds import feed_sessions
from core.payments.link import ends_at, expire_link, link_token
from core.payments.models import Payment, PaymentLink
from core.payments.offer import MOST_EACH, MOST_ITEMS, Item
from core.payments.session import LEAST_MINUTES, MOST_MINUTES, USUAL_MINUTES, SessionWish, get_session, open_session, session_state
from core.providers.contract import METHODS
from core.web import addresses
from portal.api.endpoint import endpoint
from portal.api.guard import acting, wish_token
from portal.api.kinds import Amount, Currency, Fields, Listed, Number, Pairs, Text, Within
from portal.api.objects import MODES
from portal.api.paging import Asked, list_of
from portal.api.shapes import each, moment, money, number, pairs, shape, text

SESSION_STATES = ("open", "complete", "expired")


@dataclass(frozen=True)
class SeenSession:
    """A session with whose it is, how it stands, and what completed it."""

    vendor: Vendor
    link: PaymentLink
    state: str
    payment: Payment | None


@dataclass(frozen=True)
class SeenLine:
    """A line with the currency it is in."""

    item: Item
    currency: str


LINE = shape(
    "checkout_line",
    "One line of the basket.",
    name=text("What it is.", lambda one: one.item.title),
    unit_amount=money("What one costs.", lambda one: Money(one.item.unit_minor, one.currency)),
    quantity=number("How many, to begin with.", lambda one: one.item.least),
    most=number("How many the payer may take.", lambda one: one.item.most),
)


def _lines(one: SeenSession) -> list[SeenLine]:
    return [SeenLine(item, one.link.currency) for item in offer_of(one.link).items]


SESSION = shape(
    "checkout_session",
    "A basket on a page of its own, which one payer pays once.",
    id=text("Its number, lnk_...", lambda one: one.link.public_id),
    mode=text("Practice or real money.", lambda one: one.link.mode, one_of=MODES),
    status=text("How it stands. complete is paid.", lambda one: one.state, one_of=SESSION_STATES),
    url=text("Where to send the payer.", lambda one: addresses.payment_link(link_token(one.vendor, one.link), one.vendor)),
    title=text("What the payer reads above it.", lambda one: one.link.title),
    currency=text("The currency of all its sums.", lambda one: one.link.currency),
    lines=each(LINE, "What is in the basket.", _lines),
    payment=text("The payment that completed it.", lambda one: one.payment.public_id if one.payment else None, nullable=True),
    metadata=pairs("Your own names and values, copied to its payment.", lambda one: one.link.key_values),
    success_url=text("Where the payer may go on after paying; empty: nowhere.", lambda one: offer_of(one.link).success_url),
    cancel_url=text("Where the payer may go back to without paying.", lambda one: offer_of(one.link).cancel_url),
    expires_at=moment("Until when it can be paid.", lambda one: ends_at(one.link)),
    created_at=moment("When it was made.", lambda one: one.link.created_at, nullable=False),
)

LINE_FIELDS: Fields = {
    "name": Text(about="What it is.", least=1, most=120, example="Rye loaf"),
    "unit_amount": Amount(about="What one costs."),
    "quantity": Number(about="How many; 0: none until the payer takes some.", usual=1, most=MOST_EACH),
    "most": Number(about="How many the payer may take; left out: as many as `quantity`.", usual=None, least=1, most=MOST_EACH),
}
WISH: Fields = {
    "title": Text(about="What the payer reads above the basket.", least=1, most=120, example="Your basket"),
    "currency": Currency(about="The currency of all its sums."),
    "lines": Listed(about="What is in the basket.", of=Within(about="One line.", fields=LINE_FIELDS), most=MOST_ITEMS),
    "description": Text(about="What the payer reads below the title.", usual="", most=2000, lines=True),
    "methods": Listed(
        about="The ways to pay it allows; none: all you offer.",
        usual=(),
        of=Text(about="One of them.", one_of=tuple(sorted(METHODS))),
        most=20,
    ),
    "locale": Text(about="The language of its page and letters; empty: the reader's own.", usual="", most=3),
    "metadata": Pairs(about="Your own names and values.", usual=None),
    "success_url": Text(about="Where the payer may go on after paying: at an address you allow in the settings.", usual="", most=500),
    "cancel_url": Text(about="Where the payer may go back to without paying.", usual="", most=500),
    "expires_in_minutes": Number(about="For how long it can be paid.", usual=USUAL_MINUTES, least=LEAST_MINUTES, most=MOST_MINUTES),
}
CALLED = {"items": "lines", "key_values": "metadata"} | {
    f"item_{n}_{ours}": f"lines.{n}.{theirs}"
    for n in range(MOST_ITEMS) for ours, theirs in (("title", "name"), ("price", "unit_amount"), ("least", "quantity"), ("most", "most"))
}  # fmt: skip


@endpoint("POST", "/checkout-sessions", gives=SESSION, takes=WISH, status=201, called=CALLED)
def begin_session(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Open a checkout session

    Send the payer to `url`: they say who they are there, take more or less where a line allows it, and pay once. Where you know who pays and
    how much, ask for a payment instead.
    """
    items = tuple(_item(n, line) for n, line in enumerate(sent["lines"]))
    wish = SessionWish(
        title=sent["title"], currency=sent["currency"], items=items, description=sent["description"], methods=tuple(sent["methods"]),
        locale=sent["locale"], success_url=sent["success_url"], cancel_url=sent["cancel_url"], key_values=sent["metadata"] or {},
        minutes=sent["expires_in_minutes"],
    )  # fmt: skip
    return _seen(vendor, open_session(vendor, mode, wish, by=acting(), token=wish_token()))


def _item(n: int, line: dict[str, Any]) -> Item:
    most = max(line["quantity"], 1) if line["most"] is None else line["most"]
    return Item(id=f"line_{n}", title=line["name"], unit_minor=line["unit_amount"], least=line["quantity"], most=most)


@endpoint("GET", "/checkout-sessions", gives=SESSION, many=True)
def all_sessions(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List checkout sessions"""
    return list_of(SESSION, feed_sessions(vendor, mode, asked.span), lambda link: _look(vendor, link))


@endpoint("GET", "/checkout-sessions/<number>", gives=SESSION)
def show_session(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a checkout session

    `complete` and its `payment` say that it is paid; what a browser brings back to your shop does not.
    """
    return _seen(vendor, get_session(vendor, mode, number))


@endpoint("POST", "/checkout-sessions/<number>/expire", gives=SESSION)
def end_session(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """End a checkout session

    Nobody can begin to pay it any more; whoever is paying may finish.
    """
    return _seen(vendor, expire_link(get_session(vendor, mode, number), by=acting()))


def _look(vendor: Vendor, link: PaymentLink) -> SeenSession:
    return SeenSession(vendor, link, *session_state(link))


def _seen(vendor: Vendor, link: PaymentLink) -> dict[str, Any]:
    return SESSION.encode(_look(vendor, link))
