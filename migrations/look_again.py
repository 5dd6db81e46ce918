"""`python -m migrations.look_again`: what 0076 wrote for the search, once more, after processes older than it have stopped writing listings."""

from __future__ import annotations

import os
from importlib import import_module

import psycopg

from migrations.steps import walk


def main() -> None:
    """Go through all entries in steps, as the role that migrates."""
    marks = import_module("migrations.versions.0076_search_marks")
    url = os.environ.get("MIGRATION_DATABASE_URL") or os.environ["DATABASE_URL"]
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True) as connection:
        walk(connection, marks.FILL, most=marks.MOST)


if __name__ == "__main__":
    main()
