"""The portal's pages of webhooks: made, tried, read, switched, rolled; and what a refusal says where."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from flask import Flask

from core.hooks.endpoints import get_endpoint, make_endpoint, switch_off
from core.kernel.config import settings
from tests.browser import Page
from tests.core.hooks.conftest import Hooked
from tests.core.hooks.receiver import Receiver, receiving
from tests.factories import Shop, ask_refund, make_colleague, make_link, make_paid, make_shop, tell_refund, unit
from tests.portal.admin.people import look_into, make_staff

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


def test_lost_headers_and_a_lost_secret_are_said_and_mended(shop: Shop, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key in the file of secrets is gone: no page breaks over it, and each says what to do."""
    hooked, browser = Hooked(shop, receiver, headers={"Authorization": "Bearer s3cret", "X-Shop": "4711"}), shop.browser()
    here = page_of(hooked)
    monkeypatch.setitem(settings().secrets, "factor_keys", [{"kid": "f2", "key": "n" * 48}])
    shown = browser.get(here)
    assert "cannot be read any more, so nothing is sent there" in shown.text and "Its secret is lost" in shown.text
    assert "Authorization, X-Shop (their values cannot be read any more)" in shown.text
    edit = browser.get(f"{here}/edit")
    assert "Authorization: \nX-Shop: </textarea>" in edit.html and "Write each value behind its colon" in edit.text
    kept = browser.submit(edit.form(f"{here}/edit"), headers="Authorization: •••", name="Mine", status=422)
    assert kept.error_summary == ["The values of these headers cannot be read any more. Write them anew, or take the headers away."]
    assert "Authorization: •••" in kept.html and 'value="Mine"' in kept.html
    saved = browser.submit(kept.form(f"{here}/edit"), headers="Authorization: Bearer anew")
    assert "cannot be read" not in saved.text and "Its secret is lost" in saved.text
    rolled = browser.submit(saved.form(f"{here}/roll"))
    assert "whsec_" in rolled.html
    assert "Its secret is lost" not in browser.submit(browser.get(here).form(f"{here}/test")).text
    assert hooked.turn() == 1 and receiver.got[0][0]["authorization"] == "Bearer anew"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Enter the whole address"), ("shop.example/hooks", "https"), ("https://10.0.0.2/", "host name"), ("https://user@shop.example/", "before the @"),
        ("https://bücher.example/", "xn--"), ("https://shop.example:99999/", "like https://shop.example/webhooks"),
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
    sample = browser.submit(browser.get(page_of(hooked)).form(f"{page_of(hooked)}/test"), type="dispute.lost")
    assert sample.heading == "A test event" and "dispute.lost" in sample.text and "sample_of" in sample.text
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


def test_headers_of_ones_own_are_written_sent_and_shown_by_name_only(shop: Shop, receiver: Receiver) -> None:
    browser = shop.browser()
    form = browser.get(f"{PAGE}/new").form(f"{PAGE}/new")
    browser.submit(form, address=receiver.address, name="With headers", headers="Authorization: Bearer s3cret-token\r\nX-Shop: 4711\r\n")
    here = re.findall(rf"{PAGE}/whe_\w+", browser.get(PAGE).html)[-1]
    assert "Authorization, X-Shop" in browser.get(here).text
    change = browser.get(f"{here}/edit")
    assert "Authorization: •••\nX-Shop: •••" in change.html and "s3cret" not in change.html
    browser.submit(change.form(f"{here}/edit"), headers="Authorization: •••\r\nX-Shop: 4712")
    waiting = browser.submit(browser.get(here).form(f"{here}/test"))
    hooked = object.__new__(Hooked)
    with unit(shop.app):
        row = get_endpoint(shop.vendor, "test", here.rsplit("/", 1)[1])
        hooked.app, hooked.key = shop.app, (row.vendor_id, row.mode, row.id)
    assert hooked.turn() == 1
    assert (receiver.got[0][0]["authorization"], receiver.got[0][0]["x-shop"]) == ("Bearer s3cret-token", "4712")
    shown = browser.get(waiting.address)
    assert "Authorization: •••" in shown.text and "s3cret" not in shown.html and "4712" not in shown.html
    log = browser.get("/portal/settings/audit-log")
    assert "new values of" in log.text and "X-Shop" in log.text and "s3cret" not in log.html


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("X-Shop 4711", "Line 1 is no header"), ("Cookie: a=b", "Cookie is refused"), ("Stripe-Signature: t=1", "worked out anew"), ("X-Shop: café", "no header carries"),
        ("X-Shop: •••", "none is kept under this name"), ("\n".join(f"X-{n}: v" for n in range(11)), "10 headers at most"), ("X-A:", "has no value"),
    ],
)  # fmt: skip
def test_a_bad_header_is_told_at_its_field_and_nothing_typed_is_lost(shop: Shop, typed: str, says: str) -> None:
    browser = shop.browser()
    form = browser.get(f"{PAGE}/new").form(f"{PAGE}/new")
    again = browser.submit(form, address="https://shop.example/hooks", name="My name for it", headers=typed, type=["dispute.*"], status=422)
    assert says in again.text and 'id="headers-error"' in again.html and typed in html.unescape(again.html)
    assert "My name for it" in again.html and re.search(r'value="dispute\.\*"[^>]*checked', again.html)


