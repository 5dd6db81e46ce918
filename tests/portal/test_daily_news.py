"""News by e-mail once a day instead of at once, in the morning where its reader is; and test mode muted."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import update

from core.accounts.models import Membership, User, Vendor
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.notifications.daily import Manner, choose_manner, list_due_letters, next_morning, send_due_letter
from core.notifications.models import Message, NotificationManner
from core.notifications.team import MAILED, Choice, choose
from tests.browser import Browser
from tests.factories import Shop, ask_refund, make_paid, make_shop, tell_refund, unit
from tests.sight import wider_than_screen
from workers.due_letters import send_due

Work = Callable[[], int]


def wants(shop: Shop, manner: Manner = Manner(), *, daily: bool = True) -> None:  # noqa: B008  (frozen)
    """The owner wants every letter there is, once a day or at once; the business's own address wants none."""
    with unit(shop.app):
        choose(shop.vendor, "test", shop.user.public_id, {kind: Choice(mailed=True, daily=daily) for kind in MAILED})
        choose(shop.vendor, "test", "business", {kind: Choice(mailed=False) for kind in MAILED})
        choose_manner(shop.vendor, "test", shop.user.public_id, manner)


def letters(shop: Shop, kind: str | None = None) -> list[Message]:
    """What was written to the team; a payer's receipt is none of it."""
    with unit(shop.app):
        found = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, recipient=shop.email).order_by(Message.id)
        return [message for message in found if kind in (None, message.kind)]


def at_seven(shop: Shop, manner: Manner = Manner()) -> datetime:  # noqa: B008  (frozen)
    """The first seven o'clock after this day: what happens before seven in the morning is told of one day later."""
    with unit(shop.app):
        return next_morning(shop.vendor, now() + timedelta(hours=7), manner) + timedelta(minutes=1)


def the_clock(shop: Shop) -> int:
    with shop.app.app_context():
        return send_due("daily_news")


def out_of_the_way(shop: Shop) -> None:
    with unit(shop.app):
        db.session.query(NotificationManner).filter(NotificationManner.vendor_id != shop.vendor.id).delete()


def test_who_wants_one_letter_a_day_gets_one_with_everything_in_it(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop)
    first = make_paid(shop)
    work()
    failed = ask_refund(shop, first, "5.00")
    tell_refund(shop, failed, "failed", failure_reason="lost_or_stolen_card")
    work()
    assert letters(shop) == [], "nothing comes at once"
    with frozen(at_seven(shop)):
        assert the_clock(shop) == 1
        assert the_clock(shop) == 0, "once a day"
        work()
    letter = letters(shop, "daily_news")[0]
    assert "2 pieces of news" in (letter.subject or "")
    for words in ("Payment received", "A refund did not go through", first.description, f"/portal/payments/{first.public_id}", "1 payment"):
        assert words in (letter.text or "") and words in (letter.html or "")


def test_its_figures_are_those_of_the_page_that_explains_them(shop: Shop, owner: Browser, work: Work) -> None:
    """Days by the business's calendar, as on the home page: also when the clock was late by days, each day stands in one letter only."""
    out_of_the_way(shop)
    wants(shop)
    for _ in range(2):
        make_paid(shop)
    work()
    explained = []
    for late in (3, 4):
        with frozen(at_seven(shop) + timedelta(days=late)):
            if late == 4:
                refund = ask_refund(shop, make_paid(shop), "5.00")
                tell_refund(shop, refund, "failed", failure_reason="lost")
                work()
            assert the_clock(shop) == 1
            work()
        text = letters(shop, "daily_news")[-1].text or ""
        explained += re.findall(r"http://\S+(/portal/why/taken\S+)", text)
    first, *rest = explained
    assert not rest, "nothing came in on the day before the second letter"
    assert "2 payments, £50.00" in (letters(shop, "daily_news")[0].text or "")
    assert "Nothing." in (letters(shop, "daily_news")[1].text or "")
    page = owner.get(first)
    assert "£50.00" in page.text and "2 payments" in page.text
    days = [(one.params["first"], one.params["last"]) for one in letters(shop, "daily_news")]
    assert days[0][1] < days[1][0] and days[0][0] < days[0][1]


