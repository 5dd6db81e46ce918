"""The reader of a letter stops such letters by one press, without signing in: by the button of a mail program, or by that on the page."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from flask import Flask

from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.mail_stops import why_held
from core.notifications.models import Message
from core.notifications.notify import notify
from core.notifications.send import try_again
from core.notifications.stop_letters import stopping_token
from core.notifications.team import BUSINESS, OPTIONAL, Choice, choices_of, choose, readers_of
from core.payments.send_link import send_link
from tests.browser import Browser
from tests.factories import Shop, make_link, make_paid, make_shop, unit
from workers.messages import _marks

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def asked(shop: Shop, kind: str, to: str, **ids: str) -> tuple[Message, str]:
    """A letter, and the address in its header."""
    with unit(shop.app):
        message = notify(shop.vendor, kind, mode="test", to=to, **ids)
        db.session.flush()
        return message, f"/letters/{stopping_token(shop.vendor, message)}"


def reminded(shop: Shop) -> tuple[Message, str]:
    link = make_link(shop)
    with unit(shop.app):
        (sending,) = send_link(
            shop.vendor, link, sender=shop.user, recipients=["ada@example.com"], message="", reminders=[], form_token=secrets.token_hex(10)
        )  # fmt: skip
    return asked(shop, "link_reminder", "ada@example.com", link=link.public_id, sending=sending.public_id)


def held(shop: Shop, message: Message) -> str:
    with unit(shop.app):
        return why_held(db.session.merge(message))


def test_a_mail_program_presses_the_button_and_no_more_links_leave(app: Flask, shop: Shop) -> None:
    message, address = reminded(shop)
    receipt, _ = asked(shop, "receipt", "ada@example.com", payment=make_paid(shop).public_id)
    caller = app.test_client()
    assert caller.get(address).status_code == 200 and held(shop, message) == "", "looking changes nothing"
    for _ in range(2):
        assert caller.post(address, data=ONE_CLICK).status_code == 200
    assert held(shop, message) and held(shop, receipt) == ""
    assert shop.browser().get("/portal/settings/audit-log").text.count("A reader had letters stopped") == 1, "pressed twice"


def test_on_the_page_it_is_stopped_and_taken_back(shop: Shop, stranger: Browser) -> None:
    message, address = reminded(shop)
    page = stranger.get(address)
    assert page.heading == "Stop these letters?" and "Blue Door" in page.text and "ada@example.com" not in page.text
    page = stranger.submit(page.form())
    assert "No more of these letters" in page.text and held(shop, message)
    page = stranger.submit(page.form())
    assert page.heading == "Stop these letters?" and held(shop, message) == ""


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return Browser(app)


def test_one_of_the_team_stops_one_kind_and_keeps_the_others(app: Flask, shop: Shop) -> None:
    with unit(app):
        choose(shop.vendor, "test", shop.user.public_id, {kind: Choice(mailed=True) for kind in ("payment_received", "refund_failed")})
    _, address = asked(shop, "payment_received", shop.email, payment=make_paid(shop).public_id)
    answer = app.test_client().post(address, data=ONE_CLICK)
    assert answer.status_code == 200 and "You still see all news in the portal." in answer.get_data(as_text=True)
    with unit(app):
        chosen = choices_of(shop.vendor, "test", shop.user.public_id)
        assert (chosen["payment_received"].mailed, chosen["payment_received"].shown, chosen["refund_failed"].mailed) == (False, True, True)
        assert shop.email not in [address for address, _ in readers_of(shop.vendor, "test", "payment_received")]


def test_whoever_reads_the_businesss_address_stops_it_there(app: Flask, shop: Shop) -> None:
    _, address = asked(shop, "payment_received", shop.vendor.support_email, payment=make_paid(shop).public_id)
    app.test_client().post(address, data=ONE_CLICK)
    with unit(app):
        assert not choices_of(shop.vendor, "test", BUSINESS)["payment_received"].mailed
        assert choices_of(shop.vendor, "test", BUSINESS)["refund_failed"].mailed


def test_the_letter_of_the_day_is_stopped_whole(app: Flask, shop: Shop) -> None:
    with unit(app):
        choose(
            shop.vendor, "test", shop.user.public_id, {"payment_received": Choice(True, True, True), "refund_failed": Choice(True, True)}
        )
    _, address = asked(
        shop, "daily_news", shop.email, user=shop.user.public_id, after="x", until="y", first="2026-11-26", last="2026-11-26"
    )
    app.test_client().post(address, data=ONE_CLICK)
    with unit(app):
        chosen = choices_of(shop.vendor, "test", shop.user.public_id)
        assert not chosen["payment_received"].mailed and chosen["refund_failed"].mailed


def test_what_is_necessary_has_no_such_button_and_no_such_page(app: Flask, shop: Shop) -> None:
    paid = make_paid(shop).public_id
    for kind, to, ids in (
        ("receipt", "ada@example.com", {"payment": paid}), ("password_changed", shop.email, {"user": shop.user.public_id}),
        ("key_leaked", shop.email, {"key": "key_x"}), ("stop_begun", shop.email, {"stop": "stp_x"}),
    ):  # fmt: skip
        message, address = asked(shop, kind, to, **ids)
        assert kind not in OPTIONAL and app.test_client().post(address, data=ONE_CLICK).status_code == 404
        with app.app_context():
            assert set(_marks(message)) == {"X-Letter"}


def test_the_header_is_what_the_standard_asks_for(app: Flask, shop: Shop) -> None:
    message, address = reminded(shop)
    with app.app_context():
        marks = _marks(message)
    assert marks["List-Unsubscribe"].endswith(f"{address}>") and marks["List-Unsubscribe"].startswith("<http")
    assert marks["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_altered_address_opens_nothing(app: Flask, shop: Shop) -> None:
    message, address = reminded(shop)
    for wrong in (address[:-1] + ("A" if address[-1] != "A" else "B"), address[:-5], "/letters/x", f"/letters/{'x' * 1200}"):
        for ask in (app.test_client().get, app.test_client().post):
            assert ask(wrong).status_code == 404
    assert held(shop, message) == ""


def test_the_address_is_known_where_people_ask_whether_it_is_genuine(shop: Shop, stranger: Browser) -> None:
    _, address = reminded(shop)
    page = stranger.get("/verify")
    found = stranger.submit(page.form(), what=f"{settings().public_url}{address}")
    assert found.heading == "Genuine" and "a page on which letters are stopped" in found.text


def test_a_letter_that_was_held_leaves_once_its_reader_wants_it(app: Flask, shop: Shop, work: Callable[[], int]) -> None:
    message, address = reminded(shop)
    app.test_client().post(address, data=ONE_CLICK)
    work()
    with unit(app):
        row = db.session.get_one(Message, (message.vendor_id, "test", message.id))
        assert row.state == "held"
    app.test_client().post(address, data={"again": "y"})
    with unit(app):
        try_again(db.session.get_one(Message, (message.vendor_id, "test", message.id)))
    work()
    with unit(app):
        assert db.session.get_one(Message, (message.vendor_id, "test", message.id)).state == "kept"
