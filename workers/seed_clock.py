"""The demo's past: what is done in it has the date of that day at the processor as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from core.kernel.clock import frozen
from core.providers.practice import stop_clock


@contextmanager
def everywhere(at: datetime) -> Iterator[None]:
    """Our clock and the practice processor's stand at this instant. Not to be begun once more inside, nor in a unit of work."""
    stop_clock(at)
    try:
        with frozen(at):
            yield
    finally:
        stop_clock(None)
