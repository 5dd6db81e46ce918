"""Waking: who is called when there is work, how often, and what happens where nobody can be called."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from rq import Queue
from rq.serializers import JSONSerializer

from core.kernel.config import settings
from core.kernel.ids import uuid7
from core.kernel.outbox import enqueue
from tests.workers.asked import Jobs, ask, fails, left
from workers import runner
from workers import wake as waking
from workers.listener import Calls, Listener
from workers.runner import drain, sweep, wake


@pytest.fixture
def no_redis(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where Redis should be."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{probe.getsockname()[1]}/0")
    monkeypatch.setattr(waking, "_redis", None)
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def messages_in_redis(jobs: Jobs) -> Callable[[], int]:
    """How many wake-ups for papers wait in the real Redis."""
    waking.redis().flushdb()
    waking._quiet_until.clear()
    return lambda: len(Queue("papers", connection=waking.redis(), serializer=JSONSerializer))


def test_a_commit_wakes_the_queue_and_many_commits_wake_it_once(messages_in_redis: Callable[[], int]) -> None:
    for name in "abc":
        ask(name)
    assert messages_in_redis() == 1


def test_whoever_starts_on_a_queue_can_be_woken_again(messages_in_redis: Callable[[], int]) -> None:
    ask("a")
    drain("papers")
    ask("b")
    assert messages_in_redis() == 2


def test_a_process_that_has_just_called_does_not_call_again_for_a_moment(
    messages_in_redis: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "MOMENT", 3_600 * 10**9)
    ask("a")
    waking.redis().delete("wake:papers")  # somebody has started on it, elsewhere
    ask("b")
    assert messages_in_redis() == 1
    assert "papers" in sweep()  # so the clock finds what was left, if anything was
    wake({"papers"})
    assert messages_in_redis() == 2


def test_work_that_brings_more_is_followed_up_in_the_same_go_without_calling(messages_in_redis: Callable[[], int], jobs: Jobs) -> None:
    def brings_more() -> None:
        enqueue("inside", uuid7(), queue="papers", name="b")

    jobs.trouble["a"] = brings_more
    ask("a", job="inside")
    assert messages_in_redis() == 1
    assert drain("papers") == 2
    assert (jobs.done, left(), messages_in_redis()) == (["a", "b"], [], 1)


def test_a_worker_answers_each_call_and_leaves_nothing_of_it(messages_in_redis: Callable[[], int], jobs: Jobs) -> None:
    """Every wake-up is the same job: it is there for the next call, and nowhere is a run written down."""
    line = waking.redis()
    queue = Calls("papers", connection=line, serializer=JSONSerializer)
    for name in ("a", "b"):
        ask(name)
        waking._quiet_until.clear()
        Listener([queue], connection=line, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")
    assert (jobs.done, left(), messages_in_redis()) == (["a", "b"], [], 0)
    assert line.exists("rq:job:drain-papers") and not line.exists(queue.intermediate_queue_key)
    assert [len(kind) for kind in (queue.started_job_registry, queue.finished_job_registry, queue.failed_job_registry)] == [0, 0, 0]


def test_a_drain_that_goes_wrong_ends_neither_the_worker_nor_the_next_call(
    messages_in_redis: Callable[[], int], jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("a")
    with monkeypatch.context() as broken:
        broken.setattr(runner, "_inside_batch", lambda queue: fails())
        queue = Calls("papers", connection=waking.redis(), serializer=JSONSerializer)
        Listener([queue], connection=waking.redis(), serializer=JSONSerializer).work(burst=True, logging_level="WARNING")
    assert (jobs.done, messages_in_redis()) == ([], 0)
    wake({"papers"})
    Listener([queue], connection=waking.redis(), serializer=JSONSerializer).work(burst=True, logging_level="WARNING")
    assert jobs.done == ["a"]


def test_a_lost_wake_up_is_found_by_the_sweep(messages_in_redis: Callable[[], int]) -> None:
    ask("a")
    waking.redis().flushdb()  # everything Redis knew is gone
    assert "papers" in sweep()
    wake({"papers"})
    assert messages_in_redis() == 1


def test_nothing_due_wakes_nobody(messages_in_redis: Callable[[], int]) -> None:
    ask("a", due_in=60)
    assert ("papers" in sweep(), messages_in_redis()) == (False, 0)


def test_without_redis_a_commit_loses_nothing_and_nobody_waits(no_redis: None, jobs: Jobs) -> None:
    began = time.monotonic()
    ask("a")
    assert time.monotonic() - began < 20
    assert [task.args["name"] for task in left()] == ["a"]


@pytest.fixture
def silent_redis(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Something takes the connection where Redis should be, and never says a word."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{mute.getsockname()[1]}/0")
        monkeypatch.setattr(waking, "_redis", None)
        settings.cache_clear()
        yield
        monkeypatch.undo()
        settings.cache_clear()
        with contextlib.suppress(AttributeError):
            waking.redis().close()


def test_a_redis_that_never_answers_is_soon_given_up(silent_redis: None, jobs: Jobs) -> None:
    began = time.monotonic()
    ask("a")
    assert time.monotonic() - began < 20
    assert [task.args["name"] for task in left()] == ["a"]


def test_without_redis_the_clock_does_the_work_itself(no_redis: None, jobs: Jobs) -> None:
    ask("a", "b")
    runner._wake_or_work(sweep() & {"papers"})
    assert (jobs.done, left()) == (["a", "b"], [])


def test_with_redis_the_clock_only_wakes(messages_in_redis: Callable[[], int], jobs: Jobs) -> None:
    ask("a")
    waking.redis().flushdb()
    runner._wake_or_work(sweep() & {"papers"})
    assert (jobs.done, messages_in_redis()) == ([], 1)
