"""Payments of a batch are changed as they are found, in the order in which everybody locks: to lock them first was to write each of them twice.
And what has no link, or was not paid, stands in no index by links or by days of payment.

What a row was before it was changed PostgreSQL tells since version 18. Before, the function keeps its text: it answers the same.

The indexes are built while everybody goes on writing; one that was left half built is built anew.
"""

from __future__ import annotations

from alembic import op

from migrations.steps import each_by_itself

revision = "0098"
down_revision = "0097"

# settle_payments keeps its text but for these words, each of which stands in it once.
LOCKED_FIRST = (
    """    ), held AS MATERIALIZED (  -- locked in the order in which everybody locks
      SELECT t.*, r.state AS before, r.version FROM told t
      JOIN payments r ON r.vendor_id = t.vendor_id AND r.mode = t.mode AND r.id = t.payment_id
      WHERE r.state <> 'succeeded' AND r.currency = t.currency AND r.amount_minor = t.captured
      ORDER BY t.vendor_id, t.mode, t.payment_id, t.n FOR UPDATE OF r
    ), paid AS (  -- a payment that is named twice is changed once, and only that once is booked
""",
    "version = h.version + CASE WHEN h.fee IS NULL THEN 1 ELSE 2 END\n",
    """        FROM held h WHERE r.vendor_id = h.vendor_id AND r.mode = h.mode AND r.id = h.payment_id
        RETURNING h.*
""",
)
AS_FOUND = (
    "    ), paid AS (  -- in the order in which everybody locks; a payment that is named twice is changed once, and only that once is booked\n",
    "version = r.version + CASE WHEN h.fee IS NULL THEN 1 ELSE 2 END\n",
    """        FROM (SELECT * FROM told ORDER BY vendor_id, mode, payment_id, n) h
        WHERE r.vendor_id = h.vendor_id AND r.mode = h.mode AND r.id = h.payment_id
          AND r.state <> 'succeeded' AND r.currency = h.currency AND r.amount_minor = h.captured
        RETURNING h.*, old.state AS before, old.version
""",
)
TELLS_WHAT_WAS = (18,)  # `RETURNING old.*`; an older server would take the text and fail at the first batch
PARTIAL = {
    "ix_payments_by_link": ("link_id, id", "link_id IS NOT NULL"),
    "ix_payments_captured": ("captured_at", "captured_at IS NOT NULL"),
}


def upgrade() -> None:
    """Build it. The indexes first: when that is interrupted, all begins anew."""
    _index(partial=True)
    _reword(LOCKED_FIRST, AS_FOUND)


def downgrade() -> None:
    """As it was."""
    _index(partial=False)
    _reword(AS_FOUND, LOCKED_FIRST)


def _reword(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Nothing where PostgreSQL is older, nor where it was when the text should have changed."""
    body = op.get_bind().exec_driver_sql("SELECT pg_get_functiondef('public.settle_payments'::regproc)").scalar_one()
    if (op.get_bind().dialect.server_version_info or ()) < TELLS_WHAT_WAS or all(new in body for new in after):
        return
    for old, new in zip(before, after, strict=True):
        if body.count(old) != 1:
            raise RuntimeError(f"settle_payments does not say {old!r} once")
        body = body.replace(old, new)
    op.get_bind().exec_driver_sql(body.replace("%", "%%"))


def _index(*, partial: bool) -> None:
    with each_by_itself() as connection:
        for name, (columns, some) in PARTIAL.items():
            where = f" WHERE {some}" if partial else ""
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_new")
            connection.execute(f"CREATE INDEX CONCURRENTLY {name}_new ON payments (vendor_id, mode, {columns}){where}")
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            connection.execute(f"ALTER INDEX {name}_new RENAME TO {name}")
