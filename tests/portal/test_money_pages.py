"""Home, balance, live mode, settings and messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from core.accounts.models import Membership
from core.accounts.roles import make_role
from core.kernel import clock
from core.kernel.config import settings
from core.kernel.db import db
from tests.browser import Browser
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import Shop, ask_refund, make_colleague, make_link, make_paid, make_payment, make_shop, release_all, unit


def figure(text: str, label: str) -> str:
    found = re.search(rf"{label} (\S*\d[\d.,]*)", text)
    assert found, f"{label} is not in {text}"
    return found.group(1)


# --- home ---


def test_a_new_vendor_is_shown_the_first_steps(owner: Browser) -> None:
    page = owner.get("/portal/")
    assert "First steps" in page.text and "No payments yet" in page.text and figure(page.text, "Today") == "£0.00"


def test_home_counts_today_and_leads_to_the_list(shop: Shop, owner: Browser) -> None:
    make_paid(shop, make_link(shop, amount="10.00"))
    make_paid(shop, make_link(shop, amount="5.00"))
    make_paid(shop, make_link(shop, amount="700", currency="JPY"))
    page = owner.get("/portal/")
    assert figure(page.text, "Today") == "£15.00" and "JPY 700" in page.text and "3 payments" in page.text
    assert figure(page.text, "Pending") == "£14.77"
    today = next(link for link in page.links() if "since=" in link)
    why = owner.get(today)
    assert "Taken £15.00" in why.text and why.text.count("£10.00") == 1 and "JPY" not in re.findall(r"\w+", why.text), (
        "one currency, every payment behind it"
    )


def test_yesterday_is_not_today(shop: Shop, owner: Browser) -> None:
    with clock.shifted(timedelta(days=-2)):
        make_paid(shop)
    page = owner.get("/portal/")
    assert figure(page.text, "Today") == "£0.00" and figure(page.text, "Last 7 days") == "£25.00"


def test_home_says_that_a_transfer_needs_a_decision(shop: Shop, owner: Browser) -> None:
    payment = make_payment(shop, make_link(shop, currency="USD"))
    bank, reference = TestBank(shop), begin_transfer(shop, payment).provider_reference or ""
    bank.tell(transfer(1000, reference))
    assert "needs your decision" not in owner.get("/portal/").text, "the payer sends the rest, or does not"
    bank.tell(transfer(3000, reference))
    home = owner.get("/portal/")
    assert "1 bank transfer needs your decision" in home.text and "/portal/transfers" in home.links()


# --- balance ---


def test_each_figure_is_the_sum_of_its_lines_over_all_pages(shop: Shop, owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.balance.LINES_ON_A_PAGE", 3)
    link = make_link(shop, amount="1.00", kind="reusable")
    paid = [make_paid(shop, link) for _ in range(4)]
    ask_refund(shop, paid[0], "0.40")
    page = owner.get("/portal/balance/pending")
    total, pages, pennies = figure(page.text, "sum of all lines"), 0, 0
    while True:
        pages += 1
        for cell in page.all("td", class_="cell-money"):
            sign = -1 if "−" in cell.text else 1
            pennies += sign * int(re.sub(r"\D", "", cell.text))
        older = [address for address in page.links() if "after=" in address]
        if not older:
            break
        page = owner.get(older[0])
    assert pages == 2 and total == f"£{pennies // 100}.{pennies % 100:02}"
    assert total == figure(owner.get("/portal/balance").text, "Pending")


def test_released_money_moves_from_pending_to_available(shop: Shop, owner: Browser) -> None:
    make_paid(shop, make_link(shop, amount="100.00"))
    with clock.shifted(timedelta(days=8)):
        release_all(shop.app)
    page = owner.get("/portal/balance")
    assert figure(page.text, "Available") == "£98.50" and figure(page.text, "Pending") == "£0.00"
    assert "Released to available" in owner.get("/portal/balance/available").text


def test_a_line_names_its_payment_as_people_do_and_leads_there_whoever_may_see_it(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    colleague = make_colleague(shop, "accountant")
    with unit(shop.app):
        role = make_role(shop.vendor, name="Books", permissions={"balance.see"}, by=shop.user.public_id)
        membership = db.session.query(Membership).filter_by(vendor_id=shop.vendor.id, user_id=colleague.user.id).one()
        membership.role, membership.custom_role_id = "custom", role.id
    books = colleague.browser()
    for path in ("/portal/balance/pending", f"/portal/statements/{clock.now():%Y-%m}"):
        line = next(one for one in owner.get(path).all("a") if one.attrs.get("href") == f"/portal/payments/{paid.public_id}")
        assert line.text == paid.reference, path
        page = books.get(path)
        assert paid.reference in page.text and paid.public_id not in page.html, path


def test_money_on_its_way_back_is_shown(shop: Shop, owner: Browser) -> None:
    ask_refund(shop, make_paid(shop), "10.00")
    assert figure(owner.get("/portal/balance").text, "On its way back") == "£10.00"


@pytest.mark.parametrize(
    "path", ["nothing", "pending?currency=XXX", "pending?currency=", "pending?after=x", "pending?after=%00", "pending?after=0~0~0", "..%2f"]
)
def test_a_figure_that_does_not_exist_is_not_found(owner: Browser, path: str) -> None:
    owner.get(f"/portal/balance/{path}", status=404)


# --- live ---


def test_live_without_keys_explains_what_is_missing(shop: Shop, owner: Browser) -> None:
    page = owner.get("/portal/")
    token = page.form("/sign-out").values["csrf_token"]
    answer = owner.post("/portal/mode", {"csrf_token": token, "mode": "live"}, status=200)
    assert answer.heading == "Going live" and "STRIPE_LIVE_SECRET_KEY" in answer.text
    assert "Test mode" in owner.get("/portal/").text


def test_with_keys_and_a_confirmed_address_the_owner_goes_live(shop: Shop, owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        settings().stripe, "live", dict.fromkeys(("secret_key", "publishable_key", "webhook_secret"), "sk_live_for_this_test")
    )
    make_paid(shop)
    page = owner.submit(owner.get("/portal/live").form("/portal/live"))
    assert "You are live" in page.text and "No payments yet" in page.text, "test payments are not in the live book"
    token = page.form("/sign-out").values["csrf_token"]
    back = owner.post("/portal/mode", {"csrf_token": token, "mode": "test"}, status=200)
    assert "Sourdough course" in back.text


def test_an_unconfirmed_owner_cannot_go_live(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        settings().stripe, "live", dict.fromkeys(("secret_key", "publishable_key", "webhook_secret"), "sk_live_for_this_test")
    )
    browser = make_shop(shop.app, verified=False).browser()
    page = browser.get("/portal/live")
    token = page.form("/sign-out").values["csrf_token"]
    assert browser.post("/portal/live", {"csrf_token": token}, status=200).heading == "Going live"


@pytest.mark.parametrize("mode", ["", "LIVE", "prod", "\x00", "test' --"])
def test_a_mode_that_is_none_changes_nothing(owner: Browser, mode: str) -> None:
    token = owner.get("/portal/").form("/sign-out").values["csrf_token"]
    assert "Choose test or live" in owner.post("/portal/mode", {"csrf_token": token, "mode": mode}, status=200).text


# --- settings ---


def test_the_business_changes_its_name_and_its_day(shop: Shop, owner: Browser) -> None:
    form = owner.get("/portal/settings").form("/portal/settings")
    page = owner.submit(form, name="Blue Door & Sons", time_zone="Asia/Tokyo", support_email="help@example.com")
    assert "Saved." in page.text and page.form("/portal/settings").values["name"] == "Blue Door & Sons"


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", "x" * 121), ("support_email", "no"), ("time_zone", "Mars/Olympus"), ("name", "a\x00b")]
)
def test_a_wrong_setting_is_refused_at_its_field(shop: Shop, owner: Browser, field: str, value: str) -> None:
    page = owner.submit(owner.get("/portal/settings").form("/portal/settings"), status=422, **{field: value})
    assert any(e.attrs.get("id") == f"{field}-error" for e in page.elements)


# --- messages ---


def test_messages_are_listed_and_can_be_read(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    assert "No messages yet" in owner.get("/portal/outbox").text
    make_paid(shop)
    work()
    page = owner.get("/portal/outbox")
    assert "ada@example.com" in page.text
    for address in [link for link in page.links() if "/outbox/msg_" in link]:
        told = owner.get(address).text
        assert "Message created" in told and "Asked for" not in told


# --- the start page ---


def test_the_start_page_leads_in(stranger: Browser, owner: Browser) -> None:
    page = stranger.get("/")
    assert {"/sign-in", "/sign-up"} <= {link.removeprefix("http://localhost") for link in page.links()}
    assert "Open your portal" in owner.get("/").text
