"""Public pages kept in Redis for a minute, under a number that changes with whatever the directory itself says in them.

What else stands on them (the address of a payment link, whether it is open) may be a minute old; the link's own page knows better.
The number is a row of PostgreSQL and changes in the transaction of the act itself. Nothing has to be told to forget: a page that was kept
under the old number is simply not asked for again. Redis may lose everything, or be away; then a page is written anew.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable
from typing import Any, cast

import structlog
from flask import Response, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.kernel.clock import now
from core.kernel.config import settings
from core.web.headers import csp_nonce
from core.web.languages import language

SECONDS = 60  # the second net, and as long as a page may say that a shop is open
MOST_A_MINUTE = 3_000  # new pages kept: whoever asks for random words does not fill the memory
LONGEST_NAME = 600
REST_SECONDS = 5  # after Redis was away, nobody waits for it for so long
HOLE = "\x00nonce\x00"
log = structlog.get_logger()
_redis: Redis | None = None
_rests_until = 0


def _line() -> Redis:
    global _redis
    if _redis is None:
        _redis = Redis.from_url(settings().redis_url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    return _redis


def kept(name: tuple[Any, ...], write: Callable[[], Response]) -> Response:
    """The page of this name, as `write` writes it, or as it was kept within this minute.

    `name` must hold all that the page depends on beside the language: what was asked, and the number that changes with what it shows. Such a
    page may hold no form that posts and nothing of the reader; only the nonce of its policy is put in anew.
    """
    minute = int(now().timestamp()) // SECONDS
    text = "|".join(map(str, (language(), minute, *name)))
    if not settings().redis_url or len(text) > LONGEST_NAME or time.monotonic_ns() < _rests_until:
        return write()
    key = "page:" + hashlib.sha256(text.encode()).hexdigest()[:40]
    found = _ask(lambda line: line.get(key))
    if found:
        html = zlib.decompress(found).decode().replace(HOLE, csp_nonce())
        return current_app.response_class(html, 200, {"Vary": "HX-Request"})
    nonce = csp_nonce()
    response = write()
    if response.status_code == 200 and time.monotonic_ns() >= _rests_until:
        html = response.get_data(as_text=True)
        if 'name="csrf_token"' in html:
            raise RuntimeError("a page with a form of its reader's cannot be kept for others")
        packed = zlib.compress(html.replace(nonce, HOLE).encode(), 1)
        _ask(lambda line: _keep(line, key, packed, minute))
    return response


def _keep(line: Redis, key: str, packed: bytes, minute: int) -> None:
    counter = f"pages:{minute}"
    if cast(int, line.incr(counter)) <= MOST_A_MINUTE:
        line.set(key, packed, ex=SECONDS)
    line.expire(counter, 2 * SECONDS)


def _ask(question: Callable[[Redis], Any]) -> Any:
    """None when Redis is away; then it is left alone for a while."""
    global _rests_until
    try:
        return question(_line())
    except RedisError as error:
        _rests_until = time.monotonic_ns() + REST_SECONDS * 1_000_000_000
        log.warning("pages_not_kept", error=str(error))
        return None
