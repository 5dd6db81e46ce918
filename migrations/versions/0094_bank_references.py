"""A payout knows the number under which it stands on its seller's own bank statement, so that statement, file and software can all say it.

Payouts may be many: the ones that have left are filled in by small steps, each committed by itself.
"""

from __future__ import annotations

from alembic import op

from migrations.steps import ANY_TIME, PATIENCE, each_by_itself, walk

revision = "0094"
down_revision = "0093"

MOST = 5_000  # payouts in a step
COLUMN = "ALTER TABLE payouts ADD COLUMN IF NOT EXISTS trace varchar(60) NOT NULL DEFAULT ''"
FILL = """
    WITH step AS (SELECT vendor_id, mode, id FROM payouts WHERE (vendor_id, mode, id) > (%(vendor_id)s, %(mode)s, %(id)s)
                  ORDER BY vendor_id, mode, id LIMIT %(most)s),
    known AS (
      SELECT s.vendor_id, s.mode, s.id, coalesce(nullif(c.trace, ''), e.number, '') AS trace FROM step s
      LEFT JOIN payout_carriages c ON (c.vendor_id, c.mode, c.payout_id) = (s.vendor_id, s.mode, s.id)
      LEFT JOIN LATERAL (SELECT detail->>'end_to_end' AS number FROM payout_events
        WHERE (vendor_id, mode, payout_id) = (s.vendor_id, s.mode, s.id) AND kind = 'payout.submitted' ORDER BY seq LIMIT 1) e ON true),
    filled AS (UPDATE payouts p SET trace = k.trace FROM known k
               WHERE (p.vendor_id, p.mode, p.id) = (k.vendor_id, k.mode, k.id) AND p.trace = '' AND k.trace <> '')
    SELECT vendor_id, mode, id FROM step ORDER BY vendor_id DESC, mode DESC, id DESC LIMIT 1"""


def upgrade() -> None:
    """Build it."""
    with each_by_itself() as connection:
        connection.execute(PATIENCE)
        connection.execute(COLUMN)
        connection.execute(ANY_TIME)
        walk(connection, FILL, most=MOST)


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("payouts", "trace")
