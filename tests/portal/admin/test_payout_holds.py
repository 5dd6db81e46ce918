"""The staff's pages of what is stopped: held and let go on with a reason, several payouts let go together after one look."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.payouts.accounts import add_account
from core.payouts.approve import hold_payout
from core.payouts.models import Payout
from tests.browser import Page
from tests.core.payouts.sellers import THEIRS, Seller
from tests.factories import Shop, make_link, make_paid, make_shop, unit
from tests.portal.admin.people import look_into, make_staff

WHY = "The register says another name than you do."


def actions(page: Page) -> list[str]:
    return [form.attrs["action"] for form in page.all("form")]


def ends_of(page: Page) -> list[str]:
    return [action for action in actions(page) if action.endswith("/end")]


@pytest.fixture
def payouts(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Seller, Payout]]:
    """Two sellers' payouts that wait for a person."""
    low = dataclasses.replace(settings(), payout_limits={})
    monkeypatch.setattr("core.payouts.request.settings", lambda: low)
    sellers = [Seller(make_shop(app)) for _ in range(2)]
    for seller in sellers:
        with unit(app):
            add_account(seller.shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by="usr_owner")
        link = make_link(seller.shop, amount="100.00", currency="USD")
        with shifted(timedelta(days=-20)):
            make_paid(seller.shop, link)
    sellers[0].release()
    return [(seller, seller.pays_out()) for seller in sellers]


def test_one_payout_is_held_read_about_and_let_go_on(app: Flask, payouts: list[tuple[Seller, Payout]]) -> None:
    (seller, payout), _other = payouts
    desk = make_staff(app, "finance").browser()
    path = f"/staff/payouts/{payout.public_id}"
    page = desk.get(path)
    wrong = desk.submit(page.form(f"{path}/hold"), status=422, **{"hold-reason": "", "hold-days": "400"})
    assert "Say why" in wrong.text and "180" in wrong.text
    page = desk.submit(wrong.form(f"{path}/hold"), **{"hold-reason": WHY, "hold-days": "3"})
    assert "This payout is held" in page.text and f"{path}/approval" not in actions(page)
    theirs = seller.shop.browser().get(f"/portal/payouts/{payout.public_id}")
    assert WHY in theirs.text and "One payout is held" in theirs.text
    assert "kept back" in desk.get("/staff/payouts").text
    page = desk.submit(desk.get(path).form(ends_of(desk.get(path))[0]))
    assert f"{path}/approval" in actions(page)


def test_several_are_let_go_together_after_one_look(app: Flask, payouts: list[tuple[Seller, Payout]]) -> None:
    desk = make_staff(app, "finance").browser()
    numbers = [payout.public_id for _, payout in payouts]
    page = desk.get("/staff/payouts/approvals?" + "&".join(f"payouts={number}" for number in numbers))
    assert "USD 197.00" in page.text
    form = page.form("/staff/payouts/approvals")
    desk.submit(form)
    assert [seller.as_it_is(payout).state for seller, payout in payouts] == ["submitted", "submitted"]
    again = desk.submit(form, status=409)
    assert "has changed since you looked" in again.text


def test_what_is_held_meanwhile_is_not_in_the_sum_that_would_leave(app: Flask, payouts: list[tuple[Seller, Payout]]) -> None:
    colleague, (held, other) = make_staff(app, "finance"), payouts
    desk = colleague.browser()
    looked_at = "/staff/payouts/approvals?payouts=" + ",".join(payout.public_id for _, payout in payouts)
    before = desk.get(looked_at).form("/staff/payouts/approvals")
    with unit(app):
        hold_payout(held[0].shop.vendor, held[1], reason=WHY, days=7, by=colleague.member.public_id)
    page = desk.submit(before, status=409)
    assert "has changed since you looked" in page.text and "kept back" in page.text
    assert "Let USD 98.50 (test) go" in page.text and "197.00" not in page.text
    desk.submit(page.form("/staff/payouts/approvals"))
    assert [seller.as_it_is(payout).state for seller, payout in (held, other)] == ["requested", "submitted"]
    alone = desk.get(f"/staff/payouts/approvals?payouts={held[1].public_id}")
    assert "kept back" in alone.text and not [f for f in alone.all("form") if f.attrs.get("action") == "/staff/payouts/approvals"]


def test_nothing_chosen_says_how_to_choose(app: Flask) -> None:
    assert "None is chosen" in make_staff(app, "finance").browser().get("/staff/payouts/approvals?payouts=po_x").text


def test_a_vendors_payouts_and_payments_are_stopped_by_those_who_may(app: Flask, shop: Shop) -> None:
    number = shop.vendor.public_id
    finance, reviewer = make_staff(app, "finance").browser(), make_staff(app, "reviewer").browser()
    page = finance.get(f"/staff/vendors/{number}/holds/test")
    page = finance.submit(page.form(f"/staff/vendors/{number}/holds/test"), reason=WHY, days="7")
    assert page.heading.startswith("What") and WHY in page.text
    reviewer.get(f"/staff/vendors/{number}/holds/test", status=403)
    page = reviewer.get(f"/staff/vendors/{number}/stops/test/payments")
    page = reviewer.submit(page.form(f"/staff/vendors/{number}/stops/test/payments"), reason=WHY)
    ends = ends_of(page)
    assert len(ends) == 1 and "/stops/" in ends[0], "a reviewer ends what reviewers stop"
    assert "You take no payments at the moment" in shop.browser().get("/portal/").text
    page = reviewer.submit(page.form(ends[0]))
    assert "You take no payments" not in shop.browser().get("/portal/").text
    log = shop.browser().get("/portal/settings/audit-log?kind=staff").text
    assert "Stopped something" in log and "Let something go on again" in log


@pytest.mark.parametrize(("what", "where"), [("embed", "/portal/embed"), ("api", "/portal/keys")])
def test_forms_elsewhere_and_the_api_are_stopped_and_announced_with_a_reason(app: Flask, shop: Shop, what: str, where: str) -> None:
    path, desk = f"/staff/vendors/{shop.vendor.public_id}/stops/test", make_staff(app, "reviewer").browser()
    wrong = desk.submit(look_into(desk, f"{path}/{what}").form(f"{path}/{what}"), status=422, reason=WHY, starts_on="2020-01-01")
    assert "Choose a day from tomorrow on" in wrong.text
    page = desk.submit(wrong.form(f"{path}/{what}"), reason=WHY, starts_on=(now() + timedelta(days=9)).date().isoformat())
    assert "stops soon" in page.text and WHY in page.text
    for told in ("/portal/", "/portal/settings/stops"):
        theirs = shop.browser().get(told).text
        assert WHY in theirs and "It does not come if" in theirs
    page = desk.submit(page.form(ends_of(page)[0]))
    assert "It does not come. The vendor is told." in page.text and WHY not in shop.browser().get("/portal/").text
    desk.submit(desk.get(f"{path}/{what}").form(f"{path}/{what}"), reason=WHY)
    assert WHY in shop.browser().get(where).text
    assert "Announced to stop something" in shop.browser().get("/portal/settings/audit-log?kind=staff").text


@pytest.mark.parametrize("path", ["stops/other", "stops/test/payouts", "stops/test/nothing", "holds/other"])
def test_what_cannot_be_stopped_is_not_found(app: Flask, shop: Shop, path: str) -> None:
    make_staff(app).browser().get(f"/staff/vendors/{shop.vendor.public_id}/{path}", status=404)
