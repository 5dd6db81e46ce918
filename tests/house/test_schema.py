"""The schema: one head, the same as the models, there and back again; every tenant's key begins with the vendor."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Table, create_engine

import core.tables  # noqa: F401  (knows every model)
from core.kernel.db import Base

ROOT = Path(__file__).resolve().parents[2]
TABLES = sorted(Base.metadata.tables.values(), key=lambda table: table.name)

# Tables that belong to no vendor, and why.
NOT_A_TENANTS = {
    "vendors": "the vendors themselves",
    "users": "a person may work for several vendors",
    "user_sessions": "a browser's session belongs to a person, and says which vendor they look at",
    "refresh_tokens": "of a session, and found before it is known whose",
    "vendor_slugs": "an address is looked up before it is known whose it is; a slug is one vendor's in the whole house",
    "pay_hosts": "a request names a host before it is known whose it is; a name is one vendor's in the whole house",
    "staff": "people of the platform, who belong to no vendor",
    "staff_sessions": "their browsers",
    "staff_looks": "the same browsers, where they show a vendor's own pages; it says which",
    "second_factors": "a person's device opens every vendor they work for",
    "recovery_codes": "so do their codes for when it is lost",
    "passkeys": "and so do their passkeys",
    "passkey_challenges": "before somebody has signed in nobody knows for whom",
    "half_sign_ins": "before somebody has signed in nobody knows for whom",
    "email_links": "a person's address is verified, not a vendor's",
    "provider_events": "an event belongs to nobody until a worker has opened it",
    "bank_expectations": "a transfer is found by what a payer wrote on it, before anybody knows whose it is",
    "bank_files": "the platform's bank sends them",
    "bank_statements": "of the platform's accounts, which take money for every vendor",
    "bank_lines": "a line belongs to nobody until a worker has read it",
    "bank_orders": "the platform's bank makes them, and they are found by what a statement says",
    "recon_files": "a processor's report speaks of every vendor at once",
    "recon_layouts": "and so is how they are read",
    "recon_lines": "a line belongs to nobody until it is matched",
    "recon_settlements": "a processor's payout to the platform's bank is of many vendors",
    "recon_exceptions": "what does not agree may be anybody's; whose book it is about stands in it",
    "recon_notes": "the trail of an exception",
    "recon_runs": "one look goes through the books of every vendor",
    "bank_status_reports": "each is about a file of the platform's, with the orders of many vendors",
    "refused_status_reports": "and so is what of it could not be taken",
    "bank_order_files": "they are carried to the platform's bank, with the orders of many vendors in each",
    "ledger_days": "a day is closed over the books of every vendor at once",
    "day_papers": "and so is its paper",
    "ledger_proof_runs": "one run goes through the books of every vendor",
    "directory_categories": "the same kinds of business for every vendor; a reference table",
    "directory_schemas": "and which attributes they had in each version",
    "directory_reasons": "what the staff write to every vendor",
    "directory_words": "the vocabulary of the whole directory, with which mistyped words are compared",
    "directory_pulse": "one number for the whole public directory, in a few slots",
    "reference_rates": "a rate is what the central bank said, for everybody",
    "risk_rule_sets": "the house’s rules about every vendor’s payments",
    "risk_list_entries": "who is let through or refused, whoever sells",
    "ledger_chart": "the same accounts in every book; a reference table",
}
# Keys of tenants' tables that do not begin with the vendor, and why.
EXCEPTIONS = {"memberships.fk_memberships_users": "people are not a vendor's: users is a reference table"}


def tenants() -> list[Table]:
    return [table for table in TABLES if table.name not in NOT_A_TENANTS]


def test_every_exception_is_still_needed() -> None:
    assert set(NOT_A_TENANTS) <= {table.name for table in TABLES}
    assert not any("vendor_id" in [c.name for c in table.primary_key] for table in TABLES if table.name in NOT_A_TENANTS)


@pytest.mark.parametrize("table", tenants(), ids=lambda table: table.name)
def test_every_key_of_a_tenants_table_begins_with_the_vendor(table: Table) -> None:
    keys = {str(table.primary_key.name): [c.name for c in table.primary_key]}
    keys |= {str(c.name): [column.name for column in c.columns] for c in table.constraints if hasattr(c, "columns") and len(c.columns)}
    keys |= {str(index.name): [c.name for c in index.columns] for index in table.indexes if index.unique}
    wrong = {
        name: columns
        for name, columns in keys.items()
        if columns[0] != "vendor_id" and not name.startswith("ck_") and f"{table.name}.{name}" not in EXCEPTIONS
    }
    assert wrong == {}


@pytest.mark.parametrize("table", [t for t in tenants() if "mode" in t.columns], ids=lambda table: table.name)
def test_test_and_live_stand_apart_in_every_key(table: Table) -> None:
    """The mode comes second, right behind the vendor, and nothing but test and live is a mode."""
    assert [c.name for c in table.primary_key][:2] == ["vendor_id", "mode"]
    assert any(str(c.name).endswith("_mode") for c in table.constraints)
    for foreign in table.foreign_key_constraints:
        assert "mode" in [c.name for c in foreign.columns] or foreign.referred_table.name == "vendors"


def test_there_is_one_head() -> None:
    assert len(script().get_heads()) == 1


def test_every_migration_follows_the_one_before() -> None:
    order = [revision.revision for revision in script().walk_revisions()]
    assert order == sorted(order, reverse=True)
    assert [Path(r.path).name.split("_")[0] for r in script().walk_revisions()] == order


def migrations() -> Config:
    made = Config(stdout=io.StringIO())
    made.set_main_option("script_location", str(ROOT / "migrations"))
    made.set_main_option("path_separator", "os")
    return made


def script() -> ScriptDirectory:
    return ScriptDirectory.from_config(migrations())


# --- on a database of its own --------------------------------------------------------------------------------------------


@pytest.fixture
def scratch(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The addresses of an empty database, which are also those in the environment."""
    name = f"scratch_{secrets.token_hex(4)}"
    plain = environment["MIGRATION_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {name}")
    made = {variable: environment[variable].rpartition("/")[0] + f"/{name}" for variable in ("DATABASE_URL", "MIGRATION_DATABASE_URL")}
    for variable, address in made.items():
        monkeypatch.setenv(variable, address)
    yield made
    with psycopg.connect(plain, autocommit=True) as owner:
        owner.execute(f"DROP DATABASE {name} WITH (FORCE)")


