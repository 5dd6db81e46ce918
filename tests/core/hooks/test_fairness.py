"""However many receivers hang, the others get theirs at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.hooks.conftest import Hooked
from tests.core.hooks.receiver import receiving
from tests.core.payments.conftest import another_shop
from tests.factories import Shop, make_link
from workers.hooks import LINES, Sender


@pytest.fixture
def world(shop: Shop, first_shop: Shop) -> Iterator[tuple[list[Hooked], Hooked]]:
    """As many hanging receivers as the sender has lines, less one, and one that answers."""
    with receiving() as dead, receiving() as quick:
        dead.hang = threading.Event()
        yield [Hooked(another_shop(first_shop), dead) for _ in range(LINES - 1)], Hooked(shop, quick)


def test_receivers_that_hang_delay_nobody_else(world: tuple[list[Hooked], Hooked], only_these: Any) -> None:
    dead, quick = world
    for one in [*dead, quick]:
        make_link(one.shop)
        one.relay()
    only_these(*dead, quick)
    sender = Sender(quick.app)
    began = time.monotonic()
    with quick.app.app_context():
        while not quick.receiver.got and time.monotonic() - began < 14:
            sender.look()
            time.sleep(0.02)
    took = time.monotonic() - began
    # Each of the hanging ones would have held it up for fifteen seconds.
    assert quick.receiver.got and took < 14, f"it waited {took:.1f} s behind {len(dead)} receivers that hang"
    assert len(dead[0].receiver.got) >= 1
    dead[0].receiver.hang.set()
    sender.close()


def test_slow_ones_take_only_some_of_the_lines(world: tuple[list[Hooked], Hooked], only_these: Any) -> None:
    """Known to be slow they share a few lines, and a new event for somebody else finds a free one at once, however long they hang."""
    dead, quick = world
    for one in dead:
        make_link(one.shop)
        one.relay()
        with one.app.app_context():
            from core.hooks.models import HookEndpoint
            from core.kernel.db import db, unit_of_work

            with unit_of_work():
                db.session.get(HookEndpoint, one.key).slow = True
    only_these(*dead)
    sender = Sender(quick.app, lines=2, slow_lines=2)
    with quick.app.app_context():
        for _ in range(5):
            sender.look()
        assert len(sender.busy) == 2
    make_link(quick.shop)
    quick.relay()
    began = time.monotonic()
    with quick.app.app_context():
        while not quick.receiver.got and time.monotonic() - began < 14:
            sender.look()
            time.sleep(0.02)
    assert quick.receiver.got and time.monotonic() - began < 14
    dead[0].receiver.hang.set()
    sender.close()
