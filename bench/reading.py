"""F5: the payments list, a search and a timeline in a large book against the same in a small one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from flask import Flask

from bench.figures import Figure, compared, say
from bench.payment import filled
from bench.stack import Services
from bench.world import fill, make_vendors

QUESTIONS = {
    "first": "payments list, first page",
    "deep": "payments list, a page in the middle",
    "status": "payments list, by status",
    "email": "payments list, by e-mail address",
    "reference": "search by reference",
    "last4": "search by the last four digits",
    "sum": "search by amount",
    "timeline": "timeline of one payment",
}
SMALL = 10_000


class Reader:
    """A process of the portal on one database, which times a question when told to."""

    def __init__(self, services: Services, database: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from bench.reading import answer; answer()"],
            env=services.environment(database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, question: str, times: int) -> float:
        """The median latency of so many, in microseconds."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{question} {times}\n")
        self.process.stdin.flush()
        return float(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)


def answer() -> None:
    """The other end of Reader: reads questions, each in a unit of work of its own, with other payments each time."""
    import random
    import time
    from statistics import median

    from sqlalchemy import func, select

    from core.accounts.models import Vendor
    from core.kernel.db import db, unit_of_work
    from core.payments.lists import PaymentFilter, list_payments
    from core.payments.models import Payment
    from core.payments.queries import get_payment, timeline
    from wsgi import create_app

    with create_app().app_context():
        with unit_of_work():
            stall = db.session.scalars(select(Vendor).where(Vendor.name == "Market stall 0").order_by(Vendor.created_at)).first()
            assert stall
            known = db.session.execute(
                select(Payment.public_id, Payment.reference, Payment.email)
                .where(Payment.vendor_id == stall.id)
                .order_by(func.random())
                .limit(400)
            ).all()
        dice = random.Random(5)
        questions = {
            "first": lambda one: list_payments(stall, "test"),
            "deep": lambda one: list_payments(stall, "test", after=one.public_id),
            "status": lambda one: list_payments(stall, "test", PaymentFilter(status="succeeded")),
            "email": lambda one: list_payments(stall, "test", PaymentFilter(email=one.email), limit=2),
            "reference": lambda one: list_payments(stall, "test", PaymentFilter(text=one.reference)),
            "last4": lambda one: list_payments(stall, "test", PaymentFilter(text="4242")),
            "sum": lambda one: list_payments(stall, "test", PaymentFilter(text="100.00")),
            "timeline": lambda one: timeline(stall, get_payment(stall, "test", one.public_id)),
        }
        for line in sys.stdin:
            name, times = line.split()
            took = []
            for _ in range(int(times)):
                one = dice.choice(known)
                began = time.perf_counter()
                with unit_of_work():
                    questions[name](one)
                took.append((time.perf_counter() - began) * 1e6)
                db.session.remove()
            print(json.dumps(median(took)), flush=True)


def f5(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Two databases on one server, asked in turns through the room's own questions."""
    rounds, times, size = (9, 200, 1_000_000) if full else (5, 100, 100_000)
    with services.connect("portal_small") as connection:
        say(f"filling in {SMALL:,} payments")
        fill(connection, make_vendors(connection, 1)[0], SMALL)
    filled(services, size)
    large, small = Reader(services, "portal_large"), Reader(services, "portal_small")
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in QUESTIONS}
    try:
        for reader in (large, small):
            for name in QUESTIONS:
                reader.ask(name, 50)
        for number in range(rounds):
            say(f"F5 round {number + 1} of {rounds}")
            for name in QUESTIONS:
                seen[name].append((large.ask(name, times), small.ask(name, times)))
    finally:
        large.close()
        small.close()
    return [
        compared("F5", f"{what}: {size:,} payments", "us", seen[name], goal=1.2, at_least=False, note=f"limit: the same with {SMALL:,}")
        for name, what in QUESTIONS.items()
    ]


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F5": f5}
