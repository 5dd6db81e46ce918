"""The runner: PostgreSQL remembers the work, whoever dies in the middle of it; what fails backs off and stays to be seen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import text

from core.kernel.clock import now, shifted
from core.kernel.db import TransactionOpen, assert_no_transaction, db, unit_of_work
from core.kernel.ids import uuid7
from core.kernel.outbox import enqueue
from tests.workers.asked import Jobs, ask, fails, left
from workers import runner
from workers.jobs import INSIDE
from workers.runner import LEASE, MOST_TRIES, drain, sweep
from workers.task import Task

DAY = timedelta(days=1)


class WorkerKilled(BaseException):
    """Not an error of the job: the process is gone, and nothing after it happens."""


def killed() -> None:
    raise WorkerKilled


def test_a_batch_is_of_one_kind_and_the_others_follow_at_once(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two kinds in one transaction would lock twice from the beginning of the order in which everybody locks."""
    batches: list[tuple[int, list[str]]] = []

    def note(tasks: list[Task]) -> None:
        batches.append(
            (db.session.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar(), [task.args["name"] for task in tasks])
        )

    for kind in ("inside", "beside"):
        monkeypatch.setitem(INSIDE, kind, note)
        ask("a", job=kind)
    ask("b", job="inside")
    assert drain("papers") == 3
    assert [names for _, names in batches] == [["a", "b"], ["a"]] and len({unit for unit, _ in batches}) == 2


@pytest.mark.parametrize("job", ["inside", "outside"])
def test_what_is_asked_for_is_done_once_and_struck_off(job: str, jobs: Jobs) -> None:
    ask("a", "b", "c", job=job)
    assert (drain("papers"), drain("papers")) == (3, 0)
    assert (sorted(jobs.done), left()) == (["a", "b", "c"], [])


def test_a_queue_does_its_own_work_only(jobs: Jobs) -> None:
    ask("a")
    assert drain("messages") == 0 and jobs.done == []


def test_what_is_due_later_waits(jobs: Jobs) -> None:
    ask("a", due_in=60)
    assert drain("papers") == 0
    with shifted(timedelta(seconds=61)):
        assert drain("papers") == 1


def test_a_job_whose_worker_died_runs_again_after_its_lease(jobs: Jobs) -> None:
    ask("a")
    jobs.trouble["a"] = killed
    with pytest.raises(WorkerKilled):
        drain("papers")
    jobs.trouble.clear()
    assert drain("papers") == 0  # perhaps it is still at work
    with shifted(LEASE + timedelta(seconds=1)):
        assert "papers" in sweep()
        assert drain("papers") == 1
    assert (jobs.done, left()) == (["a"], [])


def test_a_dead_workers_job_is_due_again_within_a_minute() -> None:
    assert timedelta(seconds=60) > LEASE


def test_a_batch_whose_worker_died_is_due_at_once(jobs: Jobs) -> None:
    ask("a", "b", job="inside")
    jobs.trouble["b"] = killed
    with pytest.raises(WorkerKilled):
        drain("papers")
    db.session.rollback()  # what PostgreSQL does when the connection is gone
    jobs.trouble.clear()
    jobs.done.clear()
    assert (drain("papers"), sorted(jobs.done)) == (2, ["a", "b"])


def test_a_task_that_takes_every_worker_down_with_it_ends_dead(jobs: Jobs) -> None:
    ask("poison")
    jobs.trouble["poison"] = killed
    for turn in range(MOST_TRIES):
        with shifted(turn * DAY), pytest.raises(WorkerKilled):
            drain("papers")
    with shifted(MOST_TRIES * DAY):
        drain("papers")
    (task,) = left()
    assert (task.state, task.attempts, task.last_error) == ("dead", MOST_TRIES, "no worker that took it came back")


def test_others_are_served_while_a_dead_workers_job_waits_for_its_lease(jobs: Jobs) -> None:
    ask("poison", "a", "b")
    jobs.trouble["poison"] = killed
    with pytest.raises(WorkerKilled):
        drain("papers")
    assert (drain("papers"), jobs.done) == (2, ["a", "b"])


