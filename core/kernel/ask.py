"""A plain question put straight to the driver, for those that are asked on the way of nearly every payment.

The session's own way builds a statement, a result and two loaders for each answer, which takes longer than PostgreSQL takes to
find the rows. What comes out is the same: rows of the session, which may be locked, changed and written afterwards. What the unit
of work has written before is seen, as everywhere.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Select, Text, cast, inspect, literal_column

from core.kernel.db import Base, answers, db, reader, rows_beside
from core.kernel.reads import is_plain
from core.kernel.rows import Make, in_order, numbered, row_maker, written


class Question:
    """Asks for rows of some tables, `Question(select(Vendor, PaymentLink)...).first(vendor=..., token_id=...)`; or for plain columns.
    Plain columns may also stand behind the rows: what belongs to an answer and is no row of the session.

    Everything that changes from one asking to the next is a bindparam. Write it down once, beside the function that asks it.
    """

    def __init__(self, statement: Select[Any]) -> None:
        if not is_plain(statement):
            raise ValueError("only a question that neither locks nor calls anything may be put to the driver")
        self.statement = statement

    def first(self, **given: Any) -> tuple[Any, ...] | None:
        """The first answer, a row of each table (None where an outer join found none) and the plain columns; or None."""
        found = self._ask(given, one=True)
        return self._made(found[0]) if found else None

    def apart(self, **given: Any) -> tuple[Any, ...] | None:
        """The first answer with rows outside any session, for whoever only reads them: see core/kernel/rows.py."""
        found = self._ask(given, one=True)
        return self._made(found[0], apart=True) if found else None

    def all(self, **given: Any) -> list[tuple[Any, ...]]:
        """Every answer."""
        return [self._made(values) for values in self._ask(given, one=False)]

    def told(self, **given: Any) -> tuple[str | None, ...] | None:
        """The first answer as PostgreSQL would write it, a text for each table with everything in it and for each plain column; or None.

        Two answers with the same text are the same. To see that nothing has changed costs half of reading it.
        """
        found = self._ask(given, one=True, whole=True)
        return found[0] if found else None

    def _ask(self, given: dict[str, Any], *, one: bool, whole: bool = False) -> list[tuple[Any, ...]]:
        """Within a unit of work that has a connection on that one, else on any: a plain question needs no transaction."""
        fixed = self._written[1]
        values, most = {**fixed, **given} if fixed else given, 1 if one else None
        text, names = self._numbered_whole if whole else self._numbered
        in_turn, within = [values[name] for name in names], reader()
        if within is None:
            return rows_beside(text, in_turn, most=most)
        rows: list[tuple[Any, ...]] = within.line.rows(text, in_turn, most=most)
        return rows

    def _made(self, values: tuple[Any, ...], *, apart: bool = False) -> tuple[Any, ...]:
        makers, taken = self._makers
        if not makers:
            return values
        session = None if apart else db.session()
        return (*[make(session, values, False) for make in makers], *values[taken:])

    @cached_property
    def _written(self) -> tuple[str, dict[str, Any]]:
        return written(self.statement)

    @cached_property
    def _written_whole(self) -> tuple[str, dict[str, Any]]:
        whole = [what["expr"] is what["entity"] for what in self.statement.column_descriptions]
        texts = [
            literal_column(f"{inspect(what['entity']).local_table.name}::text") if row else cast(what["expr"], Text)
            for what, row in zip(self.statement.column_descriptions, whole, strict=True)
        ]
        return written(self.statement.with_only_columns(*texts, maintain_column_froms=True))

    @cached_property
    def _numbered(self) -> tuple[str, tuple[str, ...]]:
        return numbered(self._written[0])

    @cached_property
    def _numbered_whole(self) -> tuple[str, tuple[str, ...]]:
        return numbered(self._written_whole[0])

    @cached_property
    def _makers(self) -> tuple[list[Make], int]:
        """How the rows of an answer are made, and how many of its columns they take."""
        columns = list(self.statement.selected_columns)
        asked = self.statement.column_descriptions
        whole = [what["expr"] is what["entity"] for what in asked]
        rows = sum(whole)
        if not all(whole[:rows]):
            raise ValueError("whole rows come first, plain columns behind them")
        return [row_maker(what["entity"], columns) for what in asked[:rows]], len(columns) - (len(asked) - rows)


class Search:
    """The same for what has to lock, or to join what is no table: `Search(Payment, rest="FROM payments JOIN ... FOR UPDATE").all(...)`.

    `rest` is what follows the columns of the rows that are asked for. It belongs to the present unit of work, and answers with what
    stands in the tables now, also for rows that the session holds already.
    """

    def __init__(self, *models: type[Base], rest: str) -> None:
        columns = [column for model in models for column in model.__table__.columns]
        self._text = in_order(f"SELECT {', '.join(f'{column.table.name}.{column.name}' for column in columns)} {rest}")
        self._models, self._columns = models, columns

    def all(self, *values: Any) -> list[tuple[Any, ...]]:
        """Every answer, a row of each table."""
        session = db.session()
        session.flush()
        return [tuple([make(session, found, True) for make in self._makers]) for found in answers(self._text, values)]

    @cached_property
    def _makers(self) -> list[Make]:
        return [row_maker(model, self._columns) for model in self._models]


def ask_for(text: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """A plain question in SQL that PostgreSQL plans anew for these very values: `%(name)s` stands for a value. It is asked where the present
    unit of work has its connection, if it has one, and needs no transaction of its own.

    For what is rare or common as the case may be. Of a text that is asked again and again the driver makes a prepared statement, and
    PostgreSQL then a plan for values it does not know, which takes every word for a rare one.
    """
    return _put(text, values, anew=True)


def ask_again(text: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The same for what is looked for in one way whatever the values are: PostgreSQL keeps it, and soon its plan as well."""
    return _put(text, values, anew=False)


_in_turn = lru_cache(500)(numbered)


def _put(text: str, values: dict[str, Any], *, anew: bool) -> list[tuple[Any, ...]]:
    asked, names = _in_turn(text)
    given, within = [values[name] for name in names], reader()
    if within is None:
        return rows_beside(asked, given, anew=anew)
    rows: list[tuple[Any, ...]] = within.line.rows(asked, given, anew=anew)
    return rows
