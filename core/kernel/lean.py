"""What libraries would load for the case that somebody wants it, and nobody here does: eleven megabytes in each web process.

Each of them is a choice of the library's own, which does without when it is not there: structlog colours faults on a terminal with
`rich`, Stripe's SDK knows several HTTP clients (ours is core/providers/line.py), and the throttle's storage would load a client for
another server than the one it is told of. Redis' client loads a second one of itself, for asyncio, with a second cluster and a second guard.
wsgi.py keeps all but the throttle's from loading while it loads (core/kernel/lean_start.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType


def hide(*names: str) -> None:
    """Whoever asks for these from now on is told that there is no such thing, unless they are loaded already."""
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # the import system's own way to say so


def let_go(*names: str) -> None:
    """From here on whoever asks for these gets them."""
    for name in names:
        if name in sys.modules and sys.modules[name] is None:
            del sys.modules[name]


def leave_empty(package: str, within: str) -> None:
    """The package is there, and what it consists of can be loaded, but it loads nothing by itself. `within` is the one it belongs to."""
    if package not in sys.modules and (around := find_spec(within)) and around.submodule_search_locations:
        empty = sys.modules[package] = ModuleType(package)
        empty.__path__ = [f"{place}/{package.removeprefix(within + '.')}" for place in around.submodule_search_locations]


def load_whole(package: str) -> None:
    """From here on whoever asks for a package that was left empty gets all of it."""
    if package in sys.modules and sys.modules[package].__spec__ is None:
        del sys.modules[package]


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Nothing in the block finds these."""
    hide(*names)
    try:
        yield
    finally:
        let_go(*names)
