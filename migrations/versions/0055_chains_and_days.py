"""Hash chains over the books and the audit log, days that are closed, and the papers of them; a journal that comes too late takes effect later."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0055"
down_revision = "0054"

SQL = Path(__file__).parents[1] / "sql"
MOMENT = sa.DateTime(timezone=True)
WHAT = "what IN ('audit', 'journals')"
TABLES = ("day_papers", "ledger_days", "chain_anchors", "chain_links", "chains")


class TransactionId(sa.types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Its name in SQL."""
        return "xid8"


# The functions that write journals keep their text but for these words.
NAMED = ("effective_at, recorded_at)", "effective_at, original_effective_at, recorded_at)")
WRITERS = {
    "ledger_post": (NAMED, ("j.effective_at,\n", "ledger_effective(j.mode, j.effective_at), ledger_original(j.mode, j.effective_at),\n")),
    "settle_payments": (
        NAMED,
        (
            "(j ->> 'effective_at')::timestamptz, clock_timestamp()",
            "ledger_effective(mode, (j ->> 'effective_at')::timestamptz), ledger_original(mode, (j ->> 'effective_at')::timestamptz), clock_timestamp()",
        ),
    ),
    "settle_payment": (
        NAMED,
        (
            "(j ->> 'effective_at')::timestamptz, clock_timestamp()",
            "ledger_effective(given_mode, (j ->> 'effective_at')::timestamptz), "
            "ledger_original(given_mode, (j ->> 'effective_at')::timestamptz), clock_timestamp()",
        ),
    ),
}  # fmt: skip


def _reword(*, back: bool) -> None:
    """Each of the words stands in its function exactly once."""
    for name, changes in WRITERS.items():
        body = op.get_bind().exec_driver_sql(f"SELECT pg_get_functiondef('public.{name}'::regproc)").scalar_one()
        for before, after in changes:
            old, new = (after, before) if back else (before, after)
            if body.count(old) != 1:
                raise RuntimeError(f"{name} does not say {old!r} once")
            body = body.replace(old, new)
        op.get_bind().exec_driver_sql(body.replace("%", "%%"))


def _key() -> list[sa.Column[str]]:
    return [
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("what", sa.String(8), nullable=False),
    ]


def _chains() -> None:
    op.create_table(
        "chains",
        *_key(),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("newest", sa.Uuid(), nullable=True),
        sa.Column("swept_below", sa.BigInteger(), nullable=False),
        sa.Column("extended_at", MOMENT, nullable=False),
        sa.Column("swept_at", MOMENT, nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_chains_mode")),
        sa.CheckConstraint(WHAT, name=op.f("ck_chains_what")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "what", name=op.f("pk_chains")),
    )
    op.create_table(
        "chain_links",
        *_key(),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("of_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("form", sa.SmallInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("linked_at", MOMENT, nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_chain_links_mode")),
        sa.CheckConstraint(WHAT, name=op.f("ck_chain_links_what")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "what", "seq", name=op.f("pk_chain_links")),
        sa.UniqueConstraint("vendor_id", "mode", "what", "of_id", name=op.f("uq_chain_links_vendor_id_mode_what_of_id")),
    )
    op.create_index("ix_chain_links_day", "chain_links", ["mode", "day", "vendor_id"], postgresql_where=sa.text("day IS NOT NULL"))
    op.create_table(
        "chain_anchors",
        *_key(),
        sa.Column("on_paper_of", sa.String(4), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_chain_anchors_mode")),
        sa.CheckConstraint(WHAT, name=op.f("ck_chain_anchors_what")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "what", "on_paper_of", "day", name=op.f("pk_chain_anchors")),
    )
    op.create_index("ix_chain_anchors_day", "chain_anchors", ["day"])


def _days() -> None:
    op.create_table(
        "ledger_days",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("accepted", JSONB(), nullable=False),
        sa.Column("signed_by", sa.String(40), nullable=True),
        sa.Column("signed_at", MOMENT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=True),
        sa.Column("hindrances", JSONB(), nullable=False),
        sa.Column("facts", JSONB(), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_ledger_days_mode")),
        sa.CheckConstraint("state IN ('closed', 'closing', 'hindered', 'requested')", name=op.f("ck_ledger_days_state")),
        sa.CheckConstraint("state <> 'closed' OR (facts IS NOT NULL AND closed_at IS NOT NULL)", name=op.f("ck_ledger_days_closed")),
        sa.CheckConstraint("signed_by <> asked_by", name=op.f("ck_ledger_days_two_people")),
        sa.PrimaryKeyConstraint("mode", "day", name=op.f("pk_ledger_days")),
    )
    op.create_table(
        "day_papers",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_day_papers_mode")),
        sa.PrimaryKeyConstraint("mode", "day", name=op.f("pk_day_papers")),
    )


def upgrade() -> None:
    """Build it. Of what stands in the log already it is not known which transaction wrote it."""
    op.add_column("audit_entries", sa.Column("xid", TransactionId(), nullable=True))
    op.execute("ALTER TABLE audit_entries ALTER COLUMN xid SET DEFAULT pg_current_xact_id()")
    op.add_column("journals", sa.Column("original_effective_at", MOMENT, nullable=True))
    op.create_check_constraint(op.f("ck_journals_moved_on"), "journals", "original_effective_at < effective_at")
    _chains()
    _days()
    op.get_bind().exec_driver_sql((SQL / "closed_days.sql").read_text().replace("%", "%%"))
    _reword(back=False)


def downgrade() -> None:
    """Take it away again."""
    _reword(back=True)
    op.execute("DROP TRIGGER journals_not_back_dated ON journals")
    for table in TABLES:
        op.drop_table(table)
    for function in ("refuse_closed_day()", "ledger_original(text, timestamptz)", "ledger_effective(text, timestamptz)"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP FUNCTION ledger_open_from(text, timestamptz)")
    op.drop_constraint(op.f("ck_journals_moved_on"), "journals")
    op.drop_column("journals", "original_effective_at")
    op.drop_column("audit_entries", "xid")
