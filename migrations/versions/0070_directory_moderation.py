"""Edits in the directory wait for the staff; reports, strikes and reasons; prices and towns that are searched; schemas with versions;
businesses whose plan rests take no payments."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0070"
down_revision = "0069"

OF_LISTING = ["listings.vendor_id", "listings.mode", "listings.id"]


def upgrade() -> None:
    """Build it."""
    _schemas()
    op.add_column("vendors", sa.Column("resting_modes", postgresql.ARRAY(sa.String(4)), nullable=False, server_default="{}"))
    op.execute("""UPDATE vendors v SET resting_modes = r.modes
                  FROM (SELECT vendor_id, array_agg(mode ORDER BY mode) AS modes FROM directory_standings
                        WHERE NOT visible AND reason IN ('hibernating', 'suspended', 'cancelled') GROUP BY vendor_id) r
                  WHERE r.vendor_id = v.id""")
    op.add_column("listings", sa.Column("reworded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("directory_standings", sa.Column("pictures", sa.SmallInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_directory_standings_pictures"), "directory_standings", "pictures >= 1")
    op.add_column("directory_places", sa.Column("town_name", sa.String(length=80), nullable=False, server_default=""))
    op.execute("""UPDATE directory_places p SET town_name = b.town FROM branches b
                  WHERE b.vendor_id = p.vendor_id AND b.mode = p.mode AND b.id = p.branch_id""")
    op.add_column("directory_entries", sa.Column("prices", postgresql.JSONB(), nullable=False, server_default="{}"))
    _fill_prices()
    _edits()
    _reports()
    op.create_table(
        "directory_strikes",
        *_key(),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("listing", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("given_by", sa.String(length=40), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forgiven_by", sa.String(length=40), nullable=False),
        sa.Column("forgiven_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(forgiven_at IS NULL) = (forgiven_by = '')", name=op.f("ck_directory_strikes_forgiven")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_directory_strikes_mode")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_directory_strikes_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_directory_strikes")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_directory_strikes_vendor_id_mode_public_id")),
    )
    op.create_index("ix_directory_strikes_of_vendor", "directory_strikes", ["vendor_id", "mode", "id"])
    op.create_table(
        "directory_reasons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("written_by", sa.String(length=40), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_reasons")),
        sa.UniqueConstraint("public_id", name=op.f("uq_directory_reasons_public_id")),
    )


def _schemas() -> None:
    """What there is becomes version 1. The colour of crafts is a colour from then on: the words that are kept are colours already."""
    op.add_column("directory_categories", sa.Column("schema_version", sa.SmallInteger(), nullable=False, server_default="1"))
    op.add_column("products", sa.Column("schema_version", sa.SmallInteger(), nullable=False, server_default="1"))
    op.create_table(
        "directory_schemas",
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_directory_schemas_version")),
        sa.ForeignKeyConstraint(["category"], ["directory_categories.slug"], name=op.f("fk_directory_schemas_directory_categories")),
        sa.PrimaryKeyConstraint("category", "version", name=op.f("pk_directory_schemas")),
    )
    op.execute("""INSERT INTO directory_schemas (category, version, attributes, created_at, created_by)
                  SELECT slug, 1, attributes, now(), 'system' FROM directory_categories""")
    op.execute("""UPDATE directory_categories SET schema_version = 2, attributes = (
                      SELECT jsonb_agg(CASE WHEN one->>'key' = 'colour' THEN (one || '{"kind": "colour"}') - 'options' ELSE one END ORDER BY place)
                      FROM jsonb_array_elements(attributes) WITH ORDINALITY AS each(one, place))
                  WHERE slug = 'crafts'""")
    op.execute("""INSERT INTO directory_schemas (category, version, attributes, created_at, created_by)
                  SELECT slug, 2, attributes, now(), 'system' FROM directory_categories WHERE slug = 'crafts'""")


def _fill_prices() -> None:
    """What the search knows of prices, for listings that are shown already; written as core/directory/prices.py writes it."""
    op.execute("""
        WITH shown AS (
            SELECT p.vendor_id, p.mode, p.listing_id, p.currency, p.price_minor
            FROM products p JOIN directory_entries e USING (vendor_id, mode, listing_id)
            WHERE p.state = 'published' AND NOT p.hidden AND p.archived_at IS NULL AND p.price_minor > 0),
        ranges AS (
            SELECT vendor_id, mode, listing_id, currency,
                   CAST(range_agg(int8range(price_minor, price_minor, '[]')) AS text) AS prices
            FROM shown GROUP BY 1, 2, 3, 4),
        sizes AS (
            SELECT vendor_id, mode, listing_id,
                   array_agg(DISTINCT '~' || currency || ':' || length(ltrim(CAST(CAST(price_minor AS bit(64)) AS text), '0'))) AS marks
            FROM shown GROUP BY 1, 2, 3),
        together AS (
            SELECT r.vendor_id, r.mode, r.listing_id, jsonb_object_agg(r.currency, r.prices) AS prices, s.marks
            FROM ranges r JOIN sizes s USING (vendor_id, mode, listing_id) GROUP BY 1, 2, 3, s.marks)
        UPDATE directory_entries e SET prices = t.prices, facts = e.facts || t.marks
        FROM together t WHERE e.vendor_id = t.vendor_id AND e.mode = t.mode AND e.listing_id = t.listing_id""")


def _edits() -> None:
    op.create_table(
        "listing_edits",
        *_key(),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_by", sa.String(length=40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=40), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_listing_edits_mode")),
        sa.CheckConstraint(
            "state IN ('approved', 'changes_asked', 'rejected', 'taken_back', 'waiting')", name=op.f("ck_listing_edits_state")
        ),
        sa.CheckConstraint("state IN ('taken_back', 'waiting') OR decided_at IS NOT NULL", name=op.f("ck_listing_edits_decided")),
        sa.CheckConstraint("state NOT IN ('changes_asked', 'rejected') OR reason <> ''", name=op.f("ck_listing_edits_reason")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "listing_id"], OF_LISTING, name=op.f("fk_listing_edits_listings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_listing_edits")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_listing_edits_vendor_id_mode_public_id")),
    )
    op.create_index(
        "uq_listing_edits_open", "listing_edits", ["vendor_id", "mode", "listing_id"], unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'changes_asked')"),
    )  # fmt: skip
    op.create_index("ix_listing_edits_waiting", "listing_edits", ["id"], postgresql_where=sa.text("state = 'waiting'"))


def _reports() -> None:
    op.create_table(
        "listing_reports",
        *_key(),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("closed_by", sa.String(length=40), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_listing_reports_mode")),
        sa.CheckConstraint(
            "kind IN ('closed', 'harmful', 'misleading', 'not_theirs', 'other', 'spam')", name=op.f("ck_listing_reports_kind")
        ),
        sa.CheckConstraint("(closed_at IS NULL) = (outcome = '')", name=op.f("ck_listing_reports_closed")),
        sa.CheckConstraint("outcome IN ('', 'acted', 'kept')", name=op.f("ck_listing_reports_outcome")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "listing_id"], OF_LISTING, name=op.f("fk_listing_reports_listings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_listing_reports")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_listing_reports_vendor_id_mode_public_id")),
    )
    op.create_index("ix_listing_reports_of_listing", "listing_reports", ["vendor_id", "mode", "listing_id", "id"])
    op.create_index("ix_listing_reports_open", "listing_reports", ["id"], postgresql_where=sa.text("closed_at IS NULL"))


def _key() -> list[sa.Column[Any]]:
    return [
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
    ]


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("vendors", "resting_modes")
    op.drop_column("listings", "reworded")
    op.drop_table("directory_reasons")
    op.drop_table("directory_strikes")
    op.drop_table("listing_reports")
    op.drop_table("listing_edits")
    op.execute("""UPDATE directory_entries SET facts = ARRAY(SELECT one FROM unnest(facts) AS one WHERE one NOT LIKE '~%')""")
    op.drop_column("directory_entries", "prices")
    op.drop_column("directory_places", "town_name")
    op.drop_constraint(op.f("ck_directory_standings_pictures"), "directory_standings", type_="check")
    op.drop_column("directory_standings", "pictures")
    op.execute("""UPDATE directory_categories c SET attributes = s.attributes FROM directory_schemas s
                  WHERE s.category = c.slug AND s.version = 1""")
    op.drop_table("directory_schemas")
    op.drop_column("products", "schema_version")
    op.drop_column("directory_categories", "schema_version")
