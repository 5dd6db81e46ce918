"""What a seed decides in a simulated world: what time it is on each side, what a network does to a request, and where a process dies."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.killed import Killed


def put_in_place(where: Any, **things: Any) -> None:
    """Another thing under a name that stands there already."""
    for name, thing in things.items():
        if not hasattr(where, name):
            raise AttributeError(f"{where!r} has no {name} whose place could be taken")
        setattr(where, name, thing)


FATES = ("lost", "answer lost", "twice", "dies before", "dies after", "busy")


class Clock:
    """The simulated hour. Ours may stand beside the processor's, forwards or backwards, as clocks of machines do."""

    def __init__(self, start: datetime) -> None:
        self.at, self.step = start, timedelta(0)

    def ours(self) -> datetime:
        self.at += timedelta(milliseconds=1)  # no two readings are the same, so rows keep the order in which they were made
        return self.at + self.step

    def pass_by(self, by: timedelta) -> None:
        self.at += by

    # As the sandbox reads it, in place of the module `time`.

    def time(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    # As the sandbox's bank reads the date, in place of the module `datetime`.

    UTC = UTC

    @property
    def datetime(self) -> Clock:
        return self

    def now(self, zone: object) -> datetime:
        assert zone is UTC
        return self.at


class Standing:
    """Takes the place of the instant at which core/kernel/clock.py stands still: outside `frozen` it is the simulated hour."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.inner: ContextVar[datetime | None] = ContextVar("simulated", default=None)

    def get(self) -> datetime:
        return self.inner.get() or self.clock.ours()

    def set(self, at: datetime | None) -> Token[datetime | None]:
        return self.inner.set(at)

    def reset(self, token: Token[datetime | None]) -> None:
        self.inner.reset(token)


class Weather:
    """One source of chance for everything. `calm` while something must simply work: payers' own browsers, and the end."""

    def __init__(self, seed: int) -> None:
        self.dice, self.calm, self.seen = random.Random(seed), True, Counter[str]()
        self.rough = 0.14  # of so many of our requests something becomes

    @contextmanager
    def still(self) -> Iterator[None]:
        before, self.calm = self.calm, True
        try:
            yield
        finally:
            self.calm = before

    def fate(self) -> str:
        """What becomes of one request of ours to the outside; usually nothing at all."""
        if self.calm or self.dice.random() > self.rough:
            return ""
        return self._note(self.dice.choice(FATES))

    def dies(self, where: str, chance: float = 0.02) -> None:
        """A process ends here, without a word."""
        if not self.calm and self.dice.random() < chance:
            raise Killed(self._note(f"killed {where}"))

    def delivery(self) -> str:
        """What becomes of a message of the processor's: taken, lost on its way, or taken without the processor hearing of it."""
        if self.calm:
            return ""
        roll = self.dice.random()
        return "" if roll > 0.25 else self._note("news lost" if roll < 0.1 else "receipt lost" if roll < 0.18 else "news twice")

    def _note(self, what: str) -> str:
        self.seen[what] += 1
        return what
