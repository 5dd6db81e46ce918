"""What a processor has not told to its end: kept with the look that asked, taken up where it ended by the next one, and until then not called
missing on the processor's side."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db
from core.ledger.hindrances import OpenBreak, reports_breaks
from core.reconciliation.exceptions import Finding
from core.reconciliation.match import AROUND, LOOKS_BACK, first_booked
from core.reconciliation.models import ReconRun

MOVEMENTS, PAYOUTS = "movements", "payouts"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Something a processor is still to tell of: `of` is its movements, its payouts to our bank, or the name of one payout whose lines are meant.

    A processor tells the newest first. `after` is the last thing it told; empty: it told nothing, and is asked from now on backwards.
    """

    of: str
    since: datetime  # what is older was told
    until: datetime  # and so was what is newer
    after: str = ""

    @property
    def asks_since(self) -> datetime:
        """What comes new is asked about for two weeks in any case; what an earlier look left, as far as it was missing."""
        return self.since if self.after else min(now() - LOOKS_BACK, self.since)


def stretches(mode: str, source: str) -> list[Stretch]:
    """What a look has to ask a processor: all since the last look, or before there was one since the first money that it moved for us, and
    whatever earlier looks were not told to its end."""
    last = _last(mode)
    left = read(last, source) if last is not None else []
    since = last.asked_at if last is not None else first_booked(mode, source) or now()
    since = min([since - AROUND, *(one.since for one in left if not one.after)])
    return [Stretch(MOVEMENTS, since, now()), Stretch(PAYOUTS, since, now()), *(one for one in left if one.after)]


def from_the_beginning(asked: Iterable[Stretch]) -> list[Stretch]:
    """The processor did not answer: all that was to be asked is still to be told, and up to this moment."""
    return [one if one.after else replace(one, until=now()) for one in asked]


def read(run: ReconRun, source: str) -> list[Stretch]:
    """What that look left of one processor."""
    return [
        Stretch(one["of"], datetime.fromisoformat(one["since"]), datetime.fromisoformat(one["until"]), one["after"])
        for one in run.untold.get(source, [])
    ]


def written(left: Sequence[Stretch]) -> list[dict[str, Any]]:
    """The same as it is kept."""
    return [asdict(one) | {"since": one.since.isoformat(), "until": one.until.isoformat()} for one in left]


def still_to_come(findings: Iterable[Finding], left: Collection[Stretch]) -> set[tuple[str, str]]:
    """Which of the findings are about entries that the processor has not come to yet: (kind, key)."""
    dark = [(one.since - AROUND, one.until + AROUND) for one in left if one.of == MOVEMENTS]
    return {
        (one.kind, one.key)
        for one in findings
        if one.kind == "missing_at_processor" and any(since <= datetime.fromisoformat(one.ours["at"]) <= until for since, until in dark)
    }


def _last(mode: str) -> ReconRun | None:
    ended = select(ReconRun).where(ReconRun.mode == mode, ReconRun.ended_at.is_not(None))
    return db.session.scalar(ended.order_by(ReconRun.asked_at.desc(), ReconRun.id.desc()).limit(1))


@reports_breaks
def hindrances(mode: str, day: date) -> list[OpenBreak]:
    """For whoever closes days: of this day, or an earlier one, a processor has not told everything. Nobody knows what it is worth."""
    last, found = _last(mode), []
    for source in sorted(last.untold) if last is not None else ():
        dark = [one for one in read(last, source) if one.of == MOVEMENTS and (one.since + AROUND).astimezone(UTC).date() <= day]
        if dark:
            since, until = min(one.since for one in dark), max(one.until for one in dark)
            words = f"not told yet, {source}: movements of {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
            found.append(OpenBreak(f"untold:{source}", words, None))
    return found