@pytest.mark.parametrize("job", ["inside", "outside"])
def test_one_that_fails_does_not_hold_the_others_back(job: str, jobs: Jobs) -> None:
    ask("a", "poison", "b", "c", job=job)
    jobs.trouble["poison"] = fails
    drain("papers")
    assert sorted(set(jobs.done)) == ["a", "b", "c"]
    (task,) = left()
    assert (task.args["name"], task.attempts) == ("poison", 1)


def test_in_a_batch_that_failed_nothing_is_done_twice_in_the_database(jobs: Jobs) -> None:
    """The batch is one transaction: what the good ones wrote before the bad one failed is gone, and written once afterwards."""
    seen = uuid7()

    def writes() -> None:
        enqueue("outside", seen, queue="messages", due_in=3600, name="written")

    jobs.trouble.update(a=writes, poison=fails)
    ask("a", "poison", job="inside")
    drain("papers")
    assert len([task for task in left() if task.vendor_id == seen]) == 1


@pytest.mark.parametrize("job", ["inside", "outside"])
def test_one_that_fails_backs_off_and_ends_dead_where_it_can_be_seen(job: str, jobs: Jobs) -> None:
    ask("poison", job=job)
    jobs.trouble["poison"] = fails
    waits = []
    for turn in range(1, MOST_TRIES + 1):
        with shifted(turn * DAY):
            drain("papers")
            (task,) = left()
            assert (task.attempts, task.state) == (turn, "waiting" if turn < MOST_TRIES else "dead")
            waits.append((task.due_at - now()).total_seconds())
    assert all(later > earlier for earlier, later in pairwise(waits[:11]))
    assert waits[0] < 4 and max(waits) <= 3601
    assert "no such luck" in (task.last_error or "")
    with shifted(99 * DAY):
        assert (drain("papers"), "papers" in sweep()) == (0, False)


@pytest.mark.parametrize(("job", "trouble"), [("inside", fails), ("outside", fails), ("outside", killed)])
def test_what_is_asked_for_again_and_again_and_gives_up_each_time_is_seen_once(job: str, trouble: Callable[[], None], jobs: Jobs) -> None:
    """As the clock asks for the rates while their feed is away: the newest stays, and beside it another one of the same job and the same one of somebody else."""
    jobs.trouble.update(feed=trouble, other=fails)
    ask("other", "feed", job=job)
    nobodys = uuid7()
    for asked in range(3):
        with shifted(asked * 100 * DAY), unit_of_work():
            newest = enqueue(job, nobodys, queue="papers", name="feed").id
        for turn in range(3 * MOST_TRIES):  # one that takes its worker down leaves the others for the next
            with shifted((asked * 100 + turn) * DAY), suppress(WorkerKilled):
                drain("papers")
    assert {task.state for task in left()} == {"dead"}
    assert sorted(task.args["name"] for task in left()) == ["feed", "feed", "other"]
    assert [task.id for task in left() if task.vendor_id == nobodys] == [newest]


def test_what_a_failed_job_left_half_done_is_thrown_away(jobs: Jobs) -> None:
    stray = uuid7()

    def half_done() -> None:
        enqueue("outside", stray, queue="messages", due_in=3600, name="stray")
        db.session.flush()
        raise RuntimeError("after it wrote something outside any unit")

    jobs.trouble["a"] = half_done
    ask("a", "b")
    drain("papers")
    assert jobs.done == ["b"]
    assert [task.args["name"] for task in left()] == ["a"]


def test_a_job_that_asks_outside_runs_with_no_transaction_open(jobs: Jobs) -> None:
    found: list[bool] = []

    def look() -> None:
        try:
            assert_no_transaction()
        except TransactionOpen:
            found.append(True)

    jobs.trouble["a"] = look
    ask("a")
    drain("papers")
    assert found == []


def test_two_workers_share_the_work_and_do_none_of_it_twice(app: Flask, jobs: Jobs) -> None:
    import threading

    ask(*(f"job {n}" for n in range(20)))

    def work() -> None:
        with app.app_context():
            drain("papers")

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(jobs.done) == len(set(jobs.done)) == 20
    assert left() == []


def test_the_runner_tells_what_it_can_do(app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("wsgi.create_app", lambda: app)
    assert runner.main([]) == runner.main(["work"]) == runner.main(["work", "gold"]) == 64
    assert "work money messages papers | clock" in capsys.readouterr().err
