"""Reports by e-mail: ordered, told once for each day, week or month, exact from the books, and only to who may see payments."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from core.accounts.models import Membership, User, Vendor
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.ledger.statement import make_statement
from core.notifications.daily import Manner, choose_manner
from core.notifications.models import Message
from core.notifications.scheduled import (
    KIND,
    Filter,
    end_schedule,
    list_due_reports,
    list_schedules,
    order_report,
    period_of,
    send_due_report,
)
from core.notifications.scheduled_models import Report, ReportSchedule
from core.notifications.stop_letters import stopping_token
from core.payments.report import figures_of
from tests.browser import Browser
from tests.factories import Shop, ask_refund, make_colleague, make_link, make_paid, tell_refund, unit
from workers.due_letters import send_due

PAGE = "/portal/reports"
Work = Callable[[], int]


def order(shop: Shop, every: str = "daily", of: Filter = Filter(), *, who: Shop | None = None) -> str:  # noqa: B008  (frozen)
    with unit(shop.app):
        db.session.execute(delete(ReportSchedule).where(ReportSchedule.vendor_id != shop.vendor.id))
        return order_report(shop.vendor, "test", (who or shop).user.public_id, every=every, of=of).public_id


def the_clock(shop: Shop) -> int:
    with shop.app.app_context():
        return send_due("payments_report")


def list_due_now(shop: Shop) -> int:
    with unit(shop.app):
        return len(list_due_reports())


def letters(shop: Shop) -> list[Message]:
    with unit(shop.app):
        return list(
            db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == KIND).order_by(Message.id))
        )


def told(shop: Shop) -> list[tuple[date, date]]:
    with unit(shop.app):
        mine = select(Report).where(Report.vendor_id == shop.vendor.id)
        return [(row.first_on, row.last_on) for row in db.session.scalars(mine.order_by(Report.first_on, Report.id))]


def tomorrow_at(hour: int, days: int = 1) -> datetime:
    day = now().astimezone(ZoneInfo("Europe/London")).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo("Europe/London")).astimezone(UTC)


@pytest.mark.parametrize(
    ("every", "day", "first", "last"),
    [
        ("daily", "2026-03-29", "2026-03-29", "2026-03-29"),
        ("weekly", "2026-11-29", "2026-11-23", "2026-11-29"),
        ("weekly", "2026-11-30", "2026-11-30", "2026-12-06"),
        ("monthly", "2028-02-29", "2028-02-01", "2028-02-29"),
        ("monthly", "2026-12-31", "2026-12-01", "2026-12-31"),
    ],
)
def test_days_weeks_and_months_are_those_of_the_calendar(every: str, day: str, first: str, last: str) -> None:
    assert period_of(every, date.fromisoformat(day)) == (date.fromisoformat(first), date.fromisoformat(last))


def test_a_report_comes_once_on_the_morning_after_with_exact_figures_and_its_rows(shop: Shop, owner: Browser, work: Work) -> None:
    order(shop)
    payment = make_paid(shop, make_link(shop, amount="25.00"))
    make_paid(shop, make_link(shop, amount="90.00", currency="EUR"))
    tell_refund(shop, ask_refund(shop, payment, "10.00"), "succeeded")
    tell_refund(shop, ask_refund(shop, payment, "3.00"), "failed")
    assert the_clock(shop) == 0  # the day is not over
    with frozen(tomorrow_at(6)):
        assert the_clock(shop) == 0
    with frozen(tomorrow_at(7)):
        assert the_clock(shop) == 1 and the_clock(shop) == 0
        work()
        (letter,) = letters(shop)
        assert letter.recipient == shop.email and letter.text is not None
        with unit(shop.app):
            report = db.session.scalar(select(Report).where(Report.vendor_id == shop.vendor.id))
            assert report is not None
            pounds, euros = figures_of(shop.vendor, report)
            book = make_statement(shop.vendor, "test", "GBP", report.since, report.until)
            number = report.public_id
        assert (pounds.payments, pounds.paid, pounds.refunds, pounds.refunded) == (1, Money(2500, "GBP"), 2, Money(-1300, "GBP"))
        assert pounds.net == book.moved and pounds.paid + pounds.refunded + pounds.came_back + pounds.fees + pounds.other == pounds.net
        assert (euros.payments, euros.paid, euros.refunds) == (1, Money(9000, "EUR"), 0)
        assert "1 payment: £25.00" in letter.text and "2 refunds: -£13.00" in letter.text.replace("−", "-")
        assert "Refunds that did not arrive: £3.00" in letter.text
        assert f"/portal/reports/{number}" in letter.text and f"{number}/rows.csv" in letter.text
    page = owner.get(f"{PAGE}/{number}")
    assert "£25.00" in page.text and "€90.00" in page.text and page.text.count("1 payment") == 2  # a phone shows no heads of columns
    rows = list(csv.DictReader(io.StringIO(owner.client.get(f"{PAGE}/{number}/rows.csv").text)))
    for one in (pounds, euros):
        mine = [row for row in rows if row["currency"] == one.net.currency]
        assert sum(Decimal(row["net"]) for row in mine) == Decimal(one.net.decimal_text)
        assert sum(Decimal(row["fee"]) for row in mine) == Decimal(one.fees.decimal_text)
    assert {row["payment"] for row in rows} >= {payment.public_id}


def test_the_rows_are_for_who_is_signed_in_and_may_export(shop: Shop, owner: Browser) -> None:
    order(shop)
    with frozen(tomorrow_at(8)):
        the_clock(shop)
    number = letters(shop)[0].about
    path = f"{PAGE}/{number}/rows.csv"
    nobody = Browser(shop.app).client.get(path)
    assert nobody.status_code in (302, 303) and "sign-in" in nobody.headers["Location"]
    other = make_colleague(shop, "support").browser()
    assert other.client.get(path).status_code == 403
    assert owner.client.get(path).status_code == 200
    assert owner.client.get(f"{PAGE}/rpt_unknown").status_code == 404


def test_who_may_not_see_statements_gets_no_report_neither_by_letter_nor_as_a_page(shop: Shop, owner: Browser, work: Work) -> None:
    """Its figures are those of a statement: what came in, the fees and what is left, of the whole business."""
    order(shop)
    who = make_colleague(shop, "support")
    with pytest.raises(Refusal):
        order(shop, who=who)
    former = make_colleague(shop, "accountant")
    order(shop, who=former)
    with unit(shop.app):
        db.session.execute(update(Membership).where(Membership.user_id == former.user.id).values(role="support"))
    with frozen(tomorrow_at(8)):
        assert the_clock(shop) == 1
        work()
    (letter,) = letters(shop)
    assert letter.recipient == shop.email
    for person in (who, former):
        browser = person.browser()
        for path in (PAGE, f"{PAGE}/{letter.about}"):
            assert browser.client.get(path).status_code == 403
        assert not [e for e in browser.get("/portal/payments").all("a") if e.attrs.get("href") == PAGE]
    assert owner.client.get(f"{PAGE}/{letter.about}").status_code == 200


def test_a_day_on_which_nothing_happened_says_so(shop: Shop, work: Work) -> None:
    order(shop)
    with frozen(tomorrow_at(8)):
        the_clock(shop)
        work()
    assert "Nothing was booked in these days." in (letters(shop)[0].text or "")


def test_late_each_missed_day_is_told_once_and_in_order(shop: Shop) -> None:
    order(shop)
    today = now().astimezone(ZoneInfo("Europe/London")).date()
    with frozen(tomorrow_at(12, days=4)):
        while the_clock(shop):
            pass
        assert the_clock(shop) == 0
    assert told(shop) == [(today + timedelta(days=n),) * 2 for n in range(4)]
    assert len(letters(shop)) == 4


def test_killed_before_its_transaction_ends_nothing_is_told_and_then_once(shop: Shop) -> None:
    order(shop)
    with frozen(tomorrow_at(8)):
        with pytest.raises(RuntimeError), unit(shop.app):
            assert [send_due_report(*one) for one in list_due_reports()] == [True]
            raise RuntimeError("killed")
        assert letters(shop) == [] and told(shop) == []
        assert the_clock(shop) == 1 and the_clock(shop) == 0
    assert len(letters(shop)) == 1


def test_one_that_cannot_be_written_holds_back_and_doubles_no_other(shop: Shop) -> None:
    order(shop)
    with unit(shop.app):
        bad = order_report(shop.vendor, "test", shop.user.public_id, every="weekly")
        bad.due_at, bad.next_on = bad.created_at, bad.next_on - timedelta(days=7)
        in_the_way = Report(
            vendor_id=shop.vendor.id, mode="test", id=uuid7(), public_id=public_id("rpt"), schedule=bad.public_id, person=shop.user.public_id,
            name="", narrow={}, first_on=bad.next_on, last_on=bad.next_on, since=now(), until=now() + timedelta(days=1), created_at=now(),
        )  # fmt: skip
        db.session.add(in_the_way)
    with frozen(tomorrow_at(8)):
        assert [the_clock(shop) for _ in range(3)] == [1, 0, 0]
    assert len(letters(shop)) == 1
    with frozen(tomorrow_at(8) + timedelta(minutes=59)):
        assert list_due_now(shop) == 0, "what cannot be written is not at the head of the queue for ever"
    with unit(shop.app):
        db.session.delete(db.session.merge(in_the_way))
    a_week_ended = int(tomorrow_at(10).weekday() == 0)  # then the next one of the week is due as well, and is no double
    with frozen(tomorrow_at(10)):
        assert [the_clock(shop) for _ in range(3)] == [1, a_week_ended, 0]
    assert len(letters(shop)) == 2 + a_week_ended


def test_two_clocks_at_once_tell_it_once(shop: Shop) -> None:
    order(shop)
    with unit(shop.app):
        db.session.execute(update(ReportSchedule).values(due_at=now() - timedelta(hours=1), next_on=ReportSchedule.next_on - 1))
    both = [threading.Thread(target=the_clock, args=(shop,)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(letters(shop)) == 1 and len(told(shop)) == 1


def test_the_day_is_the_businesss_and_a_clock_that_was_changed_since_is_waited_for(shop: Shop) -> None:
    with unit(shop.app):
        db.session.execute(update(Vendor).where(Vendor.id == shop.vendor.id).values(time_zone="Pacific/Auckland"))
    with unit(shop.app):
        vendor = db.session.get_one(Vendor, shop.vendor.id)
        row = order_report(vendor, "test", shop.user.public_id, every="daily")
        here = row.due_at.astimezone(ZoneInfo("Pacific/Auckland"))
        assert (here.hour, here.date()) == (7, now().astimezone(ZoneInfo("Pacific/Auckland")).date() + timedelta(days=1))
        due = row.due_at
    with unit(shop.app):
        db.session.execute(delete(ReportSchedule).where(ReportSchedule.vendor_id != shop.vendor.id))
        db.session.execute(update(Vendor).where(Vendor.id == shop.vendor.id).values(time_zone="Pacific/Honolulu"))
    with frozen(due):
        assert the_clock(shop) == 0 and told(shop) == []  # in Honolulu that day is not over
    with frozen(due + timedelta(hours=24)):
        assert the_clock(shop) == 1


@pytest.mark.parametrize(
    ("before", "after"), [("Pacific/Auckland", "Pacific/Honolulu"), ("Pacific/Honolulu", "Pacific/Auckland")], ids=["later", "earlier"]
)
def test_after_a_change_of_the_clock_no_hour_is_told_twice_and_none_is_left_out(shop: Shop, before: str, after: str) -> None:
    def live_in(zone: str) -> None:
        with unit(shop.app):
            db.session.execute(update(Vendor).where(Vendor.id == shop.vendor.id).values(time_zone=zone))

    live_in(before)
    with unit(shop.app):
        db.session.execute(delete(ReportSchedule).where(ReportSchedule.vendor_id != shop.vendor.id))
        due = order_report(db.session.get_one(Vendor, shop.vendor.id), "test", shop.user.public_id, every="daily").due_at
    with frozen(due):
        assert the_clock(shop) == 1
    live_in(after)
    with frozen(due + timedelta(days=3)):
        while the_clock(shop):
            pass
    with unit(shop.app):
        told = list(db.session.scalars(select(Report).where(Report.vendor_id == shop.vendor.id).order_by(Report.first_on)))
    assert len(told) >= 3
    assert [one.since for one in told[1:]] == [one.until for one in told[:-1]]


def test_a_filter_keeps_to_its_payments(shop: Shop, owner: Browser, work: Work) -> None:
    form = owner.get("/portal/payments?currency=EUR&span=last_month").form("/portal/payments/filters")
    owner.submit(form, name="Euros")
    page = owner.get(PAGE)
    chosen = next(e.attrs["value"] for e in page.all("option") if e.attrs.get("value", "").startswith("flt_"))
    page = owner.submit(page.form(PAGE), every="daily", of=chosen)
    assert "Euros" in page.text and "The first report comes when these days are over." in page.text
    with unit(shop.app):
        (row,) = list_schedules(shop.vendor, "test", shop.user.public_id)
        assert row.query == "currency=EUR" and "since" not in row.narrow
        db.session.execute(delete(ReportSchedule).where(ReportSchedule.vendor_id != shop.vendor.id))
    make_paid(shop, make_link(shop, amount="25.00"))
    make_paid(shop, make_link(shop, amount="90.00", currency="EUR"))
    with frozen(tomorrow_at(8)):
        the_clock(shop)
        work()
    text = letters(shop)[0].text or ""
    assert "€90.00" in text and "£25.00" not in text and "Euros" in text


def test_it_is_ordered_once_ended_and_the_log_says_so(shop: Shop, owner: Browser) -> None:
    owner.submit(owner.get(PAGE).form(PAGE), every="weekly")
    again = owner.submit(owner.get(PAGE).form(PAGE), every="weekly", status=422)
    assert "This report comes to you already." in again.text
    assert owner.submit(owner.get(PAGE).form(PAGE), every="yearly", status=422).error_summary
    page = owner.get(PAGE)
    end = next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/end"))
    page = owner.submit(page.form(end))
    assert "No report comes to you" in page.text
    log = owner.get("/portal/settings/audit-log").text
    assert "Ordered a report by e-mail" in log and "Ended a report by e-mail" in log


def test_nobody_ends_the_report_of_a_colleague(shop: Shop) -> None:
    number, other = order(shop), make_colleague(shop, "manager")
    with unit(shop.app):
        end_schedule(shop.vendor, "test", number, person=other.user.public_id, by=other.user.public_id)
    with unit(shop.app):
        assert len(list_schedules(shop.vendor, "test", shop.user.public_id)) == 1


def test_at_most_five_come_to_one_person(shop: Shop) -> None:
    for n in range(5):
        order(shop, of=Filter(f"f{n}", f"q={n}", {}))
    with pytest.raises(Refusal):
        order(shop, "weekly")


def test_who_leaves_gets_none_neither_one_that_was_asked_for_already(shop: Shop, work: Work) -> None:
    who = make_colleague(shop, "manager")
    order(shop, who=who)
    with frozen(tomorrow_at(8)):
        the_clock(shop)
        with unit(shop.app):
            user = db.session.scalar(select(User).where(User.public_id == who.user.public_id))
            assert user is not None
            db.session.execute(delete(Membership).where(Membership.user_id == user.id))
        work()
    (letter,) = letters(shop)
    assert letter.state == "overtaken" and letter.text is None
    with frozen(tomorrow_at(8, days=2)):
        assert the_clock(shop) == 0
    with unit(shop.app):
        assert list_schedules(shop.vendor, "test", who.user.public_id) == []


def test_muted_test_mode_brings_none(shop: Shop) -> None:
    order(shop)
    with unit(shop.app):
        choose_manner(shop.vendor, "test", shop.user.public_id, Manner(muted=True))
    with frozen(tomorrow_at(8)):
        assert the_clock(shop) == 0
    assert letters(shop) == []


def test_one_press_in_the_letter_ends_it(shop: Shop, work: Work) -> None:
    order(shop)
    with frozen(tomorrow_at(8)):
        the_clock(shop)
        work()
    (letter,) = letters(shop)
    with unit(shop.app):
        token = stopping_token(shop.vendor, letter)
    answer = shop.app.test_client().post(f"/letters/{token}", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    with unit(shop.app):
        assert list_schedules(shop.vendor, "test", shop.user.public_id) == []
    with frozen(tomorrow_at(8, days=2)):
        assert the_clock(shop) == 0
