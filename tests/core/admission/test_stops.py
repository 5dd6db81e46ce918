"""What the staff stop does not go on, the business reads why, and it goes on again: payments, payouts for a while, the directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.queries import get_vendor
from core.accounts.standing import PaymentsStopped
from core.admission.models import Stop
from core.admission.stops import (
    AlreadyStopped,
    active_stops,
    announced_stops,
    begin_announced,
    find_stop,
    is_active,
    let_go_on,
    list_stops,
    payout_hold,
    stop,
)
from core.directory.standing import find_standing, set_visible
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.notifications.models import Message, Notice
from tests.browser import Browser
from tests.factories import Shop, fresh, link_address, make_link, make_paid, make_payment, make_shop, open_payment, unit

WHY = "The register says another name than you do."


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def as_it_is(shop: Shop) -> Shop:
    """With the vendor's row as every request reads it."""
    with unit(shop.app):
        return replace(shop, vendor=get_vendor(shop.vendor.id))


def test_payments_that_are_stopped_do_not_begin_and_payers_read_no_reason(app: Flask, shop: Shop) -> None:
    link = make_link(shop)
    with unit(app):
        row = stop(shop.vendor, "test", "payments", reason=WHY, by="stf_one")
    page = Browser(app).get(link_address(shop, link), status=409)
    assert "takes no payments at the moment" in page.text and WHY not in page.text
    with pytest.raises(PaymentsStopped):
        make_payment(as_it_is(shop), link)
    with unit(app):
        let_go_on(shop.vendor, row, by="stf_two")
    assert Browser(app).get(link_address(shop, link)).status == 200


def test_what_was_begun_before_does_not_go_on_to_a_card_either(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(app):
        stop(shop.vendor, "test", "payments", reason=WHY, by="stf_one")
    with pytest.raises(PaymentsStopped):
        open_payment(as_it_is(shop), payment)
    assert fresh(shop, payment).state == payment.state


def test_the_other_mode_goes_on(app: Flask, shop: Shop) -> None:
    with unit(app):
        stop(shop.vendor, "live", "payments", reason=WHY, by="stf_one")
    assert make_paid(shop).state == "succeeded"


def test_it_is_stopped_once_and_let_go_on_once(app: Flask, shop: Shop) -> None:
    with unit(app):
        row = stop(shop.vendor, "test", "payments", reason=WHY, by="stf_one")
    with unit(app), pytest.raises(AlreadyStopped):
        stop(shop.vendor, "test", "payments", reason=WHY, by="stf_two")
    for _ in range(2):
        with unit(app):
            let_go_on(shop.vendor, row, by="stf_two")
    with unit(app):
        assert [(one.ended_by, is_active(one)) for one in list_stops(shop.vendor, "test")] == [("stf_two", False)]
        assert told(shop) == ["stop_begun", "stop_ended"], "each is told once"


def told(shop: Shop) -> list[str]:
    mine = select(Notice.kind).where(Notice.vendor_id == shop.vendor.id, Notice.kind.startswith("stop_")).order_by(Notice.id)
    return list(db.session.scalars(mine))


@pytest.mark.parametrize(
    ("what", "fields", "where"),
    [
        ("payments", {"reason": "short"}, "reason"), ("payments", {"reason": "x" * 301}, "reason"), ("payouts", {"reason": WHY}, "days"),
        ("payouts", {"reason": WHY, "days": 181}, "days"), ("payouts", {"reason": WHY, "days": 0}, "days"),
    ],
)  # fmt: skip
def test_a_reason_or_a_time_that_says_nothing_is_refused_at_its_field(
    app: Flask, shop: Shop, what: str, fields: dict[str, Any], where: str
) -> None:
    with unit(app), pytest.raises(Refusal) as refused:
        stop(shop.vendor, "test", what, by="stf_one", **fields)
    assert refused.value.field == where


def test_a_hold_ends_by_itself_and_the_same_can_be_held_anew(app: Flask, shop: Shop) -> None:
    with unit(app):
        stop(shop.vendor, "test", "payouts", reason=WHY, days=3, by="stf_one")
        assert payout_hold(shop.vendor, "test") is not None
    with shifted(timedelta(days=3, seconds=1)):
        with unit(app):
            assert payout_hold(shop.vendor, "test") is None and active_stops(shop.vendor, "test") == []
            again = stop(shop.vendor, "test", "payouts", reason=WHY, days=1, by="stf_one")
        with unit(app):
            first, second = sorted(list_stops(shop.vendor, "test"), key=lambda row: row.id)
            assert (first.ended_by, first.ended_at) == ("system", first.ends_at) and second.id == again.id


def test_out_of_the_directory_means_out_whatever_the_plan_says(app: Flask, shop: Shop) -> None:
    with unit(app):
        row = stop(shop.vendor, "live", "listing", reason=WHY, by="stf_one")
        set_visible(shop.vendor, "live", visible=False, reason="suspended", by="system")
    with unit(app):
        set_visible(shop.vendor, "live", visible=True, reason="", by="system")
    with unit(app):
        standing = find_standing(shop.vendor.id, "live")
        assert standing and standing.visible and standing.barred
        let_go_on(shop.vendor, row, by="stf_one")
    with unit(app):
        standing = find_standing(shop.vendor.id, "live")
        assert standing and not standing.barred and find_stop(shop.vendor, "live", "listing") is None


def test_the_business_reads_why_on_its_pages_and_is_written_to(app: Flask, shop: Shop) -> None:
    with unit(app):
        stop(shop.vendor, "test", "payouts", reason=WHY, days=5, by="stf_one")
    for path in ("/portal/", "/portal/payouts", "/portal/settings/stops"):
        page = shop.browser().get(path)
        assert WHY in page.text and "Your payouts are held" in page.text, path
    with unit(app):
        letters = db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == "stop_begun"))
        assert [letter.recipient for letter in letters] == [shop.vendor.support_email]


