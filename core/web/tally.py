"""Counting what happens often without a write each time: a process gathers for a moment, then writes once, beside the requests.

A count is lost only with a process that was killed while it gathered, a few seconds' worth: good enough for how often a page was
opened, and for nothing that is owed to anybody. A process that is told to stop writes first.
"""

from __future__ import annotations

import atexit
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import structlog
from flask import Flask

from core.kernel.db import DATABASE_AWAY, unit_of_work

log = structlog.get_logger()
MOST_KEPT = 10_000  # different things while the database is away; beyond that nothing new is counted


class Tally:
    """Counts keys; `write` gets what was gathered, in a unit of work of its own, so many seconds after the first of them."""

    def __init__(self, write: Callable[[Mapping[Any, int]], None], *, seconds: int = 2) -> None:
        self._write, self._seconds = write, seconds
        self._counts: Counter[Hashable] = Counter()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._timer: threading.Timer | None = None
        self._last_words = False

    def add(self, app: Flask, key: Hashable) -> None:
        """One more. Costs the request a look into a dictionary."""
        with self._lock:
            if key not in self._counts and len(self._counts) >= MOST_KEPT:
                return
            self._counts[key] += 1
            if self._timer is None:
                self._timer = threading.Timer(self._seconds, self.flush, (app,))
                self._timer.daemon = True
                self._timer.start()
            if not self._last_words:
                self._last_words = True
                atexit.register(self.flush, app)

    def flush(self, app: Flask) -> None:
        """Write now what was gathered; while the database is away it is kept for the next time. When it returns, nobody is still writing."""
        with self._writing:
            with self._lock:
                gathered, self._counts = self._counts, Counter()
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
            if not gathered:
                return
            try:
                self._keep(app, gathered)
            except DATABASE_AWAY as problem:
                self._take_back(gathered, problem)
            except Exception:  # one of them cannot be written, and must not keep the others from it for ever
                self._one_by_one(app, gathered)

    def _keep(self, app: Flask, counts: Mapping[Any, int]) -> None:
        with app.app_context(), unit_of_work():
            self._write(counts)

    def _one_by_one(self, app: Flask, gathered: Mapping[Hashable, int]) -> None:
        for key, count in gathered.items():
            try:
                self._keep(app, {key: count})
            except DATABASE_AWAY as problem:
                self._take_back({key: count}, problem)
            except Exception as problem:
                log.warning("tally_let_go", problem=type(problem).__name__, count=count)

    def _take_back(self, gathered: Mapping[Hashable, int], problem: Exception) -> None:
        """For the next time."""
        log.warning("tally_kept", problem=type(problem).__name__, kinds=len(gathered))
        with self._lock:
            for key in list(gathered)[: MOST_KEPT - len(self._counts)]:
                self._counts[key] += gathered[key]
