"""What several threads want at once goes in one journey; nobody waits for company, and nobody pays for another's fault."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from structlog.testing import capture_logs

from core.kernel import together as kernel
from core.kernel.db import TransactionOpen, db, whole_answer
from core.kernel.reads import read_only_from_here
from core.kernel.together import Together
from tests.factories import unit

Go = Callable[[list[int]], list[int]]


class Journeys:
    """Squares numbers. The first journey takes until `open` is set; numbers below zero are refused, and take all who go with them along."""

    def __init__(self, app: Flask) -> None:
        self.app, self.made, self.open = app, [], threading.Event()
        self.act = Together(self.go)

    made: list[list[int]]

    def go(self, numbers: list[int]) -> list[int]:
        self.made.append(numbers)
        if len(self.made) == 1:
            assert self.open.wait(30)
        if 666 in numbers and len(numbers) > 1:
            raise SystemExit
        if min(numbers) < 0:
            raise ValueError(min(numbers))
        return [number * number for number in numbers]

    def one(self, number: int) -> int:
        with self.app.app_context():
            return self.act(number)

    def waiting(self) -> int:
        with self.app.app_context():
            return len(self.act._queue().waiting)

    @contextmanager
    def while_one_is_away(self, *numbers: int) -> Iterator[list[Future[int]]]:
        """Number 1 is under way, and these have come meanwhile; at the end of the block it comes back."""
        with ThreadPoolExecutor(1 + len(numbers)) as crowd:
            first = crowd.submit(self.one, 1)
            until(lambda: bool(self.made))
            later = []
            for number in numbers:  # in this order
                later.append(crowd.submit(self.one, number))
                until(lambda: self.waiting() == len(later))
            yield later
            self.open.set()
            assert first.result(30) == 1


def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not there():
        assert time.monotonic() < end
        time.sleep(0.001)


@contextmanager
def alarm(journeys: Journeys) -> Iterator[None]:
    """Stops the main thread with an exception once it waits for its turn."""

    def stop(*_: object) -> None:
        raise TimeoutError

    came, before = journeys.waiting(), signal.signal(signal.SIGALRM, stop)

    def ring() -> None:
        until(lambda: journeys.waiting() > came)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    watch = threading.Thread(target=ring)
    watch.start()
    try:
        yield
    finally:
        watch.join(30)
        signal.signal(signal.SIGALRM, before)


WAITS = (
    "WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', '50ms', true)) SELECT pg_advisory_xact_lock(4711)::text FROM patience"
)


@pytest.fixture
def journeys(app: Flask) -> Journeys:
    return Journeys(app)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "PATIENCE", timedelta(seconds=30))


def test_who_comes_alone_goes_at_once(journeys: Journeys) -> None:
    journeys.open.set()
    assert [journeys.one(2), journeys.one(3)] == [4, 9]
    assert journeys.made == [[2], [3]]


@pytest.mark.usefixtures("patient")
def test_who_comes_while_one_is_away_goes_together_with_all_who_came(journeys: Journeys) -> None:
    with journeys.while_one_is_away(2, 3, 4) as later:
        pass
    assert [one.result(30) for one in later] == [4, 9, 16]
    assert journeys.made == [[1], [2, 3, 4]]
    assert journeys.one(5) == 25


@pytest.mark.usefixtures("patient")
def test_no_journey_takes_more_than_its_most(journeys: Journeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "MOST", 2)
    with journeys.while_one_is_away(2, 3, 4) as later:
        pass
    assert [one.result(30) for one in later] == [4, 9, 16]
    assert journeys.made == [[1], [2, 3], [4]]


@pytest.mark.usefixtures("patient")
def test_the_fault_of_one_is_the_fault_of_nobody_else(journeys: Journeys) -> None:
    with journeys.while_one_is_away(2, -3, 4) as later:
        pass
    assert [later[0].result(30), later[2].result(30)] == [4, 16]
    with pytest.raises(ValueError, match="-3"):
        later[1].result(30)
    assert journeys.made[:2] == [[1], [2, -3, 4]]
    assert sorted(journeys.made[2:]) == [[-3], [2], [4]]


@pytest.mark.usefixtures("patient")
def test_the_log_says_why_a_journey_failed_and_not_what_was_asked(app: Flask, journeys: Journeys) -> None:
    def go(numbers: list[int]) -> list[int]:
        answers = journeys.go(numbers)
        if len(numbers) > 1:
            whole_answer(WAITS, [])
        return answers

    journeys.act = Together(go)
    with capture_logs() as said, app.app_context(), db.engine.connect() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(4711)"))
        with journeys.while_one_is_away(2, 3) as later:
            pass
        assert [one.result(30) for one in later] == [4, 9]
    [line] = [line for line in said if line["event"] == "together_failed"]
    assert (line["many"], line["kind"], line["sqlstate"], line["constraint"]) == (2, "LockNotAvailable", "55P03", None)
    assert line["error"] == "canceling statement due to lock timeout" and "pg_advisory" not in str(line)


@pytest.mark.usefixtures("patient")
def test_when_the_one_who_leads_is_stopped_the_others_go_on(journeys: Journeys) -> None:
    with journeys.while_one_is_away(666, 2) as later:
        pass
    with pytest.raises(SystemExit):
        later[0].result(30)
    assert later[1].result(30) == 4
    assert journeys.made == [[1], [666, 2], [2]]


def test_who_has_waited_long_enough_goes_alone(journeys: Journeys) -> None:
    with journeys.while_one_is_away(2, 3) as later:
        assert [one.result(30) for one in later] == [4, 9]  # the first is still away
    assert sorted(journeys.made) == [[1], [2], [3]]
    assert journeys.one(4) == 16


def test_who_has_set_out_and_hears_nothing_asks_alone(journeys: Journeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "PATIENCE", timedelta(seconds=2))
    monkeypatch.setattr(kernel, "LONGEST", timedelta(seconds=0.1))
    heard, go = threading.Event(), journeys.go

    def lost(numbers: list[int]) -> list[int]:
        answers = go(numbers)
        assert len(numbers) == 1 or heard.wait(30)
        return answers

    journeys.act = Together(lost)
    with journeys.while_one_is_away(2, 3) as later:
        journeys.open.set()
        assert later[1].result(20) == 9
        assert not later[0].done()
        heard.set()
        assert later[0].result(20) == 4
    assert journeys.made == [[1], [2, 3], [3]]
    assert journeys.one(5) == 25


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("first", [True, False])
def test_who_is_stopped_while_waiting_is_waited_for_by_nobody(journeys: Journeys, first: bool) -> None:
    """As RQ stops a job that takes too long: by a signal, in whatever the main thread is at."""
    with journeys.while_one_is_away(*(() if first else (2,))) as later:
        with pytest.raises(TimeoutError), alarm(journeys):
            journeys.one(3)
        assert journeys.waiting() == len(later)
    assert [one.result(30) for one in later] == ([] if first else [4])
    assert journeys.one(5) == 25
    assert journeys.made == [[1], *([] if first else [[2]]), [5]]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("step", ["come", "set_out", "_lead"])
def test_who_is_stopped_at_any_step_leaves_the_way_to_the_others(journeys: Journeys, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    journeys.open.set()
    owner = Together if step == "_lead" else kernel._Queue
    taken = getattr(owner, step)

    def stopped(*given: Any) -> None:
        if step != "_lead":
            taken(*given)
        raise SystemExit

    with monkeypatch.context() as here:
        here.setattr(owner, step, stopped)
        with pytest.raises(SystemExit):
            journeys.one(2)
    began = time.monotonic()
    assert journeys.one(3) == 9
    assert time.monotonic() - began < 5
    assert journeys.waiting() == 0


def test_it_is_no_part_of_a_unit_that_has_begun_and_nothing_for_who_only_reads(app: Flask, journeys: Journeys) -> None:
    with unit(app):
        db.session.execute(text("SELECT 1"))
        with pytest.raises(TransactionOpen):
            journeys.act(1)
    with unit(app):
        read_only_from_here(True)
        with pytest.raises(RuntimeError, match="only read"):
            journeys.act(1)
        read_only_from_here(False)
    assert journeys.made == []
