"""The sender: gives events their place, and sends them to the vendors' software over several lines at once.

A process of its own, so that no receiver keeps money or letters waiting. PostgreSQL remembers: every endpoint's turn is a lease, every try a
row, and whoever is killed leaves both behind. Two senders share the endpoints between them.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from flask import Flask

from core.accounts.return_addresses import LOCAL
from core.hooks.deliver import Heard, Key, Letter, caught, give_back, lend_endpoints, next_letter, record_try
from core.hooks.relay import FIRST, feeds_to_relay, relay
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import DATABASE_AWAY, db, unit_of_work
from core.web.outward import NotReached, is_outside, post_to

LINES = 16  # at once; each holds a connection to the database only between two letters
SLOW_LINES = 6  # beside them, for endpoints that answered late or not at all the last time
TURN = timedelta(seconds=10)  # then another endpoint gets its line
FEEDS = 20  # relayed in a row, before what is due is handed out again
LOOKS = 4  # in a second, while nothing is due
REST_AFTER_FAULT = 30_000_000_000  # nanoseconds in which a feed that cannot be relayed is left alone
log = structlog.get_logger("workers")
Send = Callable[[Letter], Heard]


def send(letter: Letter) -> Heard:
    """Post it, with nothing held; an address of the catcher is not asked, nor one for which something is missing that goes with it."""
    if letter.unsendable:
        return Heard(None, 0, problem=letter.unsendable)
    if not letter.address:
        return caught(letter)
    began = time.monotonic_ns()
    try:
        answer = post_to(letter.address, letter.body, {**letter.own, **letter.headers}, may_reach=_may_reach(letter))
    except NotReached as reason:
        return Heard(None, _ms(began), problem=str(reason))
    return Heard(answer.status, _ms(began), answer.body, dict(answer.headers))


def _may_reach(letter: Letter) -> Callable[[str], bool]:
    """The public internet; in test mode, where the setting allows it, a program on this very machine that was named as such."""
    local = letter.mode == "test" and settings().hooks_to_localhost and urlsplit(letter.address).hostname in LOCAL
    return (lambda address: address in ("127.0.0.1", "::1")) if local else is_outside


def _ms(began: int) -> int:
    return (time.monotonic_ns() - began) // 1_000_000


def take_turn(key: Key, send: Send = send) -> int:
    """Send what is due at one endpoint, one letter after the other, for as long as it answers; answers how many were sent."""
    sent, until = 0, now() + TURN
    while now() < until:
        with unit_of_work():
            letter = next_letter(key)
        if letter is None:
            break
        heard = send(letter)
        with unit_of_work():
            go_on = record_try(letter, heard)
        sent += 1
        if not go_on:
            break
    with unit_of_work():  # whoever fails before this keeps the lease until it runs out: a fault of ours is not repeated without a pause
        give_back(key)
    return sent


_left_alone: dict[tuple[uuid.UUID, str], int] = {}
_gone_on_from = [FIRST]  # where the next look begins


def relay_some() -> int:
    """What waits for its place, vendor by vendor, each in a unit of its own: one that fails holds nobody else back. Answers how many drafts
    were taken; the next look goes on behind the last vendor of this one."""
    with unit_of_work():
        feeds = feeds_to_relay(FEEDS, after=_gone_on_from[0])
    _gone_on_from[0] = feeds[-1] if len(feeds) == FEEDS else FIRST
    placed = 0
    for vendor_id, mode in feeds:
        if _left_alone.get((vendor_id, mode), 0) > time.monotonic_ns():
            continue
        try:
            placed += relay_feed(vendor_id, mode)
            _left_alone.pop((vendor_id, mode), None)
        except DATABASE_AWAY:
            raise
        except Exception:
            _left_alone[vendor_id, mode] = time.monotonic_ns() + REST_AFTER_FAULT
            log.exception("events_not_relayed", vendor=str(vendor_id), mode=mode)
    return placed


def relay_feed(vendor_id: uuid.UUID, mode: str) -> int:
    """What one vendor is to be told, up to a batch; where one of them spoils that, each by itself, and that one is named without its object."""
    try:
        with unit_of_work():
            return relay(vendor_id, mode)
    except DATABASE_AWAY:
        raise
    except Exception:
        log.warning("events_relayed_one_by_one", vendor=str(vendor_id), mode=mode, exc_info=True)
    with unit_of_work():
        return relay(vendor_id, mode, one_by_one=True)


class Sender:
    """Lends endpoints to a few threads, those known to be slow to threads of their own, so that no number of hanging receivers takes every line."""

    def __init__(self, app: Flask, *, lines: int = LINES, slow_lines: int = SLOW_LINES, send: Send = send) -> None:
        self.app, self.lines, self.slow_lines, self.send = app, lines, slow_lines, send
        self.pool = ThreadPoolExecutor(lines + slow_lines, thread_name_prefix="hooks")
        self.busy: dict[Future[None], bool] = {}

    def look(self) -> int:
        """Hand out whatever is due to whoever is free; answers how many turns were begun."""
        self.busy = {turn: slow for turn, slow in self.busy.items() if not turn.done()}
        slow = sum(self.busy.values())
        lent = [(key, False) for key in lend_endpoints(self.lines - len(self.busy) + slow, slow=False)]
        lent += [(key, True) for key in lend_endpoints(self.slow_lines - slow, slow=True)]
        for key, is_slow in lent:
            self.busy[self.pool.submit(self._turn, key)] = is_slow
        return len(lent)

    def _turn(self, key: Key) -> None:
        with self.app.app_context():
            try:
                take_turn(key, self.send)
            except Exception:
                log.exception("hook_turn_failed", endpoint=str(key[2]))

    def close(self) -> None:
        """Wait for the turns that have begun."""
        self.pool.shutdown(wait=True)


def run_sender(app: Flask, stop: threading.Event) -> None:
    """Until it is told to stop. Whatever fails is looked at again a moment later."""
    sender = Sender(app)
    while not stop.is_set():
        begun = 0
        try:
            begun = relay_some() + sender.look()
        except Exception as error:
            log.error("sender_failed", error=repr(error))
        finally:
            db.session.remove()
        if not begun:
            stop.wait(1 / LOOKS)
    sender.close()
