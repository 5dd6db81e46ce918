"""Several limits counted in one journey to Redis: as the library counts them one by one, and as the counter in this process does."""

from __future__ import annotations

import secrets
import time

import pytest
from flask import Flask
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeout

from core.kernel.config import settings
from core.web import throttle
from core.web.throttle import Counted, Limit, TooMany, count_call, limiter


@pytest.fixture(autouse=True)
def _counted(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "enabled", True)
    monkeypatch.setitem(throttle._away, "until", 0)  # a test before this one may have sent Redis away for some seconds


def _limits(*most: str) -> list[Limit]:
    mine = secrets.token_hex(8)
    return [Limit(one, f"test-{number}", mine, f"number {number}") for number, one in enumerate(most)]


def _left(limit: Limit) -> int:
    """What the library says is left of it."""
    return limiter.limiter.get_window_stats(throttle._rule(limit.most), limit.scope, limit.whose).remaining


@pytest.fixture(params=["redis", "here"])
def _where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "here":
        monkeypatch.setitem(throttle._away, "until", time.monotonic_ns() + 60_000_000_000)


@pytest.mark.usefixtures("_where")
def test_it_is_told_how_the_first_stands_and_stopped_by_the_first_that_is_full() -> None:
    limits = _limits("5 per 1 minute", "2 per 1 minute", "9 per 1 minute")
    first = count_call(*limits)
    assert first == Counted(5, 4, first.seconds, 60) and 58 <= first.seconds <= 60
    assert count_call(*limits).left == 3
    with pytest.raises(TooMany) as full:
        count_call(*limits)
    assert full.value.said == "number 1" and full.value.counted == Counted(2, 0, full.value.counted.seconds, 60)
    assert 0 < full.value.counted.seconds <= 60


def test_what_one_does_not_let_through_is_not_counted_by_those_after_it() -> None:
    limits = _limits("5 per 1 minute", "1 per 1 minute", "9 per 1 minute")
    count_call(*limits)
    with pytest.raises(TooMany):
        count_call(*limits)
    assert [_left(limit) for limit in limits] == [3, 0, 8]


def test_it_counts_in_the_library_s_own_windows() -> None:
    (limit,) = _limits("4 per 1 minute")
    limiter.limiter.hit(throttle._rule(limit.most), limit.scope, limit.whose)
    assert count_call(limit).left == _left(limit) == 2


def test_a_redis_that_was_started_anew_is_given_the_script_again() -> None:
    limits = _limits("5 per 1 minute")
    count_call(*limits)
    limiter.limiter.storage.storage.script_flush()
    assert count_call(*limits).left == _left(limits[0]) == 3
    assert throttle._away["until"] <= time.monotonic_ns()  # it was Redis who counted, not this process


def test_what_is_longer_ago_than_its_seconds_counts_no_more() -> None:
    limits = _limits("2 per 1 minute")
    assert [count_call(*limits).left, count_call(*limits).left] == [1, 0]
    storage = limiter.limiter.storage
    window = storage.prefixed_key(throttle._rule(limits[0].most).key_for(limits[0].scope, limits[0].whose))
    for place in (0, 1):
        storage.storage.lset(window, place, time.time() - 61)
    assert count_call(*limits).left == 1


def test_a_line_that_was_hung_up_on_is_made_anew() -> None:
    limits = _limits("5 per 1 minute")
    count_call(*limits)
    client = limiter.limiter.storage.get_connection()
    mine = client.execute_command("CLIENT", "ID")
    assert client.execute_command("CLIENT", "ID") == mine  # each thread keeps its own
    with Redis.from_url(settings().redis_url) as other:
        other.client_kill_filter(_id=mine)
    assert count_call(*limits).left == 3
    assert throttle._away["until"] <= time.monotonic_ns()  # it was Redis who counted, not this process
    assert client.execute_command("CLIENT", "ID") != mine


def test_half_an_answer_is_nobody_s_next_one() -> None:
    client, pool = limiter.limiter.storage.get_connection(), limiter.limiter.storage.get_connection().connection_pool
    key = f"test-{secrets.token_hex(8)}"
    client.execute_command("SET", key, "first")
    patience = pool.connection_kwargs["socket_timeout"]
    with pytest.raises(RedisTimeout):
        client.execute_command("BLPOP", f"{key}-empty", patience + 1)
    assert client.execute_command("GET", key) in (b"first", "first")
    client.execute_command("DEL", key)
