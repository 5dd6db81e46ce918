"""How the processes log: one JSON object per line, with the whole traceback of a fault but never the values in it."""

from __future__ import annotations

import logging

import structlog
from structlog.typing import Processor


def configure(*, plain: bool = False, number: Processor | None = None) -> None:
    """Set the shape of every log line. `plain` is for a person at a terminal; neither shape prints local variables.

    `number` adds to a line what it belongs to: the web process says which request.
    """
    quiet_tracebacks = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *([number] if number else []),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([quiet_tracebacks] if plain else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
