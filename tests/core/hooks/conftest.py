"""A vendor with a receiver of its own, and the relay and sender run for this vendor alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from core.hooks.deliver import Key
from core.hooks.endpoints import make_endpoint
from core.hooks.models import Event, HookDelivery, HookEndpoint
from core.hooks.relay import relay
from core.kernel.db import db
from core.payments.models import Payment
from tests.core.hooks.receiver import Receiver, receiving
from tests.core.payments.conftest import at_once, first_shop, shop
from tests.factories import Shop, make_paid, unit
from workers.hooks import take_turn

__all__ = ["at_once", "first_shop", "shop"]


class Hooked:
    """A shop whose software listens."""

    def __init__(self, shop: Shop, receiver: Receiver, **more: Any) -> None:
        self.shop, self.app, self.receiver = shop, shop.app, receiver
        with unit(self.app):
            terms = {"address": receiver.address, "name": "", "types": [], "by": "usr_x"} | more
            self.endpoint, self.secret = make_endpoint(shop.vendor, "test", **terms)
        self.key: Key = (self.endpoint.vendor_id, self.endpoint.mode, self.endpoint.id)

    def relay(self) -> int:
        with unit(self.app):
            return relay(self.shop.vendor.id, "test")

    def turn(self) -> int:
        """Send what is due now."""
        with self.app.app_context():
            return take_turn(self.key)

    def pays(self) -> Payment:
        """A payment comes in and its events are placed."""
        made = make_paid(self.shop)
        while self.relay():
            pass
        return made

    def now(self) -> HookEndpoint:
        with self.app.app_context():
            found = db.session.get(HookEndpoint, self.key, populate_existing=True)
            assert found
            return found

    def deliveries(self) -> list[HookDelivery]:
        with self.app.app_context():
            mine = db.select(HookDelivery).where(HookDelivery.vendor_id == self.key[0], HookDelivery.endpoint_id == self.key[2])
            return list(db.session.scalars(mine.order_by(HookDelivery.id)))

    def events(self) -> list[Event]:
        return events_of(self.shop)


def events_of(shop: Shop) -> list[Event]:
    with shop.app.app_context():
        return list(db.session.scalars(db.select(Event).where(Event.vendor_id == shop.vendor.id).order_by(Event.mode, Event.position)))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def hooked(shop: Shop, receiver: Receiver) -> Hooked:
    return Hooked(shop, receiver)


@pytest.fixture
def only_these(app: Flask) -> Iterator[Any]:
    """only_these(hooked, ...): no endpoint of any other test is due any more."""

    def run(*kept: Hooked) -> None:
        with unit(app):
            others = HookEndpoint.id.not_in([one.key[2] for one in kept])
            db.session.execute(update(HookEndpoint).where(others).values(due_at=None).execution_options(synchronize_session=False))

    yield run
