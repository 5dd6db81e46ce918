"""Sliding windows in Redis: what failed lately, and from where. A memory of failure and nothing more: without Redis it is empty, and
nobody is stopped for that."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import structlog
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry

from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.redis_line import KeptLine

log = structlog.get_logger("risk")
PATIENCE = 1  # seconds; a payer waits for this answer
REST = 5  # seconds in which a Redis that did not answer is not asked again
MOST_KEPT = 500  # in one window: whoever has so many is over every limit
LONGEST = 24 * 3600
_away = {"until": 0}


# One command for all windows of a try: to write down and read as many as there are limits took a fifth of opening a card page.
ADD = """
local windows = tonumber(ARGV[4])
for number = 1, windows do
  local window = KEYS[number]
  redis.call('ZADD', window, ARGV[1], ARGV[number + 4])
  redis.call('ZREMRANGEBYRANK', window, 0, ARGV[2])
  redis.call('EXPIRE', window, ARGV[3])
end
if #KEYS > windows then
  redis.call('SET', KEYS[#KEYS], ARGV[#ARGV - 1], 'EX', ARGV[#ARGV])
end
"""
COUNT = """
local found = {}
for number, window in ipairs(KEYS) do
  found[number] = redis.call('ZCOUNT', window, ARGV[number], '+inf')
end
return found
"""


@cache
def _redis(url: str) -> KeptLine:
    return KeptLine.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0))


@cache
def _script(url: str, text: str) -> Script:
    return _redis(url).register_script(text)


def _run(text: str, windows: list[str], values: list[Any]) -> Any:
    """In one journey: named by its digest from the second time on, and said again to a Redis that has been started anew."""
    url = settings().redis_url
    return _script(url, text)(windows, values, _redis(url))


def mark(scope: str, kind: str, whose: str) -> str:
    """The name of a window. Addresses, e-mails and cards are never written there: only what our own key makes of them."""
    digest = hmac.digest(settings().secrets["session_key"].encode(), f"{scope}|{whose}".encode("utf-8", "replace"), "sha256")
    return f"risk:{kind}:{digest.hex()[:32]}"


def add(marks: Iterable[tuple[str, str]], *, beside: tuple[str, str, int] | None = None) -> None:
    """Put each member into its window, now. The same member twice is one: so whoever counts may be run again. `beside` is remembered in the same
    journey, as `keep` does it."""
    at, marks = now().timestamp(), list(marks)
    if not marks or _is_away():
        return
    try:
        windows, values = [window for window, _ in marks], [at, -MOST_KEPT - 1, LONGEST, len(marks), *(member[:120] for _, member in marks)]
        if beside:
            name, value, seconds = beside
            windows, values = [*windows, name], [*values, value, seconds]
        _run(ADD, windows, values)
    except RedisError as problem:
        _note_away(problem)


def count(asked: Sequence[tuple[str, int]]) -> list[int]:
    """How many members each window has had in its last seconds; all nothing while Redis is away."""
    at = now().timestamp()
    if not asked or _is_away():
        return [0] * len(asked)
    try:
        return [int(found) for found in _run(COUNT, [window for window, _ in asked], [at - seconds for _, seconds in asked])]
    except RedisError as problem:
        _note_away(problem)
        return [0] * len(asked)


def keep(name: str, value: str, seconds: int) -> None:
    """Remember a short text for a while."""
    if _is_away():
        return
    try:
        _redis(settings().redis_url).set(name, value, ex=seconds)
    except RedisError as problem:
        _note_away(problem)


def kept(name: str) -> str:
    """What was remembered; nothing when it is long ago, or while Redis is away."""
    if _is_away():
        return ""
    try:
        found = _redis(settings().redis_url).get(name)
    except RedisError as problem:
        _note_away(problem)
        return ""
    return found.decode() if isinstance(found, bytes) else ""


def take_turn(name: str, seconds: int) -> bool:
    """Whether nobody has had this turn in the last seconds; then it is taken. Always one's turn while Redis is away."""
    if _is_away():
        return True
    try:
        return bool(_redis(settings().redis_url).set(name, "1", nx=True, ex=seconds))
    except RedisError as problem:
        _note_away(problem)
        return True


def _is_away() -> bool:
    return not settings().redis_url or time.monotonic() < _away["until"]


def _note_away(problem: RedisError) -> None:
    _away["until"] = time.monotonic() + REST
    log.warning("risk_counts_away", problem=type(problem).__name__)
