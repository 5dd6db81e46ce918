"""A published version of the rules cannot be changed, thrown away or slipped in: attacks straight in SQL, as the owner of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.errors import IntegrityConstraintViolation

from core.risk.rule_sets import draft, drop_draft, published, write_draft
from core.risk.rules import Condition, Rule
from tests.factories import unit
from tests.ruled import BY, put_in_force

LARGE = Rule("Large", (Condition("amount", currency="GBP", minor=40_000),), "review")
COLUMNS = "mode, version, revision, state, rules, made_by, made_at, reason, published_by, published_at"
ATTACKS = {
    "its rules are rewritten": "UPDATE risk_rule_sets SET rules = '[]' WHERE mode = 'test' AND state = 'published'",
    "its reason is rewritten": "UPDATE risk_rule_sets SET reason = 'Another' WHERE mode = 'test' AND state = 'published'",
    "it becomes earlier and changes": "UPDATE risk_rule_sets SET state = 'earlier', rules = '[]' WHERE mode = 'test' AND state = 'published'",
    "it becomes a draft again": (
        "UPDATE risk_rule_sets SET state = 'draft', published_at = NULL WHERE mode = 'test' AND state = 'published'"
    ),
    "it is thrown away": "DELETE FROM risk_rule_sets WHERE mode = 'test' AND state = 'published'",
    "an earlier one is thrown away": "DELETE FROM risk_rule_sets WHERE mode = 'test' AND state = 'earlier'",
    "an earlier one counts again": (
        "UPDATE risk_rule_sets SET state = 'earlier' WHERE mode = 'test' AND state = 'published';"
        "UPDATE risk_rule_sets SET state = 'published' WHERE mode = 'test' AND version = 1"
    ),
    "an earlier one is rewritten": "UPDATE risk_rule_sets SET rules = '[]' WHERE mode = 'test' AND state = 'earlier'",
    "one is slipped in": (
        f"INSERT INTO risk_rule_sets ({COLUMNS}) SELECT mode, 9999, 1, 'earlier', '[]', made_by, made_at, reason, published_by, published_at"
        " FROM risk_rule_sets WHERE mode = 'test' AND state = 'published'"
    ),
    "all are thrown away": "TRUNCATE risk_rule_sets",
}


@pytest.fixture
def owner(app: Flask, environment: dict[str, str]) -> Iterator[psycopg.Connection[Any]]:
    """The owner of the tables, with one version that counts and at least one before it."""
    put_in_force(app)
    put_in_force(app, LARGE)
    with psycopg.connect(environment["MIGRATION_DATABASE_URL"].replace("+psycopg", ""), options="-c lock_timeout=20s") as connection:
        yield connection
        connection.rollback()
    put_in_force(app)


def stand(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute("SELECT * FROM risk_rule_sets ORDER BY mode, version").fetchall()


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_changes_what_was_published(attack: str, role: str, owner: psycopg.Connection[Any]) -> None:
    before = stand(owner)
    owner.commit()
    owner.execute(f"SET session_replication_role = {role}")
    with pytest.raises(IntegrityConstraintViolation):
        owner.execute(ATTACKS[attack])
    owner.rollback()
    assert stand(owner) == before


def test_a_draft_is_written_rewritten_and_thrown_away_and_never_earlier(app: Flask, owner: psycopg.Connection[Any]) -> None:
    with unit(app):
        write_draft("test", [LARGE], revision=0, by=BY)
    with unit(app):
        row = write_draft("test", [], revision=1, by=BY)
        version = row.version
    with pytest.raises(IntegrityConstraintViolation):
        owner.execute("UPDATE risk_rule_sets SET state = 'earlier', published_at = now() WHERE mode = 'test' AND state = 'draft'")
    owner.rollback()
    with pytest.raises(IntegrityConstraintViolation):
        owner.execute("UPDATE risk_rule_sets SET version = 77777 WHERE mode = 'test' AND state = 'draft'")
    owner.rollback()
    with unit(app):
        left = draft("test")
        assert left is not None and left.version == version
        drop_draft("test", revision=left.revision)
        assert draft("test") is None


def test_what_counted_is_earlier_once_another_version_counts_and_otherwise_the_same(app: Flask, owner: psycopg.Connection[Any]) -> None:
    with unit(app):
        before = published("test")
        assert before is not None
        number = before.version
    asked = "SELECT state, to_jsonb(s) - 'state' FROM risk_rule_sets s WHERE mode = 'test' AND version = %s"
    kept = owner.execute(asked, (number,)).fetchone()
    owner.commit()
    put_in_force(app)
    later = owner.execute(asked, (number,)).fetchone()
    assert kept is not None and later is not None
    assert (kept[0], later[0], kept[1] == later[1]) == ("published", "earlier", True)
