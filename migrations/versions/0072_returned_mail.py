"""Letters that come back, and addresses to which none go; for each person and kind of news, whether it comes with the letter of the day, and when that is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"
STATES = "state IN ('queued', 'sent', 'kept', 'failed', 'held', 'bounced')"


def upgrade() -> None:
    """Build it."""
    op.drop_constraint(op.f("ck_messages_state"), "messages")
    op.create_check_constraint(op.f("ck_messages_state"), "messages", STATES)
    op.add_column("messages", sa.Column("complained_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("ix_messages_failed", "messages")
    lost = sa.text("state IN ('failed', 'held', 'bounced')")
    op.create_index("ix_messages_failed", "messages", ["vendor_id", "mode", "created_at"], postgresql_where=lost)
    op.create_index("ix_messages_by_id", "messages", ["id"])
    op.create_table(
        "mail_stops",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("unreachable_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("said", sa.String(300), nullable=False),
        sa.Column("unwanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unwanted_by", sa.String(10), nullable=False),
        sa.Column("message", sa.String(40), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_mail_stops_mode")),
        sa.CheckConstraint("unreachable_at IS NOT NULL OR unwanted_at IS NOT NULL", name=op.f("ck_mail_stops_why")),
        sa.CheckConstraint("unwanted_by IN ('', 'complaint', 'reader')", name=op.f("ck_mail_stops_unwanted_by")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_mail_stops_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "address", name=op.f("pk_mail_stops")),
    )
    op.add_column("notification_choices", sa.Column("daily", sa.Boolean(), nullable=False, server_default="false"))
    # Who had chosen one letter a day gets by it whatever they had ticked.
    op.execute(
        "UPDATE notification_choices c SET daily = true FROM notification_manners m"
        " WHERE (m.vendor_id, m.mode, m.person) = (c.vendor_id, c.mode, c.person) AND m.daily AND c.mailed"
    )
    op.add_column("notification_manners", sa.Column("hour", sa.SmallInteger(), nullable=False, server_default="7"))
    op.add_column("notification_manners", sa.Column("time_zone", sa.String(60), nullable=False, server_default=""))
    op.add_column("notification_manners", sa.Column("told_day", sa.Date(), nullable=True))
    op.execute("UPDATE notification_manners SET told_day = (due_at AT TIME ZONE 'UTC')::date - 2")
    op.alter_column("notification_manners", "told_day", nullable=False)
    op.create_check_constraint(op.f("ck_notification_manners_hour"), "notification_manners", "hour BETWEEN 0 AND 23")


def downgrade() -> None:
    """Take it down."""
    op.drop_constraint(op.f("ck_notification_manners_hour"), "notification_manners")
    for column in ("told_day", "time_zone", "hour"):
        op.drop_column("notification_manners", column)
    op.drop_column("notification_choices", "daily")
    op.drop_table("mail_stops")
    op.drop_index("ix_messages_by_id", "messages")
    op.drop_index("ix_messages_failed", "messages")
    op.create_index("ix_messages_failed", "messages", ["vendor_id", "mode", "created_at"], postgresql_where=sa.text("state = 'failed'"))
    op.drop_column("messages", "complained_at")
    op.execute("UPDATE messages SET state = 'failed' WHERE state IN ('held', 'bounced')")
    op.drop_constraint(op.f("ck_messages_state"), "messages")
    op.create_check_constraint(op.f("ck_messages_state"), "messages", "state IN ('queued', 'sent', 'kept', 'failed')")
