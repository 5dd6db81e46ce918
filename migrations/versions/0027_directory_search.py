"""What the public search reads: entries, places, known words by their three-letter pieces, and the number for caches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Build it."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # trusted: whoever owns the database may
    op.create_table(
        "directory_pulse",
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_directory_pulse")),
    )
    op.create_table(
        "directory_words",
        sa.Column("word", sa.String(length=40, collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_directory_words")),
    )
    op.create_index(
        "ix_directory_words_like",
        "directory_words",
        ["word"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )
    op.create_table(
        "directory_entries",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("named", postgresql.TSVECTOR(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("facts", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("card", postgresql.JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_directory_entries_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "listing_id"],
            ["listings.vendor_id", "listings.mode", "listings.id"],
            name=op.f("fk_directory_entries_listings"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "listing_id", name=op.f("pk_directory_entries")),
    )
    op.create_index("ix_directory_entries_category", "directory_entries", ["mode", "category", "listing_id"], unique=False)
    op.create_index("ix_directory_entries_facts", "directory_entries", ["facts"], unique=False, postgresql_using="gin")
    op.create_index("ix_directory_entries_named", "directory_entries", ["named"], unique=False, postgresql_using="gin")
    op.create_index("ix_directory_entries_newest", "directory_entries", ["mode", "listing_id"], unique=False)
    op.create_index("ix_directory_entries_words", "directory_entries", ["words"], unique=False, postgresql_using="gin")
    op.create_table(
        "directory_places",
        sa.Column("vendor_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=4), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("listing_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("town", sa.String(length=80), nullable=False),
        sa.Column("postcode", sa.String(length=20), nullable=False),
        sa.Column("lat_e6", sa.Integer(), nullable=True),
        sa.Column("lon_e6", sa.Integer(), nullable=True),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("week", postgresql.INT4MULTIRANGE(), nullable=False),
        sa.Column("cover", postgresql.INT4MULTIRANGE(), nullable=False),
        sa.Column("special", postgresql.INT4MULTIRANGE(), nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_directory_places_mode")),
        sa.ForeignKeyConstraint(
            ["vendor_id", "mode", "listing_id"],
            ["listings.vendor_id", "listings.mode", "listings.id"],
            name=op.f("fk_directory_places_listings"),
        ),
        sa.PrimaryKeyConstraint("vendor_id", "mode", "branch_id", name=op.f("pk_directory_places")),
    )
    op.create_index("ix_directory_places_listing", "directory_places", ["vendor_id", "mode", "listing_id"], unique=False)
    op.create_index("ix_directory_places_position", "directory_places", ["mode", "lat_e6", "lon_e6"], unique=False)
    op.create_index("ix_directory_places_town", "directory_places", ["mode", "town"], unique=False)


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("directory_places")
    op.drop_table("directory_entries")
    op.drop_table("directory_words")
    op.drop_table("directory_pulse")
    op.execute("DROP EXTENSION IF EXISTS pg_trgm")
