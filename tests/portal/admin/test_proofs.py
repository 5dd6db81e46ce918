"""Staff have every book proved: by a worker, with progress, its figures kept, an alarm when one is broken; and the clock does it every night."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete, update

from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.kernel.outbox import OutboxTask
from core.ledger.models import Proof, ProofRun
from core.ledger.proof import THE_HOUSE
from core.ledger.proof_run import CLOCK, begin_run, end_run, list_runs, next_book, night_run, note_book
from tests.browser import Browser
from tests.core.ledger.test_breaks import guards_down
from tests.factories import Shop, make_paid, unit
from tests.portal.admin.people import make_staff
from workers import proofs
from workers.schedule import tick

CHANGE = """UPDATE balances SET amount_minor = amount_minor + %s
            WHERE (vendor_id, mode, code, sub, currency, shard) = (SELECT vendor_id, mode, code, sub, currency, shard FROM balances
              WHERE vendor_id = %s ORDER BY code, sub, currency, shard LIMIT 1)"""


@pytest.fixture(autouse=True)
def no_run(app: Flask) -> Iterator[None]:
    """No run goes on, no night has had one, and nobody else's work is in the way."""
    with unit(app):
        db.session.execute(delete(ProofRun))
        db.session.execute(delete(OutboxTask).where(OutboxTask.job == "prove_books"))
        db.session.execute(update(Proof).values(broken_since=None, breaks=[], due_at=now() + timedelta(days=1)))
    yield
    with unit(app):
        db.session.execute(delete(ProofRun))


