"""A change of what the public reads, from the vendor's form by way of the staff's queue to the public page, and back with a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from core.directory.models import Listing, ListingEdit
from core.kernel.db import db
from core.notifications.models import Message, Notice
from tests.browser import Browser, Page
from tests.core.directory.stalls import live_shop, make_listing, unheard
from tests.factories import Shop, fresh, make_colleague, unit
from tests.portal.admin.people import make_staff
from tests.valid_html import problems_of_html

WHY = "The name is that of another business. Use your own."


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def edit(shop: Shop, listing: Listing, **typed: str) -> Page:
    owner = shop.browser()
    return owner.submit(owner.get(f"/portal/listings/{listing.public_id}/edit").form(), **typed)


def of(shop: Shop) -> ListingEdit:
    with unit(shop.app):
        return db.session.query(ListingEdit).filter_by(vendor_id=shop.vendor.id).one()


def decide(shop: Shop, staff: Browser, decision: str, *, status: int = 200, **typed: str) -> Page:
    path = f"/staff/listings/edits/{of(shop).public_id}"
    return staff.submit(staff.get(path).form(f"{path}/decision"), decision=decision, status=status, **typed)


def letters(shop: Shop) -> list[Message]:
    with unit(shop.app):
        notices = db.session.query(Notice).filter_by(vendor_id=shop.vendor.id, kind="listing_edit_decided").count()
        found = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="listing_edit_decided").order_by(Message.id).all()
    assert notices == len(found)
    return found


def test_a_change_is_read_with_what_is_different_and_approved(shop: Shop, work: Callable[[], int]) -> None:
    before, after = unheard(), unheard()
    listing = make_listing(shop, title=before)
    page = edit(shop, listing, title=after, description="Since 1962.")
    assert page.heading == before and "Changes wait for our staff" in page.text and problems_of_html(page.html) == []
    staff = make_staff(shop.app, "reviewer").browser()
    assert before in staff.get("/staff/listings/edits").text
    seen = staff.get(f"/staff/listings/edits/{of(shop).public_id}")
    assert [e.text for e in seen.all("del")] == [f"Gone: {before}"]
    assert [e.text for e in seen.all("ins")] == [f"New: {after}", "New: Since 1962."] and problems_of_html(seen.html) == []
    decide(shop, staff, "approve")
    assert fresh(shop, listing).title == after and before not in staff.get("/staff/listings/edits").text
    work()
    (letter,) = letters(shop)
    assert letter.state == "kept" and "The public sees them from now on" in (letter.text or "")


def test_other_changes_are_asked_for_and_the_form_holds_what_was_written(shop: Shop, work: Callable[[], int]) -> None:
    listing = make_listing(shop, title="Blue Door")
    edit(shop, listing, title="Red Door")
    staff = make_staff(shop.app, "reviewer").browser()
    wrong = decide(shop, staff, "changes", status=422)
    assert any("what would mend it" in error for error in wrong.errors)
    decide(shop, staff, "changes", reason=WHY)
    work()
    assert WHY in (letters(shop)[0].text or "")
    owner = shop.browser()
    page = owner.get(f"/portal/listings/{listing.public_id}/edit")
    assert WHY in page.text and page.form().values["title"] == "Red Door"
    owner.submit(page.form(), title="Red Door Bakery")
    assert of(shop).state == "waiting" and fresh(shop, listing).title == "Blue Door"


def test_a_rejection_is_told_and_may_be_a_strike(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    edit(shop, listing, title="Red Door")
    decide(shop, make_staff(shop.app, "reviewer").browser(), "reject", reason=WHY, strike="y")
    page = shop.browser().get(f"/portal/listings/{listing.public_id}")
    assert "Your last changes were not taken over" in page.text and WHY in page.text and fresh(shop, listing).title == "Blue Door"
    assert "1 strike stands" in make_staff(shop.app).browser().get(f"/staff/listings/{listing.public_id}").text


def test_what_was_changed_meanwhile_is_read_again(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    edit(shop, listing, title="Red Door")
    staff, path = make_staff(shop.app, "reviewer").browser(), f"/staff/listings/edits/{of(shop).public_id}"
    form = staff.get(path).form(f"{path}/decision")
    edit(shop, listing, title="Green Door")
    page = staff.submit(form, decision="approve", status=422)
    assert "Read it again" in page.text and "Green Door" in page.text.replace("New: ", "") and fresh(shop, listing).title == "Blue Door"
    staff.submit(page.form(f"{path}/decision"), decision="approve")
    assert fresh(shop, listing).title == "Green Door"
    gone = staff.get(path)
    assert "Nothing waits here any more" in gone.text and problems_of_html(gone.html) == []
    form.values["seen"] = "yesterday"
    staff.submit(form, decision="approve", status=422)


def test_a_vendor_takes_changes_back(shop: Shop) -> None:
    listing, owner = make_listing(shop, title="Blue Door"), shop.browser()
    page = owner.submit(owner.get(f"/portal/listings/{listing.public_id}/edit").form(), title="Red Door")
    action = f"/portal/listings/{listing.public_id}/do/take-back"
    again = owner.submit(page.form(action))
    assert "Changes wait" not in again.text and of(shop).state == "taken_back"
    owner.submit(page.form(action), status=422)


def test_a_kept_reason_fills_the_form(shop: Shop) -> None:
    listing, name = make_listing(shop, title="Blue Door"), unheard()
    edit(shop, listing, title="Red Door")
    staff = make_staff(shop.app, "reviewer").browser()
    empty = staff.submit(staff.get("/staff/listings/reasons").form("/staff/listings/reasons"), status=422, name="", words="no")
    assert len(empty.errors) == 2 or "Give it a name." in empty.errors
    listed = staff.submit(staff.get("/staff/listings/reasons").form("/staff/listings/reasons"), name=name, words=WHY)
    assert name in listed.text and problems_of_html(listed.html) == []
    for path in (f"/staff/listings/edits/{of(shop).public_id}", f"/staff/listings/{listing.public_id}"):
        fill = next(e.attrs["href"] for e in staff.get(path).all("a") if e.text == name)
        page = staff.get(fill.partition("#")[0])
        assert next(e for e in page.all("textarea")).text == WHY
    one = next(e.attrs["href"] for e in listed.all("a") if e.text == name)
    page = staff.get(one)
    assert problems_of_html(page.html) == []
    staff.submit(page.form(one), name=f"{name} two", words=WHY)
    assert f"{name} two" in staff.get("/staff/listings/reasons").text
    assert name not in staff.submit(staff.get(one).form(f"{one}/archive")).text
    staff.get(one, status=404)


def test_who_may_only_look_decides_nothing(shop: Shop) -> None:
    listing = make_listing(shop, title="Blue Door")
    edit(shop, listing, title="Red Door")
    finance, path = make_staff(shop.app, "finance").browser(), f"/staff/listings/edits/{of(shop).public_id}"
    page = finance.get(path)
    assert not [e for e in page.all("form") if e.attrs.get("action", "").endswith("/decision")]
    token = page.form("/staff/sign-out").values["csrf_token"]
    finance.post(f"{path}/decision", {"csrf_token": token, "decision": "approve"}, status=403)
    support = make_colleague(shop, "support").browser()
    support.get(f"/portal/listings/{listing.public_id}/edit", status=403)
    assert of(shop).state == "waiting"


def test_what_is_reworded_is_read_before_it_goes_back(shop: Shop) -> None:
    listing, owner = make_listing(shop, title="Blue Door"), shop.browser()
    path = f"/portal/listings/{listing.public_id}"
    owner.submit(owner.get(path).form(f"{path}/do/unpublish"))
    edit(shop, listing, title="Red Door")
    waits = owner.submit(owner.get(path).form(f"{path}/do/publish"))
    assert "Our staff read it before the public does" in waits.text and fresh(shop, listing).state == "draft"
    staff, there = make_staff(shop.app, "reviewer").browser(), f"/staff/listings/{listing.public_id}"
    page = staff.get(there)
    assert "Red Door" in staff.get("/staff/listings?state=review").text and problems_of_html(page.html) == []
    staff.submit(page.form(f"{there}/restoration"))
    assert fresh(shop, listing).state == "published"
