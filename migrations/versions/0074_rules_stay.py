"""A published version of the rules stays as it was; rules weigh saved cards and whole checkouts, and may have the card's bank ask;
how a processor's tables are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0074"
down_revision = "0073"

FILES = "state IN ('checked', 'imported', 'importing', 'refused', 'stopped'{})"
# A version begins as a draft. As one it may be rewritten, thrown away and published; published it may only become an earlier one.
KEEP = """
CREATE FUNCTION keep_rules() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.state = 'draft' THEN RETURN NEW; END IF;
  IF TG_OP = 'DELETE' AND OLD.state = 'draft' THEN RETURN OLD; END IF;
  IF TG_OP = 'UPDATE' THEN
    IF OLD.state = 'draft' AND NEW.state IN ('draft', 'published') AND (NEW.mode, NEW.version) = (OLD.mode, OLD.version) THEN RETURN NEW; END IF;
    IF OLD.state = 'published' AND NEW.state = 'earlier' AND to_jsonb(NEW) - 'state' = to_jsonb(OLD) - 'state' THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'a published version of the rules stays as it was: a change is a new version' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER risk_rule_sets_keep BEFORE INSERT OR UPDATE OR DELETE ON risk_rule_sets FOR EACH ROW EXECUTE FUNCTION keep_rules();
CREATE TRIGGER risk_rule_sets_keep_all BEFORE TRUNCATE ON risk_rule_sets FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE risk_rule_sets ENABLE ALWAYS TRIGGER risk_rule_sets_keep;
ALTER TABLE risk_rule_sets ENABLE ALWAYS TRIGGER risk_rule_sets_keep_all;
"""


def upgrade() -> None:
    """Build it."""
    op.execute(KEEP)
    op.add_column("saved_cards", sa.Column("fingerprint", sa.String(120), nullable=False, server_default=""))
    op.add_column("saved_cards", sa.Column("country", sa.CHAR(2), nullable=True))
    op.add_column("saved_charges", sa.Column("weighed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("payment_screenings", sa.Column("action", sa.String(12), nullable=False, server_default=""))
    op.add_column("payment_screenings", sa.Column("together", sa.String(40), nullable=False, server_default=""))
    op.create_index(
        "ix_payment_screenings_together", "payment_screenings", ["mode", "together"], postgresql_where=sa.text("together <> ''")
    )
    op.add_column("checkouts", sa.Column("decision", JSONB(), nullable=True))
    op.add_column("checkouts", sa.Column("address", sa.String(60), nullable=False, server_default=""))
    op.create_table(
        "refused_status_reports",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("problem", JSONB(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_refused_status_reports_mode")),
        sa.ForeignKeyConstraint(
            ["mode", "file_id"], ["bank_order_files.mode", "bank_order_files.id"], name=op.f("fk_refused_status_reports_bank_order_files")
        ),
        sa.PrimaryKeyConstraint("mode", "sha256", name=op.f("pk_refused_status_reports")),
    )
    op.create_index("ix_refused_status_reports_file", "refused_status_reports", ["mode", "file_id"])
    op.add_column("recon_exceptions", sa.Column("counterpart", sa.String(40), nullable=False, server_default=""))
    op.add_column("recon_files", sa.Column("layout", JSONB(), nullable=True))
    op.drop_constraint(op.f("ck_recon_files_state"), "recon_files")
    op.create_check_constraint(op.f("ck_recon_files_state"), "recon_files", FILES.format(", 'unmapped'"))
    op.create_table(
        "recon_layouts",
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("head", sa.CHAR(64), nullable=False),
        sa.Column("layout", JSONB(), nullable=False),
        sa.Column("kept_by", sa.String(60), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_recon_layouts_mode")),
        sa.PrimaryKeyConstraint("mode", "source", "head", name=op.f("pk_recon_layouts")),
    )


def downgrade() -> None:
    """Take it down."""
    op.drop_table("refused_status_reports")
    op.drop_table("recon_layouts")
    op.execute("DELETE FROM recon_files WHERE state = 'unmapped'")
    op.drop_constraint(op.f("ck_recon_files_state"), "recon_files")
    op.create_check_constraint(op.f("ck_recon_files_state"), "recon_files", FILES.format(""))
    op.drop_column("recon_files", "layout")
    op.drop_column("recon_exceptions", "counterpart")
    op.drop_column("checkouts", "address")
    op.drop_column("checkouts", "decision")
    op.drop_index("ix_payment_screenings_together", "payment_screenings")
    op.drop_column("payment_screenings", "together")
    op.drop_column("payment_screenings", "action")
    op.drop_column("saved_charges", "weighed")
    op.drop_column("saved_cards", "country")
    op.drop_column("saved_cards", "fingerprint")
    op.execute("DROP TRIGGER risk_rule_sets_keep_all ON risk_rule_sets")
    op.execute("DROP FUNCTION keep_rules() CASCADE")
