"""The portal's pages of webhooks: made, tried, read, switched, rolled; and what a refusal says where."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from core.hooks.endpoints import make_endpoint
from tests.core.hooks.conftest import Hooked
from tests.core.hooks.receiver import Receiver, receiving
from tests.factories import Shop, make_colleague, make_paid, make_shop, unit

PAGE = "/portal/webhooks"


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def hooked(shop: Shop, receiver: Receiver) -> Hooked:
    return Hooked(shop, receiver)


def page_of(hooked: Hooked) -> str:
    return f"{PAGE}/{hooked.endpoint.public_id}"


def test_the_empty_page_teaches_and_the_catcher_needs_no_server(app: Flask) -> None:
    browser = make_shop(app).browser()
    empty = browser.get(PAGE)
    assert "No webhooks yet" in empty.text and "Try it without a server" in empty.text
    caught = browser.submit(empty.form(f"{PAGE}/catcher"))
    assert "Nothing sent yet" in caught.text and "How your receiver checks a delivery" in caught.text
    listed = browser.get(PAGE)
    assert "Catcher" in listed.text and "Try it without a server" not in listed.text


def test_a_webhook_is_made_and_its_secret_shown_once(shop: Shop, receiver: Receiver) -> None:
    browser = shop.browser()
    form = browser.get(f"{PAGE}/new").form(f"{PAGE}/new")
    made = browser.submit(form, address=receiver.address, name="Web shop", type=["payment.*", "payout.paid"])
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/]{32}", made.html.split("copy-secret", 1)[1])[:1]
    listed = browser.get(PAGE)
    assert "Web shop" in listed.text and "Payments, payout.paid" in listed.text
    shown = browser.get(re.findall(rf"{PAGE}/whe_\w+", listed.html)[-1])
    assert secret not in listed.html + shown.html and receiver.address in shown.text
    keys = re.findall(r"whpk_[A-Za-z0-9+/]{43}=", made.html)
    assert len(set(keys)) == 1 and keys[0] in shown.html and "Or with a public key" in shown.text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Enter the whole address"), ("shop.example/hooks", "https"), ("https://10.0.0.2/", "host name"), ("https://user@shop.example/", "whole address"),
        ("http://shop.example/hooks", "https://"), ("https://10.0.0.1/x", "host name"),
    ],
)  # fmt: skip
def test_a_bad_address_is_told_at_its_field_and_nothing_typed_is_lost(shop: Shop, typed: str, says: str) -> None:
    browser = shop.browser()
    form = browser.get(f"{PAGE}/new").form(f"{PAGE}/new")
    again = browser.submit(form, address=typed, name="My name for it", type=["dispute.*"], status=422)
    assert says in again.text and "My name for it" in again.html
    assert re.search(r'value="dispute\.\*"[^>]*checked', again.html)


def test_a_test_event_leads_to_what_the_receiver_answered(shop: Shop, hooked: Hooked) -> None:
    browser = shop.browser()
    hooked.receiver.answers = [(302, {"Location": "https://elsewhere.example/"})]
    waiting = browser.submit(browser.get(page_of(hooked)).form(f"{page_of(hooked)}/test"))
    assert "It is being sent" in waiting.text and "endpoint.test" in waiting.text
    hooked.turn()
    shown = browser.get(waiting.address)
    assert "Answered 302" in shown.text and "Redirects are not followed" in shown.text and "webhook-signature" in shown.text
    assert "Failing" in browser.get(PAGE).text
    again = browser.submit(shown.form(f"{waiting.address}/again"))
    hooked.turn()
    assert "Answered 200" in browser.get(again.address).text


def test_what_was_missed_is_counted_before_it_is_sent(shop: Shop, hooked: Hooked) -> None:
    browser, here = shop.browser(), page_of(hooked)
    off = browser.submit(browser.get(here).form(f"{here}/off"))
    assert "It is switched off" in off.text
    make_paid(shop)
    while hooked.relay():
        pass
    refused = browser.submit(browser.get(here).form(f"{here}/catch-up"), since="2026-01-01 00:00", status=422)
    assert "90 days" in refused.text
    counted = browser.submit(browser.get(here).form(f"{here}/catch-up"), act="count")
    assert "would be sent in their newest state" in counted.text and "Send them" in counted.text
    on = browser.submit(browser.get(here).form(f"{here}/on"))
    assert "hears of what happens from now on" in on.text
    counted = browser.submit(browser.get(here).form(f"{here}/catch-up"), act="count")
    sent = browser.submit(counted.form(f"{here}/catch-up"), act="send")
    assert "being sent" in sent.text
    hooked.turn()
    assert "payment.succeeded" in hooked.receiver.types


def test_rolling_shows_the_new_secret_and_how_long_the_former_signs(shop: Shop, hooked: Hooked) -> None:
    browser, here = shop.browser(), page_of(hooked)
    rolled = browser.submit(browser.get(here).form(f"{here}/roll"), overlap="168")
    assert "signs beside it until" in rolled.text and hooked.secret not in rolled.html
    page = browser.get(here)
    assert "Two secrets sign until" in page.text and "The former public key" in page.text
    assert len(set(re.findall(r"whpk_[A-Za-z0-9+/]{43}=", page.html))) == 2


def test_it_is_changed_and_taken_away(shop: Shop, hooked: Hooked) -> None:
    browser, here = shop.browser(), page_of(hooked)
    saved = browser.submit(browser.get(f"{here}/edit").form(f"{here}/edit"), name="Warehouse", type=["order.paid"])
    assert "Warehouse" in saved.text and "order.paid" in saved.text
    browser.submit(saved.form(f"{here}/take-away"))
    assert "Warehouse" not in browser.get(PAGE).text
    browser.get(here, status=404)


def test_the_log_is_narrowed(shop: Shop, hooked: Hooked) -> None:
    payment, browser = hooked.pays(), shop.browser()
    hooked.turn()
    shown = browser.get(f"{page_of(hooked)}?about=payment&object={payment.public_id}")
    assert shown.text.count(payment.public_id) == 3
    assert "No such delivery" in browser.get(f"{page_of(hooked)}?state=failed").text
    browser.get(f"{page_of(hooked)}?state=%00&about=nothing&object=%ff%00")


def test_another_business_finds_nothing(shop: Shop, hooked: Hooked) -> None:
    hooked.pays()
    delivery = hooked.deliveries()[0].public_id
    stranger = make_shop(shop.app).browser()
    for path in (page_of(hooked), f"{page_of(hooked)}/edit", f"{PAGE}/deliveries/{delivery}"):
        stranger.get(path, status=404)


def test_only_who_looks_after_keys_sees_them(shop: Shop) -> None:
    for role, status in (("developer", 200), ("manager", 403), ("viewer", 403)):
        make_colleague(shop, role).browser().get(PAGE, status=status)


def test_test_and_live_stand_apart(shop: Shop, receiver: Receiver) -> None:
    with unit(shop.app):
        live, _ = make_endpoint(shop.vendor, "live", address="https://shop.example/live", name="Live one", types=[], by="usr_x")
    browser = shop.browser()
    assert "Live one" not in browser.get(PAGE).text
    browser.get(f"{PAGE}/{live.public_id}", status=404)


def test_what_a_stranger_answers_is_shown_as_text(shop: Shop, hooked: Hooked) -> None:
    from core.hooks.deliver import Heard, next_letter, record_try

    hooked.pays()
    with unit(shop.app):
        letter = next_letter(hooked.key)
        assert letter
        record_try(letter, Heard(500, 3, b"<script>alert(1)</script>", {"x": "<img src=x>"}))
    shown = shop.browser().get(f"{PAGE}/deliveries/{hooked.deliveries()[0].public_id}")
    assert "<script>alert" not in shown.html and "&lt;script&gt;alert(1)" in shown.html
