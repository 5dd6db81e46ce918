"""Statements: whatever happened, opening and lines make the closing, month after month, and the last closing is the balance."""

from __future__ import annotations

import csv
import io
import itertools
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text

from core.kernel.clock import frozen
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.marks import mark_balances
from core.ledger.queries import balances, find_breaks
from core.ledger.statement import Statement, StatementDoesNotAddUp, balance_at, make_statement, statement_lines, statement_sheet
from tests.factories import Shop, ask_refund, fresh, make_link, make_paid, make_shop, release_all, tell_refund, unit

NOT_YET = datetime(2126, 1, 1, tzinfo=UTC)
MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in (6, 7, 8, 9)]


def a_past(shop: Shop, dice: random.Random, currency: str = "GBP") -> None:
    """Three months of payments, refunds of every end, and releases, at random moments."""
    link = make_link(shop, amount="37.10" if currency != "JPY" else "3710", currency=currency, kind="reusable")
    moments = sorted(MONTHS[0] + timedelta(minutes=dice.randrange(0, 90 * 24 * 60)) for _ in range(14))
    for at in moments:
        with frozen(at):
            paid = make_paid(shop, link)
        with frozen(at + timedelta(days=dice.choice((0, 3, 9)))):
            if dice.random() < 0.4:
                release_all(shop.app)
            if dice.random() < 0.6:
                part = dice.choice(("1.11", "10.00", "37.10")) if currency != "JPY" else "700"
                refund = ask_refund(shop, fresh(shop, paid), part)
                tell_refund(shop, refund, dice.choice(("succeeded", "failed", "pending")), failure_reason=None)


def statements(shop: Shop, currency: str = "GBP") -> list[Statement]:
    with unit(shop.app):
        return [make_statement(shop.vendor, "test", currency, since, until) for since, until in itertools.pairwise(MONTHS)] + [
            make_statement(shop.vendor, "test", currency, MONTHS[-1], NOT_YET)
        ]


def own(shop: Shop, currency: str = "GBP") -> Money:
    """What the seller has by the balances PostgreSQL keeps."""
    total = Money(0, currency)
    with unit(shop.app):
        for (name, _, code), amount in balances(shop.vendor, "test").items():
            if code == currency and name in ("seller_pending", "seller_available", "seller_hold"):
                total = total + amount
    return total


@pytest.mark.parametrize(("seed", "currency"), [(1, "GBP"), (2, "JPY"), (3, "KWD"), (4, "GBP")])
def test_opening_and_lines_make_the_closing_and_the_next_opening(app: Flask, seed: int, currency: str) -> None:
    shop, dice = make_shop(app), random.Random(seed)
    a_past(shop, dice, currency)
    before = statements(shop, currency)
    assert before[0].opening == Money(0, currency) and before[-1].closing == own(shop, currency)
    for one, following in itertools.pairwise(before):
        assert one.closing == following.opening
    assert any(statement.moved for statement in before)
    with unit(app):
        mark_balances(date(2026, 7, 14))
    with unit(app):
        mark_balances(date(2026, 8, 20))
    assert statements(shop, currency) == before, "marks make it quicker, not different"


def test_all_lines_over_all_pages_add_up_and_so_does_the_sheet(app: Flask) -> None:
    shop = make_shop(app)
    a_past(shop, random.Random(11))
    for statement in statements(shop):
        with unit(app):
            total, after, pages = Money(0, "GBP"), None, 0
            while True:
                lines, after = statement_lines(shop.vendor, "test", statement, after=after, limit=3)
                for line in lines:
                    assert line.net == line.gross + line.fee
                    total = total + line.net
                pages += 1
                if after is None:
                    break
            assert total == statement.moved and (pages > 1 or len(lines) < 4)
            rows = list(csv.DictReader(io.StringIO(b"".join(statement_sheet(shop.vendor, "test", statement)).decode())))
        assert Decimal(rows[0]["balance"]) == Decimal(statement.opening.decimal_text)
        assert Decimal(rows[-1]["balance"]) == Decimal(statement.closing.decimal_text)
        assert sum((Decimal(row["net"]) for row in rows[1:-1]), Decimal(0)) == Decimal(statement.moved.decimal_text)
        if len(rows) > 2:
            assert rows[-2]["balance"] == rows[-1]["balance"]


def test_a_payment_a_refund_and_their_fees_read_as_people_think_of_them(app: Flask) -> None:
    shop = make_shop(app)
    with frozen(MONTHS[0] + timedelta(days=1)):
        paid = make_paid(shop, make_link(shop, amount="100.00"))
        ask_refund(shop, paid, "10.00")
    with unit(app):
        statement = make_statement(shop.vendor, "test", "GBP", MONTHS[0], MONTHS[1])
    told = {part.kind: (str(part.gross), str(part.fee), str(part.net)) for part in statement.totals}
    assert told == {"capture": ("GBP 100.00", "GBP -1.50", "GBP 98.50"), "refund requested": ("GBP -10.00", "GBP 0.15", "GBP -9.85")}


def test_a_mark_that_is_wrong_is_an_alarm_and_never_a_statement(app: Flask) -> None:
    shop = make_shop(app)
    a_past(shop, random.Random(5))
    with unit(app):
        mark_balances(date(2026, 8, 1))
    broken = {"vendor": shop.vendor.id}
    with unit(app):
        db.session.execute(
            text("UPDATE balance_marks SET amount_minor = amount_minor + 1 WHERE vendor_id = :vendor AND code = 2010"), broken
        )
    with unit(app):
        assert any("mark of a day" in sentence for sentence in find_breaks())
        with pytest.raises(StatementDoesNotAddUp):
            make_statement(shop.vendor, "test", "GBP", MONTHS[1], MONTHS[2])
    with unit(app):
        db.session.execute(text("DELETE FROM balance_marks WHERE vendor_id = :vendor"), broken)


def test_another_vendors_lines_and_the_other_world_are_not_in_it(app: Flask) -> None:
    shop, theirs = make_shop(app), make_shop(app)
    with frozen(MONTHS[0] + timedelta(days=2)):
        make_paid(theirs)
    with unit(app):
        for mode in ("test", "live"):
            assert not make_statement(shop.vendor, mode, "GBP", MONTHS[0], MONTHS[1]).totals
        assert not make_statement(theirs.vendor, "live", "GBP", MONTHS[0], MONTHS[1]).totals
        assert balance_at(theirs.vendor, "test", "GBP", MONTHS[1]) == Money(2462, "GBP")
