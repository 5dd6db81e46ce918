"""Rows put straight into their tables: any number of new or changed ones, of several tables, in one journey to PostgreSQL.

For what is written on the way of every payment. The session's own way gives each row an object with a history of its changes, sorts
them all and puts a statement together, which takes many times longer than PostgreSQL takes to keep them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from sqlalchemy.orm.attributes import instance_state

from core.kernel.db import Base, answers, db, keep_by_itself, unit_has_asked
from core.kernel.rows import as_written, in_order, settled

Shapes = tuple[tuple[type[Base], tuple[str, ...], str], ...]
# Rows of one table, which name the same columns; and what is done where there is such a row already, if that is no mistake ("ON CONFLICT ...").
Lot = tuple[type[Base], Sequence[dict[str, Any]]] | tuple[type[Base], Sequence[dict[str, Any]], str]
Row = TypeVar("Row", bound=Base)
_document = json.JSONEncoder(check_circular=False, separators=(",", ":"), default=str).encode


def add_rows(*lots: Lot) -> None:
    """Add rows to tables, `add_rows((Message, letters), (OutboxTask, tasks))`. The rows of one lot name the same columns.

    What they are said of must be written already, or come in the same call: a key is looked at when all of them are in.
    """
    full = [lot for lot in lots if lot[1]]
    if full:
        answers(_writing(_shapes(full)), _documents(full))


def add_row(model: type[Row], row: dict[str, Any], *, unless: str = "", within: Sequence[Lot] = (), by_itself: bool = False) -> Row | None:
    """Add one row and answer it as a row of the session; None when there is one already with the same `unless`, names of columns.

    And rows of other tables in the same journey: `within`, which are said of this row and are only added with it. `by_itself`: nothing else is
    written in this unit, and it may stand whatever becomes of the rest of it; then a unit that has asked nothing yet is one journey, not three,
    and its row stands apart from the session.
    """
    text, documents = _adding_one(model, tuple(row), unless, (), _shapes(within)), [_document([row]), *_documents(within)]
    if not by_itself or unit_has_asked():
        return new_row(model, row) if answers(text, documents)[0][0] else None
    made: Row | None = as_written(None, model, row) if keep_by_itself(text, documents) == "1" else None
    return made


@dataclass(frozen=True, kw_only=True)
class Unwritten:
    """A row that is not written yet, with those that have to stand before it, in this order, and those that are said of it. Whoever holds this
    writes it in this unit, in one journey with whatever else has become known of it meanwhile."""

    model: type[Base]
    row: dict[str, Any]
    before: Sequence[Lot] = ()
    said_of_it: Sequence[Lot] = ()

    def write(self, *more: Lot) -> None:
        """Write it. A row that is there already is an error, as everywhere; so is one that has to stand before it and was not written."""
        after = [*self.said_of_it, *more]
        text = _adding_one(self.model, tuple(self.row), "", _shapes(self.before), _shapes(after))
        if not answers(text, [*_documents(self.before), _document([self.row]), *_documents(after)])[0][0]:
            raise RuntimeError(f"nothing was written to {self.model.__tablename__}: what stands before it is not there")


def new_row(model: type[Row], row: dict[str, Any]) -> Row:
    """What is written so, as a row of the session: also before it is written, for an act that writes it in this unit together with others."""
    made: Row = as_written(db.session(), model, row)
    return made


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
    changed = [(row, names) for row in rows if (names := tuple(instance_state(row).committed_state))]
    if not changed:
        add_rows(*beside)
        return
    values: list[Any] = _documents(beside)
    for row, names in changed:
        held = row.__dict__
        values += [_document({name: held[name] for name in names}), *instance_state(row).identity]
    answers(_writing(_shapes(beside), tuple((type(row), names, "") for row, names in changed)), values)
    for row, _ in changed:
        settled(session, row)


def keep_if_unchanged(*rows: tuple[Base, tuple[str, ...]], beside: Sequence[Lot] = ()) -> bool:
    """What was changed on rows that nobody has locked, and new rows, kept in one journey as a unit of work by itself. Each row comes with the names
    of the columns in which it must be as it was read. Where one is not, or has gone, nothing is written: answers False, and the rows are read
    anew when somebody asks for them. The rows are locked in the order in which they are given.

    The unit must not have asked anything yet, nor changed any other row.
    """
    session = db.session()
    before = [instance_state(row) for row, _ in rows]
    changed = [(row, tuple(state.committed_state)) for (row, _), state in zip(rows, before, strict=True)]
    found = [
        state.committed_state.get(name, row.__dict__[name]) for (row, names), state in zip(rows, before, strict=True) for name in names
    ]
    keys = [state.identity for state in before]
    values: list[Any] = [*(part for key in keys for part in key), *found, *_documents(beside)]
    for (row, names), key in zip(changed, keys, strict=True):
        values += [_document({name: row.__dict__[name] for name in names}), *key]
    text = _writing_if(
        tuple([(type(row), names) for row, names in rows]), _shapes(beside), tuple([(type(row), names) for row, names in changed])
    )
    kept = keep_by_itself(text, [None if value is None else str(value) for value in values]) == "1"
    for row, _ in rows:
        if kept:
            settled(session, row)
        else:
            session.expire(row)
    return kept


def _shapes(lots: Sequence[Lot]) -> Shapes:
    return tuple([(lot[0], tuple(lot[1][0]), lot[2] if len(lot) == 3 else "") for lot in lots])


def _documents(lots: Sequence[Lot]) -> list[Any]:
    return [_document(lot[1]) for lot in lots]


def _insert(model: type[Base], names: tuple[str, ...], otherwise: str = "", where: str = "") -> str:
    table, columns = model.__tablename__, ", ".join(names)
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb){where} {otherwise}"


def _update(model: type[Base], names: tuple[str, ...]) -> str:
    table, columns = model.__tablename__, ", ".join(names)
    mine = " AND ".join(f"{column.name} = %s" for column in model.__table__.primary_key)
    return f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s::jsonb)) WHERE {mine}"


@cache
def _writing(new: Shapes, changed: Shapes = ()) -> str:
    """One statement for all: each part but the last stands before it."""
    *first, last = [_insert(*shape) for shape in new] + [_update(model, names) for model, names, _ in changed]
    parts = ", ".join(f"part{number} AS ({text})" for number, text in enumerate(first))
    return in_order(f"WITH {parts} {last}" if parts else last)


@cache
def _writing_if(
    held: tuple[tuple[type[Base], tuple[str, ...]], ...], new: Shapes, changed: tuple[tuple[type[Base], tuple[str, ...]], ...]
) -> str:
    """One statement that locks the rows, looks whether they are as they were, and writes only then."""
    tables = ", ".join(model.__tablename__ for model, _ in held)
    mine = [f"{model.__tablename__}.{column.name} = %s" for model, _ in held for column in model.__table__.primary_key]
    same = [f"{model.__tablename__}.{name} IS NOT DISTINCT FROM %s" for model, names in held for name in names]
    parts = [f"held AS (SELECT 1 FROM {tables} WHERE {' AND '.join(mine + same)} FOR UPDATE OF {tables})"]
    parts += [f"new{number} AS ({_insert(*shape, ' WHERE EXISTS (SELECT FROM held)')})" for number, shape in enumerate(new)]
    parts += [f"changed{number} AS ({_update(*one)} AND EXISTS (SELECT FROM held))" for number, one in enumerate(changed)]
    return in_order(f"WITH {', '.join(parts)} SELECT count(*) FROM held")


@cache
def _adding_one(model: type[Base], names: tuple[str, ...], unless: str, before: Shapes, within: Shapes) -> str:
    """A part is done when the next one asks for what it did, so the order is ours: what a trigger writes of each stands in it too."""
    parts, after = [], ""
    for number, shape in enumerate(before):
        parts.append(f"part{number} AS ({_insert(*shape, after)} RETURNING 1)")
        after = f" WHERE EXISTS (SELECT FROM part{number})"
    parts.append(f"made AS ({_insert(model, names, _once(unless), after)} RETURNING 1)")
    parts += [f"of_it{number} AS ({_insert(*shape, ' WHERE EXISTS (SELECT FROM made)')})" for number, shape in enumerate(within)]
    return in_order(f"WITH {', '.join(parts)} SELECT count(*) FROM made")


def _once(unless: str) -> str:
    return f"ON CONFLICT ({unless}) DO NOTHING" if unless else ""
