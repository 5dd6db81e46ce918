"""Tables to take away: PostgreSQL writes the CSV itself and it is handed on as it comes, so a million rows cost no memory.

Each cell is made safe where it is written: a text that a spreadsheet would take for a formula begins with an apostrophe,
sums are exact decimals beside their currency, instants are ISO 8601 in UTC.
"""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import ClientCursor
from sqlalchemy import ColumnElement, Engine, Select, String, case, cast, func, literal_column
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from core.kernel.currency import OFFERED, exponent
from core.kernel.db import db, driver, open_reader
from core.kernel.errors import Refusal

# = + - @, tab, carriage return, line feed, and the full-width forms of the first four, by their code points.
FORMULA_SIGNS = (61, 43, 45, 64, 9, 13, 10, 0xFF1D, 0xFF0B, 0xFF0D, 0xFF20)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
AT_ONCE = 3  # exports under way in one process: each holds a thread and a connection for as long as the reader takes
PIECE = 64 * 1024
_places = threading.BoundedSemaphore(AT_ONCE)


class SheetBusy(Refusal):
    """Too many are being written already."""

    code = "sheet_busy"
    status = 503


def words(column: Any) -> ColumnElement[str]:
    """A text of people's, safe in any spreadsheet."""
    return case((func.ascii(column).in_(FORMULA_SIGNS), "'" + column), else_=column)


def decimal(minor: Any, currency: Any) -> ColumnElement[Any]:
    """Minor units as the exact decimal number, `12.30`, with as many places as the currency has.

    Nearly all have two: these are asked for first, and of so long a list PostgreSQL makes a table to look them up in.
    """
    none, two, three = ([code for code in OFFERED if exponent(code) == places] for places in (0, 2, 3))
    unit = case(
        (currency.in_(two), literal_column("0.01")),
        (currency.in_(none), literal_column("1.")),
        (currency.in_(three), literal_column("0.001")),
        else_=literal_column("0.01"),
    )
    return minor * unit


def instant(column: Any) -> ColumnElement[str]:
    """2026-11-21T14:03:05Z."""
    cut = func.date_trunc("second", func.timezone("UTC", column))  # in UTC already, so that no zone is looked up for the cut
    return func.replace(cast(cut, String), " ", "T") + "Z"


Columns = Sequence[tuple[str, Any]]  # the short name of each, and what stands in it


def write_sheet(
    columns: Columns, rows: Select[Any], *, titles: Mapping[str, str] | None = None, first: Sequence[str] = (), last: Sequence[str] = ()
) -> Iterator[bytes]:
    """The rows as CSV in UTF-8, in pieces, as they stood at one instant. `rows` says which, in what order; `titles` what the reader
    calls the columns.

    `first` and `last` are rows of ours to stand before and after them. Refuses SheetBusy before anything is written when too many are being written already.
    """
    sql, values = _asked(rows.with_only_columns(*(value.label(name) for name, value in columns)))
    head = head_row(columns, titles) + (_row(first) if first else b"")
    return hand_out(_pieces(db.engine, sql, values, head, _row(last) if last else b""))


def hand_out(pieces: Generator[bytes, None, None]) -> Iterator[bytes]:
    """Pieces of a file as they come, in one of this process's few places. Refuses SheetBusy before the first one."""
    if not _places.acquire(blocking=False):
        pieces.close()
        raise SheetBusy("Several exports are being written at this moment. Please try again in a minute.")
    return _Sheet(pieces)


def _asked(rows: Select[Any]) -> tuple[str, dict[str, Any]]:
    """The question as psycopg takes it."""
    compiled = rows.compile(dialect=PGDialect_psycopg(paramstyle="pyformat"), compile_kwargs={"render_postcompile": True})
    return str(compiled), dict(compiled.params)


def head_row(columns: Columns, titles: Mapping[str, str] | None = None) -> bytes:
    """The first line: the reader's titles, and the short name where there is none."""
    return _row([(titles or {}).get(name, name) for name, _ in columns])


def safe(text: str) -> str:
    """A text of people's, safe in any spreadsheet: what `words` does, for a row that PostgreSQL does not write."""
    return "'" + text if text and ord(text[0]) in FORMULA_SIGNS else text


def row_of(cells: Sequence[str]) -> bytes:
    """A row that was worked out here, each cell made safe; sums are plain decimals, which keep their sign."""
    return _row([cell if _NUMBER.fullmatch(cell) else safe(cell) for cell in cells])


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows as CSV: how many, and the key of the last one."""

    data: bytes
    count: int
    last: UUID | None


def write_piece(columns: Columns, rows: Select[Any], key: Any) -> Piece:
    """The rows as CSV without a head, all at once, in the present unit of work: for a file that is written over many units.

    `rows` is limited to a few thousand by whoever asks; `key` is the column by which the next piece goes on.
    """
    sql, values = _asked(rows.with_only_columns(cast(key, String).label("key"), *(value.label(name) for name, value in columns)))
    connection, data, count, last = driver(), bytearray(), 0, b""
    with (
        connection.cursor() as cursor,
        cursor.copy(ClientCursor(connection).mogrify(f"COPY ({sql}) TO STDOUT (FORMAT csv)", values)) as copy,
    ):
        for line in copy:  # PostgreSQL hands over one row at a time
            last, _comma, row = bytes(line).partition(b",")
            data += row
            count += 1
    return Piece(bytes(data), count, UUID(last.decode()) if count else None)


def _row(cells: Sequence[str]) -> bytes:
    """A row of our own words."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


class _Sheet(Iterator[bytes]):
    """What is still to be written. Its place and its connection are given back at the end, also when the reader goes away.

    The first piece is written at once, so that what goes wrong becomes an error page and not half a file.
    """

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._held = True
        self._pieces = pieces
        self._first: bytes | None = None
        self._first = next(self, b"")

    def __next__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Called by the server when the answer has gone out or the reader has hung up."""
        self._pieces.close()
        if self._held:
            self._held = False
            _places.release()

    def __del__(self) -> None:
        self.close()


def _pieces(engine: Engine, sql: str, values: dict[str, Any], head: bytes, foot: bytes) -> Generator[bytes, None, None]:
    with open_reader(engine) as connection:
        whole = ClientCursor(connection).mogrify(f"COPY ({sql}) TO STDOUT (FORMAT csv)", values)
        with connection.cursor() as cursor, cursor.copy(whole) as copy:
            piece = bytearray(head)
            for row in copy:
                piece += row
                if len(piece) >= PIECE:
                    yield bytes(piece)
                    piece.clear()
            yield bytes(piece + foot)
