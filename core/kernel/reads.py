"""A plain question is answered without a transaction of its own: a page that only reads makes one journey per question, not three.

Under READ COMMITTED every statement sees what is committed when it begins, inside a transaction or not, so nothing changes for
whoever asks. Whatever is not recognised as a plain question (a lock, a write, a function, any text) opens the transaction first,
and from then on everything belongs to it until the unit of work ends.

While `only_reading`, every such transaction is one in which PostgreSQL refuses to change anything.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, Select, event
from sqlalchemy.sql import visitors
from sqlalchemy.sql.functions import FunctionElement

IDLE = TransactionStatus.IDLE
HARMLESS = ("count", "sum", "coalesce", "min", "max", "json_agg", "json_build_array")  # a function may write: only these are known not to
FREE_TEXT = ("textclause", "text_select", "textual_select")
WRITES = ("insert", "update", "delete")
READ_ONLY = "SET TRANSACTION READ ONLY"
_only_reading: ContextVar[bool] = ContextVar("only_reading", default=False)


def read_only_from_here(yes: bool) -> None:
    """Whether transactions that begin from now on, on behalf of whoever is asking, may change nothing. The doors' kit says so."""
    _only_reading.set(yes)


def only_reading() -> bool:
    """Whether nothing may be changed now."""
    return _only_reading.get()


def is_plain(statement: Any) -> bool:
    """Whether this is a question that neither locks nor can change anything."""
    if not isinstance(statement, Select):
        return False
    for part in visitors.iterate(statement):
        if isinstance(part, Select):
            if part._for_update_arg is not None or part._prefixes or part._suffixes or part._independent_ctes:
                return False
        elif isinstance(part, FunctionElement):
            if getattr(part, "name", None) not in HARMLESS:
                return False
        elif part.__visit_name__ in (*FREE_TEXT, *WRITES) or (getattr(part, "is_literal", False) and part.name != "*"):
            return False
    return True


class PlainCursor(psycopg.Cursor[Any]):
    """Names the columns of an answer without an object for each, which nobody looks at once the question is known."""

    @property
    def description(self) -> Any:
        answer = self.pgresult
        if answer is None or not answer.nfields:
            return super().description
        names = range(answer.nfields)
        return [((answer.fname(n) or b"").decode(), answer.ftype(n), None, None, None, None, None) for n in names]


@event.listens_for(Engine, "connect")
def _use_plain_cursors(connection: Any, _record: Any) -> None:
    if isinstance(connection, psycopg.Connection):
        connection.cursor_factory = PlainCursor


def open_transaction(connection: psycopg.Connection[Any]) -> None:
    """From the next statement on this connection works in a transaction."""
    if connection.pgconn.transaction_status != IDLE:
        return
    if connection.autocommit:
        connection.set_autocommit(False)
    if _only_reading.get():
        connection.execute(READ_ONLY)


def open_for_reading(connection: psycopg.Connection[Any]) -> None:
    """The next statement on this connection is a plain question and needs no transaction of its own."""
    if not connection.autocommit and connection.pgconn.transaction_status == IDLE:
        connection.set_autocommit(True)


@event.listens_for(Engine, "before_cursor_execute")
def _begin_only_when_needed(connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection) or driver.pgconn.transaction_status != IDLE:
        return
    plain = context is not None and _known_plain(context.compiled)
    if driver.autocommit != plain:
        driver.set_autocommit(plain)
    if not plain and _only_reading.get():
        driver.execute(READ_ONLY)


def _known_plain(compiled: Any) -> bool:
    """SQLAlchemy keeps what it compiled, and the verdict with it."""
    if compiled is None:
        return False
    verdict: bool | None = compiled.__dict__.get("_portal_plain")
    if verdict is None:
        verdict = compiled._portal_plain = is_plain(compiled.statement)
    return verdict
