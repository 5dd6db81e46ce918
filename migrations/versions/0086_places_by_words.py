"""Places are found by their words, and words by their ends: what few have is looked for from there, however wide the circle, and what was
mistyped in its first half by its second.

The indexes are built while everybody goes on writing; one that was left half built is built anew.
"""

from __future__ import annotations

from alembic import op

from migrations.steps import each_by_itself

revision = "0086"
down_revision = "0085"

INDEXES = {
    "ix_directory_places_words": "directory_places USING gin (words)",
    "ix_directory_words_ends": "directory_words (reverse(word))",
}


def upgrade() -> None:
    """Build it."""
    with each_by_itself() as connection:
        for name, of in INDEXES.items():
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            connection.execute(f"CREATE INDEX CONCURRENTLY {name} ON {of}")


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_directory_words_ends", table_name="directory_words")
    op.drop_index("ix_directory_places_words", table_name="directory_places")
