"""A webhook sends headers of the vendor's own along, and a delivery knows its event's object and place, by which the order is kept.

Deliveries may be many. So this goes by small steps, each committed by itself: nobody waits for longer than a moment, and where it was
interrupted it goes on. Processes that do not know the columns yet may write meanwhile: PostgreSQL fills in what they leave out.
"""

from __future__ import annotations

from alembic import op

from migrations.steps import ANY_TIME, PATIENCE, SQL, each_by_itself, walk

revision = "0077"
down_revision = "0076"

MOST = 5_000  # deliveries in a step
COLUMNS = """
    ALTER TABLE hook_endpoints ADD COLUMN IF NOT EXISTS header_names varchar(64)[] NOT NULL DEFAULT '{}',
        ADD COLUMN IF NOT EXISTS headers_key varchar(20) NOT NULL DEFAULT '', ADD COLUMN IF NOT EXISTS headers_sealed bytea;
    ALTER TABLE hook_deliveries ADD COLUMN IF NOT EXISTS subject varchar(60), ADD COLUMN IF NOT EXISTS position bigint"""
# The next of them by their key, after the last one of the step before; what is answered is where the step after begins.
FILL = """
    WITH step AS (SELECT vendor_id, mode, id FROM hook_deliveries WHERE (vendor_id, mode, id) > (%(vendor_id)s, %(mode)s, %(id)s)
                  ORDER BY vendor_id, mode, id LIMIT %(most)s),
    filled AS (UPDATE hook_deliveries d SET subject = e.subject, position = e.position FROM step s, events e
               WHERE (d.vendor_id, d.mode, d.id) = (s.vendor_id, s.mode, s.id) AND d.subject IS NULL
                     AND (e.vendor_id, e.mode, e.id) = (d.vendor_id, d.mode, d.event_id))
    SELECT vendor_id, mode, id FROM step ORDER BY vendor_id DESC, mode DESC, id DESC LIMIT 1"""
IN_ORDER = """CREATE INDEX CONCURRENTLY ix_hook_deliveries_in_order ON hook_deliveries (vendor_id, mode, endpoint_id, subject, position)
              WHERE due_at IS NOT NULL"""
# That nothing is left out is looked at while everybody goes on; NOT NULL then believes it.
WHOLE = "CHECK (subject IS NOT NULL AND position IS NOT NULL)"


def upgrade() -> None:
    """Build it."""
    with each_by_itself() as connection:
        connection.execute(PATIENCE)
        connection.execute(COLUMNS)
        connection.execute((SQL / "deliveries.sql").read_text())
        connection.execute(ANY_TIME)
        walk(connection, FILL, most=MOST)
        connection.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_hook_deliveries_in_order")
        connection.execute(IN_ORDER)
        connection.execute(PATIENCE)
        connection.execute("ALTER TABLE hook_deliveries DROP CONSTRAINT IF EXISTS whole")
        connection.execute(f"ALTER TABLE hook_deliveries ADD CONSTRAINT whole {WHOLE} NOT VALID")
        connection.execute("ALTER TABLE hook_deliveries VALIDATE CONSTRAINT whole")
        connection.execute("ALTER TABLE hook_deliveries ALTER COLUMN subject SET NOT NULL, ALTER COLUMN position SET NOT NULL")
        connection.execute("ALTER TABLE hook_deliveries DROP CONSTRAINT whole")
        connection.execute(ANY_TIME)


def downgrade() -> None:
    """Take it away again."""
    op.execute("DROP TRIGGER IF EXISTS hook_deliveries_placed ON hook_deliveries")
    op.execute("DROP FUNCTION IF EXISTS place_delivery()")
    op.drop_index("ix_hook_deliveries_in_order", table_name="hook_deliveries")
    op.drop_column("hook_deliveries", "position")
    op.drop_column("hook_deliveries", "subject")
    for name in ("headers_sealed", "headers_key", "header_names"):
        op.drop_column("hook_endpoints", name)
