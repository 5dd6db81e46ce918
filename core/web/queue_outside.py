"""How many answers may wait for the outside world at once: a slow provider must never hold every thread of the house."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.providers.contract import ProviderBusy

SLOW_SECONDS = 1  # when even the newest of those outside has been waiting this long, joining the queue helps nobody


class QueueOutside:
    """`places` may be outside together. One more waits for a place while they come and go quickly, and is sent away when they do not."""

    def __init__(self, places: int) -> None:
        self._free = threading.BoundedSemaphore(places)
        self._last_in = time.monotonic()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises ProviderBusy when there is no place: nothing was asked, and it may be tried again in a moment."""
        if not self._free.acquire(blocking=False):
            patience = self._last_in + SLOW_SECONDS - time.monotonic()
            if patience <= 0 or not self._free.acquire(timeout=patience):
                raise ProviderBusy("too many are waiting for the provider already")
        self._last_in = time.monotonic()
        try:
            yield
        finally:
            self._free.release()
