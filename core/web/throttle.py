"""Counts attempts per address and per account in Redis, and in memory while Redis is away."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache, wraps
from typing import Any, TypeVar, cast

import structlog
from flask import Flask, request
from flask_limiter import Limiter
from limits import RateLimitItem, WindowStats, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter
from redis.commands.core import Script
from werkzeug.exceptions import TooManyRequests

from core.kernel.config import settings
from core.kernel.lean import without
from core.kernel.network import one_network
from core.kernel.redis_line import KeptLine
from core.web.fields import one_spelling

View = TypeVar("View", bound=Callable[..., Any])
Answer = TypeVar("Answer")
PREFIX = "throttle"  # before the name of what a view counts


def network_of_caller() -> str:
    """Whom to count where nothing better is known."""
    return one_network(request.remote_addr or "")


# Nothing is refused because the counter is gone: Redis down means counting in this process, never an error page. What is counted is counted
# by the functions below, with the library's counter: its own way from a view to the counter costs as much again as to ask Redis.
limiter = Limiter(network_of_caller, strategy="moving-window")
REST = 5_000_000_000  # nanoseconds in which a Redis that did not answer is not asked again: nobody waits for it each time
log = structlog.get_logger("throttle")

_here = MovingWindowRateLimiter(MemoryStorage())  # what counts while Redis is away
_away = {"until": 0}
_rule = cache(parse)


def _asked(question: Callable[[RateLimiter], Answer]) -> Answer:
    """What the counter says; the one in this process while Redis is away, for nothing is let through uncounted."""
    if time.monotonic_ns() >= _away["until"]:
        try:
            return question(limiter.limiter)
        except Exception as problem:  # whatever the storage says when it cannot be asked
            _away["until"] = time.monotonic_ns() + REST
            log.warning("counted_here", problem=type(problem).__name__)
    return question(_here)


@dataclass(frozen=True)
class Counted:
    """How a limit stands after a call: how many it lets through, how many are left, and in how many seconds it is as it was."""

    most: int
    left: int
    seconds: int
    window: int


class TooMany(TooManyRequests):
    """A limit is used up: how it stands, for how long, and where there are several, which it was in words for whoever asked."""

    def __init__(self, counted: Counted, said: str) -> None:
        super().__init__(retry_after=max(1, counted.seconds))
        self.counted, self.said = counted, said


def count_try(limit: str, *, scope: str, whose: str, says: str = "") -> None:
    """Counts one try about one person, over all their browsers and addresses, before it is looked at: the right answer waits too.

    Raises TooMany, which says for how long, and with `says` which limit it was.
    """
    if limiter.enabled:
        _count(_rule(limit), scope, whose, says=says)


def _count(rule: RateLimitItem, *name: str, says: str = "") -> None:
    if not _asked(lambda counter: counter.hit(rule, *name)):
        raise TooMany(_standing(rule, _asked(lambda counter: counter.get_window_stats(rule, *name))), says)


@dataclass(frozen=True)
class Limit:
    """One of several that a call must keep: `most` as "600 per 1 minute", and in words which limit it was."""

    most: str
    scope: str
    whose: str
    says: str


def count_call(*limits: Limit) -> Counted:
    """As `count_try` against each of these limits in turn, for callers who are told how they stand against the first. What one of them does not
    let through is not counted by those after it."""
    rules = [_rule(limit.most) for limit in limits]
    if not limiter.enabled:
        return Counted(rules[0].amount, rules[0].amount, 0, rules[0].get_expiry())
    names = [(limit.scope, limit.whose) for limit in limits]
    full, counted = _asked(lambda counter: _hit_all(counter, rules, names))
    if full is not None:
        raise TooMany(counted, limits[full].says)
    return counted


def _hit_all(counter: RateLimiter, rules: list[RateLimitItem], names: list[tuple[str, str]]) -> tuple[int | None, Counted]:
    """Which of them is used up, and how that one stands; None where none is, and how the first stands."""
    storage = counter.storage
    if isinstance(storage, RedisStorage):
        windows = [storage.prefixed_key(rule.key_for(*name)) for rule, name in zip(rules, names, strict=True)]
        terms = [part for rule in rules for part in (rule.amount, rule.get_expiry())]
        full, seen, seconds = _all_at_once(storage)(windows, [time.time(), *terms])
        rule = rules[max(0, full - 1)]
        return (full - 1 if full else None), Counted(rule.amount, rule.amount - seen, seconds, rule.get_expiry())
    for number, (rule, name) in enumerate(zip(rules, names, strict=True)):
        if not counter.hit(rule, *name):
            return number, _standing(rule, counter.get_window_stats(rule, *name))
    return None, _standing(rules[0], counter.get_window_stats(rules[0], *names[0]))


# The library's moving window, as it keeps it, for several limits in one journey: by its own way a call of the API asked Redis four times.
# Answers which of them is full (0: none), how many tries that one (or the first) has had within its seconds, and in how many
# seconds the oldest of them counts no more.
HIT_ALL = """
local at = tonumber(ARGV[1])
local function most(number) return tonumber(ARGV[2 * number]) end
local function since(number) return at - tonumber(ARGV[2 * number + 1]) end
local function tried(number, place) return tonumber(redis.call('LINDEX', KEYS[number], place) or nil) end

