"""Lines to PostgreSQL that are borrowed for one statement: asked, answered and given back with nothing in between.

The pool's own way makes an object that watches over each loan, tells listeners of it and takes a transaction back at its end; the
driver's own way makes a cursor, adapts every value and looks up what it has prepared. Both are right for everything that is asked now and
then. What is paid for by the million takes its line here, from the same pool and back into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from hashlib import sha256
from select import POLLIN, poll
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

GOOD, DONE, IDLE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK), ExecStatus.COMMAND_OK, TransactionStatus.IDLE
MOST_PREPARED = 200  # statements on one line: PostgreSQL keeps some kB for each


@cache
def _name(statement: str, types: tuple[int, ...] = ()) -> bytes:
    """What a statement is called on every line, made from itself and from what its values are: two can never be taken for each other."""
    return b"whole_unit_" + sha256(f"{types}{statement}".encode()).hexdigest()[:32].encode()


class Connection(psycopg.Connection[Any]):
    """The driver's own, and a line beside it: what is asked in either way is in the same transaction.

    After a rollback the driver sweeps away all that is prepared, also what the line has prepared.
    """

    @cached_property
    def line(self) -> Line:
        """Its one line, begun when it is first asked for."""
        return Line(self)

    def _deallocate(self, name: bytes | None) -> Any:
        if name is None:
            self.line.prepare_anew()
        return super()._deallocate(name)


@event.listens_for(Engine, "do_connect")
def _connect(dialect: Any, _record: Any, args: Sequence[Any], terms: dict[str, Any]) -> Connection | None:
    return Connection.connect(*args, **terms) if dialect.driver == "psycopg" else None


class Line:
    """A connection in somebody's hands: its libpq side, and which statements are prepared on it."""

    __slots__ = ("_between", "_pgconn", "_prepared", "_waiting")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._pgconn, self._between = connection.pgconn, Transformer(connection)  # which remembers how each type is read
        self._prepared: dict[bytes, None] = {}
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

    def begin(self) -> None:
        """A transaction, unless one has begun."""
        if self.idle and (answer := self._pgconn.exec_(b"BEGIN")).status != DONE:
            raise self._problem(answer)

    def begin_with(self, lock: str) -> bool:
        """A transaction, unless one has begun, and in the same journey the lock it begins with: a statement that names no value of anybody's
        and says yes or no."""
        answer = self._pgconn.exec_(f"BEGIN; {lock}".encode() if self.idle else lock.encode())
        if answer.status not in GOOD:
            raise self._problem(answer)
        return answer.get_value(0, 0) == b"t"

    def prepare_anew(self) -> None:
        """Nothing that was prepared is there any more."""
        self._prepared.clear()

    def ask(self, statement: str, texts: Sequence[str | None]) -> str | None:
        """One statement with `$1`, `$2` ... in it, in no transaction: kept by PostgreSQL before it answers; gives the one value of its one row.

        An error leaves nothing behind; it is raised as the driver raises it.
        """
        if "\0" in "".join(filter(None, texts)):  # libpq would take the text to end there
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        answer = self._run(statement, [None if text is None else text.encode() for text in texts])
        value = answer.get_value(0, 0)
        return None if value is None else value.decode()

    def rows(self, statement: str, values: Sequence[Any], *, most: int | None = None, anew: bool = False) -> list[tuple[Any, ...]]:
        """The same, in the transaction that has begun or in none: its values, and the rows of its answer if it gives any, are translated as
        the driver translates them. `anew`: nothing is prepared, and PostgreSQL plans it for these very values."""
        between = self._between
        sent = between.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types = between.types or ()
        answer = self._once(statement, sent, types, between.formats) if anew else self._run(statement, sent, types, between.formats)
        between.set_pgresult(answer)
        found: list[tuple[Any, ...]] = between.load_rows(0, answer.ntuples if most is None else min(most, answer.ntuples), tuple)
        return found

    def _once(self, statement: str, values: Sequence[Any], types: tuple[int, ...], formats: Sequence[Any] | None) -> PGresult:
        answer = self._pgconn.exec_params(statement.encode(), values, types, formats)
        if answer.status not in GOOD:
            raise self._problem(answer)
        return answer

    def _run(self, statement: str, values: Sequence[Any], types: tuple[int, ...] = (), formats: Sequence[Any] | None = None) -> PGresult:
        name = _name(statement, types)
        if name not in self._prepared:
            self._prepare(name, statement, types)
        answer = self._pgconn.exec_prepared(name, values, formats)
        if answer.status in GOOD:
            return answer
        problem = self._problem(answer)
        if not isinstance(problem, InvalidSqlStatementName):
            raise problem
        self.prepare_anew()  # somebody between us and PostgreSQL has swept it all away; nothing was done
        if not self.idle:
            raise problem  # the transaction is lost, the next one is not
        self._prepare(name, statement, types)
        answer = self._pgconn.exec_prepared(name, values, formats)
        if answer.status not in GOOD:
            raise self._problem(answer)
        return answer

    def _prepare(self, name: bytes, statement: str, types: tuple[int, ...]) -> None:
        if len(self._prepared) >= MOST_PREPARED:
            oldest = next(iter(self._prepared))
            self._pgconn.exec_(b"DEALLOCATE " + oldest)
            del self._prepared[oldest]
        answer = self._pgconn.prepare(name, statement.encode(), types or None)
        if answer.status != DONE:
            raise self._problem(answer)
        self._prepared[name] = None

    def _problem(self, answer: PGresult) -> psycopg.Error:
        """A line that broke has no code of PostgreSQL's to say so."""
        lost = self._pgconn.status == ConnStatus.BAD
        return psycopg.OperationalError(answer.get_error_message()) if lost else error_from_result(answer)


class LendingPool(QueuePool):
    """The pool of every process of ours. `lend` gives one of its connections for a single statement, `take_back` ends that."""

    def lend(self) -> tuple[ConnectionPoolEntry, Line]:
        """A live line, and what to give back for it."""
        entry: Any = self._do_get()
        try:
            line: Line = entry.get_connection().line
            if line.hung_up:
                entry.invalidate()
                line = entry.get_connection().line
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
