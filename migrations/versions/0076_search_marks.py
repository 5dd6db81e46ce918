"""The search finds a town, and a price to an eighth of its size, by the facts of an entry; a place knows of its listing what it is judged by,
and an entry the hours of its only branch.

Listings may be many. So this goes by small steps, each committed by itself: nobody waits for longer than a moment, and where it was
interrupted it goes on.
"""

from __future__ import annotations

from alembic import op

from migrations.steps import ANY_TIME, PATIENCE, each_by_itself, walk

revision = "0076"
down_revision = "0075"

MOST = 1_000  # entries in a step
COLUMNS = """
    ALTER TABLE directory_places ADD COLUMN IF NOT EXISTS category varchar(40) NOT NULL DEFAULT '',
        ADD COLUMN IF NOT EXISTS words tsvector NOT NULL DEFAULT '', ADD COLUMN IF NOT EXISTS facts text[] NOT NULL DEFAULT '{}';
    ALTER TABLE directory_entries ADD COLUMN IF NOT EXISTS time_zone varchar(60) NOT NULL DEFAULT '',
        ADD COLUMN IF NOT EXISTS week int4multirange NOT NULL DEFAULT '{}', ADD COLUMN IF NOT EXISTS cover int4multirange NOT NULL DEFAULT '{}',
        ADD COLUMN IF NOT EXISTS special int4multirange NOT NULL DEFAULT '{}'"""

# The next entries by their key, after the last one of the step before; what is answered is where the step after begins. Each row is written once.
# Marks are written as core/directory/prices.py and core/directory/towns.py write them; one that is there already stays as it is.
FILL = """
    WITH step AS MATERIALIZED (
        SELECT e.* FROM directory_entries e WHERE (e.vendor_id, e.mode, e.listing_id) > (%(vendor_id)s, %(mode)s, %(id)s)
        ORDER BY e.vendor_id, e.mode, e.listing_id LIMIT %(most)s),
    minors AS (
        SELECT e.vendor_id, e.mode, e.listing_id, one.currency, price.minor,
               length(ltrim(CAST(CAST(price.minor AS bit(64)) AS text), '0')) AS size
        FROM step e, jsonb_each_text(e.prices) AS one(currency, written),
             unnest(CAST(one.written AS int8multirange)) AS span, generate_series(lower(span), upper(span) - 1) AS price(minor)),
    marks AS (
        SELECT vendor_id, mode, listing_id, '~' || currency || ':' || size || '/'
               || ((CASE WHEN size > 4 THEN minor >> (size - 4) ELSE minor << (4 - size) END) & 7) AS mark FROM minors
        UNION SELECT p.vendor_id, p.mode, p.listing_id, '@' || p.town FROM step e JOIN directory_places p USING (vendor_id, mode, listing_id)
              WHERE p.town <> ''),
    together AS (SELECT vendor_id, mode, listing_id, array_agg(mark) AS marks FROM marks GROUP BY 1, 2, 3),
    places AS (
        UPDATE directory_places p SET category = e.category, words = e.words,
               facts = ARRAY(SELECT one FROM unnest(e.facts) AS one WHERE one NOT LIKE '@%%' AND one NOT LIKE '~%%')
        FROM step e WHERE (p.vendor_id, p.mode, p.listing_id) = (e.vendor_id, e.mode, e.listing_id)),
    entries AS (
        UPDATE directory_entries e SET facts = ARRAY(SELECT one FROM unnest(e.facts || t.marks) AS one GROUP BY one ORDER BY one COLLATE "C"),
               time_zone = coalesce(p.time_zone, ''), week = coalesce(p.week, '{}'), cover = coalesce(p.cover, '{}'),
               special = coalesce(p.special, '{}')
        FROM step s LEFT JOIN together t USING (vendor_id, mode, listing_id)
        LEFT JOIN directory_places p ON (p.vendor_id, p.mode, p.listing_id) = (s.vendor_id, s.mode, s.listing_id) AND NOT EXISTS (
            SELECT FROM directory_places o WHERE o.vendor_id = p.vendor_id AND o.mode = p.mode AND o.listing_id = p.listing_id
                                                 AND o.branch_id <> p.branch_id)
        WHERE (e.vendor_id, e.mode, e.listing_id) = (s.vendor_id, s.mode, s.listing_id))
    SELECT vendor_id, mode, listing_id FROM step ORDER BY vendor_id DESC, mode DESC, listing_id DESC LIMIT 1"""


def upgrade() -> None:
    """Build it."""
    with each_by_itself() as connection:
        connection.execute(PATIENCE)
        connection.execute(COLUMNS)
        connection.execute(ANY_TIME)
        walk(connection, FILL, most=MOST)
        connection.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_directory_places_town_named")
        connection.execute("CREATE INDEX CONCURRENTLY ix_directory_places_town_named ON directory_places (mode, town, town_name)")
        connection.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_directory_places_town")
        connection.execute("ALTER INDEX ix_directory_places_town_named RENAME TO ix_directory_places_town")


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
