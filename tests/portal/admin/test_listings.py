"""The staff's pages of the directory: looking, taking out with a reason that is told, letting back in; and who may."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from core.directory.models import Listing
from core.directory.moderate import ask_for_review
from core.kernel.db import db
from core.notifications.models import Message, Notice
from tests.core.directory.stalls import live_shop, make_branch, make_image, make_listing, make_product, unheard
from tests.factories import Shop, again, fresh, make_shop, unit
from tests.portal.admin.people import make_staff
from tests.valid_html import problems_of_html

REASON = "The picture shows another business. Send one of your own."


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def told(shop: Shop) -> list[str]:
    with unit(shop.app):
        notices = [row.kind for row in db.session.query(Notice).filter_by(vendor_id=shop.vendor.id).order_by(Notice.id)]
        letters = [row.kind for row in db.session.query(Message).filter_by(vendor_id=shop.vendor.id).order_by(Message.id)]
    listing_letters = [kind for kind in letters if kind.startswith("listing")]
    assert notices == listing_letters
    return notices


def test_a_listing_is_taken_out_with_a_reason_and_let_back_in(shop: Shop, work: Callable[[], int]) -> None:
    word = unheard()
    listing, staff = make_listing(shop, title=word), make_staff(shop.app, "reviewer").browser()
    make_branch(shop, listing), make_product(shop, listing), make_image(shop, listing)
    index = staff.get(f"/staff/listings?q={word}")
    assert word in index.text and shop.vendor.name in index.text
    path = f"/staff/listings/{listing.public_id}"
    page = staff.get(path)
    assert staff.client.get(next(e for e in page.all("img")).attrs["src"]).mimetype == "image/webp"
    wrong = staff.submit(page.form(f"{path}/withdrawal"), reason="bad", status=422)
    assert any("what would mend it" in error for error in wrong.errors)
    page = staff.submit(page.form(f"{path}/withdrawal"), reason=REASON)
    assert REASON in page.text and fresh(shop, listing).state == "withdrawn" and told(shop) == ["listing_withdrawn"]
    work()
    owner = shop.browser()
    notices = owner.get("/portal/notices")
    assert REASON in notices.text
    opened = owner.submit(notices.form(next(e.attrs["action"] for e in notices.all("form") if e.attrs["action"].endswith("/open"))))
    assert opened.heading == word and REASON in opened.text
    with unit(shop.app):
        letter = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="listing_withdrawn").one()
        assert letter.state == "kept" and REASON in (letter.text or "") and REASON in (letter.html or "")
        ask_for_review(again(listing), by=shop.user.public_id)
    assert word in staff.get("/staff/listings?state=review").text
    staff.submit(staff.get(path).form(f"{path}/restoration"))
    assert fresh(shop, listing).state == "published" and told(shop) == ["listing_withdrawn", "listing_restored"]
    assert word not in staff.get("/staff/listings?state=review").text
    work()


def test_staff_see_no_draft_and_no_test_listing(app: Flask, shop: Shop) -> None:
    staff = make_staff(app).browser()
    for listing in (make_listing(shop, publish=False), make_listing(make_shop(app))):
        staff.get(f"/staff/listings/{listing.public_id}", status=404)


def test_who_may_only_look_is_not_offered_the_decision(shop: Shop) -> None:
    listing, finance = make_listing(shop), make_staff(shop.app, "finance").browser()
    page = finance.get(f"/staff/listings/{listing.public_id}")
    assert not [e for e in page.all("form") if "withdrawal" in e.attrs.get("action", "")]
    token = page.form("/staff/sign-out").values["csrf_token"]
    finance.post(f"/staff/listings/{listing.public_id}/withdrawal", {"csrf_token": token, "reason": REASON}, status=403)
    assert fresh(shop, listing).state == "published"


def test_the_pages_are_valid_html(shop: Shop) -> None:
    listing, staff = make_listing(shop), make_staff(shop.app).browser()
    make_image(shop, listing)
    for path in ("/staff/listings", "/staff/listings?state=withdrawn", f"/staff/listings/{listing.public_id}"):
        assert problems_of_html(staff.get(path).html) == [], path


def test_what_may_be_the_same_business_is_named_beside_it(app: Flask, shop: Shop) -> None:
    word, staff = unheard(), make_staff(app, "reviewer").browser()
    number = f"+44 117 {secrets.randbelow(10**7):07d}"

    def put(whose: Shop, title: str, *, phone: str = "", **where: Any) -> Listing:
        listing = make_listing(whose, title=title, phone=phone)
        make_branch(whose, listing, **where)
        return listing

    def beside(listing: Listing) -> dict[str, str]:
        page = staff.get(f"/staff/listings/{listing.public_id}")
        rows = [e.text for e in page.all("li") if any(p.attrs.get("class") == "strike-rows" for p in e.parents)]
        return {row.split(" The same")[0]: "The same" + row.split("The same")[1].split(" · ")[0] for row in rows}

    mine = put(shop, f"{word} Bakery", phone=number)
    put(shop, f"{word} Kitchen", phone=number)  # of the same vendor, and called otherwise
    others = live_shop(app)
    named = put(others, f"{word.upper()} bakery", name="Round the corner", town="Clifton")  # written otherwise, a few streets away
    put(others, f"{word} Bread", phone=number.replace(" 117 ", " (117) "))
    put(others, f"{word} Bakery", town="Leeds", at=(53_800_000, -1_550_000))  # far away
    put(others, f"{word} Bakery Supplies", town="Bristol")
    assert beside(mine) == {f"{word.upper()} bakery": "The same name, near by", f"{word} Bread": "The same telephone number"}
    assert list(beside(named)) == [f"{word} Bakery"]
