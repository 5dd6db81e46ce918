"""A limit made of what was really written: the very rows of some acts, written once more by one server-side function that pgbench calls.

The function knows no rule, asks nobody and computes nothing; its tables have the same columns, checks and indexes, and neither triggers nor foreign
keys. What an act changes in place is a new row here, which is what PostgreSQL makes of it anyway.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

BALANCES = """INSERT INTO ref.balances SELECT (x.r).* FROM ref.from_balances x WHERE x.n = k ORDER BY (x.r).vendor_id, (x.r).code
    ON CONFLICT (vendor_id, mode, code, sub, currency, shard) DO UPDATE SET amount_minor = ref.balances.amount_minor + excluded.amount_minor;"""
# A balance is one row however often it moves: each act adds what its entries came to, on the shard of the session.
OF_ENTRIES = """INSERT INTO ref.from_balances SELECT f.n, ROW(e.vendor_id, e.mode, e.code, e.sub, e.currency, 1::smallint, sum(e.amount_minor), 0)::balances
  FROM ref.from_entries f, LATERAL (SELECT (f.r).*) e GROUP BY f.n, e.vendor_id, e.mode, e.code, e.sub, e.currency"""


def write_again(connection: psycopg.Connection, of: Mapping[str, str]) -> int:
    """Lay out the rows: `of` says for each table which, as (number of the act, row `x` of it). Makes `ref.again()`; answers how many acts there are.

    Each call of the function is the next act; when all have been written again it fails.
    """
    connection.execute("DROP SCHEMA IF EXISTS ref CASCADE")
    connection.execute("CREATE SCHEMA ref")
    connection.execute("CREATE SEQUENCE ref.next")
    tables = [*of, "balances"]
    for table in tables:
        connection.execute(f"CREATE TABLE ref.{table} (LIKE {table} INCLUDING ALL)")
        connection.execute(f"CREATE TABLE ref.from_{table} (n bigint NOT NULL, r {table} NOT NULL)")
    for table, rows in of.items():
        connection.execute(f"INSERT INTO ref.from_{table} {rows}")
    connection.execute(OF_ENTRIES)
    for table in tables:
        connection.execute(f"CREATE INDEX ON ref.from_{table} (n)")
        connection.execute(f"ANALYZE ref.from_{table}")
    again = "\n  ".join(f"INSERT INTO ref.{table} SELECT (x.r).* FROM ref.from_{table} x WHERE x.n = k;" for table in of)
    connection.execute(
        f"""CREATE FUNCTION ref.again() RETURNS void LANGUAGE plpgsql AS $$
DECLARE k bigint := nextval('ref.next');
BEGIN
  IF NOT EXISTS (SELECT FROM ref.from_journals WHERE n = k) THEN RAISE EXCEPTION 'nothing is left to be written again'; END IF;
  {again}
  {BALANCES}
END $$"""
    )
    row = connection.execute("SELECT max(n) FROM ref.from_journals").fetchone()
    return int(row[0] or 0) if row else 0
