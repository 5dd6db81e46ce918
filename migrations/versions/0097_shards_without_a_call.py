"""The shard a session remembers is read without a call of a function again, and the function that finds it counts slots from 0.

0088 wrote what finds a shard over the function that is put in the place of its call (migrations/sql/settle_one.sql).
"""

from __future__ import annotations

from alembic import op

revision = "0097"
down_revision = "0096"

FINDS = """CREATE OR REPLACE FUNCTION {name}() RETURNS smallint LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  shard smallint := substring(current_setting('portal.ledger_shard', true) FROM '^[1-9][0-9]?$')::smallint;
BEGIN
  IF shard IS NULL OR shard > 64 THEN
    SELECT 1 + {of_slot} INTO shard FROM pg_stat_get_backend_idset() AS slot WHERE pg_stat_get_backend_pid(slot) = pg_backend_pid();
    shard := coalesce(shard, 1 + pg_backend_pid() % 64);
    PERFORM set_config('portal.ledger_shard', shard::text, false);  -- whoever sets it by hand may wait for others, and changes no sum
  END IF;
  RETURN shard;
END $$"""
# It names no search path, so that PostgreSQL can put its text in place of the call, under the path of the trigger that asks.
REMEMBERS = """CREATE OR REPLACE FUNCTION ledger_shard() RETURNS smallint LANGUAGE sql AS $$
  SELECT CASE WHEN current_setting('portal.ledger_shard', true) ~ '^([1-9]|[1-5][0-9]|6[0-4])$'
    THEN current_setting('portal.ledger_shard')::smallint ELSE ledger_find_shard() END
$$"""


def upgrade() -> None:
    """Build it. Sums are the same whichever row they stand in."""
    op.execute(_finding("ledger_find_shard", "slot % 64"))
    op.execute(REMEMBERS)


def downgrade() -> None:
    """As it was."""
    op.execute(_finding("ledger_shard", "slot % 64"))
    op.execute(_finding("ledger_find_shard", "(slot - 1) % 64"))


def _finding(name: str, of_slot: str) -> str:
    return FINDS.replace("{name}", name).replace("{of_slot}", of_slot)
