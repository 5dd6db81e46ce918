"""A leg's journal is looked up by its key, whatever the planner knows of the table.

PostgreSQL 18 may skip over a column in the middle of an index. In the index by what journals are about (vendor_id, mode, about, id) that is
all the journals of a book, for each leg; while nothing is known of the table it costs the planner the same as the key, and it took it.
"""

from __future__ import annotations

from alembic import op

revision = "0100"
down_revision = "0099"

ANY_INDEX = "LEFT JOIN journals j ON j.vendor_id = f.vendor_id AND j.mode = f.mode AND j.id = f.journal_id"
# In the order of the ids only the key will do.
BY_KEY = """LEFT JOIN LATERAL (
      SELECT xid, n_legs FROM journals
      WHERE vendor_id = f.vendor_id AND mode = f.mode AND id BETWEEN f.journal_id AND f.journal_id ORDER BY id LIMIT 1
    ) j ON true"""
TIMES = 2  # all at once, and account by account


def upgrade() -> None:
    """Build it."""
    _reword(ANY_INDEX, BY_KEY)


def downgrade() -> None:
    """As it was."""
    _reword(BY_KEY, ANY_INDEX)


def _reword(before: str, after: str) -> None:
    body = op.get_bind().exec_driver_sql("SELECT pg_get_functiondef('public.book_entries'::regproc)").scalar_one()
    if body.count(before) != TIMES:
        raise RuntimeError(f"book_entries does not say {before!r} {TIMES} times")
    op.get_bind().exec_driver_sql(body.replace(before, after).replace("%", "%%"))