def test_a_clock_that_is_killed_before_it_is_done_has_sent_nothing_and_the_next_one_sends_it_once(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop)
    make_paid(shop)
    work()
    with frozen(at_seven(shop)):
        with pytest.raises(RuntimeError), unit(shop.app):
            assert [send_due_letter(*one) for one in list_due_letters()] == [True]
            raise RuntimeError("killed")
        assert letters(shop) == []
        assert [the_clock(shop) for _ in range(3)] == [1, 0, 0]


def test_two_clocks_at_once_send_one_letter(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop)
    make_paid(shop)
    work()
    at, ready, sent = at_seven(shop), threading.Barrier(2, timeout=30), []

    def one() -> None:
        with frozen(at):
            ready.wait()
            sent.append(the_clock(shop))

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(120)
    assert sorted(sent) == [0, 1] and len(letters(shop, "daily_news")) == 1


def test_each_kind_comes_as_it_was_chosen(shop: Shop, owner: Browser, work: Work) -> None:
    """One at once, one once a day, one in the portal only, and one without a letter of its own once a day."""
    out_of_the_way(shop)
    address = "/portal/settings/notifications"
    form = owner.get(address).form(address)
    assert "mailed_key_leaked" not in form.values and "shown_stop_begun" not in form.values, "nobody is offered what nobody can choose"
    owner.submit(form, mailed_refund_failed="y", mailed_payment_received="daily", mailed_refund_sent="daily")
    with unit(shop.app):
        choose(shop.vendor, "test", "business", {kind: Choice(mailed=False) for kind in MAILED})
    paid = make_paid(shop)
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "failed", failure_reason="lost")
    tell_refund(shop, ask_refund(shop, paid, "6.00"), "succeeded")
    work()
    assert [one.kind for one in letters(shop)] == ["refund_failed"]
    with frozen(at_seven(shop)):
        the_clock(shop)
        work()
    text = letters(shop, "daily_news")[0].text or ""
    assert "Payment received" in text and "A refund reached the payer" in text and "did not go through" not in text
    values = owner.get(address).form(address).values
    assert (values["mailed_refund_failed"], values["mailed_payment_received"], values["mailed_dispute_due"]) == ("y", "daily", "")


def test_it_comes_in_the_morning_where_its_reader_is_and_in_their_language(shop: Shop, owner: Browser, work: Work) -> None:
    out_of_the_way(shop)
    address = "/portal/settings/notifications"
    owner.submit(owner.get(address).form(address), mailed_payment_received="daily", hour="9", time_zone="Asia/Tokyo")
    with unit(shop.app):
        db.session.execute(update(User).where(User.id == shop.user.id).values(language="de"))
    make_paid(shop)
    work()
    with unit(shop.app):
        row = db.session.get_one(NotificationManner, (shop.vendor.id, "test", shop.user.public_id))
        assert row.due_at.astimezone(ZoneInfo("Asia/Tokyo")).hour == 9
    with frozen(at_seven(shop, Manner(hour=9, time_zone="Asia/Tokyo"))):
        assert the_clock(shop) == 1
        work()
    assert letters(shop, "daily_news")[0].locale == "de"


@pytest.mark.parametrize("wrong", [{"hour": "3"}, {"hour": "noon"}, {"time_zone": "Mars/Base"}])
def test_an_hour_or_a_place_that_is_none_is_refused_and_nothing_chosen_is_lost(shop: Shop, owner: Browser, wrong: dict[str, str]) -> None:
    address = "/portal/settings/notifications"
    page = owner.submit(owner.get(address).form(address), mailed_refund_failed="daily", **wrong, status=422)
    assert page.errors and page.form(address).values["mailed_refund_failed"] == "daily"
    with unit(shop.app):
        assert db.session.get(NotificationManner, (shop.vendor.id, "test", shop.user.public_id)) is None


def test_a_day_without_news_brings_no_letter_and_nothing_is_told_twice(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop)
    make_paid(shop)
    work()
    morning = at_seven(shop)
    sent = []
    for days in range(3):
        with frozen(morning + timedelta(days=days)):
            sent.append(the_clock(shop))
    assert sent == [1, 0, 0]