local full = 0
for number, window in ipairs(KEYS) do
  local last = tried(number, most(number) - 1)
  if last and last >= since(number) then
    full = number
    break
  end
  redis.call('LPUSH', window, ARGV[1])
  redis.call('LTRIM', window, 0, most(number) - 1)
  redis.call('EXPIRE', window, ARGV[2 * number + 1])
end

local told = math.max(full, 1)
local low, high, seen, oldest = 0, most(told) - 1, 0, at
while low <= high do
  local middle = math.floor((low + high) / 2)
  local try = tried(told, middle)
  if try and try >= since(told) then
    seen, low, oldest = middle + 1, middle + 1, try
  else
    high = middle - 1
  end
end
return {full, seen, math.min(math.ceil(oldest - since(told)), tonumber(ARGV[2 * told + 1]))}
"""


@lru_cache(4)
def _all_at_once(storage: RedisStorage) -> Script:
    script: Script = storage.get_connection().register_script(HIT_ALL)
    return script


def _standing(rule: RateLimitItem, stands: WindowStats) -> Counted:
    return Counted(rule.amount, stands.remaining, max(0, math.ceil(stands.reset_time - time.time())), rule.get_expiry())


def in_figures(limit: str) -> tuple[int, int]:
    """How many in how many seconds."""
    rule = _rule(limit)
    return rule.amount, rule.get_expiry()


def by_address(limit: str, *, scope: str, method: str = "POST") -> Callable[[View], View]:
    """Counts what is posted from one network address, e.g. `@by_address("30 per 15 minutes", scope="sign-in")`."""
    return _counted(limit, scope, method, network_of_caller)


def by_account(limit: str, *, scope: str, field: str = "email") -> Callable[[View], View]:
    """Counts what is posted about one account, known or not, from any address. The name itself is not kept, only its hash."""

    def key() -> str:
        name = request.form.get(field, "")
        with suppress(ValueError):
            name = one_spelling(name)  # as the account is looked up, or each spelling would bring new tries
        name = name.strip().lower()[:320]
        return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()

    return _counted(limit, scope, "POST", key)


def _counted(limit: str, scope: str, method: str, whose: Callable[[], str]) -> Callable[[View], View]:
    """What is asked with this method is counted before the view is called."""
    rule = _rule(limit)

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(*args: Any, **kwargs: Any) -> Any:
            if request.method == method and limiter.enabled:
                _count(rule, PREFIX, whose(), scope)
            return view(*args, **kwargs)

        return cast(View, counted)

    return decorate


def install(app: Flask) -> None:
    app.config.setdefault("RATELIMIT_STORAGE_URI", settings().redis_url or "memory://")
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {"socket_connect_timeout": 1, "socket_timeout": 1} if settings().redis_url else {})
    app.config.setdefault("RATELIMIT_KEY_PREFIX", PREFIX)
    with without("valkey"):  # the storage looks for it only to know that it is there
        limiter.init_app(app)
    counted_in = limiter.storage
    if isinstance(counted_in, RedisStorage):  # one that does not answer is counted for here
        counted_in.storage = KeptLine(connection_pool=counted_in.get_connection().connection_pool)
        counted_in.initialize_storage(settings().redis_url)  # its scripts go over the client that they were registered with
    # What is counted says so with a decorator, which does the counting. There is no limit for all views to look for before each.
    app.before_request_funcs[None].remove(limiter._check_request_limit)
    # Nor are there headers to write, or tries to count by what was answered; and what it notes of a request goes with the request.
    app.after_request_funcs[None] = [hook for hook in app.after_request_funcs[None] if getattr(hook, "args", ()) != (limiter,)]
    app.teardown_request_funcs[None].remove(limiter._Limiter__release_context)
