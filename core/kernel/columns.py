"""Columns and constraints that several rooms' tables have alike, beside the keys in core/kernel/db.py."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

# A table's own columns stand at 0: whose history it is comes behind the vendor and the mode, before the number of the line.
_FIRST, _SHARED, _CAUSE, _LAST = -1, 1, 2, 3


def one_of(column: str, values: Iterable[str]) -> str:
    """The condition that a column holds one of these words, always written in the same order."""
    return f"{column} IN ({', '.join(repr(value) for value in sorted(values))})"


class HistoryRow:
    """One line of a history: what happened, from which state to which, because of whom. Append-only.

    The table adds the id of what it is the history of, a part of the key. Lines are numbered within it.
    """

    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, sort_order=_FIRST)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True, sort_order=_FIRST)
    seq: Mapped[int] = mapped_column(primary_key=True, sort_order=_SHARED)
    kind: Mapped[str] = mapped_column(String(40), sort_order=_SHARED)
    from_state: Mapped[str | None] = mapped_column(String(20), sort_order=_SHARED)
    to_state: Mapped[str | None] = mapped_column(String(20), sort_order=_SHARED)
    actor: Mapped[str] = mapped_column(String(60), sort_order=_SHARED)  # payer, provider, bank, system, usr_...
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, sort_order=_LAST)
    at: Mapped[datetime] = mapped_column(sort_order=_LAST)


class CausedHistoryRow(HistoryRow):
    """The same with what caused it: evt_..., a poll, a form."""

    cause: Mapped[str] = mapped_column(String(120), default="", sort_order=_CAUSE)
