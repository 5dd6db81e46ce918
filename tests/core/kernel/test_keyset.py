"""A list whose length stands in its statement is planned once, and answers as any other."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import Integer, Text, column, select, table, text

from core.kernel.db import db, unit_of_work
from core.kernel.keyset import at_most

ASKED = 30
notes = table("notes_of_a_test", column("who", Text), column("id", Integer))


def test_a_list_is_planned_once_where_its_length_is_part_of_it(app: Flask) -> None:
    with app.app_context(), unit_of_work():
        db.session.execute(
            text("CREATE TEMP TABLE notes_of_a_test ON COMMIT DROP AS SELECT 'w' || n % 20 who, n id FROM generate_series(1, 20000) n")
        )
        db.session.execute(text("CREATE INDEX ON notes_of_a_test (who, id)"))
        db.session.execute(text("ANALYZE notes_of_a_test"))
        for most in (at_most(3), 3):
            for number in range(ASKED):
                theirs = select(notes.c.id).where(notes.c.who == f"w{number % 20}").order_by(notes.c.id.desc()).limit(most)
                found = list(db.session.scalars(theirs))
                assert len(found) == 3 and {one % 20 for one in found} == {number % 20} and found == sorted(found, reverse=True)
        plans = "SELECT statement LIKE '%LIMIT 3', generic_plans > custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT notes_of%'"
        assert {known: kept for known, kept in db.session.execute(text(plans))} == {True: True, False: False}
