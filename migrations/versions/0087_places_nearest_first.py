"""Places are found nearest first; those of one kind in one town newest first; and words together with where they are: so a page costs what
is on it, and not what lies around.

The indexes are built while everybody goes on writing; one that was left half built is built anew. The one of words alone goes when the
one that takes its place is there.
"""

from __future__ import annotations

from migrations.steps import each_by_itself

revision = "0087"
down_revision = "0086"

FINE = "((lat_e6 + 90000000) >> 16) * 8192 + ((lon_e6 + 180000000) >> 16)"
WIDE = "'-1'::integer - (((lat_e6 + 90000000) >> 18) * 8192 + ((lon_e6 + 180000000) >> 18))"
INDEXES = {
    "ix_directory_places_spot": "directory_places USING gist (point(lon_e6, lat_e6))",
    "ix_directory_places_kind": "directory_places (mode, town, category, listing_id, vendor_id)",
    "ix_directory_places_words_squares": f"directory_places USING gin (words, (ARRAY[{FINE}, {WIDE}]))",
}
WORDS = "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_directory_places_words ON directory_places USING gin (words)"


def upgrade() -> None:
    """Build them; of what the planner should know of the squares it is told at once."""
    with each_by_itself() as connection:
        for name, of in INDEXES.items():
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            connection.execute(f"CREATE INDEX CONCURRENTLY {name} ON {of}")
        connection.execute("ANALYZE directory_places")
        connection.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_directory_places_words")


def downgrade() -> None:
    """Back to the one of words alone."""
    with each_by_itself() as connection:
        connection.execute(WORDS)
        for name in INDEXES:
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
