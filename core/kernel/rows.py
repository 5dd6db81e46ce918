"""What the driver answered, as rows of the session: the same objects the session's own way would give, made without its machinery.

A row that the session holds already stays the object it is. It is only read anew where that was asked for (a lock), or where the
session has been told that what it holds is out of date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, inspect
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import instance_state, set_committed_value

DIALECT = dialect()
NAMED = re.compile(r"%\((\w+)\)s")
PLAIN_WORD = re.compile(r"[a-z][a-z0-9_]*")
Make = Callable[[Session | None, Sequence[Any], bool], Any]


def row_maker(entity: type[Any], columns: Sequence[Column[Any]]) -> Make:
    """How a row of one table is made of its part of an answer whose columns are these. None where an outer join found nothing.

    Without a session it stands apart: nothing on it is loaded later, nothing that is changed on it is ever written, and threads may share it.
    """
    places = {column: number for number, column in enumerate(columns)}
    mapper = inspect(entity)
    mapped = {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}
    at = {key: places[column] for key, column in mapped.items()}
    names, pick = list(at), itemgetter(*at.values())
    readers = {key: column.type.dialect_impl(DIALECT).result_processor(DIALECT, None) for key, column in mapped.items()}
    read = [(key, reader) for key, reader in readers.items() if reader]
    key_places = [places[column] for column in mapper.primary_key]
    first_of_key, new, identity = key_places[0], mapper.class_manager.new_instance, mapper.identity_key_from_primary_key

    def make(session: Session | None, values: Sequence[Any], fresh: bool = False) -> Any:
        if values[first_of_key] is None:
            return None
        if session is None:
            return made(values)
        key = identity([values[place] for place in key_places])
        row = session.identity_map.get(key)
        if row is not None:
            return renew(row, values) if fresh or instance_state(row).expired_attributes else row
        row = made(values)
        _tie(session, instance_state(row), key)
        return row

    def made(values: Sequence[Any]) -> Any:
        row = new()
        held = row.__dict__
        held.update(zip(names, pick(values), strict=True))
        for name, reader in read:
            held[name] = reader(held[name])
        return row

    def renew(row: Any, values: Sequence[Any]) -> Any:
        held, missing = row.__dict__, object()
        for name, value in zip(names, pick(values), strict=True):
            value = readers[name](value) if readers[name] else value
            if held.get(name, missing) != value:
                set_committed_value(row, name, value)
        return row

    return make


def as_written(session: Session | None, entity: type[Any], values: dict[str, Any]) -> Any:
    """The row that stands in the table once these values are written, as a row of the session, or apart: PostgreSQL need not tell what it was just
    told. A column that is not among them has what the table begins with."""
    mapper, usual, made_anew = _from_the_start(entity)
    row = mapper.class_manager.new_instance()
    row.__dict__.update(usual, **{name: make(None) for name, make in made_anew if name not in values}, **values)
    if session is not None:
        _tie(session, instance_state(row), mapper.identity_key_from_primary_key([values[column.key] for column in mapper.primary_key]))
    return row


def _tie(session: Session, state: Any, key: Any) -> None:
    """As the session's own loading ties a row to it."""
    state.key, state.session_id = key, session.hash_key
    session.identity_map.add(state)


@cache
def _from_the_start(entity: type[Any]) -> tuple[Any, dict[str, Any], list[tuple[str, Callable[[Any], Any]]]]:
    """What a column has that nobody named: the same for every row, or made anew for each. What only PostgreSQL knows is read when asked for."""
    mapper = inspect(entity)
    columns = [(attribute.key, attribute.columns[0]) for attribute in mapper.column_attrs]
    empty = {key: None for key, column in columns if column.default is None and column.server_default is None}
    defaults = [(key, column.default) for key, column in columns if column.default is not None]
    usual = {key: default.arg for key, default in defaults if default.is_scalar}
    return mapper, empty | usual, [(key, default.arg) for key, default in defaults if default.is_callable]


def settled(session: Session, row: Any) -> None:
    """What stands on this row of the session is what stands in the table: there is nothing to write any more."""
    state = instance_state(row)
    state._commit_all(state.dict, session.identity_map)  # as the session does itself after it has written


def written(statement: Any) -> tuple[str, dict[str, Any]]:
    """A statement as text for the driver, with the values that never change."""
    compiled = statement.compile(dialect=DIALECT)
    return str(compiled), {name: _packed(value) for name, value in compiled.params.items() if value is not None}


def _packed(value: Any) -> Any:
    """A list of plain words as PostgreSQL writes one, so that the driver need not do so each time."""
    plain = isinstance(value, list) and all(isinstance(word, str) and PLAIN_WORD.fullmatch(word) for word in value)
    return f"{{{','.join(value)}}}" if plain else value


def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """The same text with `$1`, `$2` ... as PostgreSQL itself has them, and which value each of them stands for."""
    names = tuple(dict.fromkeys(NAMED.findall(text)))
    places = {name: f"${number}" for number, name in enumerate(names, 1)}
    return NAMED.sub(lambda found: places[found[1]], text).replace("%%", "%"), names


def in_order(text: str) -> str:
    """The same for a text that names no values: each `%s` is the next one."""
    first, *others = text.split("%s")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))
