"""The database session, and the only place where anything is committed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from select import POLLIN, poll
from typing import Any, ClassVar, TypeVar

import psycopg
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import CheckConstraint, DateTime, Engine, MetaData, String, Uuid, event, inspect
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, mapped_column
from sqlalchemy.pool import Pool
from sqlalchemy.types import UserDefinedType

from core.kernel.reads import only_reading, open_for_reading, open_transaction
from core.kernel.rows import Make, row_maker

MODES = ("test", "live")
# It does not answer, or not now: nothing that was asked is wrong.
DATABASE_AWAY = (OperationalError, psycopg.OperationalError, PoolTimeout)
WOULD_WRITE = "25006"  # something would have been changed where nothing may be
LOCKS = " FOR UPDATE"
GAVE_WAY = ("40P01", "40001")  # a deadlock, or a transaction that could not be put in line with another one
Row = TypeVar("Row", bound="Base")


class Base(DeclarativeBase):
    """Parent of every model. Constraint names follow one convention, so that a migration can name what it drops."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), uuid.UUID: Uuid(as_uuid=True)}


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Its name in SQL."""
        return "xid8"


class TenantKey:
    """The head of every vendor-owned row's key: whose it is, test or live, and which."""

    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


def mode_check() -> CheckConstraint:
    """Every tenant table refuses any mode but test and live."""
    return CheckConstraint("mode IN ('test', 'live')", name="mode")


@event.listens_for(Mapper, "after_mapper_constructed")
def _pack(mapper: Mapper[Any], _model: type) -> None:
    """What is known of a column stands in a dictionary of 27 names that has grown to room for 85, and SQLAlchemy keeps a copy of it for
    queries: with 2,300 columns three megabytes of nothing. A dictionary that is made of another has the room it needs."""
    for column in mapper.local_table.columns:
        column.__dict__ = dict(vars(column))


class OneDatabase(Session):
    """There is one database, so nobody has to look for the one a table lives in."""

    def get_bind(self, mapper: Any = None, clause: Any = None, bind: Any = None, **_: Any) -> Any:
        return bind or self._db.engine


db = SQLAlchemy(
    metadata=Base.metadata,
    # Rows stay readable after a commit: a provider is asked with what was just written down, outside any transaction.
    session_options={"expire_on_commit": False, "class_": OneDatabase},
)


@event.listens_for(Pool, "checkout")
def _refuse_a_dead_connection(connection: Any, *_: Any) -> None:
    """A connection whose server has gone is replaced before it is used. An idle one has nothing to read; one that has was hung up on.

    Looking costs a system call. The pool's own way is a question to the server, on every page.
    """
    if not isinstance(connection, psycopg.Connection):
        return
    waiting = poll()
    waiting.register(connection.pgconn.socket, POLLIN)
    if waiting.poll(0):
        raise DisconnectionError("the server has closed this connection")


_after_commit: list[Callable[[set[str]], None]] = []


def on_commit(listener: Callable[[set[str]], None]) -> None:
    """Called after each commit with the queues that got new work. Failing to listen loses nothing: the sweeper looks too."""
    if listener not in _after_commit:
        _after_commit.append(listener)


def wake_after_commit(queue: str) -> None:
    """Remember that this unit put work on a queue."""
    db.session().info.setdefault("queues", set()).add(queue)


def finish_unit(*, keep: bool) -> None:
    """End the present unit of work: commit it or throw it away. The single commit of the whole product."""
    if not db.session.registry.has():
        return  # the database was asked nothing
    session = db.session()
    if only_reading() or not (keep and session.in_transaction()):
        session.info.pop("queues", None)
        session.rollback()
        return
    try:
        session.commit()
    except BaseException:
        session.info.pop("queues", None)
        session.rollback()
        raise
    queues = session.info.pop("queues", None)
    if queues:
        for listener in _after_commit:
            listener(queues)


