"""The crash story: everything is killed without warning, again and again, while people pay; afterwards four witnesses must agree."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue

import pytest

from tests.flows.evidence import Evidence
from tests.flows.people import Diary, Payer, Seller, Surprise, Visitor, Waits
from tests.flows.stack import Stack
from tests.simulation.oracle import ALWAYS_PLANNED

# What dies, in this order. The last leaves work under a lease behind when nothing else wakes its queue any more: only the clock brings it back.
VICTIMS = (
    "worker", "postgres", "papers", "backend", "workers", "postgres", "web", "valkey", "clock", "web worker", "valkey", "web", "papers",
)  # fmt: skip
HABITS = (
    "pays", "double click", "closes the browser", "declined first", "pays", "asks the bank", "closes the browser", "two tabs",
    "declined, goes back", "pays", "leaves before the card", "refund takes long", "gives up", "double click", "leaves the bank", "pays",
)  # fmt: skip
PAYERS_AT_ONCE, FEWEST, MOST = 6, 120, 200
# Seconds without anything moving after which it is stuck: a dead worker's lease is 55 s, and a task that failed over and over in the storm rests for 64.
STUCK = 90.0
MOST_PATIENCE = 600.0  # what still moves then goes round in circles


class Storm:
    """People paying, a vendor giving money back, and somebody killing processes, all at once."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.waits, self.dice = stack, Waits(), random.Random()
        self.diaries: list[Diary] = []
        self.over, self.lost = threading.Event(), threading.Event()  # lost: what was killed did not come back, and nobody need wait for it
        self.sellers = [Seller(stack.address, name, self.waits) for name in ("Harbour Bakery", "Lumen Yoga")]
        self.links: list[str] = []
        self.to_refund: Queue[tuple[Seller, str]] = Queue()
        self.kills: list[tuple[str, float]] = []
        self._numbers = iter(range(MOST))
        self._lock = threading.Lock()

    def open_shops(self) -> None:
        for seller in self.sellers:
            seller.settle_in()
            self.links.append(seller.make_link(title=f"{seller.business} class", amount_kind="fixed", amount="40.00"))
        self.links.append(self.sellers[0].make_link(title="Tip jar", amount_kind="open", amount=""))

    def rage(self) -> None:
        """Everybody at once, until the last kill is over and enough people have paid. What anybody could not do is raised here."""
        with ThreadPoolExecutor(PAYERS_AT_ONCE + 2) as crowd:
            jobs = [crowd.submit(self._payers, lane) for lane in range(PAYERS_AT_ONCE)]
            jobs += [crowd.submit(self._vendor), crowd.submit(self._nemesis)]
            for job in jobs:
                job.result()

    def _payers(self, lane: int) -> None:
        while True:
            with self._lock:
                number = next(self._numbers, None)
            if number is None or self.lost.is_set() or (self.over.is_set() and number >= FEWEST):
                return
            habit, link = HABITS[number % len(HABITS)], number % len(self.links)
            diary = Diary(f"payer{number}@mail.example", habit)
            self.diaries.append(diary)
            Payer(Visitor(f"127.0.{6 + lane}.{1 + number % 250}", self.waits), diary, self.dice).pay(self.links[link])
            if diary.last == "paid" and (number % 4 == 0 or habit == "refund takes long"):
                self.to_refund.put((self.sellers[1 if link == 1 else 0], diary.email))
            if not self.over.is_set():
                time.sleep(self.dice.uniform(0.1, 0.6))

    def _vendor(self) -> None:
        given = 0
        while not self.lost.is_set() and not (self.over.is_set() and self.to_refund.empty()):
            try:
                seller, email = self.to_refund.get(timeout=0.5)
            except Empty:
                continue
            given += 1
            seller.refund(email, share=1 + given % 3, twice=given % 2 == 0)

    def _nemesis(self) -> None:
        try:
            for victim in VICTIMS:
                time.sleep(self.dice.uniform(1.0, 2.2))
                until = time.monotonic() + 60
                while not self.stack.kill(victim, self.dice):
                    assert time.monotonic() < until, f"there is no {victim} to kill"
                    time.sleep(0.1)
                self.kills.append((victim, self.stack.await_recovery()))
        except BaseException:
            self.lost.set()
            raise
        finally:
            self.over.set()

    def look_again(self) -> None:
        """Everybody who has the address of a payment opens it once more."""
        for diary in self.diaries:
            if diary.page_url and not diary.trouble:
                try:
                    Payer(Visitor("127.0.4.1", self.waits), diary, self.dice).look()
                except Surprise as surprise:
                    diary.trouble = str(surprise)

    def figures(self) -> str:
        slow = sorted(self.waits.seconds)
        ups = ", ".join(f"{victim} {seconds:.1f}" for victim, seconds in self.kills)
        return (
            f"{len(self.diaries)} payers, {sum(len(s.asked) for s in self.sellers)} refunds, {len(self.kills)} kills (seconds to be whole again: {ups}); "
            f"{len(slow)} requests, {self.waits.retries} repeated, median {slow[len(slow) // 2]:.2f} s, "
            f"p99 {slow[len(slow) * 99 // 100]:.2f} s, longest {slow[-1]:.2f} s"
        )


