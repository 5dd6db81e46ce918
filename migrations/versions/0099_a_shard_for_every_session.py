"""No two sessions share the row of a balance, however many are connected: two that did waited for each other's in a circle now and then.

A batch adds to the rows of several sellers, first what was paid and then what the processor kept, so two of them may come to the same rows in
another order. With rows of their own they never meet. There were 64 for all.
"""

from __future__ import annotations

from alembic import op

revision = "0099"
down_revision = "0098"

# As in 0097, but for how many there are.
FINDS = """CREATE OR REPLACE FUNCTION ledger_find_shard() RETURNS smallint LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  shard smallint := substring(current_setting('portal.ledger_shard', true) FROM '^[1-9][0-9]{digits}$')::smallint;
BEGIN
  IF shard IS NULL OR shard > {most} THEN
    SELECT 1 + slot % {most} INTO shard FROM pg_stat_get_backend_idset() AS slot WHERE pg_stat_get_backend_pid(slot) = pg_backend_pid();
    shard := coalesce(shard, 1 + pg_backend_pid() % {most});
    PERFORM set_config('portal.ledger_shard', shard::text, false);  -- whoever sets it by hand may wait for others, and changes no sum
  END IF;
  RETURN shard;
END $$"""
REMEMBERS = """CREATE OR REPLACE FUNCTION ledger_shard() RETURNS smallint LANGUAGE sql AS $$
  SELECT CASE WHEN current_setting('portal.ledger_shard', true) ~ '{pattern}'
    THEN current_setting('portal.ledger_shard')::smallint ELSE ledger_find_shard() END
$$"""


def upgrade() -> None:
    """Build it. Sums are the same whichever row they stand in."""
    _replace(most=999, digits="{0,2}", pattern="^[1-9][0-9]{0,2}$")


def downgrade() -> None:
    """As it was. Rows that stand there already are counted and gathered as before."""
    _replace(most=64, digits="?", pattern="^([1-9]|[1-5][0-9]|6[0-4])$")


def _replace(*, most: int, digits: str, pattern: str) -> None:
    op.execute(FINDS.replace("{most}", str(most)).replace("{digits}", digits))
    op.execute(REMEMBERS.replace("{pattern}", pattern))
