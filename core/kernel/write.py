"""Rows put straight into their tables: any number of new or changed ones, of several tables, in one journey to PostgreSQL.

For what is written on the way of every payment. The session's own way gives each row an object with a history of its changes, sorts
them all and puts a statement together, which takes many times longer than PostgreSQL takes to keep them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import inspect

from core.kernel.db import Base, answers, db
from core.kernel.rows import Make, in_order, row_maker, settled

Shapes = tuple[tuple[type[Base], tuple[str, ...]], ...]
Lot = tuple[type[Base], Sequence[dict[str, Any]]]
Row = TypeVar("Row", bound=Base)
_document = json.JSONEncoder(check_circular=False, separators=(",", ":"), default=str).encode


def add_rows(*lots: Lot) -> None:
    """Add rows to tables, `add_rows((Message, letters), (OutboxTask, tasks))`. The rows of one lot name the same columns.

    What they are said of must be written already, or come in the same call: a key is looked at when all of them are in.
    """
    full = [(model, rows) for model, rows in lots if rows]
    if full:
        text = _writing(tuple((model, tuple(rows[0])) for model, rows in full))
        answers(text, [_document(rows) for _, rows in full])


def add_row(
    model: type[Row], row: dict[str, Any], *, unless: str = "", beside: Sequence[Lot] = (), within: Sequence[Lot] = ()
) -> Row | None:
    """Add one row and answer it as a row of the session; None when there is one already with the same `unless`, names of columns.

    And rows of other tables in the same journey: `beside`, which are added in any case, and `within`, which are said of this row and are only
    added with it.
    """
    text, make = _adding_one(model, tuple(row), unless, _shapes(beside), _shapes(within))
    made = answers(text, [*(_document(rows) for _, rows in beside), _document([row]), *(_document(rows) for _, rows in within)])
    return make(db.session(), made[0], True) if made else None


def add_unless(model: type[Base], row: dict[str, Any], unless: str) -> None:
    """Add one row that nobody looks at now, where there is none yet with the same `unless`, names of columns."""
    answers(_adding_quietly(model, tuple(row), unless), [_document([row])])


def keep_changes(*rows: Base, beside: Sequence[Lot] = ()) -> None:
    """Write what was changed on these rows of the session now, and not when the unit ends; and new rows in the same journey.

    The changed rows are locked, so nobody has changed them since. Within a savepoint the session writes them itself: it knows what to
    take back.
    """
    session = db.session()
    if session.in_nested_transaction():
        add_rows(*beside)
        session.flush()
        return
    changed = [(row, names) for row in rows if (names := tuple(inspect(row).committed_state))]
    if not changed:
        add_rows(*beside)
        return
    values: list[Any] = [_document(new) for _, new in beside]
    for row, names in changed:
        held = row.__dict__
        values += [_document({name: held[name] for name in names}), *inspect(row).identity]
    answers(_writing(_shapes(beside), tuple((type(row), names) for row, names in changed)), values)
    for row, _ in changed:
        settled(session, row)


def _shapes(lots: Sequence[Lot]) -> Shapes:
    return tuple((model, tuple(rows[0])) for model, rows in lots)


def _insert(model: type[Base], names: tuple[str, ...]) -> str:
    table, columns = model.__tablename__, ", ".join(names)
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"


def _update(model: type[Base], names: tuple[str, ...]) -> str:
    table, columns = model.__tablename__, ", ".join(names)
    mine = " AND ".join(f"{column.name} = %s" for column in model.__table__.primary_key)
    return f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s::jsonb)) WHERE {mine}"


@cache
def _writing(new: Shapes, changed: Shapes = ()) -> str:
    """One statement for all: each part but the last stands before it."""
    return _in_one([_insert(model, names) for model, names in new] + [_update(model, names) for model, names in changed])


def _in_one(statements: Sequence[str]) -> str:
    *first, last = statements
    parts = ", ".join(f"part{number} AS ({text})" for number, text in enumerate(first))
    return in_order(f"WITH {parts} {last}" if parts else last)


@cache
def _adding_one(model: type[Base], names: tuple[str, ...], unless: str, beside: Shapes, within: Shapes) -> tuple[str, Make]:
    columns = list(model.__table__.columns)
    told = ", ".join(column.name for column in columns)
    adding = f"{_insert(model, names)}{_once(unless)} RETURNING {told}"
    before = [_insert(*shape) for shape in beside]
    if not within:
        return _in_one([*before, adding]), row_maker(model, columns)
    parts = [f"part{number} AS ({text})" for number, text in enumerate(before)]
    parts += [
        f"made AS ({adding})",
        *(f"of_it{number} AS ({_insert(*shape)} WHERE EXISTS (SELECT FROM made))" for number, shape in enumerate(within)),
    ]
    return in_order(f"WITH {', '.join(parts)} SELECT {told} FROM made"), row_maker(model, columns)


@cache
def _adding_quietly(model: type[Base], names: tuple[str, ...], unless: str) -> str:
    return in_order(_insert(model, names) + _once(unless))


def _once(unless: str) -> str:
    return f" ON CONFLICT ({unless}) DO NOTHING" if unless else ""
