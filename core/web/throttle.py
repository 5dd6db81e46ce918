"""Counts attempts per address and per account in Redis, and in memory while Redis is away."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import RateLimitItem, WindowStats, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from core.kernel.config import settings
from core.kernel.lean import without
from core.web.fields import one_spelling

View = TypeVar("View", bound=Callable[..., Any])

# Nothing is refused because the counter is gone: Redis down means counting in this process, never an error page.
limiter = Limiter(
    get_remote_address,
    strategy="moving-window",
    in_memory_fallback_enabled=True,
    swallow_errors=True,  # and no headers: they would ask Redis a second time for every answer
)


_here = MovingWindowRateLimiter(MemoryStorage())  # what counts while Redis is away


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
    if not limiter.enabled:
        return
    rule, counter = parse(limit), limiter.limiter
    try:
        let_through = counter.hit(rule, scope, whose)
    except Exception:  # whatever the storage says when it cannot be asked: nothing is let through uncounted
        counter = _here
        let_through = counter.hit(rule, scope, whose)
    if not let_through:
        raise TooMany(_counted(rule, counter.get_window_stats(rule, scope, whose)), says)


def count_call(limit: str, *, scope: str, whose: str, says: str = "") -> Counted:
    """As `count_try`, for callers who are told how they stand. `limit` is one whose answers are looked up in one more question."""
    rule, counter = parse(limit), limiter.limiter
    if not limiter.enabled:
        return Counted(rule.amount, rule.amount, 0, rule.get_expiry())
    try:
        let_through, stands = counter.hit(rule, scope, whose), counter.get_window_stats(rule, scope, whose)
    except Exception:  # as there: whatever the storage says
        let_through, stands = _here.hit(rule, scope, whose), _here.get_window_stats(rule, scope, whose)
    counted = _counted(rule, stands)
    if not let_through:
        raise TooMany(counted, says)
    return counted


def _counted(rule: RateLimitItem, stands: WindowStats) -> Counted:
    return Counted(rule.amount, stands.remaining, max(0, math.ceil(stands.reset_time - time.time())), rule.get_expiry())


def in_figures(limit: str) -> tuple[int, int]:
    """How many in how many seconds."""
    rule = parse(limit)
    return rule.amount, rule.get_expiry()


def seconds_to_wait() -> int | None:
    """After a refusal, how long it will stand; None when it was not the counter that refused."""
    limit = limiter.current_limit
    return max(1, int(limit.reset_at - time.time())) if limit and limit.breached else None


def by_address(limit: str, *, scope: str, method: str = "POST") -> Callable[[View], View]:
    """Counts what is posted from one network address, e.g. `@by_address("30 per 15 minutes", scope="sign-in")`."""
    return limiter.shared_limit(limit, scope=scope, methods=[method])  # type: ignore[return-value]


def by_account(limit: str, *, scope: str, field: str = "email") -> Callable[[View], View]:
    """Counts what is posted about one account, known or not, from any address. The name itself is not kept, only its hash."""

    def key() -> str:
        name = request.form.get(field, "")
        with suppress(ValueError):
            name = one_spelling(name)  # as the account is looked up, or each spelling would bring new tries
        name = name.strip().lower()[:320]
        return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()

    return limiter.shared_limit(limit, scope=scope, key_func=key, methods=["POST"])  # type: ignore[return-value]


def install(app: Flask) -> None:
    app.config.setdefault("RATELIMIT_STORAGE_URI", settings().redis_url or "memory://")
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {"socket_connect_timeout": 1, "socket_timeout": 1} if settings().redis_url else {})
    app.config.setdefault("RATELIMIT_KEY_PREFIX", "throttle")
    with without("valkey"):  # the storage looks for it only to know that it is there
        limiter.init_app(app)
    # What is counted says so with a decorator, which does the counting. There is no limit for all views to look for before each.
    app.before_request_funcs[None].remove(limiter._check_request_limit)
    # Nor are there headers to write, or tries to count by what was answered; and what it notes of a request goes with the request.
    app.after_request_funcs[None] = [hook for hook in app.after_request_funcs[None] if getattr(hook, "args", ()) != (limiter,)]
    app.teardown_request_funcs[None].remove(limiter._Limiter__release_context)