class _Unit:
    """What stands around the block of a unit of work. It remembers nothing, so one serves all."""

    def __enter__(self) -> Any:
        return db.session

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        finish_unit(keep=kind is None)


_unit = _Unit()


def unit_of_work() -> _Unit:
    """All of the block happens, or none of it. Jobs and commands call it; a request gets one from the doors' kit."""
    return _unit


def wake_now(queue: str) -> None:
    """Say that a queue has got new work that is committed already."""
    for listener in _after_commit:
        listener({queue})


def whole_unit(statement: str, values: Sequence[Any]) -> list[Any]:
    """One statement (`$1`, `$2` ...) that is a unit of work by itself: asked, kept and answered in one journey to the server. Gives its rows.

    For the few acts that are paid for by the million. It cannot be part of a unit that has begun: that one could still be thrown away.
    """
    assert_alone()
    return rows_beside(statement, values)


def whole_answer(statement: str, texts: Sequence[str | None]) -> str | None:
    """The same for the leanest of them, which give texts (`$1`, `$2` ...) and get one: see core/kernel/lines.py."""
    assert_alone()
    return _ask_beside(statement, texts)


def keep_by_itself(statement: str, texts: Sequence[str | None]) -> str | None:
    """The same for a unit that has asked nothing yet, and whose only changes are those that this statement writes."""
    if unit_has_asked() or only_reading():
        raise TransactionOpen("what is kept by itself cannot be part of another unit of work")
    return _ask_beside(statement, texts)


def _ask_beside(statement: str, texts: Sequence[str | None]) -> str | None:
    pool: Any = db.engine.pool
    try:
        entry, line = pool.lend()
        try:
            return line.ask(statement, texts)
        finally:
            pool.take_back(entry, line)
    except psycopg.OperationalError as error:
        raise OperationalError(statement, None, error, hide_parameters=True) from error


def assert_alone() -> None:
    """What is a unit of work by itself begins with this."""
    assert_no_transaction("a whole unit of work cannot be part of another one")
    if only_reading():
        raise RuntimeError("a whole unit of work writes, and whoever asks may only read")


def rows_beside(question: str, values: Sequence[Any], *, most: int | None = None, anew: bool = False) -> list[tuple[Any, ...]]:
    """What a statement (`$1`, `$2` ...) finds, asked on a line of its own in no transaction, the leanest way; at most so many rows.
    `anew`: planned for these values."""
    pool: Any = db.engine.pool
    try:
        entry, line = pool.lend()
        try:
            rows: list[tuple[Any, ...]] = line.rows(question, values, most=most, anew=anew)
        finally:
            pool.take_back(entry, line)
    except psycopg.OperationalError as error:  # in the words in which every other statement says it
        raise OperationalError(question, None, error, hide_parameters=True) from error
    return rows


def would_have_written(problem: BaseException) -> bool:
    """Whether PostgreSQL refused to change something in a unit that only reads (core/kernel/reads.py: only_reading)."""
    return getattr(getattr(problem, "orig", problem), "sqlstate", None) == WOULD_WRITE


def gave_way(problem: BaseException) -> bool:
    """Whether PostgreSQL ended this unit so that another one could go on. Nothing of it is left, and it may simply be done again."""
    return getattr(getattr(problem, "orig", problem), "sqlstate", None) in GAVE_WAY


def cause_of(problem: BaseException) -> dict[str, str | None]:
    """What a log needs to find the cause, and no statement: kind, message, and from PostgreSQL the SQLSTATE and the constraint."""
    origin = getattr(problem, "orig", None) or problem
    told = getattr(origin, "diag", None)
    message = (told.message_primary if told else None) or str(origin).partition("\n")[0]
    return {
        "kind": type(origin).__name__,
        "error": message[:200],
        "sqlstate": getattr(origin, "sqlstate", None),
        "constraint": told.constraint_name if told else None,
    }


class TransactionOpen(RuntimeError):
    """Somebody asked the outside world while holding a database transaction: a bug that would freeze rows."""