def objects(scratch: dict[str, str]) -> set[Any]:
    """Everything of ours in the database: tables, functions, triggers, indexes, constraints."""
    with psycopg.connect(scratch["MIGRATION_DATABASE_URL"].replace("+psycopg", "")) as owner:
        return set(
            owner.execute(
                """SELECT 'relation', relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace
                   UNION ALL SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
                   UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
                   UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"""
            ).fetchall()
        )


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_migrations_go_up_down_and_up_again_and_agree_with_the_models(scratch: dict[str, str]) -> None:
    command.upgrade(migrations(), "head")
    first = objects(scratch)
    command.downgrade(migrations(), "base")
    assert {(kind, name) for kind, name, _ in objects(scratch)} == {
        ("relation", "alembic_version"), ("relation", "alembic_version_pkc"),
        ("constraint", "alembic_version_pkc"), ("constraint", "alembic_version_version_num_not_null"),
    }  # fmt: skip
    command.upgrade(migrations(), "head")
    assert objects(scratch) == first
    engine = create_engine(scratch["MIGRATION_DATABASE_URL"])
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata) == []
    engine.dispose()


def test_the_serving_role_may_post_to_the_books_and_not_write_them(environment: dict[str, str]) -> None:
    with psycopg.connect(environment["DATABASE_URL"].replace("+psycopg", "")) as app:
        rights = {
            table.name: {
                right
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
                if app.execute("SELECT has_table_privilege(%s, %s)", (table.name, right)).fetchone() == (True,)
            }
            for table in TABLES
        }
    books = {"ledger_chart", "journals", "entries", "balances"}
    history = {"payment_events", "audit_entries", "chain_links", "chain_anchors", "day_papers"}
    assert {name for name, may in rights.items() if may == {"SELECT"}} == books
    assert {name for name, may in rights.items() if may == {"SELECT", "INSERT"}} == history
    assert all(may == {"SELECT", "INSERT", "UPDATE", "DELETE"} for name, may in rights.items() if name not in books | history)
