"""A line that is told twice is compared by what it says, not by a digest of that, for PostgreSQL reads reports by itself; and the indexes of lines
and matches are those that cost least where every line of a report is written, matched twice and marked."""

from __future__ import annotations

from hashlib import blake2b

import sqlalchemy as sa
from alembic import op

revision = "0078"
down_revision = "0077"
# As the digests of before were made; what wrote them compares them again.
SAYS = "concat_ws('|', category, currency, gross_minor, fee_minor, net_minor, source_id)"


def upgrade() -> None:
    """Build it."""
    op.drop_column("recon_lines", "digest")
    op.drop_index("ix_recon_lines_source_id", "recon_lines")
    op.drop_index("ix_recon_matches_line", "recon_matches")
    op.create_index("ix_recon_lines_source", "recon_lines", ["source_id"], postgresql_using="hash", postgresql_where="source_id <> ''")
    op.create_index("ix_recon_matches_external", "recon_matches", ["external_id"], postgresql_using="hash")
    op.create_index("ix_recon_matches_at", "recon_matches", ["at"], postgresql_using="brin")
    op.execute("ALTER INDEX pk_recon_lines SET (fillfactor = 50)")  # room for the second row that a line becomes when it is matched


def downgrade() -> None:
    """Take it away again. PostgreSQL has no BLAKE2: the digests are made here, a thousand at a time."""
    op.execute("ALTER INDEX pk_recon_lines RESET (fillfactor)")
    op.drop_index("ix_recon_matches_at", "recon_matches")
    op.drop_index("ix_recon_matches_external", "recon_matches")
    op.drop_index("ix_recon_lines_source", "recon_lines")
    op.create_index("ix_recon_matches_line", "recon_matches", ["mode", "source", "external_id"])
    op.create_index("ix_recon_lines_source_id", "recon_lines", ["mode", "source", "source_id"])
    op.add_column("recon_lines", sa.Column("digest", sa.CHAR(32), nullable=True))
    bind = op.get_bind()
    some = sa.text(f"SELECT mode, source, external_id, {SAYS} FROM recon_lines WHERE digest IS NULL LIMIT 1000")
    write = sa.text("UPDATE recon_lines SET digest = :digest WHERE mode = :mode AND source = :source AND external_id = :external_id")
    while rows := bind.execute(some).all():
        bind.execute(
            write, [{"mode": row[0], "source": row[1], "external_id": row[2], "digest": blake2b(row[3].encode(), digest_size=16).hexdigest()} for row in rows]
        )  # fmt: skip
    op.alter_column("recon_lines", "digest", nullable=False)
