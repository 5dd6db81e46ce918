"""Subscriptions to the house as staff see them: found, read whole, and a wrong invoice taken back with a reason."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.audit_log import list_own_entries
from core.accounts.house import house
from core.billing import store
from core.billing.lists import SubscriptionFilter, list_charges, list_documents, list_subscriptions
from core.billing.models import KeptSubscription
from core.billing.store import Beginning, begin_subscription
from core.billing.wishes import Cancel
from core.kernel import clock
from core.kernel.money import Money
from tests.browser import Browser
from tests.core.subscriptions.plans import Life
from tests.factories import Shop, again, make_shop, unit
from tests.portal.admin.people import make_staff
from tests.valid_html import problems_of_html

LIST = "/staff/subscriptions"
WHY = "Charged under the wrong company"


@pytest.fixture
def staff(app: Flask) -> Browser:
    return make_staff(app, "finance").browser()


def subscribe(app: Flask, tier: str = "pro", *, name: str = "", mode: str = "test", paid: bool = True) -> tuple[Shop, KeptSubscription]:
    shop = make_shop(app, business=name or f"Stall {secrets.token_hex(6)}")
    with unit(app):
        row = begin_subscription(
            house(), mode, subscriber=shop.vendor.public_id, wish=Beginning(tier, "Europe/London"), by=shop.user.public_id
        )
    if paid:
        with unit(app):
            (charge,) = list_charges(house(), row)
            store.receive(row, tuple(charge.documents), Money(charge.amount_minor, charge.currency))
            charge.state = "received"
    return shop, row


def test_all_of_them_stand_in_a_list_newest_first(app: Flask, staff: Browser) -> None:
    (one, _), (two, _) = subscribe(app, "starter"), subscribe(app, "pro", mode="live")
    page = staff.get(LIST)
    assert page.text.index(two.vendor.name) < page.text.index(one.vendor.name) and problems_of_html(page.html) == []
    row = next(e.text for e in page.all("tr") if two.vendor.name in e.text)
    assert "Pro" in row and "Running" in row and "test" not in row
    assert staff.part(LIST).all("table")


@pytest.mark.parametrize(
    "narrow", ["q={name}", "q={vendor}", "q={sub}", "q={name}&mode=test", "q={name}&status=active", "q={name}&tier=pro"]
)
def test_one_is_found_by_what_a_caller_can_read_out(app: Flask, staff: Browser, narrow: str) -> None:
    (shop, row), _ = subscribe(app), subscribe(app)
    page = staff.get(f"{LIST}?{narrow.format(name=shop.vendor.name, vendor=shop.vendor.public_id, sub=row.public_id)}")
    assert len([e for e in page.all("tr") if e.within("tbody")]) == 1 and shop.vendor.name in page.text


@pytest.mark.parametrize("narrow", ["mode=live", "status=suspended", "tier=enterprise"])
def test_one_that_does_not_fit_is_left_out(app: Flask, staff: Browser, narrow: str) -> None:
    shop, _ = subscribe(app)
    page = staff.get(f"{LIST}?q={shop.vendor.name}&{narrow}")
    assert "No subscription fits" in page.text and problems_of_html(page.html) == []


@pytest.mark.parametrize("wrong", ["status=asleep", "mode=both", "tier=gold", "q=%00"])
def test_a_filter_that_is_none_is_said(staff: Browser, wrong: str) -> None:
    assert staff.get(f"{LIST}?{wrong}").error_summary


def test_a_long_list_goes_on_without_leaving_one_out(app: Flask) -> None:
    name = f"Row {secrets.token_hex(6)}"
    made = [
        subscribe(app, name=f"{name} {n}", mode=mode, paid=False)[1].public_id for n, mode in enumerate(("test", "live") * 2 + ("test",))
    ]
    seen, after = [], None
    with unit(app):
        for _page in range(3):
            found = list_subscriptions(house(), SubscriptionFilter(text=name), after=after, limit=2)
            seen, after = [*seen, *(row.public_id for row, _vendor in found.rows)], found.next
    assert seen == made[::-1] and after is None


def test_everything_about_one_stands_on_its_page(app: Flask, staff: Browser) -> None:
    shop, row = subscribe(app)
    with unit(app):
        store.wish_for(again(row), Cancel(), by=shop.user.public_id)
    page = staff.get(f"{LIST}/{row.public_id}")
    assert page.heading == f"Subscription of {shop.vendor.name}" and problems_of_html(page.html) == []
    for words in (
        "Pro: £3.00 a month, 100 products",
        "it ends on",
        "Subscribed to Pro",
        "Paid: £3.00",
        "Asked to end with the period",
        "TEST-INV-",
        "Attempt 1",
    ):
        assert words in page.text, words
    with unit(app):
        entries = list_own_entries(shop.vendor, actor="stf").rows
        assert [entry.subject for entry in entries] == [row.public_id]  # the vendor reads that staff looked


@pytest.mark.parametrize("path", [f"{LIST}/sub_0000000000000000000000", f"{LIST}/none", f"{LIST}?after=none"])
def test_there_is_no_page_of_what_is_none(staff: Browser, path: str) -> None:
    staff.get(path, status=404)


def paper_of(app: Flask, row: KeptSubscription, place: int = 0) -> str:
    with unit(app):
        return f"{LIST}/{row.public_id}/documents/{list_documents(house(), again(row))[place].public_id}"


def test_a_wrong_invoice_is_taken_back_with_a_reason_that_the_trail_keeps(app: Flask, staff: Browser) -> None:
    life = Life(app, clock.now().date(), "pro")
    life.answer(clock.now().date())
    row = life.row
    path = paper_of(app, row)
    page = staff.get(path)
    assert (
        "A credit note of £3.00 takes back all that is left of it" in page.text
        and "Pro plan" in page.text
        and problems_of_html(page.html) == []
    )
    form = page.form(f"{path}/credit-note")
    assert "Say in a few words why: it stays with both documents." in staff.submit(form, status=422).errors
    refused = staff.submit(form, status=422, reason="bad")
    assert refused.form(f"{path}/credit-note").values["reason"] == "bad" and problems_of_html(refused.html) == []
    done = staff.submit(form, reason=WHY)
    assert f"Why: {WHY}" in done.text and "Balance £3.00" in done.text and "TEST-CN-" in done.text
    again_ = staff.submit(form, status=409, reason=WHY)  # pressed twice: nothing is left
    assert "Nothing is left of this invoice." in again_.text
    with unit(app):
        assert [each.kind for each in list_documents(house(), row)] == ["invoice", "credit_note"]
    note = staff.get(paper_of(app, row, 1))
    assert "given back" in note.text and not [e for e in note.all("form") if "credit-note" in e.attrs.get("action", "")]


def test_a_draft_is_not_taken_back(app: Flask, staff: Browser) -> None:
    _, row = subscribe(app, paid=False)
    path = paper_of(app, row)
    page = staff.get(path)
    assert page.heading == "Invoice, a draft" and not [e for e in page.all("form") if "credit-note" in e.attrs.get("action", "")]
    token = page.form("/staff/sign-out").values["csrf_token"]
    staff.post(f"{path}/credit-note", {"csrf_token": token, "reason": WHY}, status=409)


def test_a_reviewer_reads_and_takes_nothing_back(app: Flask) -> None:
    _, row = subscribe(app)
    path, reviewer = paper_of(app, row), make_staff(app, "reviewer").browser()
    page = reviewer.get(path)
    assert not [e for e in page.all("form") if "credit-note" in e.attrs.get("action", "")]
    token = page.form("/staff/sign-out").values["csrf_token"]
    reviewer.post(f"{path}/credit-note", {"csrf_token": token, "reason": WHY}, status=403)


def test_another_subscriptions_paper_is_none_of_this_one(app: Flask, staff: Browser) -> None:
    (_, one), (_, other) = subscribe(app), subscribe(app)
    path = paper_of(app, other).replace(other.public_id, one.public_id)
    staff.get(path, status=404)


def test_what_is_owed_stands_in_the_list(app: Flask, staff: Browser) -> None:
    _, row = subscribe(app, "starter")
    with clock.shifted(timedelta(days=32)):
        with unit(app):
            store.catch_up(again(row))
        with unit(app):
            charge = list_charges(house(), row)[0]
            store.refuse(again(row), tuple(charge.documents), hard=False)
    page = staff.get(f"{LIST}?q={row.public_id}")
    assert "Payment overdue" in page.text and "£1.00" in page.text
    shown = staff.get(f"{LIST}/{row.public_id}")
    assert "Service stops" in shown.text and "The card was declined" in shown.text and "£1.00 owed" in shown.text
