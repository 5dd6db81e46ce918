"""What guards the books looks rows up by their keys, also in a session that began while the tables were small."""

from __future__ import annotations

from alembic import op

revision = "0075"
down_revision = "0074"

# A plan is made once for a session and kept. One made over a few rows reads such a table whole, and goes on doing so when it has grown.
ONLY_BY_KEYS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
# Both indexes of the entries begin with the book, and over a few rows they cost the same. In the order of the legs only their key will do.
WHOLE = (
    "lowest, highest FROM entries\n    WHERE vendor_id = NEW.vendor_id AND mode = NEW.mode AND journal_id = NEW.id;",
    "lowest, highest FROM (\n    SELECT amount_minor, currency FROM entries\n"
    "    WHERE vendor_id = NEW.vendor_id AND mode = NEW.mode AND journal_id = NEW.id ORDER BY leg\n  ) mine;",
)


def upgrade() -> None:
    """Build it."""
    for setting in ONLY_BY_KEYS:
        op.execute(f"ALTER FUNCTION book_entries() SET {setting} = off")
    _reword(*WHOLE)


def downgrade() -> None:
    """Take it away again."""
    _reword(*reversed(WHOLE))
    for setting in ONLY_BY_KEYS:
        op.execute(f"ALTER FUNCTION book_entries() RESET {setting}")


def _reword(before: str, after: str) -> None:
    """These words stand in the function exactly once."""
    body = op.get_bind().exec_driver_sql("SELECT pg_get_functiondef('public.journal_is_whole'::regproc)").scalar_one()
    if body.count(before) != 1:
        raise RuntimeError(f"journal_is_whole does not say {before!r} once")
    op.get_bind().exec_driver_sql(body.replace(before, after).replace("%", "%%"))
