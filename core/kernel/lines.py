"""Lines to PostgreSQL that are borrowed for one statement: asked, answered and given back with nothing in between.

The pool's own way makes an object that watches over each loan, tells listeners of it and takes a transaction back at its end; the
driver's own way makes a cursor, adapts every value and looks up what it has prepared. Both are right for everything that is asked now and
then. What is paid for by the million takes its line here, from the same pool and back into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from select import POLLIN, poll
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

ROWS, DONE, IDLE = ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, TransactionStatus.IDLE


@cache
def _name(statement: str, types: tuple[int, ...] = ()) -> bytes:
    """What a statement is called on every line, made from itself and from what its values are: two can never be taken for each other."""
    return b"whole_unit_" + sha256(f"{types}{statement}".encode()).hexdigest()[:32].encode()


class Line:
    """A connection in somebody's hands: its libpq side, and which statements are prepared on it."""

    __slots__ = ("_connection", "_pgconn", "_prepared", "_waiting")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection, self._pgconn = connection, connection.pgconn
        self._prepared: set[bytes] = set()
        self._waiting = poll()
        self._waiting.register(self._pgconn.socket, POLLIN)

    @property
    def hung_up(self) -> bool:
        """An idle line has nothing to read; one that has was hung up on."""
        return bool(self._waiting.poll(0))

    @property
    def idle(self) -> bool:
        """Whether the next one may have it: it is alive, and in no transaction."""
        return self._pgconn.transaction_status == IDLE

    def ask(self, statement: str, texts: Sequence[str | None]) -> str | None:
        """One statement with `$1`, `$2` ... in it, kept by PostgreSQL before it answers; gives the one value of its one row.

        It stands in no transaction, so an error leaves nothing behind; it is raised as the driver raises it.
        """
        answer = self._run(statement, [None if text is None else _as_sent(text) for text in texts])
        value = answer.get_value(0, 0)
        return None if value is None else value.decode()

    def rows(self, statement: str, values: Sequence[Any], *, most: int | None = None) -> list[tuple[Any, ...]]:
        """The same for a question: its values, and the rows of its answer, are translated as the driver translates them."""
        between = Transformer(self._connection)
        sent = between.dump_sequence(values, [PyFormat.AUTO] * len(values))
        answer = self._run(statement, sent, between.types or (), between.formats)
        between.set_pgresult(answer)
        found: list[tuple[Any, ...]] = between.load_rows(0, answer.ntuples if most is None else min(most, answer.ntuples), tuple)
        return found

    def _run(self, statement: str, values: Sequence[Any], types: tuple[int, ...] = (), formats: Sequence[Any] | None = None) -> PGresult:
        name = _name(statement, types)
        if name not in self._prepared:
            self._prepare(name, statement, types)
        answer = self._pgconn.exec_prepared(name, values, formats)
        if answer.status == ROWS:
            return answer
        problem = self._problem(answer)
        if not isinstance(problem, InvalidSqlStatementName):
            raise problem
        self._prepare(name, statement, types)  # the driver sweeps away all that is prepared after a rollback; nothing was done
        answer = self._pgconn.exec_prepared(name, values, formats)
        if answer.status != ROWS:
            raise self._problem(answer)
        return answer

    def _prepare(self, name: bytes, statement: str, types: tuple[int, ...]) -> None:
        answer = self._pgconn.prepare(name, statement.encode(), types or None)
        if answer.status != DONE:
            raise self._problem(answer)
        self._prepared.add(name)

    def _problem(self, answer: PGresult) -> psycopg.Error:
        """A line that broke has no code of PostgreSQL's to say so."""
        lost = self._pgconn.status == ConnStatus.BAD
        return psycopg.OperationalError(answer.get_error_message()) if lost else error_from_result(answer)


def _as_sent(text: str) -> bytes:
    if "\0" in text:  # libpq would take the text to end there
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return text.encode()


class LendingPool(QueuePool):
    """The pool of every process of ours. `lend` gives one of its connections for a single statement, `take_back` ends that."""

    def lend(self) -> tuple[ConnectionPoolEntry, Line]:
        """A live line, and what to give back for it."""
        entry: Any = self._do_get()
        try:
            connection = entry.get_connection()
            line = entry.info.get("line")
            if line is None or line.hung_up:
                if line is not None:
                    entry.invalidate()
                    connection = entry.get_connection()
                line = entry.info["line"] = Line(connection)
            return entry, line
        except BaseException:
            entry.invalidate()
            self._do_return_conn(entry)
            raise

    def take_back(self, entry: ConnectionPoolEntry, line: Line) -> None:
        """The next one may have it; a line that is lost, or was left in the middle of something, is made anew then."""
        if not line.idle:
            entry.invalidate()
        self._do_return_conn(entry)
