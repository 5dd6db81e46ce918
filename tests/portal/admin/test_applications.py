"""Being let into live mode, over both doors: what a business sends and the staff read, ask and decide."""

from __future__ import annotations

import io

import pytest
from flask import Flask

from core.admission.apply import Facts, add_paper, find_last, list_papers, send_application
from core.admission.decide import approve
from core.admission.review import count_to_look_at_up_to
from core.kernel.checked_file import Checked
from tests.browser import Browser
from tests.core.disputes.test_answers import picture
from tests.factories import Shop, make_shop, unit
from tests.portal.admin.people import make_staff

PATH = "/portal/live/application"
FACTS = {
    "legal_name": "Blue Door Bakery Ltd", "street": "Mill Lane 1", "postcode": "N1 1AA", "city": "London", "registration": "01234567",
    "owner_name": "Ada Bell", "website": "https://www.bluedoor.example", "sells": "Bread and courses, to people nearby.",
}  # fmt: skip


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def owner(shop: Shop) -> Browser:
    return shop.browser()


def number_of(shop: Shop) -> str:
    with unit(shop.app):
        row = find_last(shop.vendor)
        assert row
        return row.public_id


def test_a_business_is_asked_back_answers_and_is_let_in(app: Flask, shop: Shop, owner: Browser) -> None:
    page = owner.submit(owner.get(PATH).form(PATH), status=422, **{**FACTS, "website": "bluedoor"})
    assert any(e.attrs.get("id") == "website-error" for e in page.elements) and page.form(PATH).values["sells"] == FACTS["sells"]
    page = owner.submit(page.form(PATH), status=422, website="https://[a.b")  # which the staff's page could not read
    page = owner.submit(page.form(PATH), website=FACTS["website"])
    assert "The staff are looking at it" in page.text
    desk, where = make_staff(app, "reviewer").browser(), f"/staff/applications/{number_of(shop)}"
    assert FACTS["legal_name"] in desk.get("/staff/applications").text
    page = desk.get(where)
    assert "not proved" in page.text and FACTS["owner_name"] in page.text
    before, token = page, page.form(f"{where}/approval").values["csrf_token"]
    assert "the business reads it" in desk.post(f"{where}/question", {"csrf_token": token, "text": ""}, status=422).text
    desk.post(f"{where}/question", {"csrf_token": token, "text": "Whose is the <b>website</b>?"}, status=200)
    page = owner.get(PATH)
    assert "Whose is the <b>website</b>?" in page.text
    owner.submit(page.form(PATH), answer="It is ours.")
    assert "has moved on" in desk.submit(before.form(f"{where}/approval"), status=409).text, "nobody is let in for what was not read"
    page = desk.get(where)
    assert "It is ours." in page.text
    desk.submit(page.form(f"{where}/approval"))
    assert "You are let in" in owner.get(PATH).text
    assert "Let a business into live mode" in owner.get("/portal/settings/audit-log").text


def test_a_paper_is_drawn_anew_and_read_by_both_and_by_nobody_else(app: Flask, shop: Shop, owner: Browser) -> None:
    token = owner.get(PATH).form(f"{PATH}/papers").values["csrf_token"]
    for name, data, status in (("passport.png", picture("PNG"), 303), ("script.pdf", b"not a pdf", 422)):
        answer = owner.client.post(
            f"{PATH}/papers",
            data={"csrf_token": token, "kind": "person", "file": (io.BytesIO(data), name)},
            content_type="multipart/form-data",
        )
        assert answer.status_code == status, name
    with unit(app):
        (kept,) = list_papers(shop.vendor)
    owner.submit(owner.get(PATH).form(PATH), **FACTS)
    for browser, path in (
        (owner, f"{PATH}/papers/{kept.public_id}"),
        (make_staff(app, "reviewer").browser(), f"/staff/applications/{number_of(shop)}/papers/{kept.public_id}"),
    ):
        answer = browser.client.get(path)
        assert answer.status_code == 200 and answer.mimetype == "image/jpeg" and "no-store" in answer.headers["Cache-Control"]
    make_shop(app).browser().get(f"{PATH}/papers/{kept.public_id}", status=404)
    other = make_shop(app)
    theirs = other.browser()
    theirs.submit(theirs.get(PATH).form(PATH), **FACTS)
    make_staff(app).browser().get(f"/staff/applications/{number_of(other)}/papers/{kept.public_id}", status=404)


def test_each_paper_is_judged_and_the_business_reads_what_is_missing(app: Flask, shop: Shop, owner: Browser) -> None:
    with unit(app):
        paper = add_paper(shop.vendor, "person", "passport.pdf", Checked(b"%PDF-1.7", "application/pdf", 1), by=shop.user.public_id)
    owner.submit(owner.get(PATH).form(PATH), **FACTS)
    where = f"/staff/applications/{number_of(shop)}"
    path = f"{where}/papers/{paper.public_id}/review"
    make_staff(app, "finance").browser().get(path, status=403)
    desk = make_staff(app, "reviewer").browser()
    wrong = desk.submit(desk.get(path).form(path), status=422, verdict="refused")
    assert "the business reads it" in wrong.text
    page = desk.submit(wrong.form(path), verdict="refused", reason="The <b>name</b> cannot be read.")
    assert "Not accepted" in page.text and "The <b>name</b> cannot be read." in page.text
    theirs = owner.get(PATH)
    assert "The <b>name</b> cannot be read." in theirs.text and "Add another one" in theirs.text
    page = desk.submit(desk.get(path).form(path), verdict="accepted", reason="", expires_on="2030-05-04")
    assert "Counts until 4 May 2030" in page.text and "Accepted" in page.text
    assert "Counts until 4 May 2030" in owner.get(PATH).text
    desk.submit(desk.get(where).form(f"{where}/approval"))
    theirs = owner.get(PATH)
    assert "Take away" not in theirs.text and theirs.form(f"{PATH}/papers")
    log = owner.get("/portal/settings/audit-log").text
    assert "Accepted a paper" in log and "Did not accept a paper" in log


def test_finance_reads_and_does_not_decide(app: Flask, shop: Shop, owner: Browser) -> None:
    owner.submit(owner.get(PATH).form(PATH), **FACTS)
    page = make_staff(app, "finance").browser().get(f"/staff/applications/{number_of(shop)}")
    assert {form.attrs["action"] for form in page.all("form") if form.attrs.get("method") == "post"} == {"/staff/sign-out"}


def test_a_business_to_let_in_stands_on_the_first_page(app: Flask, shop: Shop, owner: Browser) -> None:
    owner.submit(owner.get(PATH).form(PATH), **FACTS)
    assert "Businesses to let in" in make_staff(app, "reviewer").browser().get("/staff/").text


def test_papers_to_look_at_are_counted_on_the_first_page(app: Flask, shop: Shop) -> None:
    """One that was sent after its business was let in; read by who decides about applications."""
    title, where = "Papers to look at", "/staff/applications#papers"
    assert title not in make_staff(app, "finance").browser().get("/staff/").text
    with unit(app):
        row = send_application(shop.vendor, Facts(**FACTS), by=shop.user.public_id)
        approve(shop.vendor, row, by="stf_one", seen=row.sent_at)
        before = count_to_look_at_up_to(100)
    with unit(app):
        add_paper(shop.vendor, "other", "more.pdf", Checked(b"%PDF-1.7", "application/pdf", 1), by=shop.user.public_id)
    with unit(app):
        assert count_to_look_at_up_to(100) == min(100, before + 1)
    page = make_staff(app, "reviewer").browser().get("/staff/")
    assert title in page.text and where in [link.attrs.get("href") for link in page.all("a")]