def test_a_change_of_server_asks_for_the_values_anew(shop: Shop, receiver: Receiver) -> None:
    hooked, browser = Hooked(shop, receiver, headers={"X-Shop": "4711"}), shop.browser()
    edit = f"{page_of(hooked)}/edit"
    again = browser.submit(browser.get(edit).form(edit), address="https://other.example/hooks", status=422)
    assert "another server now" in again.text and "X-Shop: •••" in again.html and "https://other.example/hooks" in again.html
    browser.submit(again.form(edit), headers="X-Shop: 1")
    assert hooked.now().address == "https://other.example/hooks"


def test_a_delivery_that_waits_for_an_earlier_one_says_so(shop: Shop, receiver: Receiver) -> None:
    hooked = Hooked(shop, receiver, types=["payment.*"])
    hooked.receiver.answers = [(500, {})]
    hooked.pays()
    hooked.turn()
    shown = shop.browser().get(f"{PAGE}/deliveries/{hooked.deliveries()[1].public_id}")
    assert "An earlier event about the same object has not arrived yet" in shown.text and "It is being sent" not in shown.text


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


def moments(page: Page) -> str:
    return " ".join(e.text for e in page.all("li") if "moment" in e.attrs.get("class", ""))


def test_a_payments_trail_says_what_the_vendors_software_was_told_of_it_and_of_its_refund(app: Flask, receiver: Receiver) -> None:
    shop = make_shop(app)  # with no receivers but its own: a trail names so many deliveries at most
    hooked = Hooked(shop, receiver, name="Web shop", types=["payment.*", "refund.*"])
    receiver.answers = [(500, {})]
    payment = hooked.pays()
    here = f"/portal/payments/{payment.public_id}"
    waiting = moments(shop.browser().get(here))
    assert "Webhook: A payment has succeeded" in waiting and "To Web shop · Waiting" in waiting and receiver.address not in waiting
    hooked.turn()
    tell_refund(shop, ask_refund(shop, payment, "5.00"), "succeeded")
    while hooked.relay():
        pass
    page = shop.browser().get(here)
    said, led = moments(page), [link.split("localhost")[-1] for link in page.links()]
    assert "Tried in vain, is tried again · answered 500" in said and "Webhook: A refund was asked for" in said
    assert any(link.startswith(f"{PAGE}/deliveries/") for link in led)
    others = moments(shop.browser().get(f"/portal/payments/{make_paid(shop).public_id}"))
    assert not any(event.public_id in others for event in hooked.events() if event.subject == payment.public_id)
    support = make_colleague(shop, "support").browser().get(here)
    assert "To Web shop" in moments(support) and f"{PAGE}/deliveries/" not in support.html
    staff = look_into(make_staff(shop.app, "superuser").browser(), f"/staff/payments/{payment.public_id}")
    assert moments(staff).count("To Web shop") == said.count("To Web shop")


def test_home_names_a_receiver_that_takes_nothing_until_it_works_again(shop: Shop, receiver: Receiver) -> None:
    hooked, browser, home = Hooked(shop, receiver, name="Till display", types=["link.*"]), shop.browser(), "/portal/"
    receiver.answers = [(500, {})]
    make_link(shop)
    hooked.relay()
    hooked.turn()
    failing = browser.get(home)
    assert "The webhook Till display fails" in failing.text and page_of(hooked) in failing.html
    assert "Till display" not in make_colleague(shop, "support").browser().get(home).text
    with unit(shop.app):
        switch_off(hooked.now(), by="system", why="failing")
    assert "The webhook Till display is off" in browser.get(home).text
    browser.submit(browser.get(page_of(hooked)).form(f"{page_of(hooked)}/on"))
    assert "Till display" not in browser.get(home).text
