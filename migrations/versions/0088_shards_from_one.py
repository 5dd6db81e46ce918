"""The shard of the session in PostgreSQL's first slot: slots are counted from 0 since version 17, and it was given row 0, which is for whoever takes money out."""

from __future__ import annotations

from alembic import op

revision = "0088"
down_revision = "0087"

SHARD = """CREATE OR REPLACE FUNCTION ledger_shard() RETURNS smallint LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
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


def upgrade() -> None:
    """Build it. Sums are the same whichever row they stand in."""
    op.execute(SHARD.replace("{of_slot}", "slot % 64"))


def downgrade() -> None:
    """As it was."""
    op.execute(SHARD.replace("{of_slot}", "(slot - 1) % 64"))
