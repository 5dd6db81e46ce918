"""What a migration does to many rows while everybody goes on working: in steps, each committed by itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import op

SQL = Path(__file__).resolve().parent / "sql"
# Whoever wants a table for itself makes all who come after wait: rather end, and be started again.
PATIENCE = "SET lock_timeout = '5s'"
ANY_TIME = "RESET lock_timeout"


@contextmanager
def each_by_itself() -> Iterator[psycopg.Connection[Any]]:
    """The driver's connection, on which every statement is a transaction. What is done here has to bear being done again: a migration that
    is interrupted begins anew."""
    with op.get_context().autocommit_block():
        connection = op.get_bind().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        connection.autocommit = True
        yield connection


def walk(connection: psycopg.Connection[Any], step: str, *, most: int) -> None:
    """One step after the other through a tenants' table: each answers with the key (vendor_id, mode, id) after which the next begins."""
    key: tuple[Any, ...] | None = (uuid.UUID(int=0), "", uuid.UUID(int=0))
    while key:
        key = connection.execute(step, {"vendor_id": key[0], "mode": key[1], "id": key[2], "most": most}).fetchone()
