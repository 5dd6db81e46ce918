"""Fixtures of the payments' tests: a shop, a payment with its attempt, and several people doing something at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.payments.models import Attempt, Payment
from tests.factories import Shop, make_payment, make_shop, open_payment, unit

AtOnce = Callable[..., list[Any]]


@pytest.fixture(scope="module")
def first_shop(app: Flask) -> Shop:
    """Signing up is slow on purpose (the password): once is enough."""
    return make_shop(app)


@pytest.fixture
def shop(app: Flask, first_shop: Shop) -> Shop:
    """A vendor with a book of its own, of which the platform keeps 2.5 % of each payment. The owner is everybody's."""
    return another_shop(first_shop)


def another_shop(first: Shop) -> Shop:
    """One more vendor of the same owner."""
    kept = {column.name: getattr(first.vendor, column.name) for column in Vendor.__table__.columns}
    vendor = Vendor(**{**kept, "id": uuid7(), "public_id": public_id("vnd"), "fee_bps": 250, "release_days": 2})
    with unit(first.app):
        db.session.add(vendor)
    return Shop(first.app, vendor, first.user, first.membership, first.secret)


@pytest.fixture
def payment(shop: Shop) -> Payment:
    return make_payment(shop)


@pytest.fixture
def attempt(shop: Shop, payment: Payment) -> Attempt:
    return open_payment(shop, payment)


@pytest.fixture
def at_once(app: Flask) -> AtOnce:
    """at_once(act, act): each in a unit of work of its own, from one starting gun. Answers what each gave or raised."""

    def run(*acts: Callable[[], Any]) -> list[Any]:
        gun, answers = threading.Barrier(len(acts)), [None] * len(acts)

        def one(number: int, act: Callable[[], Any]) -> None:
            gun.wait(60)
            try:
                with unit(app):
                    answers[number] = act()
            except Exception as error:
                answers[number] = error

        threads = [threading.Thread(target=one, args=(n, act), daemon=True) for n, act in enumerate(acts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
        return answers

    return run
