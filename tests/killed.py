"""Kills whoever runs, once, before a line of ours is run: as a machine does that loses its power between any two of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from linecache import getline
from types import FrameType
from typing import Any


class Killed(BaseException):
    """It was not caught by anything: only what undoes a unit of work saw it pass."""


class Axe:
    """Falls at the n-th line of these parts of the source; 0 never falls and only counts."""

    def __init__(self, *parts: str, at: int = 0) -> None:
        self.parts, self.at, self.lines, self.fallen = parts, at, 0, ""

    @contextmanager
    def over(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        return self._line if any(part in frame.f_code.co_filename for part in self.parts) else None

    def _line(self, frame: FrameType, event: str, _arg: Any) -> Any:
        # With `with` a block is left as well as entered, and who falls on the way out of it never puts away what it began.
        if event == "line" and not self.fallen and not getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with "):
            self.lines += 1
            if self.lines == self.at:
                self.fallen = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise Killed(self.fallen)
        return self._line
