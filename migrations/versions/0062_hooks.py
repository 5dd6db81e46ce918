"""Events of everything a vendor has, in an order, and endpoints of the vendors' software with what was sent there."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0062"
down_revision = "0061"

SQL = Path(__file__).parents[1] / "sql"
TRIGGERS = {
    "payment_events": ("payment_events_told",),
    "order_events": ("order_events_told",),
    "dispute_events": ("dispute_events_told",),
    "payout_events": ("payout_events_told",),
    "payment_links": ("payment_links_begin_told", "payment_links_told"),
    "subscriptions": ("subscriptions_begin_told", "subscriptions_told"),
    "billing_documents": ("billing_documents_begin_told", "billing_documents_told"),
}
FUNCTIONS = ("payment_events", "order_events", "dispute_events", "payout_events", "link_event", "subscription_event", "document_event")
TABLES = ("hook_attempts", "hook_deliveries", "hook_secrets", "hook_endpoints", "events", "event_feeds", "event_drafts")


def upgrade() -> None:
    """Build it."""
    _events()
    _endpoints()
    _deliveries()
    op.get_bind().exec_driver_sql((SQL / "events.sql").read_text().replace("%", "%%"))


def downgrade() -> None:
    """Take it down."""
    for table, names in TRIGGERS.items():
        for name in names:
            op.execute(f"DROP TRIGGER {name} ON {table}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION draft_{function}()")
    for table in TABLES:
        op.drop_table(table)


def _tenant(table: str, *more: sa.Column | sa.Constraint) -> None:
    """A table whose key is the vendor, the mode and its own id."""
    _owned(table, ("id",), sa.Column("id", sa.Uuid(), nullable=False), *more)


def _owned(table: str, key: tuple[str, ...], *more: sa.Column | sa.Constraint) -> None:
    op.create_table(
        table,
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
        *more,
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f(f"ck_{table}_mode")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", *key, name=op.f(f"pk_{table}")),
    )


def _at(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_vendor(table: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f(f"fk_{table}_vendors"))


def _unique(table: str, column: str) -> sa.Constraint:
    return sa.UniqueConstraint("vendor_id", "mode", column, name=op.f(f"uq_{table}_vendor_id_mode_{column}"))


def _part_of(table: str, column: str, whole: str) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        ["vendor_id", "mode", column], [f"{whole}.vendor_id", f"{whole}.mode", f"{whole}.id"], name=op.f(f"fk_{table}_{whole}")
    )


def _events() -> None:
    _owned(
        "event_drafts", ("number",),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        _at("at"),
    )  # fmt: skip
    _owned("event_feeds", (), sa.Column("position", sa.BigInteger(), nullable=False), _of_vendor("event_feeds"))
    _tenant(
        "events",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        _at("at"), _at("told_at"), _of_vendor("events"), _unique("events", "public_id"), _unique("events", "position"),
    )  # fmt: skip
    op.create_index("ix_events_by_subject", "events", ["vendor_id", "mode", "subject", "position"])
    op.create_index("ix_events_told_at", "events", ["told_at"])


def _endpoints() -> None:
    _tenant(
        "hook_endpoints",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("catches", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("types", ARRAY(sa.String(60)), nullable=False),
        sa.Column("version", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("why_off", sa.String(20), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _at("failing_since", nullable=True),
        sa.Column("slow", sa.Boolean(), nullable=False, server_default="false"),
        _at("due_at", nullable=True), _at("rest_until", nullable=True), _at("taken_until", nullable=True), _at("succeeded_at", nullable=True), _at("failed_at", nullable=True),
        sa.Column("made_by", sa.String(60), nullable=False),
        _at("made_at"), _of_vendor("hook_endpoints"), _unique("hook_endpoints", "public_id"),
        sa.CheckConstraint("state IN ('gone', 'off', 'on')", name=op.f("ck_hook_endpoints_state")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_hook_endpoints_failures")),
    )  # fmt: skip
    op.create_index(
        "uq_hook_endpoints_catcher", "hook_endpoints", ["vendor_id", "mode"], unique=True, postgresql_where="catches AND state <> 'gone'"
    )
    op.create_index("ix_hook_endpoints_due", "hook_endpoints", ["due_at"], postgresql_where="due_at IS NOT NULL AND state = 'on'")
    _owned(
        "hook_secrets", ("endpoint_id", "number"),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("key_id", sa.String(20), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        _at("made_at"), _at("ends_at", nullable=True), _part_of("hook_secrets", "endpoint_id", "hook_endpoints"),
    )  # fmt: skip


def _deliveries() -> None:
    _tenant(
        "hook_deliveries",
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.String(10), nullable=False),
        sa.Column("asked_by", sa.String(60), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        _at("due_at", nullable=True), _at("created_at"), _at("ended_at", nullable=True),
        _unique("hook_deliveries", "public_id"),
        _part_of("hook_deliveries", "endpoint_id", "hook_endpoints"), _part_of("hook_deliveries", "event_id", "events"),
        sa.CheckConstraint("state IN ('canceled', 'delivered', 'failed', 'superseded', 'waiting')", name=op.f("ck_hook_deliveries_state")),
        sa.CheckConstraint("cause IN ('again', 'catch_up', 'event', 'test')", name=op.f("ck_hook_deliveries_cause")),
    )  # fmt: skip
    index, to = op.create_index, ["vendor_id", "mode", "endpoint_id"]
    index("uq_hook_deliveries_once", "hook_deliveries", [*to, "event_id"], unique=True, postgresql_where="cause = 'event'")
    index("ix_hook_deliveries_due", "hook_deliveries", [*to, "due_at"], postgresql_where="state = 'waiting'")
    index("ix_hook_deliveries_newest", "hook_deliveries", [*to, "id"])
    index("ix_hook_deliveries_by_event", "hook_deliveries", ["vendor_id", "mode", "event_id"])
    index("ix_hook_deliveries_ended_at", "hook_deliveries", ["ended_at"], postgresql_where="ended_at IS NOT NULL")
    _owned(
        "hook_attempts", ("delivery_id", "number"),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("sent", JSONB(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answered", JSONB(), nullable=False),
        sa.Column("answer", sa.String(2000), nullable=False),
        sa.Column("problem", sa.String(300), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        _at("at"), _part_of("hook_attempts", "delivery_id", "hook_deliveries"),
    )  # fmt: skip
