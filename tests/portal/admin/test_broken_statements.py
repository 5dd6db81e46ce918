"""A payout whose statement does not add up: every page of it opens and says so, nothing leaves, staff are alarmed and can call it off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from structlog.testing import capture_logs

from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.models import Paper
from core.payouts.models import Payout
from tests.browser import Browser
from tests.core.payouts.sellers import Seller
from tests.factories import unit
from tests.portal.admin.people import make_staff
from tests.portal.caller import HOME, Caller, problem

LOOKED_AT = "is being looked at by a person of the platform"
BROKEN = "statement does not add up"


@pytest.fixture
def waiting(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> Payout:
    """Above the limit."""
    low = dataclasses.replace(settings(), payout_limits={})
    monkeypatch.setattr("core.payouts.request.settings", lambda: low)
    return seller.pays_out()


@pytest.fixture
def desk(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def spoil(seller: Seller, payout: Payout, column: str = "carried_minor") -> None:
    """The row says more than its lines come to."""
    with unit(seller.shop.app):
        more = f"UPDATE payouts SET lines_minor = lines_minor + 100, {column} = {column} + 100 WHERE vendor_id = :v AND id = :id"
        db.session.execute(text(more), {"v": seller.shop.vendor.id, "id": payout.id})


def alarms(logged: Sequence[MutableMapping[str, Any]]) -> set[tuple[str, str]]:
    return {(line["event"], line.get("payout", "")) for line in logged if line["log_level"] == "error"}


def test_it_is_let_go_by_nobody_and_called_off_by_the_staff(seller: Seller, waiting: Payout, desk: Browser) -> None:
    path = f"/staff/payouts/{waiting.public_id}"
    looked_at = desk.get(path)
    spoil(seller, waiting)
    with capture_logs() as logged:
        page = desk.submit(looked_at.form(f"{path}/approval"), status=409)
    assert f"Its {BROKEN}, so nothing was paid out on it" in page.text and seller.as_it_is(waiting).state == "requested"
    assert alarms(logged) == {("payout_does_not_add_up", waiting.public_id)}
    with capture_logs() as logged:
        page = desk.get(path)
    assert alarms(logged) == {("payout_does_not_add_up", waiting.public_id)}
    assert f"Its {BROKEN}" in page.text and "it comes to what is paid out" not in page.text
    assert f"{path}/approval" not in [form.attrs["action"] for form in page.all("form")]
    wrong = desk.submit(page.form(f"{path}/cancellation"), status=422, reason="")
    desk.submit(wrong.form(f"{path}/cancellation"), reason="It is made anew")
    assert seller.as_it_is(waiting).state == "canceled" and seller.has() == seller.as_it_is(waiting).amount and seller.books_are_whole()
    assert f"Its {BROKEN}" in desk.get(path).text


def test_an_amount_that_the_books_did_not_take_is_not_given_back(seller: Seller, waiting: Payout, desk: Browser) -> None:
    path = f"/staff/payouts/{waiting.public_id}"
    spoil(seller, waiting, "amount_minor")
    with capture_logs() as logged:
        page = desk.submit(desk.get(path).form(f"{path}/cancellation"), status=409, reason="It is made anew")
    assert "The books have USD 147.75 set aside for it, and it says USD 148.75" in page.text
    assert ("payout_not_set_aside", waiting.public_id) in alarms(logged)
    assert seller.as_it_is(waiting).state == "requested" and not seller.has() and seller.books_are_whole()


def test_the_vendor_reads_that_it_is_looked_at_and_gets_no_paper_of_it(seller: Seller, waiting: Payout, work: Callable[[], int]) -> None:
    owner, path = seller.shop.browser(), f"/portal/payouts/{waiting.public_id}"
    whole = owner.get(path)
    owner.submit(whole.form(f"{path}/paper"))
    spoil(seller, waiting)
    with capture_logs() as logged:
        work()
    assert ("payout_does_not_add_up", waiting.public_id) in alarms(logged)
    with unit(seller.shop.app):
        assert db.session.query(Paper).filter_by(vendor_id=seller.shop.vendor.id, kind="payout").count() == 0
    page = owner.get(f"{path}?waiting=yes")
    assert LOOKED_AT in page.text and "add up" not in page.text and "adds up" not in page.text and 'http-equiv="refresh"' not in page.html
    assert f"{path}.csv" not in page.links() and f"{path}/paper" not in [form.attrs["action"] for form in page.all("form")]
    assert LOOKED_AT in owner.get(f"{path}.csv", status=409).text
    assert LOOKED_AT in owner.submit(whole.form(f"{path}/paper"), status=409).text


def test_a_balance_that_does_not_add_up_is_not_asked_for_and_says_so(seller: Seller, waiting: Payout, desk: Browser) -> None:
    owner = seller.shop.browser()
    spoil(seller, waiting)
    path = f"/staff/payouts/{waiting.public_id}"
    desk.submit(desk.get(path).form(f"{path}/cancellation"), reason="It is made anew")
    form = owner.get("/portal/payouts/new?currency=USD").form()
    with capture_logs() as logged:
        page = owner.submit(form, status=422)
    assert "Your balance " + LOOKED_AT in page.text and seller.has() == waiting.amount
    assert "balance_does_not_add_up" in [line["event"] for line in logged if line["log_level"] == "error"]
    problem(Caller(seller.shop).post(f"{HOME}/payouts", {"currency": "USD"}), 409, "conflict")
