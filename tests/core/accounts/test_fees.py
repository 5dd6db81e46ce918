"""A vendor's own fee: published for a day, told before a higher one counts, applied once by the clock, never in the middle of a payment."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask

from core.accounts.fees import NOTICE, BadFee, apply_due_fees, find_planned, list_fees, publish_fee, today
from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.kernel.clock import shifted
from tests.factories import Shop, fresh, make_paid, make_payment, make_shop, unit
from tests.portal.admin.people import make_staff

WHY = "Their volume has grown, as agreed on the telephone."


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def publish(shop: Shop, bps: int, day: date) -> None:
    with unit(shop.app):
        publish_fee(shop.vendor, bps=bps, from_on=day, reason=WHY, by="stf_one")


def vendor(shop: Shop) -> Vendor:
    with unit(shop.app):
        return get_vendor(shop.vendor.id)


def test_a_lower_fee_counts_today_for_payments_that_begin(app: Flask, shop: Shop) -> None:
    begun = make_payment(shop)
    publish(shop, 100, today())
    assert vendor(shop).fee_bps == 100
    shop.vendor.fee_bps = 100  # as the next request reads it
    after = make_paid(shop)
    assert after.fee == after.amount.share(100)
    assert fresh(shop, begun).fee_minor == begun.amount.share(150).minor, "what had begun keeps its fee"


def test_a_higher_fee_counts_only_after_the_days_of_notice(app: Flask, shop: Shop) -> None:
    with pytest.raises(BadFee) as refused:
        publish(shop, 200, today() + NOTICE - timedelta(days=1))
    assert refused.value.field == "from_on"
    publish(shop, 200, today() + NOTICE)
    assert vendor(shop).fee_bps == 150
    with unit(app):
        apply_due_fees()
    assert vendor(shop).fee_bps == 150
    with shifted(NOTICE):
        for _ in range(2):
            with unit(app):
                apply_due_fees()
        assert vendor(shop).fee_bps == 200
        with unit(app):
            assert find_planned(shop.vendor) is None and len(list_fees(shop.vendor)) == 1


def test_another_version_takes_the_place_of_the_planned_one(app: Flask, shop: Shop) -> None:
    publish(shop, 200, today() + NOTICE)
    publish(shop, 180, today() + NOTICE)
    with unit(app):
        newest, withdrawn = list_fees(shop.vendor)
        assert (newest.bps, newest.withdrawn_at, withdrawn.bps) == (180, None, 200) and withdrawn.withdrawn_at is not None
    with shifted(NOTICE):
        with unit(app):
            apply_due_fees()
        assert vendor(shop).fee_bps == 180


@pytest.mark.parametrize(
    ("bps", "days", "reason", "field"),
    [(5001, 0, WHY, "fee"), (-1, 0, WHY, "fee"), (150, 0, WHY, "fee"), (100, -1, WHY, "from_on"), (100, 400, WHY, "from_on"), (100, 0, "no", "reason")],
)  # fmt: skip
def test_what_is_no_fee_is_refused_at_its_field(app: Flask, shop: Shop, bps: int, days: int, reason: str, field: str) -> None:
    with unit(app), pytest.raises(BadFee) as refused:
        publish_fee(shop.vendor, bps=bps, from_on=today() + timedelta(days=days), reason=reason, by="stf_one")
    assert refused.value.field == field


def test_the_staff_look_first_and_the_vendor_reads_it(app: Flask, shop: Shop) -> None:
    make_paid(shop)
    desk, path = make_staff(app, "finance").browser(), f"/staff/vendors/{shop.vendor.public_id}/fee"
    wished = {"fee": "2", "from_on": f"{today() + NOTICE:%Y-%m-%d}", "reason": WHY}
    page = desk.submit(desk.get(path).form(path), **wished, step="look")
    assert "1.5" in page.text and "Publish it" in page.text and vendor(shop).fee_bps == 150
    with unit(app):
        assert list_fees(shop.vendor) == []
    page = desk.submit(page.form(path), **wished, step="publish")
    assert "planned" in page.text
    theirs = shop.browser()
    assert "fee for your payments changes" in theirs.get("/portal/notices").text
    assert "2" in theirs.get("/portal/settings").text and "What the platform keeps" in theirs.get("/portal/settings").text
    assert "Published another fee" in theirs.get("/portal/settings/audit-log?kind=money").text
    make_staff(app, "reviewer").browser().post(path, {"csrf_token": page.form(path).values["csrf_token"]}, status=None)
    assert vendor(shop).fee_bps == 150


def test_notes_are_for_the_staff_alone_and_the_newest_marks_the_vendor(app: Flask, shop: Shop) -> None:
    desk, path = make_staff(app, "reviewer").browser(), f"/staff/vendors/{shop.vendor.public_id}/notes"
    desk.submit(desk.get(path).form(path), text="Rang twice <b>today</b>.", flag="complaint")
    page = desk.submit(desk.get(path).form(path), text="Settled.", flag="watch")
    assert "Rang twice <b>today</b>." in page.text
    assert "to be watched" in desk.get(f"/staff/vendors?q={shop.vendor.public_id}").text
    assert desk.submit(desk.get(path).form(path), status=422, text="", flag="").error_summary
    theirs = shop.browser()
    for where in ("/portal/settings/audit-log", "/portal/settings/staff-visits", "/portal/notices"):
        assert "Rang twice" not in theirs.get(where).text
