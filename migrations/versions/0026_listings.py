"""Listings with branches, products and pictures, a vendor's standing in the directory, and the categories as data."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"

CATEGORIES = Path(__file__).parent.parent / "sql" / "directory_categories.json"


def upgrade() -> None:
    """Build it."""
    op.create_table(
        "directory_categories",
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("names", postgresql.JSONB(), nullable=False),
        sa.Column("schema_type", sa.String(length=40), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_directory_categories")),
    )
    op.create_table(
        "directory_standings",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("published_products", sa.Integer(), nullable=False),
        sa.Column("branches", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_directory_standings_mode")),
        sa.CheckConstraint("published_products >= 0 AND branches >= 0", name=op.f("ck_directory_standings_counts")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_directory_standings_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", name=op.f("pk_directory_standings")),
    )
    op.create_table(
        "listings",
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("handle", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("summary", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("website", sa.String(length=300), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("link", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=40), nullable=False),
        sa.Column("review_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL) AND (state <> 'withdrawn' OR reason <> '')",
            name=op.f("ck_listings_withdrawn"),
        ),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_listings_mode")),
        sa.CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name=op.f("ck_listings_state")),
        sa.ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name=op.f("fk_listings_vendors")),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_listings")),
        sa.UniqueConstraint("vendor_id", "mode", "handle", name=op.f("uq_listings_vendor_id_mode_handle")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_listings_vendor_id_mode_public_id")),
    )
    op.create_index("ix_listings_handle", "listings", ["handle"], unique=False)
    op.create_index("ix_listings_public", "listings", ["public_id"], unique=False)
    op.create_index("ix_listings_to_review", "listings", ["id"], unique=False, postgresql_where="review_asked_at IS NOT NULL")
    op.create_table(
        "branches",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("postcode", sa.String(length=20), nullable=False),
        sa.Column("town", sa.String(length=80), nullable=False),
        sa.Column("country", sa.CHAR(length=2), nullable=False),
        sa.Column("lat_e6", sa.Integer(), nullable=True),
        sa.Column("lon_e6", sa.Integer(), nullable=True),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.Column("exceptions", postgresql.JSONB(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_branches_mode")),
        sa.CheckConstraint("(lat_e6 IS NULL) = (lon_e6 IS NULL)", name=op.f("ck_branches_position_whole")),
        sa.CheckConstraint(
            "lat_e6 BETWEEN -90000000 AND 90000000 AND lon_e6 BETWEEN -180000000 AND 180000000", name=op.f("ck_branches_position")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "listing_id"], ["listings.vendor_id", "listings.mode", "listings.id"], name=op.f("fk_branches_listings")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_branches")),
        sa.UniqueConstraint("vendor_id", "mode", "listing_id", "slug", name=op.f("uq_branches_vendor_id_mode_listing_id_slug")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_branches_vendor_id_mode_public_id")),
    )
    op.create_table(
        "listing_images",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("alt", sa.String(length=200), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("webp", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_listing_images_mode")),
        sa.CheckConstraint("state IN ('waiting', 'ready')", name=op.f("ck_listing_images_state")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "listing_id"],
            ["listings.vendor_id", "listings.mode", "listings.id"],
            name=op.f("fk_listing_images_listings"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_listing_images")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_listing_images_vendor_id_mode_public_id")),
    )
    op.create_index("ix_listing_images_in_order", "listing_images", ["vendor_id", "mode", "listing_id", "position"], unique=False)
    op.create_index("ix_listing_images_public", "listing_images", ["public_id"], unique=False)
    op.create_table(
        "products",
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_products_mode")),
        sa.CheckConstraint("state IN ('draft', 'published')", name=op.f("ck_products_state")),
        sa.CheckConstraint("price_minor >= 0", name=op.f("ck_products_price")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "listing_id"], ["listings.vendor_id", "listings.mode", "listings.id"], name=op.f("fk_products_listings")
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "id", name=op.f("pk_products")),
        sa.UniqueConstraint("vendor_id", "mode", "public_id", name=op.f("uq_products_vendor_id_mode_public_id")),
    )
    op.create_index("ix_products_by_listing", "products", ["vendor_id", "mode", "listing_id", "id"], unique=False)
    op.create_table(
        "listing_image_sizes",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("width", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("webp", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_listing_image_sizes_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "image_id"],
            ["listing_images.vendor_id", "listing_images.mode", "listing_images.id"],
            name=op.f("fk_listing_image_sizes_listing_images"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "image_id", "width", name=op.f("pk_listing_image_sizes")),
    )
    categories = sa.table(
        "directory_categories",
        sa.column("slug"),
        sa.column("position"),
        sa.column("names", postgresql.JSONB),
        sa.column("schema_type"),
        sa.column("attributes", postgresql.JSONB),
    )
    op.bulk_insert(categories, json.loads(CATEGORIES.read_text()))


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("listing_image_sizes")
    op.drop_table("products")
    op.drop_table("listing_images")
    op.drop_table("branches")
    op.drop_table("listings")
    op.drop_table("directory_standings")
    op.drop_table("directory_categories")