def test_what_happened_before_somebody_asked_is_in_no_letter(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    make_paid(shop)
    work()
    wants(shop)
    with frozen(at_seven(shop)):
        assert the_clock(shop) == 0


def test_who_has_left_the_team_gets_no_letter(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop)
    make_paid(shop)
    work()
    with unit(shop.app):
        db.session.delete(db.session.get_one(Membership, (shop.vendor.id, shop.user.id)))
    with frozen(at_seven(shop)):
        assert the_clock(shop) == 0
    with unit(shop.app):
        assert db.session.get(NotificationManner, (shop.vendor.id, "test", shop.user.public_id)) is None


def test_at_once_is_the_usual_manner(shop: Shop, work: Work) -> None:
    wants(shop, daily=False)
    make_paid(shop)
    work()
    assert [message.kind for message in letters(shop)] == ["payment_received"]


@pytest.mark.parametrize(
    ("zone", "asked", "comes"),
    [
        ("Europe/London", "2026-11-26T06:59", "2026-11-26T07:00"), ("Europe/London", "2026-11-26T07:00", "2026-11-27T07:00"),
        ("Asia/Tokyo", "2026-11-26T12:00", "2026-11-26T22:00"), ("America/New_York", "2026-03-08T05:00", "2026-03-08T11:00"),
    ],
)  # fmt: skip
def test_it_comes_at_seven_by_the_clock_of_the_business(app: Flask, zone: str, asked: str, comes: str) -> None:
    found = next_morning(Vendor(time_zone=zone), datetime.fromisoformat(asked).replace(tzinfo=UTC))
    assert found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M") == comes
    elsewhere = next_morning(Vendor(time_zone="UTC"), datetime.fromisoformat(asked).replace(tzinfo=UTC), Manner(time_zone=zone))
    assert elsewhere == found, "or by that of the person"


def test_a_muted_test_mode_shows_nothing_and_writes_nothing_and_live_stays(shop: Shop, owner: Browser, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop)
    owner.submit(owner.get("/portal/settings/notifications").form("/portal/settings/notifications"), muted="y")
    make_paid(shop)
    work()
    page = owner.get("/portal/notices")
    assert "Test mode is muted" in page.text and not page.all("span", class_="bell-count")
    with frozen(at_seven(shop)):
        assert the_clock(shop) == 0
    assert letters(shop) == []
    with unit(shop.app), pytest.raises(ValueError, match="only test mode"):
        choose_manner(shop.vendor, "live", shop.user.public_id, Manner(muted=True))
    form = owner.get("/portal/settings/notifications").form("/portal/settings/notifications")
    assert form.values["muted"] == "y" and form.values["mailed_refund_failed"] == "daily", "what was chosen stands there"
    del form.values["muted"]
    owner.submit(form)
    assert owner.get("/portal/notices").all("li", class_="notice-line"), "what happened meanwhile is not lost"


def test_one_persons_manner_is_not_anothers(shop: Shop, app: Flask, work: Work) -> None:
    other = make_shop(app)
    for one in (shop, other):
        wants(one, daily=False)
    with unit(app):
        choose_manner(other.vendor, "test", other.user.public_id, Manner(muted=True))
    make_paid(shop)
    make_paid(other)
    work()
    assert len(letters(shop)) == 1 and letters(other) == []


def test_the_page_of_every_choice_stays_light(owner: Browser) -> None:
    """Over fifty kinds of news and four hundred time zones: what need not be written twice is not."""
    for words in ("en", "de"):
        assert len(owner.get(f"/portal/settings/notifications?lang={words}").html.encode()) <= 62_000


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_chooses_one_letter_a_day(visitor: Callable[..., Page], app: Flask, live_server: str, scripts: bool) -> None:
    shop = make_shop(app)
    page = visitor(scripts=scripts, phone=True)
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.goto("/portal/settings/notifications")
    page.get_by_role("combobox", name="A refund did not go through By e-mail").select_option("Once a day")
    page.get_by_label("It comes at").select_option("09:00")
    page.get_by_label("Mute test mode").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("combobox", name="A refund did not go through By e-mail")).to_have_value("daily")
    expect(page.get_by_label("It comes at")).to_have_value("9")
    expect(page.get_by_label("Mute test mode")).to_be_checked()
    assert not wider_than_screen(page)
