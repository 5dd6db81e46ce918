"""Long exports: each row once whatever arrives meanwhile or dies, progress that is true, and a file that is let go in time."""

from __future__ import annotations

import csv
import io
import secrets
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from core.accounts.models import Membership
from core.kernel import clock
from core.kernel.clock import frozen
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.outbox import OutboxTask
from core.kernel.signing import TokenRefused
from core.notifications.models import Message
from core.payments import long_export
from core.payments.export import payments_sheet
from core.payments.export_models import Export, ExportPiece
from core.payments.export_narrow import narrow_from_plain, narrow_to_plain
from core.payments.export_shelf import ExportNotReady, export_file, export_state, export_token, open_export
from core.payments.lists import PaymentFilter
from core.payments.long_export import TooManyExports, is_long, prune_exports, request_export, write_next
from tests.factories import Shop, ask_refund, fresh, make_colleague, make_link, make_paid, make_payment, make_shop, unit
from workers.exports import write_export


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows to a piece, so that a handful of payments is a long list."""
    monkeypatch.setattr(long_export, "PIECE_ROWS", 2)
    monkeypatch.setattr(long_export, "AT_ONCE", 3)


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def ask(shop: Shop, subject: str = "payments", kept: dict[str, Any] | None = None, token: str | None = None) -> Export:
    with unit(shop.app):
        return request_export(
            shop.vendor, "test", subject=subject, file_format="csv", kept=kept or {}, language="en", by=shop.user.public_id,
            form_token=token or secrets.token_urlsafe(18),
        )  # fmt: skip


def step(shop: Shop, export: Export) -> bool:
    with unit(shop.app):
        return write_next(shop.vendor.id, "test", export.id)


def run(shop: Shop, export: Export) -> Export:
    with shop.app.app_context():
        write_export(shop.vendor.id, mode="test", export=str(export.id))
    return fresh(shop, export)


def rows_of(shop: Shop, export: Export) -> list[dict[str, str]]:
    with shop.app.app_context():
        whole = b"".join(export_file(fresh(shop, export), None)).decode()
    return list(csv.DictReader(io.StringIO(whole)))


def letters(shop: Shop, kind: str) -> list[Message]:
    with shop.app.app_context():
        return list(db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)))


def count_pieces(shop: Shop, export: Export) -> int:
    with shop.app.app_context():
        return (
            db.session.scalar(select(func.count()).where(ExportPiece.vendor_id == shop.vendor.id, ExportPiece.export_id == export.id)) or 0
        )


def test_the_file_holds_the_rows_of_the_list_newest_first_and_whoever_asked_is_told(shop: Shop) -> None:
    paid = [make_paid(shop) for _ in range(5)]
    make_paid(make_shop(shop.app))
    with unit(shop.app):
        assert is_long(shop.vendor, "test", "payments", {}) and not is_long(shop.vendor, "live", "payments", {})
    done = run(shop, ask(shop))
    assert (done.state, done.done_rows, done.total_rows, done.pieces) == ("ready", 5, 5, 3)
    assert [row["reference"] for row in rows_of(shop, done)] == [one.reference for one in reversed(paid)]
    (letter,) = letters(shop, "export_ready")
    assert letter.recipient == shop.email and letter.params == {"export": done.public_id}


def test_payments_that_arrive_while_it_is_written_neither_double_nor_drop_a_row(shop: Shop) -> None:
    before = [make_paid(shop) for _ in range(5)]
    export = ask(shop)
    seen = []
    while step(shop, export):
        now_ = fresh(shop, export)
        seen.append((now_.state, now_.done_rows, now_.total_rows))
        make_payment(shop)
    assert seen == [("running", 2, 5), ("running", 4, 5)]
    assert [row["reference"] for row in rows_of(shop, export)] == [one.reference for one in reversed(before)]


def test_a_full_last_piece_ends_with_an_empty_one(shop: Shop) -> None:
    for _ in range(4):
        make_payment(shop)
    done = run(shop, ask(shop))
    assert (done.state, done.done_rows, done.pieces) == ("ready", 4, 2) and len(rows_of(shop, done)) == 4


@pytest.mark.parametrize("subject", ["refunds", "customers"])
def test_the_other_lists_go_the_same_way(shop: Shop, subject: str) -> None:
    for number in range(3):
        ask_refund(shop, make_paid(shop, email=f"c{number}-{secrets.token_hex(4)}@example.com"), "1.00")
    done = run(shop, ask(shop, subject))
    assert done.state == "ready" and len(rows_of(shop, done)) == done.done_rows
    assert done.done_rows == (3 if subject == "refunds" else done.total_rows)


def test_the_filters_come_back_as_they_were(shop: Shop) -> None:
    link = make_link(shop)
    whole = PaymentFilter(
        text="a", status="succeeded", method="visa", currency="GBP", email="a@example.com", link=link, since=clock.now(), until=clock.now(),
        least=1, most=2,
    )  # fmt: skip
    with unit(shop.app):
        again = narrow_from_plain(shop.vendor, "test", narrow_to_plain(whole))
        assert again.link and again.link.id == link.id
        plain = narrow_to_plain(whole)
        assert narrow_to_plain(again) == plain and plain["link"] == link.public_id
    make_payment(shop, link)
    make_payment(shop)
    done = run(shop, ask(shop, kept={"link": link.public_id}))
    assert [row["link"] for row in rows_of(shop, done)] == [link.public_id]


def test_a_worker_that_dies_between_pieces_is_followed_by_one_that_goes_on(shop: Shop) -> None:
    paid = [make_payment(shop) for _ in range(5)]
    export = ask(shop)
    assert step(shop, export)
    with pytest.raises(KeyboardInterrupt), unit(shop.app):  # killed after it wrote, before it committed
        write_next(shop.vendor.id, "test", export.id)
        raise KeyboardInterrupt
    assert fresh(shop, export).done_rows == 2
    done = run(shop, export)
    assert [row["reference"] for row in rows_of(shop, done)] == [one.reference for one in reversed(paid)]


def test_two_workers_at_once_write_each_row_once(shop: Shop) -> None:
    paid = [make_payment(shop) for _ in range(9)]
    export = ask(shop)
    crew = [threading.Thread(target=run, args=(shop, export)) for _ in range(3)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join(60)
    assert [row["reference"] for row in rows_of(shop, export)] == [one.reference for one in reversed(paid)]
    assert fresh(shop, export).pieces == count_pieces(shop, export) and len(letters(shop, "export_ready")) == 1


def test_what_takes_long_goes_on_in_another_turn(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.exports.TURN", timedelta(0))
    for _ in range(3):
        make_payment(shop)
    export = ask(shop)
    with unit(shop.app):
        db.session.execute(text("DELETE FROM outbox WHERE vendor_id = :id"), {"id": shop.vendor.id})
    assert run(shop, export).state == "running"
    with unit(shop.app):
        mine = select(OutboxTask).where(OutboxTask.vendor_id == shop.vendor.id, OutboxTask.job == "write_export")
        assert [task.args["export"] for task in db.session.scalars(mine)] == [str(export.id)]


def test_a_file_that_cannot_be_written_says_so_after_some_tries(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    make_payment(shop)
    export = ask(shop)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(long_export, "write_piece", broken)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            run(shop, export)
        assert fresh(shop, export).state == "waiting"
    given_up = run(shop, export)
    assert (given_up.state, given_up.failure_reason) == ("failed", "could_not_be_written") and len(letters(shop, "export_failed")) == 1
    assert run(shop, export).state == "failed" and len(letters(shop, "export_failed")) == 1


def test_whoever_may_not_export_any_more_gets_no_file(shop: Shop) -> None:
    for _ in range(3):
        make_payment(shop)
    colleague = make_colleague(shop, "accountant")
    export = ask(colleague)
    assert step(shop, export)
    with unit(shop.app):
        seat = db.session.get_one(Membership, (shop.vendor.id, colleague.user.id))
        seat.role = "support"
    assert not step(shop, export)
    refused = fresh(shop, export)
    assert (refused.state, refused.failure_reason) == ("failed", "not_allowed") and count_pieces(shop, export) == 0
    assert letters(shop, "export_failed") == [] == letters(shop, "export_ready")


def test_one_form_is_one_export_and_there_is_a_limit(shop: Shop) -> None:
    with pytest.raises(Refusal, match="nothing to export"):
        ask(shop)
    make_payment(shop)
    token = secrets.token_urlsafe(18)
    assert ask(shop, token=token).id == ask(shop, token=token).id
    ask(shop)
    ask(shop)
    with pytest.raises(TooManyExports):
        ask(shop)


def test_it_is_let_go_when_its_days_are_over(shop: Shop) -> None:
    make_payment(shop)
    done = run(shop, ask(shop))
    with unit(shop.app):
        token = export_token(shop.vendor, done)
        assert open_export(shop.vendor, token).id == done.id
        with pytest.raises(TokenRefused):
            open_export(shop.vendor, token[:-2] + ("aa" if token[-2:] != "aa" else "bb"))
        with pytest.raises(Refusal, match="no such export"):
            open_export(make_shop(shop.app).vendor, token)
    with frozen(clock.now() + timedelta(days=7, seconds=1)), unit(shop.app):
        assert export_state(fresh(shop, done)) == "expired"
        with pytest.raises(ExportNotReady):
            open_export(shop.vendor, token)
        while prune_exports(100):
            pass
    assert fresh(shop, done).state == "expired" and count_pieces(shop, done) == 0


def test_whoever_has_begun_to_read_reads_to_the_end(shop: Shop) -> None:
    for _ in range(5):
        make_payment(shop)
    done = run(shop, ask(shop))
    with shop.app.app_context():
        reading: Iterator[bytes] = export_file(done, None)
        first = next(reading)
    with unit(shop.app):
        db.session.execute(text("DELETE FROM export_pieces WHERE export_id = :id"), {"id": done.id})
    with shop.app.app_context():
        assert len((first + b"".join(reading)).decode().splitlines()) == 6


def test_a_piece_is_the_same_bytes_as_the_list_at_once(shop: Shop) -> None:
    for name in ("=1+1", 'a "quoted", name', "two\nlines"):
        made = make_paid(shop)
        with unit(shop.app):
            db.session.execute(text("UPDATE payments SET payer_name = :name WHERE id = :id"), {"name": name, "id": made.id})
    done = run(shop, ask(shop))
    with shop.app.app_context():
        assert b"".join(export_file(done, None)) == b"".join(payments_sheet(shop.vendor, "test", PaymentFilter()))
    assert isinstance(done.last_row, uuid.UUID)
