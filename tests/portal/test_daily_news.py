"""News by e-mail once a day instead of at once, at seven by the business's clock; and test mode muted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from core.accounts.models import Membership, Vendor
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.notifications.daily import Manner, choose_manner, next_morning, send_due_letters
from core.notifications.models import Message, NotificationManner
from core.notifications.team import MAILED, Choice, choose
from tests.browser import Browser
from tests.factories import Shop, ask_refund, make_paid, make_shop, tell_refund, unit
from tests.sight import wider_than_screen

Work = Callable[[], int]


def wants(shop: Shop, manner: Manner) -> None:
    """The owner wants every letter there is, in this manner; the business's own address wants none."""
    with unit(shop.app):
        choose(shop.vendor, "test", shop.user.public_id, {kind: Choice(mailed=True) for kind in MAILED})
        choose(shop.vendor, "test", "business", {kind: Choice(mailed=False) for kind in MAILED})
        choose_manner(shop.vendor, "test", shop.user.public_id, manner)


def letters(shop: Shop, kind: str | None = None) -> list[Message]:
    """What was written to the team; a payer's receipt is none of it."""
    with unit(shop.app):
        found = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, recipient=shop.email).order_by(Message.id)
        return [message for message in found if kind in (None, message.kind)]


def at_seven(shop: Shop) -> datetime:
    with unit(shop.app):
        return next_morning(shop.vendor, now()) + timedelta(minutes=1)


def the_clock(shop: Shop) -> int:
    with unit(shop.app):
        return send_due_letters()


def out_of_the_way(shop: Shop) -> None:
    with unit(shop.app):
        db.session.query(NotificationManner).filter(NotificationManner.vendor_id != shop.vendor.id).delete()


def test_who_wants_one_letter_a_day_gets_one_with_everything_in_it(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop, Manner(daily=True))
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
    for words in ("Payment received", "A refund did not go through", first.description, f"/portal/payments/{first.public_id}"):
        assert words in (letter.text or "") and words in (letter.html or "")


def test_a_day_without_news_brings_no_letter_and_nothing_is_told_twice(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop, Manner(daily=True))
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
    wants(shop, Manner(daily=True))
    with frozen(at_seven(shop)):
        assert the_clock(shop) == 0


def test_who_has_left_the_team_gets_no_letter(shop: Shop, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop, Manner(daily=True))
    make_paid(shop)
    work()
    with unit(shop.app):
        db.session.delete(db.session.get_one(Membership, (shop.vendor.id, shop.user.id)))
    with frozen(at_seven(shop)):
        assert the_clock(shop) == 0
    with unit(shop.app):
        assert db.session.get(NotificationManner, (shop.vendor.id, "test", shop.user.public_id)) is None


def test_at_once_is_the_usual_manner(shop: Shop, work: Work) -> None:
    wants(shop, Manner())
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


def test_a_muted_test_mode_shows_nothing_and_writes_nothing_and_live_stays(shop: Shop, owner: Browser, work: Work) -> None:
    out_of_the_way(shop)
    wants(shop, Manner(daily=True))
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
    assert form.values["muted"] == "y" and form.values["daily"] == "y", "what was chosen stands there"
    del form.values["muted"]
    owner.submit(form, daily="")
    assert owner.get("/portal/notices").all("li", class_="notice-line"), "what happened meanwhile is not lost"


def test_one_persons_manner_is_not_anothers(shop: Shop, app: Flask, work: Work) -> None:
    other = make_shop(app)
    for one in (shop, other):
        wants(one, Manner())
    with unit(app):
        choose_manner(other.vendor, "test", other.user.public_id, Manner(muted=True))
    make_paid(shop)
    make_paid(other)
    work()
    assert len(letters(shop)) == 1 and letters(other) == []


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_chooses_one_letter_a_day(visitor: Callable[..., Page], app: Flask, live_server: str, scripts: bool) -> None:
    shop = make_shop(app)
    page = visitor(scripts=scripts, phone=True)
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.goto("/portal/settings/notifications")
    page.get_by_label("One letter a day, at seven in the morning").check()
    page.get_by_label("Mute test mode").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("One letter a day, at seven in the morning")).to_be_checked()
    expect(page.get_by_label("Mute test mode")).to_be_checked()
    assert not wider_than_screen(page)