def test_the_database_keeps_one_open_stop_of_a_kind(app: Flask, shop: Shop) -> None:
    with unit(app):
        stop(shop.vendor, "test", "payments", reason=WHY, by="stf_one")
        rows = db.session.scalars(select(Stop).where(Stop.vendor_id == shop.vendor.id, Stop.ended_at.is_(None)))
        assert len(list(rows)) == 1


WEEK = timedelta(days=7)


@pytest.mark.parametrize(("what", "asked"), [("payments", "stopped_modes"), ("embed", "embed_stopped_modes"), ("api", "api_stopped_modes")])
def test_what_is_announced_is_told_at_once_and_begins_on_its_day(
    app: Flask, shop: Shop, work: Callable[[], int], what: str, asked: str
) -> None:
    with unit(app):
        stop(shop.vendor, "test", what, reason=WHY, by="stf_one", starts_at=now() + WEEK)
    with unit(app):
        assert active_stops(shop.vendor, "test") == [] and len(announced_stops(shop.vendor, "test")) == 1 and told(shop) == ["stop_planned"]
    work()
    assert getattr(as_it_is(shop).vendor, asked) == [], "its day has not come"
    with shifted(WEEK + timedelta(minutes=1)):
        work()
        assert getattr(as_it_is(shop).vendor, asked) == ["test"]
        with unit(app):
            row = find_stop(shop.vendor, "test", what)
            assert row and told(shop) == ["stop_planned", "stop_begun"] and announced_stops(shop.vendor, "test") == []
            begin_announced(shop.vendor, row)
        with unit(app):
            assert told(shop) == ["stop_planned", "stop_begun"], "a task may run twice"
            let_go_on(shop.vendor, row, by="stf_one")
        assert getattr(as_it_is(shop).vendor, asked) == []


def test_what_was_announced_and_taken_back_does_not_come(app: Flask, shop: Shop, work: Callable[[], int]) -> None:
    with unit(app):
        row = stop(shop.vendor, "test", "payments", reason=WHY, by="stf_one", starts_at=now() + WEEK)
        with pytest.raises(AlreadyStopped):
            stop(shop.vendor, "test", "payments", reason=WHY, by="stf_one")
        let_go_on(shop.vendor, row, by="stf_two")
    with shifted(WEEK + timedelta(minutes=1)):
        work()
        assert as_it_is(shop).vendor.stopped_modes == []
    with unit(app):
        assert told(shop) == ["stop_planned", "stop_ended"]


def test_a_hold_that_was_announced_counts_its_days_from_its_day(app: Flask, shop: Shop) -> None:
    with unit(app):
        row = stop(shop.vendor, "test", "payouts", reason=WHY, days=3, by="stf_one", starts_at=now() + WEEK)
        assert row.ends_at == row.starts_at + timedelta(days=3) and payout_hold(shop.vendor, "test") is None
    with shifted(WEEK + timedelta(minutes=1)), unit(app):
        assert payout_hold(shop.vendor, "test") is not None


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=-1), timedelta(days=91)])
def test_a_day_that_is_none_is_refused_at_its_field(app: Flask, shop: Shop, ahead: timedelta) -> None:
    with unit(app), pytest.raises(Refusal) as refused:
        stop(shop.vendor, "test", "payments", reason=WHY, by="stf_one", starts_at=now() + ahead)
    assert refused.value.field == "starts_on"
