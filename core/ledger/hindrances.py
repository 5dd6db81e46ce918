"""What hinders a day from being closed: books that are broken, which nobody may wave through, and breaks that others report and a person may accept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select

from core.kernel.currency import exponent
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.models import Proof
from core.ledger.proof import THE_HOUSE

ALONE = 1_000  # whole units of any currency: a break above this is accepted by two people, and so is one whose amount nobody knows


@dataclass(frozen=True, slots=True)
class OpenBreak:
    """Two sources do not agree and nobody has explained it yet. `key` names it for good; `amount` is how far they are apart. One that is
    `final` is accepted by nobody: it has to be explained."""

    key: str
    sentence: str
    amount: Money | None
    final: bool = False

    @property
    def needs_two(self) -> bool:
        """Whether one person alone may not accept it."""
        return self.amount is None or abs(self.amount.minor) > ALONE * 10 ** exponent(self.amount.currency)


Source = Callable[[str, date], list[OpenBreak]]
_sources: list[Source] = []


def reports_breaks(source: Source) -> Source:
    """Put this over a function that answers which breaks are open for a day (`mode`, `day`): a room above is heard without being imported."""
    if source not in _sources:
        _sources.append(source)
    return source


def open_breaks(mode: str, day: date) -> list[OpenBreak]:
    """All that is unexplained for this day or an earlier one, in the order of the keys."""
    return sorted((one for source in _sources for one in source(mode, day)), key=lambda one: one.key)


def broken_sums(mode: str) -> list[str]:
    """What the proofs found and is not mended. The guards in PostgreSQL are everybody's, and so is the chain over the audit log."""
    whose = or_(Proof.mode == mode, Proof.vendor_id == THE_HOUSE)
    broken = db.session.scalars(select(Proof).where(Proof.broken_since.is_not(None), whose).order_by(Proof.vendor_id).limit(20))
    return [sentence for proof in broken for sentence in proof.breaks]
