"""The sender as a process of its own, killed with -9 while it works: every event reaches a real receiver, the feed has each once and in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, update
from standardwebhooks import Webhook

from core.hooks.models import EventDraft, HookEndpoint
from core.kernel.db import db
from tests.core.hooks.conftest import Hooked
from tests.core.hooks.receiver import receiving
from tests.factories import make_paid, make_shop, unit
from tests.sandbox.running import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a sender. None goes on to send other tests' events when this one has failed."""
    senders: list[subprocess.Popen[bytes]] = []

    def run() -> subprocess.Popen[bytes]:
        senders.append(
            subprocess.Popen(
                [sys.executable, "-m", "workers.runner", "hooks"],
                cwd=ROOT,
                env=dict(os.environ),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return senders[-1]

    yield run
    for sender in senders:
        sender.kill()
        sender.wait(30)


def nobody_elses(app: Flask, mine: Hooked) -> None:
    """Only this test's events are relayed, and only its endpoint is sent to."""
    with unit(app):
        db.session.execute(delete(EventDraft).where(EventDraft.vendor_id != mine.key[0]))
        others = update(HookEndpoint).where(HookEndpoint.id != mine.key[2]).values(due_at=None)
        db.session.execute(others.execution_options(synchronize_session=False))


def test_events_survive_a_sender_that_is_killed(app: Flask, start: Callable[[], subprocess.Popen[bytes]]) -> None:
    with receiving() as receiver:
        hooked = Hooked(make_shop(app), receiver)
        nobody_elses(app, hooked)
        payments = [make_paid(hooked.shop) for _ in range(3)]
        sender = start()
        wait_until(lambda: len(receiver.got) >= 2)
        sender.send_signal(signal.SIGKILL)
        sender.wait(30)
        payments += [make_paid(hooked.shop) for _ in range(2)]
        with unit(app):  # the dead one's lease is over
            db.session.execute(update(HookEndpoint).where(HookEndpoint.id == hooked.key[2]).values(taken_until=None))
        sender = start()
        expected = 5 * 4
        wait_until(lambda: len({event["id"] for event in receiver.events}) >= expected)
        wait_until(lambda: all(one.state == "delivered" for one in hooked.deliveries()))
        sender.terminate()
        assert sender.wait(30) == 0
        events = hooked.events()
        assert [event.position for event in events] == list(range(1, expected + 1))
        assert {event["id"] for event in receiver.events} == {event.public_id for event in events}
        paid = {event["data"]["object"]["id"] for event in receiver.events if event["type"] == "payment.succeeded"}
        assert paid == {payment.public_id for payment in payments}
        for headers, body in receiver.got:
            Webhook(hooked.secret).verify(body, headers)
