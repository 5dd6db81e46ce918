"""The chain over the log of who did what: every line of every vendor, and no erasure or pruning breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from core.accounts.prune import prune_origins
from core.customers.queries import find_customer
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.ids import uuid7
from core.ledger.chain import AUDIT, Key, extend
from core.ledger.chain_check import added_afterwards, chain_breaks
from core.ledger.chain_models import Chain
from core.payments.personal_data import erase_person
from tests.core.ledger.conftest import Connect
from tests.core.ledger.days import everybody_has_ended
from tests.factories import make_paid, make_shop, unit

Connection = psycopg.Connection[Any]
TABLES = {"audit_entries": ("audit_keep", "audit_keep_all"), "chain_links": ("chain_links_keep", "chain_links_keep_all")}


def link_all(key: Key = AUDIT) -> None:
    everybody_has_ended()
    more = True
    while more:
        with unit_of_work():
            more = extend(key, sweep=True)


def said() -> list[str]:
    with unit_of_work():
        return chain_breaks(*AUDIT[:2]) + added_afterwards(*AUDIT[:2])


@contextmanager
def guards_down(owner: Connection) -> Iterator[None]:
    for table in TABLES:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table, names in TABLES.items():
        for name in names:
            owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    owner.commit()


@pytest.fixture
def line(unit: None, connect: Connect) -> Iterator[dict[str, Any]]:
    """One line of the log, linked; as it was, for whoever changes it."""
    vendor = uuid7()
    with unit_of_work():
        audit.record(vendor, actor="usr_x", action="test.done", subject="x", reason="Ünïcode | and\nlines", changes={"a": [1, None]})
    link_all()
    assert said() == []
    owner = connect("owner")
    row = dict(zip(("vendor_id", "id", "actor", "detail"), owner.execute(
        "SELECT vendor_id, id, actor, detail::text FROM audit_entries WHERE vendor_id = %s", (vendor,)).fetchone() or (), strict=True))  # fmt: skip
    owner.commit()
    yield row
    with guards_down(owner):
        owner.execute("DELETE FROM audit_entries WHERE vendor_id = %(vendor_id)s AND id <> %(id)s", row)
        owner.execute(
            "UPDATE audit_entries SET actor = %(actor)s, action = 'test.done', subject = 'x', detail = %(detail)s::jsonb WHERE id = %(id)s", row
        )  # fmt: skip


def the_actor(c: Connection, row: dict[str, Any]) -> None:
    c.execute("UPDATE audit_entries SET actor = 'usr_other' WHERE id = %(id)s", row)


def a_word_of_the_reason(c: Connection, row: dict[str, Any]) -> None:
    c.execute("""UPDATE audit_entries SET detail = detail || '{"reason": "another"}' WHERE id = %(id)s""", row)


def a_line_pushed_in_between(c: Connection, row: dict[str, Any]) -> None:
    c.execute(
        """INSERT INTO audit_entries (vendor_id, id, actor, action, subject, detail, at, xid)
           VALUES (%(vendor_id)s, gen_random_uuid(), 'usr_x', 'a', 'b', '{}', now(), '3')""", row
    )  # fmt: skip


ATTACKS: dict[Callable[[Connection, dict[str, Any]], None], str] = {
    the_actor: "is not what it was when it was linked",
    a_word_of_the_reason: "is not what it was when it was linked",
    a_line_pushed_in_between: "was added afterwards",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda made: made.__name__)
def test_a_line_that_was_changed_or_pushed_in_is_found(
    attack: Callable[[Connection, dict[str, Any]], None], connect: Connect, line: dict[str, Any]
) -> None:
    owner = connect("owner")
    with guards_down(owner):
        attack(owner, line)
    found = said()
    assert len(found) == 1 and ATTACKS[attack] in found[0]


def test_the_command_says_it_in_words_and_fails(app: Any, connect: Connect, line: dict[str, Any]) -> None:
    runner = app.test_cli_runner()
    assert "every row is as it was when it was linked" in runner.invoke(args=["verify-chain"]).output
    owner = connect("owner")
    with guards_down(owner):
        the_actor(owner, line)
    told = runner.invoke(args=["verify-chain"])
    assert told.exit_code == 1 and f"line of the audit log {line['id']}" in told.output
    assert f"line of the audit log {line['id']}" in runner.invoke(args=["audit"]).output


def test_erasing_a_payer_and_letting_go_of_addresses_break_no_chain(app: Flask) -> None:
    shop = make_shop(app)
    paid = make_paid(shop, email="somebody.to.forget@example.com")
    with unit(shop.app):
        audit.asked_from("192.0.2.7")
        audit.record(shop.vendor.id, actor=shop.user.public_id, action="test.done", subject=paid.public_id)
        audit.asked_from("")
    book = Key(shop.vendor.id, "test")
    with shop.app.app_context():
        link_all(book)
        link_all()
        before = [db.session.get_one(Chain, tuple(key)).hash for key in (book, AUDIT)]
        with unit_of_work():
            erase_person(shop.vendor, find_customer(shop.vendor, "test", paid.email), by=shop.user.public_id)
            db.session.execute(text("UPDATE audit_origins SET at = at - interval '10 years' WHERE vendor_id = :v"), {"v": shop.vendor.id})
        with unit_of_work():
            prune_origins(1000)
            assert db.session.scalar(select(audit.AuditOrigin).where(audit.AuditOrigin.vendor_id == shop.vendor.id)) is None
        with unit_of_work():
            assert chain_breaks(*book[:2]) == [] and chain_breaks(*AUDIT[:2]) == []
        assert before[0] == db.session.get_one(Chain, tuple(book), populate_existing=True).hash
        assert now() - timedelta(hours=1) < db.session.get_one(Chain, tuple(AUDIT)).extended_at
