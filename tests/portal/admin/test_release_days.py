"""How long a vendor's money waits: said to the vendor beside its payouts, set by staff who may, with a reason the vendor reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.kernel.db import db
from tests.factories import Shop, make_paid, make_shop, unit
from tests.portal.admin.people import make_staff


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app, business="Waiting Bakery")


def days_of(shop: Shop) -> int:
    with unit(shop.app):
        return db.session.get_one(Vendor, shop.vendor.id).release_days


def test_staff_set_it_with_a_reason_and_the_vendor_reads_both(shop: Shop) -> None:
    before, path = make_paid(shop), f"/staff/vendors/{shop.vendor.public_id}/release-days"
    assert before.captured_at and before.available_at == before.captured_at + timedelta(days=7)
    desk = make_staff(shop.app, "finance").browser()
    page = desk.get(path)
    assert page.form().values["days"] == "7"
    for days, reason in (("91", "Many disputes lately"), ("x", "Many disputes lately"), ("14", ""), ("14", "why")):
        wrong = desk.submit(page.form(), days=days, reason=reason, status=422)
        assert wrong.errors and wrong.form().values["days"] == days, "what was typed is kept"
    assert days_of(shop) == 7
    desk.submit(page.form(), days="14", reason="Many disputes lately")
    assert days_of(shop) == 14
    with unit(shop.app):
        as_it_is = replace(shop, vendor=get_vendor(shop.vendor.id))
    after = make_paid(as_it_is)
    assert after.captured_at and after.available_at == after.captured_at + timedelta(days=14)
    owner = shop.browser()
    log = owner.get("/portal/settings/audit-log").text
    assert "Changed for how long money waits" in log and "Many disputes lately" in log and "The platform’s staff" in log
    assert "14 days after it was paid" in owner.get("/portal/payouts").text
    assert "14 days after it was paid" in owner.get("/portal/payouts/schedule?currency=USD").text


def test_money_may_be_available_at_once(shop: Shop) -> None:
    desk = make_staff(shop.app, "superuser").browser()
    path = f"/staff/vendors/{shop.vendor.public_id}/release-days"
    desk.submit(desk.get(path).form(), days="0", reason="Sells to one known firm only")
    assert "A payment becomes available At once" in shop.browser().get("/portal/payouts").text


def test_a_reviewer_does_not_set_it(shop: Shop) -> None:
    make_staff(shop.app, "reviewer").browser().get(f"/staff/vendors/{shop.vendor.public_id}/release-days", status=403)
