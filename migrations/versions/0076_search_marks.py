"""The search finds a town, and a price to an eighth of its size, by the facts of an entry; a place knows of its listing what it is judged by,
and an entry the hours of its only branch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0076"
down_revision = "0075"

# Written as core/directory/prices.py and core/directory/towns.py write them. A mark that is there already stays as it is.
FILL = """
    WITH minors AS (
        SELECT e.vendor_id, e.mode, e.listing_id, one.currency, price.minor,
               length(ltrim(CAST(CAST(price.minor AS bit(64)) AS text), '0')) AS size
        FROM directory_entries e, jsonb_each_text(e.prices) AS one(currency, written),
             unnest(CAST(one.written AS int8multirange)) AS span, generate_series(lower(span), upper(span) - 1) AS price(minor)),
    marks AS (
        SELECT vendor_id, mode, listing_id, '~' || currency || ':' || size || '/'
               || ((CASE WHEN size > 4 THEN minor >> (size - 4) ELSE minor << (4 - size) END) & 7) AS mark FROM minors
        UNION SELECT vendor_id, mode, listing_id, '@' || town FROM directory_places WHERE town <> ''),
    together AS (SELECT vendor_id, mode, listing_id, array_agg(mark) AS marks FROM marks GROUP BY 1, 2, 3)
    UPDATE directory_entries e SET facts = ARRAY(SELECT one FROM unnest(e.facts || t.marks) AS one GROUP BY one ORDER BY one COLLATE "C")
    FROM together t WHERE e.vendor_id = t.vendor_id AND e.mode = t.mode AND e.listing_id = t.listing_id AND NOT e.facts @> t.marks"""

TELL = """
    UPDATE directory_places p SET category = e.category, words = e.words,
           facts = ARRAY(SELECT one FROM unnest(e.facts) AS one WHERE one NOT LIKE '@%' AND one NOT LIKE '~%')
    FROM directory_entries e WHERE e.vendor_id = p.vendor_id AND e.mode = p.mode AND e.listing_id = p.listing_id"""
HOURS = """
    UPDATE directory_entries e SET time_zone = p.time_zone, week = p.week, cover = p.cover, special = p.special
    FROM directory_places p WHERE p.vendor_id = e.vendor_id AND p.mode = e.mode AND p.listing_id = e.listing_id AND NOT EXISTS (
        SELECT FROM directory_places o WHERE o.vendor_id = e.vendor_id AND o.mode = e.mode AND o.listing_id = e.listing_id
                                             AND o.branch_id <> p.branch_id)"""


def upgrade() -> None:
    """Build it."""
    op.execute(FILL)
    op.add_column("directory_places", sa.Column("category", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("directory_places", sa.Column("words", postgresql.TSVECTOR(), nullable=False, server_default=""))
    op.add_column("directory_places", sa.Column("facts", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.execute(TELL)
    op.add_column("directory_entries", sa.Column("time_zone", sa.String(length=60), nullable=False, server_default=""))
    for name in ("week", "cover", "special"):
        op.add_column("directory_entries", sa.Column(name, postgresql.INT4MULTIRANGE(), nullable=False, server_default="{}"))
    op.execute(HOURS)
    op.drop_index("ix_directory_places_town", table_name="directory_places")
    op.create_index("ix_directory_places_town", "directory_places", ["mode", "town", "town_name"])


def downgrade() -> None:
    """Take it away again."""
    for name in ("special", "cover", "week", "time_zone"):
        op.drop_column("directory_entries", name)
    for name in ("facts", "words", "category"):
        op.drop_column("directory_places", name)
    op.drop_index("ix_directory_places_town", table_name="directory_places")
    op.create_index("ix_directory_places_town", "directory_places", ["mode", "town"])
    op.execute("""UPDATE directory_entries SET facts = ARRAY(
                      SELECT one FROM unnest(facts) AS one WHERE one NOT LIKE '@%' AND one NOT LIKE '~%/%')""")
