"""F9: events settled by one worker process draining its queue, against RQ's own worker doing jobs that do nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from bench.figures import Figure, compared, say
from bench.payment import event_body, learn_event
from bench.stack import Services
from bench.world import Waiting, make_vendors, make_waiting
from core.kernel.db import unit_of_work
from core.providers.inbox import receive_event
from workers import runner

NO_OPS = "bench-no-ops"


def nothing() -> None:
    """The job that does nothing."""


def _no_ops(count: int, redis_url: str) -> float:
    """RQ's jobs per second, by one SimpleWorker in a process of its own."""
    connection = Redis.from_url(redis_url)
    queue = Queue(NO_OPS, connection=connection, serializer=JSONSerializer)
    queue.enqueue_many([Queue.prepare_data("bench.draining.nothing", result_ttl=0) for _ in range(count)])
    worker = SimpleWorker([queue], connection=connection, serializer=JSONSerializer)
    began = time.monotonic()
    worker.work(burst=True, logging_level="WARNING")
    return count / (time.monotonic() - began)


def _receive(template: dict[str, Any], waiting: list[Waiting]) -> None:
    """Stored as the web server stores them, all due at once."""
    with unit_of_work():
        for one in waiting:
            raw = event_body(one, template).decode()
            receive_event(provider="sandbox", mode="test", event_id="evt_" + one.charge[3:], type=template["type"], raw=raw)


def _drained(count: int) -> tuple[float, float]:
    """Events per second until all are settled, and until what follows from each is asked for too. Events come first: they are older."""
    began, done, settled = time.monotonic(), 0, 0.0
    while step := runner._inside_batch("money").done:
        done += step
        if done >= count and not settled:
            settled = time.monotonic() - began
    return count / settled, count / (time.monotonic() - began)


def f9(services: Services, app: Flask, full: bool) -> list[Figure]:
    """The inbox holds signed, stored events; the figure is how fast one process brings the payments to `succeeded`."""
    rounds, count = (7, 3000) if full else (3, 1000)
    template = learn_event(services)
    seen: dict[str, list[tuple[float, float]]] = {"settled": [], "followed": []}
    with services.connect() as connection, app.app_context():
        vendors = make_vendors(connection, 50)
        for number in range(rounds):
            say(f"F9 round {number + 1} of {rounds}")
            connection.execute("DELETE FROM outbox")
            waiting = make_waiting(connection, vendors, count)
            _receive(template, waiting)
            connection.execute("VACUUM ANALYZE payments, attempts, outbox, provider_events")
            limit = _no_ops(count, services.env["REDIS_URL"])
            settled, followed = _drained(count)
            paid = "SELECT count(*) FROM payments WHERE state = 'succeeded' AND charge = ANY(%s)"
            if connection.execute(paid, ([one.charge for one in waiting],)).fetchone()[0] != count:
                raise RuntimeError("not every event was settled")
            seen["settled"].append((settled, limit))
            seen["followed"].append((followed, limit))
    return [
        compared(
            "F9", "events settled by one worker process", "/s", seen["settled"], goal=3.0, note="limit: RQ no-op jobs by a SimpleWorker"
        ),
        compared("F9", "… and letters, receipt and fee asked for each", "/s", seen["followed"]),
    ]


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F9": f9}
