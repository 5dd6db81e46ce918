"""A question put to the driver answers with rows of the session, like any other: they can be changed, locked and are the same everywhere."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import ARRAY, String, any_, bindparam, func, inspect, literal, select, text, update
from sqlalchemy.exc import OperationalError

from core.accounts.models import Vendor
from core.kernel.ask import Question, ask_again, ask_for
from core.kernel.db import db, driver, finish_unit, locked
from core.kernel.lines import LendingPool, Line
from core.kernel.rows import numbered
from core.payments.models import Attempt, Payment, PaymentLink
from tests.factories import make_link, make_payment, make_shop

LINK = Question(
    select(Vendor, PaymentLink).join(PaymentLink, PaymentLink.vendor_id == Vendor.id).where(PaymentLink.public_id == bindparam("link"))
)
PAYMENT = Question(
    select(Payment, Attempt)
    .outerjoin(Attempt, (Attempt.vendor_id == Payment.vendor_id) & (Attempt.mode == Payment.mode) & (Attempt.payment_id == Payment.id))
    .where(Payment.public_id == bindparam("payment"))
)


def test_it_answers_what_the_session_would(app: Flask) -> None:
    shop = make_shop(app)
    link = make_link(shop, amount=None, suggestions_minor=[500, 1000])
    with app.app_context():
        found = LINK.first(link=link.public_id)
        assert found is not None
        asked = [{c.key: getattr(row, c.key) for c in inspect(type(row)).column_attrs} for row in found]
        db.session.remove()
        row = db.session.execute(LINK.statement, {"link": link.public_id}).one()
        assert asked == [{c.key: getattr(one, c.key) for c in inspect(type(one)).column_attrs} for one in row]


def test_it_answers_none_when_there_is_nothing(app: Flask) -> None:
    with app.app_context():
        assert LINK.first(link="lnk_" + secrets.token_hex(11)) is None
        assert not db.session().in_transaction()


def test_an_outer_join_that_finds_nothing_is_none(app: Flask) -> None:
    shop = make_shop(app)
    payment = make_payment(shop, make_link(shop))
    with app.app_context():
        found = PAYMENT.first(payment=payment.public_id)
        assert found is not None and found[0].public_id == payment.public_id and found[1] is None


def test_what_it_found_can_be_changed_and_thrown_away(app: Flask) -> None:
    shop = make_shop(app)
    link = make_link(shop)
    for keep, title in ((False, "Sourdough course"), (True, "Rye")):
        with app.app_context():
            _, mine = LINK.first(link=link.public_id) or ()
            mine.title = "Rye"
            finish_unit(keep=keep)
        with app.app_context():
            assert db.session.scalar(select(PaymentLink.title).where(PaymentLink.public_id == link.public_id)) == title


def test_a_lock_reads_the_same_row_anew(app: Flask) -> None:
    shop = make_shop(app)
    link = make_link(shop)
    with app.app_context():
        _, mine = LINK.first(link=link.public_id) or ()
        with db.engine.begin() as other:
            other.execute(update(PaymentLink).where(PaymentLink.public_id == link.public_id).values(title="Rye"))
        fresh = locked(PaymentLink, mine.vendor_id, mine.mode, mine.id)
        assert fresh is mine and mine.title == "Rye"


def test_within_a_unit_it_sees_what_was_written_in_it(app: Flask) -> None:
    shop = make_shop(app)
    link = make_link(shop)
    with app.app_context():
        _, mine = LINK.first(link=link.public_id) or ()
        mine.title = "Rye"
        _, again = LINK.first(link=link.public_id) or ()
        assert again is mine and again.title == "Rye"


def test_after_a_unit_has_ended_the_rows_it_held_are_still_the_same_ones(app: Flask) -> None:
    shop = make_shop(app)
    link = make_link(shop)
    with app.app_context():
        vendor, mine = LINK.first(link=link.public_id) or ()
        finish_unit(keep=True)
        again = LINK.first(link=link.public_id)
        assert again is not None and again[0] is vendor and again[1] is mine


def test_plain_columns_may_stand_behind_the_rows(app: Flask) -> None:
    shop = make_shop(app)
    link = make_link(shop)
    counted = select(func.count()).select_from(Payment).where(Payment.link_id == PaymentLink.id).scalar_subquery()
    asked = Question(select(PaymentLink, counted).where(PaymentLink.public_id == bindparam("link")))
    make_payment(shop, link)
    with app.app_context():
        found = asked.first(link=link.public_id)
        assert found is not None and found[0].public_id == link.public_id and found[1:] == (1,)


def test_rows_do_not_stand_behind_plain_columns(app: Flask) -> None:
    mixed = Question(select(Vendor.name, Vendor).where(Vendor.id == bindparam("vendor")))
    with app.app_context(), pytest.raises(ValueError, match="whole rows come first"):
        mixed.all(vendor=make_shop(app).vendor.id)


def test_only_plain_questions_are_taken() -> None:
    with pytest.raises(ValueError, match="neither locks"):
        Question(select(Payment).with_for_update())
    with pytest.raises(ValueError, match="neither locks"):
        Question(select(func.nextval("x")))


def test_a_connection_that_breaks_is_the_database_being_away(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed under our hands, after the pool has looked at it: refused as SQLAlchemy refuses, and the next question gets another."""
    shop = make_shop(app)
    link = make_link(shop)
    with app.app_context():
        lend = LendingPool.lend

        def hang_up(pool: LendingPool) -> tuple[Any, Line]:
            entry, line = lend(pool)
            mine = entry.dbapi_connection.info
            with psycopg.connect(mine.dsn, password=mine.password, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 2000)", (mine.backend_pid,))
            return entry, line

        with monkeypatch.context() as patched, pytest.raises(OperationalError):
            patched.setattr(LendingPool, "lend", hang_up)
            LINK.first(link=link.public_id)
        assert LINK.first(link=link.public_id) is not None


