"""A page of a list by keyset: newest first, after one row or before one, within a time; the same for every kind of row."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Select, literal

from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import first_id_at

USUAL, MOST = 25, 100


class CursorUnknown(Refusal):
    """The row from which a page was to go on is not there, for whoever asks."""

    code = "cursor_unknown"


@dataclass(frozen=True, kw_only=True)
class Span:
    """Which part of a list: `after` and `before` name a row as the caller knows it; the times bound when rows were made."""

    after: str | None = None
    before: str | None = None
    since: datetime | None = None  # from this instant on
    until: datetime | None = None  # before this one
    limit: int = USUAL


@dataclass(frozen=True)
class Slice:
    """Some rows, newest first, and whether there are more in the direction that was asked for."""

    rows: list[Any]
    has_more: bool


def at_most(rows: int) -> BindParameter[int]:
    """For LIMIT, where the same index finds the rows whatever is asked for: the number as a part of the statement, so that PostgreSQL plans
    it once. As a value sent beside it, it takes a list of unknown length to be a tenth of what it finds, and plans the question anew
    every time. That is right where what is asked for may be rare or common, as a state may.
    """
    return literal(rows, literal_execute=True)


def slice_of(query: Select[Any], key: Any, span: Span, find: Callable[[str], uuid.UUID]) -> Slice:
    """The rows of a question that is kept to one vendor and mode. `key` is the id column, a version 7 UUID, so it says when a row was made;
    `find` gives the id of the row that the caller names, or refuses with 404: then it is the cursor that is wrong (CursorUnknown), and not the
    address of the list. Rows of one column come as that column.
    """
    if span.since:
        query = query.where(key >= first_id_at(span.since))
    if span.until:
        query = query.where(key < first_id_at(span.until))
    if span.after:
        query = query.where(key < _found(find, span.after, "starting_after"))
    if span.before:
        query = query.where(key > _found(find, span.before, "ending_before"))
    backwards = bool(span.before and not span.after)
    found = list(db.session.execute(query.order_by(key.asc() if backwards else key.desc()).limit(span.limit + 1)))
    rows = [row[0] if len(row) == 1 else tuple(row) for row in found[: span.limit]]
    return Slice(rows[::-1] if backwards else rows, len(found) > span.limit)


def _found(find: Callable[[str], uuid.UUID], number: str, field: str) -> uuid.UUID:
    try:
        return find(number)
    except NotFound:
        raise CursorUnknown("There is no such row to go on from.", field=field) from None
