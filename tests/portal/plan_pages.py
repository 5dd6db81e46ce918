"""A vendor's plan in any state, and a browser in which its owner looks at it on a day."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from flask import Flask

from core.accounts.sessions import begin_session
from core.billing.wishes import AddProducts, Cancel, Hibernate
from core.kernel.clock import frozen
from core.subscriptions import plan
from tests.browser import Browser
from tests.core.billing.kept import at
from tests.core.subscriptions.plans import Life, save_card
from tests.factories import Shop, make_shop, unit

DAY = date(2026, 11, 1)


def life_of(app: Flask, tier: str = "starter", *, on: date = DAY) -> Life:
    """A plan that runs, paid by a card of its owner's."""
    shop = make_shop(app, business=f"Plan {secrets.token_hex(4)}")
    life = Life.__new__(Life)
    life.app, life.shop, life.email = app, shop, shop.email
    save_card(app, shop.email)
    with life.unit(on):
        life.row = plan.subscribe(shop.vendor, "test", tier=tier, payer_email=shop.email, by=shop.user.public_id)
    life.answer(on)
    return life


@contextmanager
def looking(shop: Shop, on: date, hour: int = 12) -> Iterator[Browser]:
    """The owner's browser, on that day at that hour."""
    with frozen(at(on, hour)):
        with unit(shop.app):
            _, secret = begin_session(shop.user, shop.membership, address="127.0.0.1", agent="Test")
        yield Browser(shop.app, seat=secret)


def in_state(app: Flask, state: str) -> tuple[Life, date]:
    """A plan in a state, and the day on which it is looked at."""
    life = life_of(app, "pro")
    match state:
        case "active":
            return life, date(2026, 11, 11)
        case "over":
            starter = life_of(app)
            starter.wish(date(2026, 11, 5), AddProducts(11))
            starter.to(date(2026, 11, 9))
            return starter, date(2026, 11, 9)
        case "past_due":
            life.to(date(2026, 12, 2), pays="no")
            return life, date(2026, 12, 2)
        case "hard":
            life.to(date(2026, 12, 2), pays="hard")
            return life, date(2026, 12, 2)
        case "suspended":
            life.to(date(2026, 12, 18), pays="no")
            return life, date(2026, 12, 18)
        case "hibernating":
            life.wish(date(2026, 11, 10), Hibernate())
            life.to(date(2026, 12, 3))
            return life, date(2026, 12, 3)
        case "leaving":
            life.wish(date(2026, 11, 10), Cancel())
            return life, date(2026, 11, 10)
        case "cancelled":
            life.wish(date(2026, 11, 10), Cancel(now=True))
            life.to(date(2026, 11, 12))
            return life, date(2026, 11, 12)
    raise AssertionError(state)


STATES = ("active", "over", "past_due", "hard", "suspended", "hibernating", "leaving", "cancelled")
