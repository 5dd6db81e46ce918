"""Replaying: what is kept is made anew from the logs into a shadow schema, the session's own temporary one, and compared row by row."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from core.kernel.db import db

MOST_TOLD = 20  # of one table; a thousand would say no more


@dataclass(frozen=True, slots=True)
class Shadow:
    """A table as it follows from the logs, beside what is kept of it. Both questions answer the same columns; `key` names a row."""

    name: str
    key: tuple[str, ...]
    rebuilt: str
    kept: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many rows were made anew, and a sentence for each that is kept otherwise."""

    name: str
    rows: int
    differences: list[str] = field(default_factory=list)


def hold_still() -> None:
    """Of all that is asked in the unit that begins with this, everything is as it was at one moment: while people pay, what is made anew and what is
    kept would be of two."""
    db.session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


def replay(shadow: Shadow, vendor_id: uuid.UUID | None = None) -> Replayed:
    """Make it anew and compare, of all vendors or of one. It is gone afterwards; nothing that is kept is touched or locked."""
    table, only = f"replay_{shadow.name}", f" WHERE x.vendor_id = '{vendor_id}'" if vendor_id else ""
    rebuilt, kept_rows = (f"SELECT * FROM ({question}) x{only}" for question in (shadow.rebuilt, shadow.kept))
    db.session.execute(text(f"CREATE TEMPORARY TABLE {table} AS {rebuilt}"))
    rows = int(db.session.execute(text(f"SELECT count(*) FROM pg_temp.{table}")).scalar_one())
    same = " AND ".join(f"r.{column} = k.{column}" for column in shadow.key)
    unlike = db.session.execute(
        text(
            f"""SELECT to_jsonb(r), to_jsonb(k) FROM pg_temp.{table} r FULL JOIN ({kept_rows}) k ON {same}
                WHERE to_jsonb(r) IS DISTINCT FROM to_jsonb(k) ORDER BY {", ".join(f"coalesce(r.{column}, k.{column})" for column in shadow.key)} LIMIT :most"""
        ),
        {"most": MOST_TOLD},
    )
    found = [_said(shadow, made, kept) for made, kept in unlike]
    db.session.execute(text(f"DROP TABLE pg_temp.{table}"))
    return Replayed(shadow.name, rows, found)


def _said(shadow: Shadow, made: dict[str, Any] | None, kept: dict[str, Any] | None) -> str:
    one = made or kept or {}
    whose = f"{shadow.name}, {' '.join(str(one[column]) for column in shadow.key if one[column] != '')}"
    if made is None:
        return f"{whose}: it is kept, and the logs know nothing of it"
    if kept is None:
        return f"{whose}: the logs say that it is there, and it is not kept"
    wrong = [f"{name} is {kept[name]}, the logs say {made[name]}" for name in made if made[name] != kept[name]]
    return f"{whose}: {'; '.join(wrong)}"
