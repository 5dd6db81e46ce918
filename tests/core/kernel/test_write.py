"""Rows put straight into their tables are the rows the session would have written, and the session knows of them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from psycopg.errors import CheckViolation, UniqueViolation
from sqlalchemy import event, func, inspect, select, text

from core.kernel.ask import Search
from core.kernel.clock import now
from core.kernel.db import TransactionOpen, db, finish_unit, locked, unit_begun, unit_of_work
from core.kernel.ids import public_id, spoken_reference, uuid7
from core.kernel.outbox import OutboxTask, enqueue, task_row
from core.kernel.write import Unwritten, add_row, add_rows, keep_changes, keep_if_unchanged
from core.payments.history import line, note
from core.payments.link import new_link
from core.payments.link_terms import LinkTerms
from core.payments.models import Attempt, Payment, PaymentEvent, PaymentLink
from tests.factories import Shop, make_link, make_payment, make_shop, open_payment

BY_ID = Search(Payment, rest="FROM payments WHERE vendor_id = %s AND mode = %s AND id = %s FOR UPDATE OF payments")


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def key_of(payment: Any) -> tuple[object, str, object]:
    return payment.vendor_id, payment.mode, payment.id


def held(payment: Payment) -> dict[str, object]:
    return {c.key: getattr(payment, c.key) for c in inspect(Payment).column_attrs}


def stored(payment: Payment) -> Payment:
    with unit_of_work():
        db.session.expire_all()
        return db.session.get_one(Payment, key_of(payment))


def test_a_row_is_what_the_session_would_have_written(app: Flask) -> None:
    wanted = task_row("nothing", uuid7(), queue="papers", due_in=3600, name='Zoë \N{SNOWMAN} "quoted"', number=7, nothing=None)
    with app.app_context():
        with unit_of_work():
            add_rows((OutboxTask, [wanted]))
            usual = enqueue(
                "nothing", wanted["vendor_id"], queue="papers", due_in=3600, name='Zoë \N{SNOWMAN} "quoted"', number=7, nothing=None
            )
        with unit_of_work():
            one = db.session.get_one(OutboxTask, (wanted["vendor_id"], wanted["id"]))
            assert {c.key: getattr(one, c.key) for c in inspect(OutboxTask).column_attrs} == {**wanted, "last_error": None}
            assert one.args == usual.args
            db.session.delete(one)
            db.session.delete(db.session.get_one(OutboxTask, (usual.vendor_id, usual.id)))


def test_rows_of_several_tables_are_one_journey(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop))
    with app.app_context(), unit_of_work():
        fresh = locked(Payment, *key_of(payment))
        seen: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *said: seen.append(said[2]))
        events = [line(fresh, "one", actor="system"), line(fresh, "two", actor="system", cause="x", why=None, what=1)]
        task = task_row("nothing", payment.vendor_id, queue="papers", due_in=3600)
        add_rows((PaymentEvent, events), (OutboxTask, [task]), (PaymentEvent, []))
        assert seen == []  # by the session's way nothing went
        found = db.session.scalars(
            select(PaymentEvent)
            .where(PaymentEvent.payment_id == payment.id, PaymentEvent.kind.in_(("one", "two")))
            .order_by(PaymentEvent.seq)
        )
        assert [(one.kind, one.detail, one.cause, one.at) for one in found] == [
            ("one", {}, "", events[0]["at"]),
            ("two", {"what": 1}, "x", events[1]["at"]),
        ]
        assert db.session.scalar(select(func.count()).where(OutboxTask.id == task["id"])) == 1
        db.session.delete(db.session.get_one(OutboxTask, (payment.vendor_id, task["id"])))


def another(row: dict[str, Any]) -> dict[str, Any]:
    """A payment of the same form as this one, and in nothing else the same."""
    return row | {"id": uuid7(), "public_id": public_id("pay"), "reference": spoken_reference(), "token_id": public_id("tok")}


def test_a_row_that_is_there_already_is_left_alone(app: Flask, shop: Shop) -> None:
    first = make_payment(shop, make_link(shop))
    with app.app_context():
        with unit_of_work():
            row = held(db.session.get_one(Payment, key_of(first)))
            assert add_row(Payment, {**row, "id": uuid7(), "amount_minor": 1}, unless="vendor_id, mode, form_token") is None
            new = another(row) | {"form_token": "f" + str(uuid7())}
            made = add_row(Payment, new, unless="vendor_id, mode, form_token")
            assert made is db.session.get(Payment, key_of(made)) and held(made) == new
        assert held(stored(made)) == new


@pytest.mark.parametrize("model", [Payment, PaymentLink, Attempt])
def test_a_row_that_was_added_is_as_the_table_has_it_also_where_nothing_was_named(app: Flask, shop: Shop, model: type[Any]) -> None:
    link = make_link(shop)
    payment = make_payment(shop, link)
    with app.app_context():
        like = {Payment: payment, PaymentLink: link, Attempt: open_payment(shop, payment)}[model]
        with unit_of_work():
            row = db.session.get_one(model, key_of(like))
            named = {column.key: getattr(row, column.key) for column in model.__table__.columns if column.server_default is None}
            new = named | {name: value for name, value in another(named).items() if name in named}
            new |= {"form_token": "f" + str(uuid7())} if model is Payment else {}
            new |= {"number": 2, "state": "declined"} if model is Attempt else {}
            made = add_row(model, new)
            seen = {column.key: getattr(made, column.key) for column in model.__table__.columns}
        with unit_of_work():
            db.session.expire_all()
            kept = db.session.get_one(model, key_of(made))
            assert {name: getattr(kept, name) for name in seen} == seen


def test_what_is_not_written_yet_is_written_in_its_order_with_what_became_known_of_it(app: Flask, shop: Shop) -> None:
    first = make_payment(shop, make_link(shop))
    with app.app_context(), unit_of_work():
        new = another(held(db.session.get_one(Payment, key_of(first)))) | {"form_token": "f" + str(uuid7())}
        terms = LinkTerms(title="Made with it", currency="GBP", amount_minor=1000)
        link, rows = new_link(shop.vendor, mode="test", by="api", terms=terms)
        new["link_id"] = link.id
        lines = [
            {"vendor_id": new["vendor_id"], "mode": "test", "payment_id": new["id"], "seq": seq, "kind": "payment.created", "to_state": "created", "actor": "a", "cause": "", "detail": {}, "at": now()}
            for seq in (1, 2)
        ]  # fmt: skip
        unwritten = Unwritten(model=Payment, row=new, before=rows, said_of_it=[(PaymentEvent, lines[:1])])
        unwritten.write((PaymentEvent, lines[1:]))
        told = text("SELECT subject FROM event_drafts WHERE subject IN (:link, :payment) ORDER BY number")
        subjects = list(db.session.scalars(told, {"link": str(link.id), "payment": str(new["id"])}))
        assert subjects == [str(link.id), str(new["id"]), str(new["id"])]
        with pytest.raises(UniqueViolation), db.session.begin_nested():
            unwritten.write()


def test_what_was_not_written_because_something_before_it_was_not_is_said(app: Flask, shop: Shop) -> None:
    first = make_payment(shop, make_link(shop))
    with app.app_context(), unit_of_work():
        there = held(db.session.get_one(Payment, key_of(first)))
        new = another(there) | {"form_token": "f" + str(uuid7())}
        with pytest.raises(RuntimeError, match="payments"):
            Unwritten(model=Payment, row=new, before=[(Payment, [there], "ON CONFLICT DO NOTHING")]).write()


def test_rows_said_of_one_that_is_there_already_are_not_added(app: Flask, shop: Shop) -> None:
    first = make_payment(shop, make_link(shop))
    with app.app_context(), unit_of_work():
        row = held(db.session.get_one(Payment, key_of(first)))
        new = another(row)

        def said_of(of: dict[str, Any]) -> dict[str, Any]:
            return {"vendor_id": of["vendor_id"], "mode": of["mode"], "payment_id": of["id"], "seq": 1, "kind": "k", "actor": "a", "cause": "", "detail": {}, "at": now()}  # fmt: skip

        def lines_of(of: dict[str, Any]) -> int:
            return int(db.session.scalar(select(func.count()).where(PaymentEvent.payment_id == of["id"], PaymentEvent.kind == "k")) or 0)

        assert add_row(Payment, new, unless="vendor_id, mode, form_token", within=[(PaymentEvent, [said_of(new)])]) is None
        assert lines_of(new) == 0
        other = new | {"form_token": "f" + str(uuid7())}
        assert add_row(Payment, other, unless="vendor_id, mode, form_token", within=[(PaymentEvent, [said_of(other)])]) is not None
        assert lines_of(other) == 1


def test_what_the_table_refuses_is_refused(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop))
    with app.app_context():
        with pytest.raises(CheckViolation), unit_of_work():
            fresh = locked(Payment, *key_of(payment))
            fresh.amount_minor = 0
            keep_changes(fresh)
        assert stored(payment).amount_minor == payment.amount_minor


@pytest.mark.parametrize("keep", [True, False])
def test_changes_are_written_at_once_and_belong_to_the_unit(app: Flask, shop: Shop, keep: bool) -> None:
    payment = make_payment(shop, make_link(shop))
    with app.app_context():
        fresh = locked(Payment, *key_of(payment))
        fresh.payer_country, fresh.key_values, fresh.captured_at = "GB", {"a": "ü"}, now()
        wanted = held(fresh)
        keep_changes(fresh, beside=[(PaymentEvent, [line(fresh, "changed", actor="system")])])
        wanted |= {"version": fresh.version, "updated_at": fresh.updated_at}
        assert fresh not in db.session.dirty and held(fresh) == wanted
        assert held(BY_ID.all(*key_of(payment))[0][0]) == wanted
        finish_unit(keep=keep)
        told = held(stored(payment))
        assert told == (wanted if keep else held(payment))


def test_what_is_written_within_a_savepoint_is_taken_back_with_it(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop))
    with app.app_context(), unit_of_work():
        fresh = locked(Payment, *key_of(payment))
        inner = db.session.begin_nested()
        fresh.payer_country = "GB"
        note(fresh, "taken_back", actor="system")
        keep_changes(fresh)
        inner.rollback()
        assert (fresh.payer_country, fresh.version) == (None, payment.version)
        assert db.session.scalar(select(func.count()).where(PaymentEvent.payment_id == payment.id, PaymentEvent.kind == "taken_back")) == 0


def test_a_search_answers_with_the_row_in_hand_and_what_stands_in_the_table_now(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop))
    with app.app_context():
        with unit_of_work():
            mine = db.session.get_one(Payment, key_of(payment))
        with db.engine.begin() as other:
            other.execute(Payment.__table__.update().where(Payment.__table__.c.id == payment.id).values(payer_name="Grace"))
        with unit_of_work():
            [(again,)] = BY_ID.all(*key_of(payment))
            assert again is mine and mine.payer_name == "Grace" and mine not in db.session.dirty


GUARDED = ("state", "version")


def test_a_row_that_is_all_of_its_unit_stands_at_once(app: Flask, shop: Shop) -> None:
    first = make_payment(shop, make_link(shop))
    with app.app_context():
        with unit_of_work():
            row = another(held(db.session.get_one(Payment, key_of(first))))
        assert add_row(Payment, row, unless="vendor_id, mode, form_token", by_itself=True) is None  # that form has been sent
        assert not unit_begun()
        added = add_row(Payment, row | {"form_token": public_id("tok")}, unless="vendor_id, mode, form_token", by_itself=True)
        assert added is not None and not unit_begun()
        finish_unit(keep=False)
        assert held(stored(added)) == held(added)


def test_a_row_that_is_not_all_of_its_unit_goes_with_it(app: Flask, shop: Shop) -> None:
    first = make_payment(shop, make_link(shop))
    with app.app_context():
        with unit_of_work():
            row = another(held(locked(Payment, *key_of(first)))) | {"form_token": public_id("tok")}
            assert add_row(Payment, row, unless="vendor_id, mode, form_token", by_itself=True) is not None
            finish_unit(keep=False)
        with unit_of_work():
            assert db.session.get(Payment, (row["vendor_id"], row["mode"], row["id"])) is None


def test_what_nobody_has_touched_since_is_kept_in_one_journey_without_a_lock(app: Flask, shop: Shop) -> None:
    with app.app_context():
        with unit_of_work():
            payment = db.session.get_one(Payment, key_of(make_payment(shop, make_link(shop))))
        told = line(payment, "payment.looked_at", actor="system")
        payment.payer_name = 'Zoë "quoted"'
        assert keep_if_unchanged((payment, GUARDED), beside=[(PaymentEvent, [told])])
        assert not inspect(payment).modified
        finish_unit(keep=False)  # it stands by itself already
        kept = stored(payment)
        assert (kept.payer_name, kept.version) == ('Zoë "quoted"', told["seq"])
        events = select(PaymentEvent.kind).where(PaymentEvent.payment_id == payment.id, PaymentEvent.seq == told["seq"])
        assert list(db.session.scalars(events)) == ["payment.looked_at"]


def test_of_what_somebody_has_changed_meanwhile_nothing_is_written_and_it_is_read_anew(app: Flask, shop: Shop) -> None:
    with app.app_context():
        with unit_of_work():
            first = make_payment(shop, make_link(shop))
            open_payment(shop, first)
            payment = db.session.get_one(Payment, key_of(first))
            attempt = db.session.scalars(select(Attempt).where(Attempt.payment_id == first.id)).one()
        with app.app_context(), unit_of_work():  # somebody else
            theirs = locked(Payment, *key_of(payment))
            note(theirs, "payment.looked_at", actor="system")
        told = line(payment, "payment.twice_numbered", actor="system")
        payment.payer_name, attempt.inquiries = "Nobody", 77
        assert not keep_if_unchanged((payment, GUARDED), (attempt, ("state",)), beside=[(PaymentEvent, [told])])
        assert (payment.payer_name, attempt.inquiries) == (first.payer_name, 0)
        events = select(PaymentEvent.kind).where(PaymentEvent.payment_id == payment.id, PaymentEvent.seq == told["seq"])
        assert list(db.session.scalars(events)) == ["payment.looked_at"]


def test_what_is_kept_by_itself_is_no_part_of_a_unit_that_could_still_be_thrown_away(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop))
    with app.app_context(), unit_of_work():
        mine = locked(Payment, *key_of(payment))
        mine.payer_name = "Nobody"
        with pytest.raises(TransactionOpen):
            keep_if_unchanged((mine, GUARDED))
        finish_unit(keep=False)
