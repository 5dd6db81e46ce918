"""F16: checkouts of several sellers, each order captured in its seller's book and heard by its checkout, against the very same rows written again."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from flask import Flask
from sqlalchemy import select

from bench.again import write_again
from bench.capture import dealt, pgbench, settled
from bench.figures import Figure, alone, compared, say
from bench.processes import run_clients
from bench.stack import Services
from bench.world import make_vendors
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.money import Money
from core.ledger.queries import find_breaks
from core.orders import follow, pay
from core.orders.consent import let_sell
from core.orders.models import Checkout
from core.orders.open import open_checkout
from core.orders.queries import parts_of
from core.orders.wish import CheckoutWish, LineWish, OrderWish
from core.payments.charge import begin_sending
from core.payments.hear import Told
from core.payments.models import Attempt, Payment
from core.payments.saved import keep_card
from core.payments.saved_models import Saving
from core.payments.settle import settle_at_once
from core.providers.contract import Outcome
from core.providers.saved import SavedMethod

SELLERS, CLIENTS, WARM = 5, 8, 2
MARKETS = 20  # each with sellers of its own: no two checkouts of one market are captured by two clients more often than that


@dataclass(frozen=True, slots=True)
class Basket:
    """One checkout that waits for the processor's word on each of its orders."""

    checkout: Checkout
    orders: list[uuid.UUID]
    told: list[Told]


