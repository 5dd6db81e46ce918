"""A journal is taken back by no more than it was."""

from __future__ import annotations

from alembic import op

from migrations.steps import SQL

revision = "0093"
down_revision = "0092"

# ledger_post keeps its text but for these words.
CHANGES = (
    ("  posted integer := 0;\n", "  posted integer := 0;\n  reversing boolean := false;\n"),
    ("      posted := posted + 1;\n", "      posted := posted + 1;\n      reversing := reversing OR j.reverses IS NOT NULL;\n"),
    (
        "  RETURN posted;\n",
        """  IF reversing THEN
    PERFORM ledger_check_reversal(x.vendor_id, x.mode, x.reverses)
      FROM (SELECT * FROM jsonb_to_recordset(given) AS x(vendor_id uuid, mode text, id uuid, reverses uuid)
            WHERE x.reverses IS NOT NULL AND x.id <> ALL (known) ORDER BY x.reverses) x;
  END IF;
  RETURN posted;
""",
    ),
)


def _reword(*, back: bool) -> None:
    body = op.get_bind().exec_driver_sql("SELECT pg_get_functiondef('public.ledger_post'::regproc)").scalar_one()
    for before, after in CHANGES:
        old, new = (after, before) if back else (before, after)
        if body.count(old) != 1:
            raise RuntimeError(f"ledger_post does not say {old!r} once")
        body = body.replace(old, new)
    op.get_bind().exec_driver_sql(body.replace("%", "%%"))


def upgrade() -> None:
    """Build it."""
    op.get_bind().exec_driver_sql((SQL / "reversals.sql").read_text().replace("%", "%%"))
    _reword(back=False)


def downgrade() -> None:
    """As it was."""
    _reword(back=True)
    op.execute("DROP FUNCTION ledger_check_reversal(uuid, text, uuid)")
