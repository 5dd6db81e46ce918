"""What a row was before it was changed PostgreSQL tells since version 18: an older server settles batches by the text from before, and the same."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine

from core.payments.settle import settle_many
from tests.core.payments.settled import journals, told_of
from tests.core.payments.test_settle_alike import by_itself, in_a_batch, outcome_of, written
from tests.factories import Shop, make_payment, open_payment, unit

migration = importlib.import_module("migrations.versions.0098_settled_as_they_were")
THERE, BACK = (migration.LOCKED_FIRST, migration.AS_FOUND), (migration.AS_FOUND, migration.LOCKED_FIRST)


@contextmanager
def migrating(environment: dict[str, str]) -> Iterator[Connection]:
    engine = create_engine(environment["MIGRATION_DATABASE_URL"])
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        yield connection
    engine.dispose()


@pytest.fixture
def as_before(environment: dict[str, str], shop: Shop) -> Iterator[None]:
    """The function has the text that an older server keeps."""
    with migrating(environment):
        migration._reword(*BACK)
    yield
    with migrating(environment):
        migration._reword(*THERE)


def text_of(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SELECT pg_get_functiondef('settle_payments'::regproc)").scalar_one())


@pytest.mark.usefixtures("as_before")
def test_an_older_server_keeps_a_text_that_it_understands(environment: dict[str, str]) -> None:
    with migrating(environment) as connection:
        connection.dialect.server_version_info = (17, 6)
        migration._reword(*THERE)
        assert "old." not in text_of(connection) and "FOR UPDATE OF r" in text_of(connection)
        migration._reword(*BACK)


@pytest.mark.usefixtures("as_before")
def test_a_server_that_was_older_when_it_was_migrated_goes_back_all_the_same(environment: dict[str, str]) -> None:
    with migrating(environment) as connection:
        before = text_of(connection)
        migration._reword(*BACK)
        assert text_of(connection) == before


@pytest.mark.usefixtures("as_before")
def test_the_text_from_before_books_the_same(shop: Shop) -> None:
    seen = []
    for number, way in enumerate((by_itself, in_a_batch)):
        payment = make_payment(shop)
        attempt = open_payment(shop, payment)
        assert way(shop, payment, attempt, outcome_of(payment, f"ch_{number}", {"card_brand": "visa", "card_last4": "4242"})) == "settled"
        seen.append(written(shop, payment))
    assert seen[0] == seen[1]
    twice = make_payment(shop)
    with unit(shop.app):
        assert sorted(settle_many([told_of(shop, twice, None, f"ch_{which}") for which in "ab"])) == ["second_charge", "settled"]
    assert journals(shop, twice) == ["capture", "unexpected capture"]
