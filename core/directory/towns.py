"""Towns as the search compares them: each stands among the facts of an entry, so one index finds it together with everything else."""

from __future__ import annotations

from collections.abc import Iterable

IN = "@"  # what no fact of a product begins with, nor the mark of a price


def town_mark(town: str) -> str:
    """`@bristol`, of a town as it is compared."""
    return IN + town


def town_marks(towns: Iterable[str]) -> set[str]:
    """Those of all its branches; where no town is written there is no mark."""
    return {town_mark(town) for town in towns if town}
