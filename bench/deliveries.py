"""Webhooks delivered by one sender to ten businesses' receivers, with one of them dead, against the same with ten that live."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import psycopg
from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.receivers import Came, Receivers, receiving
from bench.stack import Services
from bench.world import Waiting, make_vendors, make_waiting
from core.accounts.models import Vendor
from core.hooks.endpoints import make_endpoint
from core.kernel.db import unit_of_work
from core.payments.models import Payment
from ops.child import Child

RECEIVERS, DEAD = 10, 3  # which of them
EACH_SECOND = 40  # events while delays are measured: far less than the sender can do
PATIENCE = 180  # seconds
QUICK, FULL = (3, 500, 6), (7, 3000, 20)  # rounds, events in a heap, seconds of events one by one
DRAFT = "INSERT INTO event_drafts (vendor_id, mode, type, subject, at) VALUES (%s, 'test', 'payment.requires_action', %s, now())"
OVER = "DELETE FROM event_drafts", "UPDATE hook_endpoints SET state = 'gone', due_at = NULL"


def deliveries(services: Services, app: Flask, full: bool) -> list[Figure]:
    """In turns, ten that live and then one dead among them: a heap of events as fast as it goes, and events one by one with how long each takes."""
    rounds, heap, seconds = FULL if full else QUICK
    rates: list[tuple[float, float]] = []
    delays: dict[str, list[tuple[float, float]]] = {"p50": [], "p99": []}
    with services.connect() as connection, receiving(RECEIVERS) as receivers, app.app_context():
        for number in range(rounds):
            say(f"DELIVERIES round {number + 1} of {rounds}")
            legs = {}
            for dead in (), (DEAD,):
                one = (services, connection, receivers, dead)
                legs[len(dead)] = Leg(*one).heap(heap), Leg(*one).one_by_one(seconds)
            (all_rate, all_delays), (rate, some_delays) = legs[0], legs[1]
            rates.append((rate, all_rate))
            delays["p50"].append((median(some_delays), median(all_delays)))
            delays["p99"].append((_within(some_delays, 0.99), _within(all_delays, 0.99)))
    return [
        compared("DELIVERIES", "webhooks delivered, one receiver of ten dead", "/s", rates, goal=0.85, note="limit: the same with ten that live"),
        compared("DELIVERIES", "… from the event to a living receiver, p50", "ms", delays["p50"], goal=1.25, at_least=False),
        compared("DELIVERIES", "… p99", "ms", delays["p99"], goal=1.5, at_least=False),
        alone("DELIVERIES", "… the longest p99 beside the dead one", "ms", max(one for one, _ in delays["p99"])),
    ]  # fmt: skip


def _within(delays: list[float], share: float) -> float:
    return sorted(delays)[min(int(len(delays) * share), len(delays) - 1)]


class Leg:
    """Ten new businesses with a receiver each, and one sender that knows no others. Its sender is killed at the end, so it is used once."""

    def __init__(self, services: Services, connection: psycopg.Connection, receivers: Receivers, dead: tuple[int, ...]) -> None:
        self.services, self.connection, self.receivers, self.dead = services, connection, receivers, dead
        for statement in OVER:
            connection.execute(statement)
        self.vendors = make_vendors(connection, RECEIVERS)
        for number, vendor in enumerate(self.vendors):
            self._listen(vendor, receivers.address(number))

    @staticmethod
    def _listen(vendor: Vendor, address: str) -> None:
        with unit_of_work():
            make_endpoint(vendor, "test", address=address, name="", types=[], by="usr_bench")

    def heap(self, count: int) -> float:
        """So many events lie there when the sender begins: deliveries to the living ones for each second, from the first to the last."""
        self.receivers.begin(self.dead)
        self._draft(make_waiting(self.connection, self.vendors, count))
        self.connection.execute("VACUUM ANALYZE payments, event_drafts, events, hook_deliveries")
        with self.services.running(self._sender()):
            came = self._all(count - count // RECEIVERS * len(self.dead))
        return (len(came) - 1) / ((came[-1].at - came[0].at) / 1e9)

    def one_by_one(self, seconds: float) -> list[float]:
        """How many milliseconds pass from the event to each living receiver, some of them a second, while the sender runs."""
        waiting = make_waiting(self.connection, self.vendors, int(seconds * EACH_SECOND))
        self.receivers.begin(self.dead)
        sent: dict[str, int] = {}
        with self.services.running(self._sender()):
            self._draft(make_waiting(self.connection, self.vendors, RECEIVERS))  # by which it is known that the sender is awake
            self._all(RECEIVERS - len(self.dead))
            self.receivers.begin(self.dead)
            began = time.monotonic()
            for number, one in enumerate(waiting):
                time.sleep(max(0.0, began + number / EACH_SECOND - time.monotonic()))
                sent[one.payment.public_id] = time.monotonic_ns()
                self._draft([one])
            came = self._all(len(waiting) - len(waiting) // RECEIVERS * len(self.dead))
        return [(one.at - sent[one.subject]) / 1e6 for one in came]

    def _draft(self, waiting: list[Waiting]) -> None:
        """What PostgreSQL itself writes down when a payment changes."""
        payments: list[Payment] = [one.payment for one in waiting]
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.executemany(DRAFT, [(payment.vendor_id, str(payment.id)) for payment in payments])

    def _all(self, wanted: int) -> list[Came]:
        until = time.monotonic() + PATIENCE
        while (found := self.receivers.count()) < wanted:
            if time.monotonic() > until:
                raise RuntimeError(f"waited {PATIENCE} s in vain: {found} of {wanted} arrived")
            time.sleep(0.1)
        came = self.receivers.came()
        if len(came) != wanted or len({(one.receiver, one.subject) for one in came}) != wanted:
            raise RuntimeError(f"{len(came)} deliveries arrived of {wanted}")
        return came

    def _sender(self) -> Child:
        return self.services.part("hooks", "hooks")


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"DELIVERIES": deliveries}