@pytest.fixture
def desk(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def press(desk: Browser) -> Any:
    return desk.submit(desk.get("/staff/books").form("/staff/books/proofs"))


def test_the_button_has_every_book_proved_and_its_figures_are_kept(shop: Shop, desk: Browser, work: Callable[[], int]) -> None:
    make_paid(shop)
    page = press(desk)
    assert "is being proved now" in page.text and "0 of" in page.text and page.all("progress")
    assert not [e for e in page.all("form") if e.attrs.get("action") == "/staff/books/proofs"], "one run at a time"
    work()
    done = desk.get("/staff/books")
    assert "Staff" in done.text and "whole" in done.text
    with unit(shop.app):
        vendors = db.session.query(Proof).where(Proof.vendor_id != THE_HOUSE).count()
        assert f"{vendors} book" in done.text and "and the platform’s own are proved" in done.text, "the table counts both"
        run = list_runs()[0]
        mine = db.session.get_one(Proof, (shop.vendor.id, "test"))
        assert run.books == run.total == db.session.query(Proof).count() and run.journals >= 1 and run.entries >= 2 * run.journals
        assert mine.proven_at and mine.proven_at >= run.asked_at
    shown = desk.get(f"/staff/books/proofs/{run.public_id}")
    assert "comes to zero" in shown.text or "came to zero" in shown.text
    assert str(run.entries) in shown.text and desk.get("/staff/books/proofs/prf_nothing", status=404)


def test_pressed_twice_it_runs_once(app: Flask, desk: Browser) -> None:
    form = desk.get("/staff/books").form("/staff/books/proofs")
    desk.submit(form)
    assert "being proved already" in desk.submit(form).text
    with unit(app):
        assert len(list_runs()) == 1


def test_a_broken_book_is_an_alarm_on_the_run_on_the_page_and_on_the_first_page(
    shop: Shop, desk: Browser, work: Callable[[], int], environment: dict[str, str]
) -> None:
    make_paid(shop)
    with psycopg.connect(environment["MIGRATION_DATABASE_URL"].replace("+psycopg", "")) as owner:
        with guards_down(owner):
            assert owner.execute(CHANGE, (1, shop.vendor.id)).rowcount == 1
        try:
            press(desk)
            work()
            page = desk.get("/staff/books")
            assert f"Broken books: {shop.vendor.name}, test book" in page.text and "not the sum of its entries" in page.text
            with unit(shop.app):
                run = list_runs()[0]
            assert run.broken >= 1 and any(str(shop.vendor.id) in sentence for sentence in run.breaks)
            assert "broken" in desk.get(f"/staff/books/proofs/{run.public_id}").text
            assert "Broken books" in desk.get("/staff/").text
        finally:
            with guards_down(owner):
                owner.execute(CHANGE, (-1, shop.vendor.id))


def test_a_worker_that_was_killed_or_came_twice_counts_no_book_twice(app: Flask, shop: Shop, work: Callable[[], int]) -> None:
    make_paid(shop)
    with unit(app):
        run = begin_run(by="stf_x")
        assert run
        first = next_book(run)
        assert first and first[0] == THE_HOUSE
    with unit(app):
        assert note_book(run.id, None, first, [], size=(0, 0))
    with unit(app):
        assert not note_book(run.id, None, first, ["a second worker"], size=(5, 5)), "the other one was faster"
    work()
    with app.app_context():
        proofs.prove_books(THE_HOUSE, run=str(run.id))  # a job that comes once more finds nothing to do
    with unit(app):
        kept = list_runs()[0]
        assert kept.ended_at and kept.books == db.session.query(Proof).count() and kept.breaks == []


def test_the_rest_of_a_long_run_waits_its_turn(app: Flask, work: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "AT_A_TIME", timedelta(0))
    with unit(app):
        run = begin_run(by="stf_x")
        assert run
    with app.app_context():
        proofs.prove_books(THE_HOUSE, run=str(run.id))
    with unit(app):
        assert list_runs()[0].books == 0
        assert db.session.query(OutboxTask).filter_by(job="prove_books").count() == 2
    monkeypatch.undo()
    work()
    with unit(app):
        assert list_runs()[0].ended_at


def test_the_clock_proves_them_once_a_night_and_not_before_its_hour(app: Flask) -> None:
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
    begun = []
    for hours in (1, 2, 5, 23, 25, 27):
        with frozen(midnight + timedelta(hours=hours)), unit(app):
            run = night_run()
            begun.append(run is not None)
            if run:
                assert (run.asked_by, run.night) == (CLOCK, now().date())
                end_run(run.id)
    assert begun == [False, True, False, False, False, True]
    with frozen(midnight + timedelta(days=5, hours=3)), app.app_context():
        tick()
    with unit(app):
        assert db.session.query(OutboxTask).filter_by(job="prove_books").count() == 3
        db.session.execute(delete(OutboxTask).where(OutboxTask.job == "prove_books"))


@pytest.mark.parametrize(("role", "sees", "starts"), [("reviewer", False, False), ("finance", True, True), ("superuser", True, True)])
def test_who_may_have_them_proved(app: Flask, role: str, sees: bool, starts: bool) -> None:
    browser = make_staff(app, role).browser()
    page = browser.get("/staff/books", status=200 if sees else 403)
    token = browser.get("/staff/").form("/staff/sign-out").values["csrf_token"]
    assert ("Prove the books now" in page.text) == starts
    assert browser.post("/staff/books/proofs", {"csrf_token": token}).status == (200 if starts else 403)


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_presses_and_watches(
    visitor: Callable[..., Page], app: Flask, live_server: str, work: Callable[[], int], shop: Shop, scripts: bool
) -> None:
    make_paid(shop)
    page = visitor(scripts=scripts, phone=not scripts)
    page.context.add_cookies([{"name": "staff", "value": make_staff(app).secret, "url": live_server}])
    page.goto("/staff/")
    page.get_by_role("link", name="Proofs of the books").click()
    page.get_by_role("button", name="Prove the books now").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    work()
    if not scripts:
        page.reload()
    expect(page.get_by_role("button", name="Prove the books now")).to_be_visible()
    expect(page.get_by_text("whole", exact=True).first).to_be_visible()
