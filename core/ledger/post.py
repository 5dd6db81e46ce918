"""The only writer of the books: hands journals to PostgreSQL's ledger_post in the present transaction."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.errors import CheckViolation

from core.kernel.db import driver
from core.kernel.errors import Refusal
from core.kernel.ids import uuid7
from core.kernel.money import Money


class BalanceTooLow(Refusal):
    """The account that should give the money does not hold it."""

    code = "balance_too_low"


class Leg(NamedTuple):
    """One side of a journal: signed minor units, debit positive. `sub` names which account of the kind, `ref` what it must clear."""

    code: int
    amount: Money
    sub: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Journal:
    """One business event, ready to post. `event_key` is made from the fact itself, so the same fact posts once."""

    vendor_id: uuid.UUID
    mode: str
    event_key: str
    kind: str
    about: str
    effective_at: datetime
    legs: tuple[Leg, ...]
    reverses: uuid.UUID | None = None
    id: uuid.UUID = field(default_factory=uuid7)

    @property
    def digest(self) -> str:
        """A short name for the content: the same event told twice must carry the same one."""
        return _digest(self._wire_legs())

    def _wire_legs(self) -> list[WireLeg]:
        """Legs of nothing are left out: a zero leg says nothing and PostgreSQL refuses it."""
        return [(leg.code, leg.sub, amount.currency, amount.minor, leg.ref) for leg in self.legs if (amount := leg.amount)]

    def content(self) -> dict[str, Any]:
        """The shape in which PostgreSQL's functions take a journal of a book they know already."""
        legs = self._wire_legs()
        return {
            "id": self.id.hex,
            "event_key": self.event_key,
            "kind": self.kind,
            "about": self.about,
            "effective_at": self.effective_at.isoformat(),
            "digest": _digest(legs),
            "legs": legs,
        }

    def wire(self) -> dict[str, Any]:
        """The same with the book it belongs to. What it does not reverse is left out."""
        made = {"vendor_id": str(self.vendor_id), "mode": self.mode, **self.content()}
        if self.reverses:
            made["reverses"] = str(self.reverses)
        return made


WireLeg = tuple[int, str, str, int, str]


def _digest(legs: list[WireLeg]) -> str:
    content = ";".join([f"{code}|{sub}|{currency}|{minor}|{ref}" for code, sub, currency, minor, ref in legs])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def post(journals: list[Journal]) -> int:
    """Post each journal unless its event is in the books already; answers how many were new.

    Refuses with BalanceTooLow when a guarded account would go below zero. A journal that does not balance is a bug
    and stops the transaction.
    """
    try:
        row = driver().execute("SELECT ledger_post(%s::jsonb)", (json.dumps([j.wire() for j in journals]),)).fetchone()
    except CheckViolation as error:
        if error.diag.constraint_name == "ck_balances_floor":
            raise BalanceTooLow("The balance does not hold that much.") from error
        raise
    return int(row[0])
