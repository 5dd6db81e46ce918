"""How Alembic reaches the database: as the owning role, never as the role the web processes use."""

from __future__ import annotations

import os
import time

from alembic import context
from sqlalchemy import Connection, create_engine, make_url

import core.tables  # noqa: F401  (every model must be known before schema and models are compared)
from core.kernel.db import Base

# The serving role reads and writes ordinary rows, adds history, and posts to the books only through functions.
POSTED_ONLY = ("ledger_chart", "journals", "entries", "balances")
ADDED_ONLY = ("payment_events", "audit_entries", "chain_links", "chain_anchors", "day_papers")
LOCK = 7_204_711  # two starts at once: one migrates, the other waits and finds nothing to do


def grant_rights(connection: Connection) -> None:
    """Give the role of DATABASE_URL what it needs to serve, and nothing on the books but reading and posting."""
    serving = make_url(os.environ["DATABASE_URL"]).username
    owner = connection.exec_driver_sql("SELECT current_user").scalar()
    if not serving or serving == owner:
        return
    connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA public TO "{serving}"')
    present = set(connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").scalars())
    for table in sorted(present - {"alembic_version"}):
        rights = "SELECT" if table in POSTED_ONLY else "SELECT, INSERT" if table in ADDED_ONLY else "SELECT, INSERT, UPDATE, DELETE"
        connection.exec_driver_sql(f'REVOKE ALL ON "{table}" FROM "{serving}"')
        connection.exec_driver_sql(f'GRANT {rights} ON "{table}" TO "{serving}"')
    connection.exec_driver_sql(f'GRANT SELECT ON alembic_version TO "{serving}"')
    connection.commit()


def run() -> None:
    """Upgrade or downgrade in one transaction per revision, under an advisory lock."""
    url = os.environ.get("MIGRATION_DATABASE_URL") or os.environ["DATABASE_URL"]
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK})").scalar():
            connection.commit()  # whoever waited inside a statement would be waited for by an index that is built while everybody goes on
            time.sleep(0.5)
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
        grant_rights(connection)
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")
        connection.commit()
    engine.dispose()


run()
