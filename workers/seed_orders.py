"""The demo's checkout with three sellers: the bakery sells a box with the studio's class and the pottery's bowl, paid at the sandbox."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.accounts.models import User, Vendor
from core.accounts.queries import find_employer, find_user
from core.kernel.clock import frozen, now
from core.kernel.db import unit_of_work
from core.orders.consent import let_sell
from core.orders.deliver import deliver_order
from core.orders.open import find_by_checkout_id, open_checkout, saving_of
from core.orders.queries import list_orders
from core.orders.states import ALL_OR_NOTHING, KEEP
from core.orders.wish import CheckoutWish, LineWish, OrderWish
from workers.seed_plans import FAILS_LATER, MODE, VISA, save_at_processor, work_at

OPERATOR, SELLERS = "mo@harbour-bakery.example", ("aoife@lumen-yoga.example", "ren@kobo-ceramics.example")
BOX, LOST, OPEN = "box-1041", "box-1042", "box-1043"


def fill_orders() -> bool:
    """Make it once; answers whether it was made now."""
    people = [one for one in (_who(email) for email in (OPERATOR, *SELLERS)) if one is not None]
    if len(people) != 1 + len(SELLERS):
        return False
    (owner, bakery), *others = people
    with unit_of_work():
        if find_by_checkout_id(bakery, MODE, BOX) is not None:
            return False
        for person, seller in others:
            let_sell(seller, MODE, bakery.public_id, by=person.public_id)
    sellers, today = [bakery, *(seller for _, seller in others)], now()
    _sell(bakery, owner, _box(sellers, BOX, "noor.61@mail.example", "Noor Haddad"), VISA, today - timedelta(minutes=40))
    _sell(
        bakery,
        owner,
        _box(sellers, LOST, "oskar.27@mail.example", "Oskar Lind", rule=ALL_OR_NOTHING),
        FAILS_LATER,
        today - timedelta(minutes=25),
    )
    with unit_of_work():
        open_checkout(bakery, MODE, _box(sellers, OPEN, "julia.84@mail.example", "Julia Marsh"), by=owner.public_id)
        for order in list_orders(bakery, MODE, view="to-deliver"):
            deliver_order(bakery, order, by=owner.public_id)
    return True


def _who(email: str) -> tuple[User, Vendor] | None:
    with unit_of_work():
        person = find_user(email)
        vendor = find_employer(person) if person else None
    return (person, vendor) if person is not None and vendor is not None else None


def _box(sellers: list[Vendor], number: str, email: str, name: str, rule: str = KEEP) -> CheckoutWish:
    bakery, studio, pottery = (seller.public_id for seller in sellers)
    orders = (
        OrderWish(
            bakery, (LineWish("Sourdough loaf", 2, 480, "food"), LineWish("Cinnamon buns, box of six", 1, 1200, "food")), f"{number}-A"
        ),
        OrderWish(studio, (LineWish("Single class", 1, 1650, "classes"),), f"{number}-B"),
        OrderWish(pottery, (LineWish("Tea bowl, ash glaze", 1, 4600, "pottery"),), f"{number}-C"),
    )
    return CheckoutWish(checkout_id=number, email=email, name=name, currency="GBP", orders=orders, locale="en", rule=rule)


def _sell(operator: Vendor, owner: User, wish: CheckoutWish, card: str, at: datetime) -> None:
    """As the payer would: one card on the processor's page; the workers do the rest."""
    with frozen(at - timedelta(minutes=2)), unit_of_work():
        checkout = open_checkout(operator, MODE, wish, by=owner.public_id)
        saving = saving_of(operator, checkout)
    save_at_processor(operator, saving, card, wish.name, at)
    for _ in range(5):  # a task may ask for another one
        work_at(now())