def f16(services: Services, app: Flask, full: bool) -> list[Figure]:
    """In turns: so many checkouts by our acts, then the same rows once more by pgbench."""
    rounds, each = (5, 100) if full else (2, 12)
    seen, counted = [], 0
    with services.connect() as connection, app.app_context():
        markets = [as_kept(make_vendors(connection, SELLERS)) for _ in range(MARKETS)]
        for sellers in markets:
            with unit_of_work():
                for seller in sellers[1:]:
                    let_sell(seller, "test", sellers[0].public_id, by="usr_bench")
        for number in range(rounds):
            say(f"F16 round {number + 1} of {rounds}: {CLIENTS * each} checkouts of {SELLERS} sellers are opened")
            baskets = [fill_basket(markets[n % MARKETS]) for n in range(CLIENTS * each)]
            connection.execute("VACUUM ANALYZE payments, attempts, orders, checkouts")
            ours = run_clients(app, dealt(baskets, CLIENTS), capture_and_hear, WARM)
            acts = lay_out(connection, baskets)
            limit = pgbench(services, "SELECT ref.again();", CLIENTS, acts // CLIENTS)
            seen.append((ours.rate * SELLERS, limit * SELLERS))
            counted += len(baskets)
        with unit_of_work():
            breaks = find_breaks()
            done = int(db.session.scalar(select(db.func.count()).select_from(Checkout).where(Checkout.state == "done")) or 0)
    return [
        compared("F16", f"captures in checkouts of {SELLERS} sellers, 8 clients", "/s", seen, goal=0.30, note="limit: pgbench, the same rows again"),
        alone("F16", "… checkouts that are not done, breaks in the books", "", counted - done + len(breaks), goal=0, note="; ".join(breaks[:3])),
    ]  # fmt: skip


def as_kept(sellers: list[Vendor]) -> list[Vendor]:
    """The same businesses with everything that PostgreSQL filled in."""
    with unit_of_work():
        kept = [db.session.get_one(Vendor, seller.id) for seller in sellers]
        db.session.expunge_all()
    return kept


def fill_basket(sellers: list[Vendor]) -> Basket:
    """Through the acts, up to the moment at which the processor answers."""
    orders = tuple(OrderWish(seller.public_id, (LineWish("Bread", 2, 1_250),), f"R-{place}") for place, seller in enumerate(sellers))
    wish = CheckoutWish(f"cart-{secrets.token_hex(10)}", f"payer-{secrets.token_hex(6)}@example.com", "Ada Payer", "GBP", orders)
    with unit_of_work():
        checkout = open_checkout(sellers[0], "test", wish, by="usr_bench")
    with unit_of_work():
        mine = Saving.vendor_id == checkout.vendor_id, Saving.only_for == checkout.public_id
        saving = db.session.scalars(select(Saving).where(*mine)).one()
        method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", "4242", 12, 2034, "credit")
        card = keep_card(saving.vendor_id, "test", "sandbox", method, email=saving.email, name=saving.name, only_for=checkout.public_id)
        saving.state, saving.card_id = "saved", card.id
        pay.begin_paying(saving.vendor_id, "test", saving.id, card.id)
    with unit_of_work():
        waiting = [(part.seller.id, part.order.id) for part in parts_of(checkout)]
    for seller_id, order_id in waiting:
        with unit_of_work():
            pay.pay_order(seller_id, "test", order_id)
    with unit_of_work():
        told = [_told(part.seller, part.payment) for part in parts_of(checkout)]
    db.session.remove()
    return Basket(checkout, [order_id for _, order_id in waiting], told)


def _told(seller: Vendor, payment: Payment | None) -> Told:
    """The processor's word on one order, as a worker has it in hand."""
    if payment is None:
        raise RuntimeError("an order has no payment")
    attempt = db.session.scalars(select(Attempt).where(Attempt.vendor_id == seller.id, Attempt.payment_id == payment.id)).one()
    begin_sending(seller.id, "test", attempt.id)
    outcome = Outcome(
        "succeeded", f"pi_{payment.public_id}", charge=f"ch_{payment.public_id}", captured=payment.amount, card_brand="visa", card_last4="4242",
        occurred_at=now(), fee=Money(20, payment.currency), fee_reference=f"txn_{payment.public_id}",
    )  # fmt: skip
    return Told(seller, payment, attempt, outcome, f"evt_{payment.public_id}")


def capture_and_hear(basket: Basket) -> None:
    """What the workers do when the processor has answered: each order in its own unit, in its seller's book; then the checkout looks at all."""
    for one in basket.told:
        with unit_of_work():
            settled([settle_at_once(one.vendor, one.payment, one.attempt, one.outcome, cause=one.cause)])
    for one, order_id in zip(basket.told, basket.orders, strict=True):
        with unit_of_work():
            pay.hear_order(one.vendor.id, "test", order_id)
    with unit_of_work():
        follow.follow_checkout(basket.checkout.vendor_id, "test", basket.checkout.id)


def lay_out(connection: psycopg.Connection, baskets: list[Basket]) -> int:
    """Everything that was written since each payment was sent: its row, its attempt's, its order's and its checkout's as they became, and what is new."""
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS of_basket (n bigint, checkout uuid, seller uuid, payment uuid, number text, order_id uuid)"
    )
    connection.execute("TRUNCATE of_basket")
    with connection.cursor().copy("COPY of_basket FROM STDIN") as copy:
        for n, basket in enumerate(baskets, 1):
            for one, order_id in zip(basket.told, basket.orders, strict=True):
                copy.write_row([n, basket.checkout.id, one.vendor.id, one.payment.id, one.payment.public_id, order_id])
    connection.execute("ANALYZE of_basket")
    mine = "FROM of_basket b JOIN {0} x ON x.vendor_id = b.seller AND x.mode = 'test' AND x.{1} = b.{2}"
    since = "AND x.at >= (SELECT min(p.captured_at) FROM payments p JOIN of_basket o ON o.seller = p.vendor_id AND o.payment = p.id)"
    return write_again(connection, {
        "payments": f"SELECT b.n, x {mine.format('payments', 'id', 'payment')}",
        "attempts": f"SELECT b.n, x {mine.format('attempts', 'payment_id', 'payment')}",
        "payment_events": f"SELECT b.n, x {mine.format('payment_events', 'payment_id', 'payment')} {since}",
        "journals": f"SELECT b.n, x {mine.format('journals', 'about', 'number')}",
        "entries": "SELECT b.n, x FROM of_basket b JOIN journals j ON j.vendor_id = b.seller AND j.mode = 'test' AND j.about = b.number "
                   "JOIN entries x ON x.vendor_id = j.vendor_id AND x.mode = j.mode AND x.journal_id = j.id",
        "orders": f"SELECT b.n, x {mine.format('orders', 'id', 'order_id')}",
        "order_events": f"SELECT b.n, x {mine.format('order_events', 'subject_id', 'order_id')} {since}",
        "checkouts": "SELECT DISTINCT ON (b.n) b.n, x FROM of_basket b JOIN checkouts x ON x.id = b.checkout",
        "outbox": "SELECT b.n, x FROM of_basket b JOIN outbox x ON x.vendor_id = b.seller AND x.args ->> 'payment' = b.payment::text",
    })  # fmt: skip


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F16": f16}
