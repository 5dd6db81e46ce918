"""A plain question put straight to the driver: for the one question that nearly every request of a kind begins with.

The session's own way builds a transaction, a result and two loaders for each answer, which takes longer than PostgreSQL takes to
find the rows. What comes out is the same: rows of the session, which may be locked, changed and written afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from operator import itemgetter
from typing import Any

import psycopg
from sqlalchemy import Select, inspect
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import make_transient_to_detached

from core.kernel.db import db
from core.kernel.reads import is_plain, open_for_reading


class Question:
    """Asks for one row of some tables, `Question(select(Vendor, PaymentLink)...).first(vendor=..., token_id=...)`.

    Everything that changes from one asking to the next is a bindparam. Write it down once, beside the function that asks it.
    """

    def __init__(self, statement: Select[Any]) -> None:
        if not is_plain(statement):
            raise ValueError("only a question that neither locks nor calls anything may be put to the driver")
        self.statement = statement

    def first(self, **given: Any) -> tuple[Any, ...] | None:
        """The first answer, a row of each table (None where an outer join found none); or None."""
        session = db.session()
        if session.in_transaction() or len(session.identity_map):  # it knows how what it holds and what is found fit together
            found = session.execute(self.statement, given).first()
            return None if found is None else tuple(found)
        values = self._ask(given)
        return None if values is None else tuple(make(values) for make in self._makers)

    def _ask(self, given: dict[str, Any]) -> tuple[Any, ...] | None:
        text, fixed = self._compiled
        line = db.engine.raw_connection()
        try:
            driver: Any = line.driver_connection
            open_for_reading(driver)
            answer: tuple[Any, ...] | None = driver.execute(text, {**fixed, **given}).fetchone()
        except psycopg.OperationalError as problem:
            line.invalidate(problem)
            raise OperationalError(None, None, problem) from problem
        finally:
            line.close()
        return answer

    @cached_property
    def _compiled(self) -> tuple[str, dict[str, Any]]:
        compiled = self.statement.compile(dialect=db.engine.dialect)
        return str(compiled), {name: value for name, value in compiled.params.items() if value is not None}

    @cached_property
    def _makers(self) -> list[Callable[[tuple[Any, ...]], Any]]:
        places = {column: number for number, column in enumerate(self.statement.selected_columns)}
        return [_maker(what["entity"], places) for what in self.statement.column_descriptions]


def _maker(entity: type[Any], places: dict[Any, int]) -> Callable[[tuple[Any, ...]], Any]:
    """How a row of one table is made of its part of an answer."""
    mapper = inspect(entity)
    columns = {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}
    at = {key: places[column] for key, column in columns.items()}
    names, pick = list(at), itemgetter(*at.values())
    readers = {
        key: column.type.dialect_impl(db.engine.dialect).result_processor(db.engine.dialect, None) for key, column in columns.items()
    }
    read = [(key, reader) for key, reader in readers.items() if reader]
    first_of_key = at[mapper.get_property_by_column(mapper.primary_key[0]).key]

    def make(values: tuple[Any, ...]) -> Any:
        if values[first_of_key] is None:
            return None
        row = mapper.class_manager.new_instance()
        held = row.__dict__
        held.update(zip(names, pick(values), strict=True))
        for name, reader in read:
            held[name] = reader(held[name])
        make_transient_to_detached(row)
        db.session.add(row)
        return row

    return make