def test_a_question_that_depends_on_its_values_is_planned_for_each(app: Flask) -> None:
    """A text that the driver prepares is soon planned for values nobody knows."""
    usual, anew = (f"SELECT name FROM vendors WHERE public_id = %(one)s AND {sign} = {sign}" for sign in (1, 2))
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"
    with app.app_context():
        for number in range(12):
            assert driver().execute(usual, {"one": f"nobody {number}"}).fetchall() == []
            assert ask_for(anew, {"one": f"nobody {number}"}) == []
        count = [driver().execute(prepared, (f"%{sign} = {sign}",), prepare=False).fetchone()[0] for sign in (1, 2)]
    assert count == [1, 0]


def test_a_question_that_has_one_best_way_is_kept(app: Flask) -> None:
    asked, kept = (
        "SELECT name FROM vendors WHERE public_id = %(one)s AND 3 = 3",
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s",
    )
    with app.app_context():
        driver()
        for number in range(3):
            assert ask_again(asked, {"one": f"nobody {number}"}) == []
        assert driver().execute(kept, ("%3 = 3",), prepare=False).fetchone()[0] == 1


@pytest.mark.parametrize("ask", [ask_for, ask_again])
def test_it_is_asked_in_no_transaction_and_a_wrong_one_says_so(
    app: Flask, ask: Callable[[str, dict[str, Any]], list[tuple[Any, ...]]]
) -> None:
    with app.app_context():
        assert ask("SELECT %(one)s || ' and ' || %(one)s, %(two)s::int %% 5", {"one": "this", "two": 7}) == [("this and this", 2)]
        assert not db.session().in_transaction()
        with pytest.raises(psycopg.errors.UndefinedTable):
            ask("SELECT FROM no_such_table WHERE %(one)s = ''", {"one": "x"})
        assert ask("SELECT 1 WHERE %(one)s = 'x'", {"one": "x"}) == [(1,)]


def test_it_sees_what_the_unit_has_written(app: Flask) -> None:
    shop, name = make_shop(app), secrets.token_hex(8)
    with app.app_context():
        db.session.get_one(Vendor, shop.vendor.id).name = name
        assert ask_for("SELECT name FROM vendors WHERE public_id = %(one)s", {"one": shop.vendor.public_id}) == [(name,)]
        finish_unit(keep=False)


def test_a_list_that_never_changes_is_asked_with_like_any_other(app: Flask) -> None:
    states = any_(literal(["created", "processing"], ARRAY(String)))
    asked = Question(select(Payment).where(Payment.public_id == bindparam("payment"), Payment.state == states))
    other = Question(select(Payment.mode).where(Payment.public_id == bindparam("payment"), Payment.state.like("100%")))
    shop = make_shop(app)
    payment = make_payment(shop, make_link(shop))
    with app.app_context():
        for _ in range(2):
            found = asked.first(payment=payment.public_id)
            assert found is not None and found[0].state == "created"
            assert other.all(payment=payment.public_id) == []
            db.session.execute(select(Payment.mode).limit(1))  # the second time within the unit's own connection
    assert numbered("a = %(a)s AND b = %(b)s AND a < %(a)s AND c LIKE '%%'") == ("a = $1 AND b = $2 AND a < $1 AND c LIKE '%'", ("a", "b"))


def test_a_question_asked_by_itself_leaves_no_transaction_and_survives_a_rollback(app: Flask) -> None:
    shop = make_shop(app)
    link = make_link(shop)
    with app.app_context():
        for _ in range(3):
            assert LINK.first(link=link.public_id) is not None and not db.session().in_transaction()
            with db.engine.connect() as connection:  # whatever was prepared on it is swept away by the driver
                connection.execute(text("DEALLOCATE ALL"))
        db.engine.dispose()  # no later test gets such a connection
