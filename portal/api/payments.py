"""Payment events and orders for the vendor's own software: a thin door over core/orders."""

from __future__ import annotations

from typing import Any

from flask import request

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.kernel.money import Money
from core.ledger.book import RESERVE
from core.ledger.explore import list_bookings
from core.ledger.queries import balances
from core.orders.deliver import deliver_order
from core.orders.models import Checkout, Order
from core.orders.open import open_checkout, payer_token
from core.orders.pay import payment_of
from core.orders.queries import Part, checkout_of, get_checkout, get_order, lines_of, parts_of
from core.orders.states import KEEP
from core.orders.wish import USUAL_HOURS, CheckoutWish, LineWish, OrderWish
from core.web import addresses
from portal.api.blueprint import api
from portal.api.guard import by_key
from portal.api.reading import Body, BodyRefused, body

Answer = tuple[dict[str, Any], int]
WALLET = {"seller_pending": "pending", "seller_available": "available", "seller_hold": "disputed", "seller_receivable": "owed"}
RESERVED = "reserved"  # of what is held, what a rule keeps for some days; the rest is disputed
MOST_JOURNALS = 100


@api.post("/payments/event")
@by_key
def open_event(vendor: Vendor, mode: str) -> Answer:
    """A payment event: a payer and orders of different sellers. Nothing is charged before the payer has entered a card."""
    sent = body()
    currency = sent.text("currency")
    payer, details = sent.object("payer"), sent.object("payment_details", optional=True)
    wish = CheckoutWish(
        checkout_id=sent.text("checkout_id"), email=payer.text("email"), name=payer.text("name", ""), currency=currency,
        orders=tuple(_order(one, currency) for one in sent.objects("orders")), rule=sent.text("rule", KEEP), locale=payer.text("locale", ""),
        card=details.text("card", "") or None, release_days=sent.number("release_days") if "release_days" in sent.values else None,
        hours=sent.number("expires_in_hours", USUAL_HOURS),
    )  # fmt: skip
    for part in (payer, details, sent):
        part.close()
    return _event(open_checkout(vendor, mode, wish, by="api")), 201


def _order(sent: Body, currency: str) -> OrderWish:
    lines = []
    for line in sent.objects("lines"):
        quantity = line.number("quantity", 1)
        lines.append(LineWish(line.text("name"), quantity, line.minor("unit_amount", currency), line.text("category", "")))
        line.close()
    made = OrderWish(sent.text("seller"), tuple(lines), sent.text("reference", ""))
    sent.close()
    return made


@api.get("/payments/event/<number>")
@by_key
def show_event(vendor: Vendor, mode: str, number: str) -> Answer:
    """The event with all its orders, whoever sells them."""
    return _event(get_checkout(vendor, mode, number)), 200


@api.get("/orders/<number>")
@by_key
def show_order(vendor: Vendor, mode: str, number: str) -> Answer:
    """One of the caller's own orders, as its seller sees it."""
    return _own(vendor, get_order(vendor, mode, number)), 200


@api.post("/orders/<number>/deliver")
@by_key
def deliver(vendor: Vendor, mode: str, number: str) -> Answer:
    """The order has reached its payer: its money becomes available."""
    body().close()
    return _own(vendor, deliver_order(vendor, get_order(vendor, mode, number), by="api")), 200


@api.get("/wallet")
@by_key
def wallet(vendor: Vendor, mode: str) -> Answer:
    """What the caller has, by currency: pending, available, in reserve, held for disputes, and what it owes."""
    sums: dict[str, dict[str, int]] = {}
    for (account, sub, currency), amount in balances(vendor, mode).items():
        if account in WALLET:
            purse = sums.setdefault(currency, dict.fromkeys((*WALLET.values(), RESERVED), 0))
            purse[RESERVED if sub == RESERVE else WALLET[account]] += amount.minor
    purses = [
        {"currency": code, **{name: _money(Money(minor, code)) for name, minor in purse.items()}} for code, purse in sorted(sums.items())
    ]
    return {"object": "wallet", "mode": mode, "balances": purses}, 200


