"""For wsgi.py alone, which imports this before all else: what the others need not load is hidden from here on, until `over`."""

from __future__ import annotations

import os

from core.kernel.lean import hide, let_go

HIDDEN = ("rich", "requests")


def over() -> None:
    """Everything is loaded: whoever asks from here on gets them."""
    let_go(*HIDDEN)


if not os.environ.get("FLASK_RUN_FROM_CLI"):  # commands are run by a person at a terminal
    hide(*HIDDEN)
