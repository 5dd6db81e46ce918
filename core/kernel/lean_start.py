"""For wsgi.py alone, which imports this before all else: what the others need not load is hidden from here on, until `over`."""

from __future__ import annotations

import os

from core.kernel.lean import hide, leave_empty, let_go, load_whole

HIDDEN = ("rich", "requests")
SECOND = "redis.asyncio"


def over() -> None:
    """Everything is loaded: whoever asks from here on gets them."""
    let_go(*HIDDEN)
    load_whole(SECOND)


if not os.environ.get("FLASK_RUN_FROM_CLI"):  # commands are run by a person at a terminal
    hide(*HIDDEN)
    leave_empty(SECOND, "redis")