@api.get("/ledger")
@by_key
def ledger(vendor: Vendor, mode: str) -> Answer:
    """The journals of the caller's book, newest first; each comes to zero."""
    limit, after = request.args.get("limit", "25"), request.args.get("starting_after")
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= MOST_JOURNALS):
        raise BodyRefused("A page has between 1 and 100 journals.", field="limit")
    about = request.args.get("about")
    if about is not None and not (about.isascii() and about.isprintable()):
        raise BodyRefused("Give the number of a payment, a payout or a dispute.", field="about")
    found = list_bookings(vendor, mode, about=about, after=after, limit=int(limit))
    data = [
        {
            "id": str(one.journal.id), "object": "journal", "kind": one.journal.kind, "about": one.journal.about,
            "effective_at": _at(one.journal.effective_at), "recorded_at": _at(one.journal.recorded_at),
            "entries": [{"account": leg.account, "code": leg.code, "sub": leg.sub, "reference": leg.ref, "amount": _money(leg.amount)} for leg in one.legs],
        }
        for one in found.rows
    ]  # fmt: skip
    return {"object": "list", "data": data, "has_more": found.next is not None}, 200


def _event(checkout: Checkout) -> dict[str, Any]:
    parts = parts_of(checkout)
    return {
        "id": checkout.public_id, "object": "payment_event", "mode": checkout.mode, "checkout_id": checkout.checkout_id, "status": checkout.state,
        "rule": checkout.rule, "amount": _money(checkout.total), "payer": {"email": checkout.email, "name": checkout.payer_name},
        "payment_page": addresses.several(payer_token(get_vendor(checkout.vendor_id), checkout)),
        "is_payment_done": all(part.order.state == "paid" for part in parts),
        "is_ledger_updated": all(part.in_ledger for part in parts),
        "is_wallet_updated": all(part.in_wallet for part in parts),
        "created_at": _at(checkout.created_at), "expires_at": _at(checkout.expires_at), "ended_at": _at(checkout.ended_at),
        "orders": [_part(part) for part in parts],
    }  # fmt: skip


def _part(part: Part) -> dict[str, Any]:
    order, payment = part.order, part.payment
    return {
        "id": order.public_id, "object": "order", "seller": part.seller.public_id, "reference": order.reference, "status": order.state,
        "amount": _money(order.amount), "refunded": _money(payment.refunded) if payment else _money(Money(0, order.currency)),
        "why_not_paid": order.why_over or (payment.decline_code if payment and order.state == "declined" else None) or None,
        "delivered_at": _at(order.delivered_at),
    }  # fmt: skip


def _own(seller: Vendor, order: Order) -> dict[str, Any]:
    payment, checkout = payment_of(order), checkout_of(order)
    return {
        "id": order.public_id, "object": "order", "mode": order.mode, "event": checkout.public_id, "seller": seller.public_id,
        "reference": order.reference, "status": order.state, "amount": _money(order.amount), "fee": _money(order.fee),
        "payment": payment.public_id if payment else None,
        "refunded": _money(payment.refunded) if payment else _money(Money(0, order.currency)),
        "why_not_paid": order.why_over or None, "delivered_at": _at(order.delivered_at),
        "available_at": _at(payment.available_at) if payment else None, "released_at": _at(payment.released_at) if payment else None,
        "lines": [
            {
                "name": one.line.name, "category": one.line.category, "quantity": one.line.quantity, "amount": _money(one.line.amount),
                "refunded": _money(one.refunded),
            }
            for one in lines_of(seller, order)
        ],
    }  # fmt: skip


def _money(amount: Money) -> dict[str, Any]:
    return {"amount": amount.minor, "currency": amount.currency}


def _at(at: Any) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