# What is still to be done. What the clock plans ahead (the next look at the bank, the next housekeeping) always waits. Attempts that nobody finished are asked about for as long as their page is open: that is not work left over.
AHEAD = ", ".join(f"'{job}'" for job in ALWAYS_PLANNED)
UNFINISHED = {
    "unopened events": "SELECT count(*) AS n FROM provider_events WHERE handled_at IS NULL",
    "refunds": "SELECT count(*) AS n FROM refunds WHERE state NOT IN ('succeeded', 'failed', 'canceled')",
    "uncertain payments": "SELECT count(*) AS n FROM payments WHERE state IN ('created', 'processing', 'unknown')",
    "money tasks": f"SELECT count(*) AS n FROM outbox WHERE queue = 'money' AND job NOT IN ({AHEAD})",
    "letters and papers": f"SELECT count(*) AS n FROM outbox WHERE queue <> 'money' AND job NOT IN ({AHEAD})",
}


def left_over(stack: Stack) -> dict[str, int]:
    """What is not finished yet, by kind."""
    found = {name: stack.rows(sql)[0]["n"] for name, sql in UNFINISHED.items()}
    settled = {row["charge"] for row in stack.rows("SELECT charge FROM payments WHERE state = 'succeeded'")}
    there, here = len(stack.events_there()), stack.rows("SELECT count(*) AS n FROM provider_events")[0]["n"]
    found |= {"charges nobody knows of": len(Evidence.charged_ids(stack) - settled), "events under way": there - here}
    return {name: count for name, count in found.items() if count}


# How far the work is: each time a task is taken, put off or done, this changes.
PROGRESS = f"SELECT count(*) AS tasks, coalesce(sum(attempts), 0) AS attempts FROM outbox WHERE job NOT IN ({AHEAD})"
WAITING = f"SELECT queue, job, attempts, due_at, last_error FROM outbox WHERE job NOT IN ({AHEAD}) ORDER BY queue, due_at LIMIT 12"


def wait_until_quiet(stack: Stack) -> tuple[float, list[str]]:
    """Wait until all is done, for as long as something moves: a slow machine is not a fault.

    Says when money was done, and what was stuck.
    """
    began = moved = time.monotonic()
    done, before = 0.0, None
    while left := left_over(stack):
        now = time.monotonic()
        so_far = (left, stack.rows(PROGRESS))
        if so_far != before:
            moved, before = now, so_far
        if now - moved > STUCK or now - began > MOST_PATIENCE:
            return now - began, [f"still to be done {now - began:.0f} s after the storm: {left}", *map(str, stack.rows(WAITING))]
        done = done or (0.0 if set(left) - {"letters and papers"} else now - began)
        time.sleep(0.5)
    return done or time.monotonic() - began, []


@pytest.fixture
def stack() -> Iterator[Stack]:
    made = Stack()
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_nothing_is_lost_doubled_or_told_falsely_when_everything_is_killed_in_turn(stack: Stack) -> None:
    storm = Storm(stack)
    storm.open_shops()
    storm.rage()
    seconds, stuck = wait_until_quiet(stack)
    storm.look_again()
    evidence = Evidence(stack, storm.diaries, {email: amount for seller in storm.sellers for email, amount in seller.asked.items()})
    breaks = [*stuck, *evidence.breaks()]
    summary = f"{storm.figures()}; money quiet after {seconds:.1f} s; {len(evidence.paid_there)} paid"
    print(summary)
    assert not breaks, "\n".join([summary, *breaks, stack.words()])
