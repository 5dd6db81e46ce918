"""What the person at the terminal is told: short lines, each with the seconds since the start."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

BEGAN = time.monotonic()


class Stopped(Exception):
    """The start cannot go on; the message is for the person who typed ./run."""


def say(text: str) -> None:
    """One progress line. A terminal that has gone away must not stop an orderly stop."""
    with contextlib.suppress(OSError, ValueError):
        print(f"[{time.monotonic() - BEGAN:6.1f} s] {text}", flush=True)


def plain(text: str = "") -> None:
    """A line without a clock, for the summary."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def complain(text: str) -> None:
    """What went wrong, on the error stream."""
    with contextlib.suppress(OSError, ValueError):
        print(f"\n{text}\n", file=sys.stderr, flush=True)


def tail(log: Path, lines: int = 25) -> str:
    """The end of a log, indented, with its path: what to read first when something does not start."""
    try:
        text = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        text = ["(nothing was written)"]
    return "\n".join([f"the end of {log}:", *("    " + line for line in text)])
