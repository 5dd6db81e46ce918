"""What a benchmark answers: rounds of (ours, limit), their median ratio, and whether the goal is met; printed and kept as JSON."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Figure:
    """One line of the table. `goal` is None for a figure that only explains another."""

    id: str
    what: str
    unit: str
    value: float
    limit: float | None
    ratio: float | None
    low: float | None
    high: float | None
    goal: float | None
    at_least: bool
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        reached = self.ratio if self.ratio is not None else self.value
        return "pass" if (reached >= self.goal if self.at_least else reached <= self.goal) else "MISS"


def compared(
    id: str,
    what: str,
    unit: str,
    rounds: Sequence[tuple[float, float]],
    *,
    goal: float | None = None,
    at_least: bool = True,
    note: str = "",
) -> Figure:
    """From rounds of (ours, limit), measured in turns: the median of each and of the per-round ratios, with their range."""
    ratios = [ours / limit for ours, limit in rounds]
    return Figure(
        id,
        what,
        unit,
        median(r[0] for r in rounds),
        median(r[1] for r in rounds),
        median(ratios),
        min(ratios),
        max(ratios),
        goal,
        at_least,
        note,
    )


def alone(id: str, what: str, unit: str, value: float, *, goal: float | None = None, at_least: bool = False, note: str = "") -> Figure:
    """A figure that is its own measure: megabytes, say."""
    return Figure(id, what, unit, value, None, None, None, None, goal, at_least, note)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _cells(figure: Figure) -> list[str]:
    goal = "" if figure.goal is None else f"{'≥' if figure.at_least else '≤'} {figure.goal:g}"
    band = "" if figure.low is None else f"{_number(figure.low)}–{_number(figure.high)}"
    value, limit, ratio = _number(figure.value), _number(figure.limit), _number(figure.ratio)
    return [figure.id, figure.what, f"{value} {figure.unit}", limit, ratio, band, goal, figure.verdict]


HEAD = ["id", "what", "value", "limit", "ratio", "range", "goal", ""]


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table a terminal and Markdown both show."""
    rows = [HEAD, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Where this was measured, in neutral words."""
    words = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    models = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(models) or 1,
        "memory_gb": round(int(words["MemTotal"].split()[0]) / 1_048_576, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_at_start": Path("/proc/loadavg").read_text().split()[0],
    }


def keep(figures: Sequence[Figure], facts: dict[str, Any]) -> Path:
    """The same as JSON; answers where it lies."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    rows = [asdict(figure) | {"verdict": figure.verdict} for figure in figures]
    path.write_text(json.dumps({"facts": facts, "figures": rows}, indent=1, ensure_ascii=False))
    return path


def say(text: str) -> None:
    """A line about what is going on; it goes to stderr, so that the table can be piped."""
    print(f"  {text}", file=sys.stderr, flush=True)