def unit_begun() -> bool:
    """Whether the present unit has asked or written anything yet."""
    return bool(db.session.registry.has() and db.session().in_transaction())


def unit_has_asked() -> bool:
    """Whether the present unit has a connection: before that, nothing of it is known outside this process."""
    return bool(db.session.registry.has() and db.session().info.get("line") is not None)


def assert_no_transaction(why: str = "a provider may not be called inside a transaction") -> None:
    """Every provider call begins with this."""
    if unit_begun():
        raise TransactionOpen(why)


def locked(model: type[Row], *key: Any) -> Row | None:
    """The row, freshly read and locked until the unit ends; None when there is none. Who only reads holds nobody up."""
    text, make = _locking(model)
    if only_reading():
        text = text.removesuffix(LOCKS)
    session = db.session()
    session.flush()  # what the unit has written so far is part of the row
    found = answers(text, key)
    return make(session, found[0], True) if found else None


def held(model: type[Row], *key: Any) -> Row | None:
    """The row as this unit of work holds it, as old as that may be; None where it holds none, or knows that it is out of date."""
    row: Row | None = (
        db.session().identity_map.get(inspect(model).identity_key_from_primary_key(key)) if db.session.registry.has() else None
    )
    return None if row is None or inspect(row).expired_attributes else row


def lock_again(row: Row) -> Row:
    """A row as it is now, locked until the unit ends. For rows that are never deleted."""
    fresh = locked(type(row), *[getattr(row, name) for name in _key_of(type(row))])
    if fresh is None:
        raise RuntimeError(f"a row of {row.__tablename__} has gone, and none is ever deleted")
    return fresh


@cache
def _key_of(model: type[Row]) -> tuple[str, ...]:
    return tuple(column.name for column in inspect(model).primary_key)


@cache
def _locking(model: type[Row]) -> tuple[str, Make]:
    """Put together once for each table: rows are locked on every step of a payment."""
    table = inspect(model).local_table
    columns = list(table.columns)
    mine = " AND ".join(f"{column.name} = ${number}" for number, column in enumerate(inspect(model).primary_key, 1))
    text = f"SELECT {', '.join(column.name for column in columns)} FROM {table.name} WHERE {mine}{LOCKS}"
    return text, row_maker(model, columns)


def driver() -> Any:
    """The psycopg connection of the present unit, for the few statements that must cost one round trip and nothing more."""
    session = db.session()
    connection = session.info.get("line")
    if connection is None or session.in_nested_transaction():  # a savepoint begins when the session is asked for its connection
        connection = session.connection().connection.driver_connection
    open_transaction(connection)
    return connection


def answers(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a statement (`$1`, `$2` ...) of the present unit of work answers, the leanest way: see core/kernel/lines.py."""
    line = driver().line
    line.begin()
    rows: list[tuple[Any, ...]] = line.rows(statement, values)
    return rows


def reader() -> Any:
    """The psycopg connection of the present unit for a plain question, with all that the unit has to write written; None when it has none."""
    if not db.session.registry.has():
        return None
    session = db.session()
    session.flush()
    connection = session.info.get("line")
    if connection is not None:
        open_for_reading(connection)
    return connection


@event.listens_for(OneDatabase, "after_begin")
def _note_line(session: Any, _transaction: Any, connection: Any) -> None:
    """Which connection the unit of work has taken: to ask the session each time costs as much as a question."""
    session.info["line"] = connection.connection.driver_connection


@event.listens_for(OneDatabase, "after_transaction_end")
def _forget_line(session: Any, transaction: Any) -> None:
    if transaction.parent is None:
        session.info.pop("line", None)


@contextmanager
def open_reader(engine: Engine) -> Iterator[Any]:
    """A psycopg connection beside the unit of work, which sees the database as it stands now and writes nothing.

    For answers that are still being read when their request's unit of work has ended.
    """
    connection = engine.connect()
    try:
        raw = connection.connection.driver_connection
        open_transaction(raw)
        raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield raw
    finally:
        connection.close()
