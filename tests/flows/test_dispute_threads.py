"""A dispute between a vendor and the staff: what they write, an answer in the vendor's place, and small ones that are given in by a rule."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from core.disputes.models import Dispute
from core.kernel.audit import AuditEntry
from core.kernel.db import db
from tests.browser import Browser, Page
from tests.factories import make_colleague, make_shop
from tests.flows.test_disputes import letters, opened, order, stands, told
from tests.flows.visit import Visit
from tests.portal.admin.people import make_staff


@pytest.fixture
def paid(visit: Visit) -> Visit:
    visit.browser.get(visit.pay())
    visit.told()
    visit.is_paid_once()
    return visit


def picture() -> io.BytesIO:
    made = io.BytesIO()
    Image.new("RGB", (300, 200), (10, 90, 70)).save(made, "PNG")
    made.seek(0)
    return made


def write(who: Browser, where: str, text: str, *, file: FileStorage | None = None, status: int = 200) -> Page:
    """With the form as the page shows it."""
    form = who.get(where).form(f"{where}/messages")
    return who.post(f"{where}/messages", {**form.values, "message": text, **({"enclosure": file} if file else {})}, status=status)


def here(visit: Visit, found: Dispute) -> Dispute:
    with visit.shop.app.app_context():
        return db.session.scalars(select(Dispute).where(Dispute.public_id == found.public_id)).one()


def test_a_vendor_asks_and_the_staff_answer(paid: Visit, app: Flask) -> None:
    owner, desk, found = paid.shop.browser(), make_staff(app, "finance").browser(), opened(paid)
    mine, theirs = f"/portal/disputes/{found.public_id}", f"/staff/disputes/{found.public_id}"
    page = write(owner, mine, "What does 13.1 mean?\n<b>Please</b>", file=FileStorage(picture(), "their letter.png"))
    assert "Sent to the platform’s staff" in page.text and "What does 13.1 mean?" in page.text and "their letter.jpg" in page.text
    assert "<b>Please</b>" not in page.html
    (link,) = [one for one in page.links() if "/messages/" in one]
    shown = owner.get(link, follow=False)
    assert shown.response.content_type == "image/jpeg" and "no-store" in shown.response.headers["Cache-Control"]

    listed = desk.get(f"/staff/disputes?unread=y&vendor={paid.shop.vendor.public_id}")
    assert found.public_id in listed.html and "unread" in listed.text
    assert "Unread messages about disputes" in desk.get("/staff/").text
    page = desk.get(theirs)
    assert "What does 13.1 mean?" in page.text and (paid.shop.user.name or paid.shop.user.email) in page.text
    (link,) = [one for one in page.links() if "/messages/" in one]
    assert desk.get(link, follow=False).response.content_type == "image/jpeg"
    page = write(desk, theirs, "Not received. Send us the\ntracking number.")
    assert "The vendor’s team is told" in page.text
    assert found.public_id not in desk.get(f"/staff/disputes?unread=y&vendor={paid.shop.vendor.public_id}").html

    page = owner.get(mine)
    assert "tracking number." in page.text and "The platform’s staff" in page.text
    paid.work()
    (letter,) = letters(paid, "dispute_message")
    assert "Send us the" in (letter.text or "") and mine in (letter.text or "") and "not to the bank" in (letter.text or "")
    notice = owner.get("/portal/notices")
    assert "staff wrote to you about a dispute" in notice.text
    opening = [f.attrs["action"] for f in notice.all("form") if f.attrs.get("action", "").endswith("/open")]
    assert any(owner.submit(notice.form(action)).address == mine for action in opening)

    write(owner, mine, "DPD 123")
    page = desk.get(theirs)
    assert "count as read" in desk.submit(page.form(f"{theirs}/read")).text
    assert not [f for f in desk.get(theirs).all("form") if f.attrs.get("action", "").endswith("/read")]
    log = owner.get("/portal/settings/audit-log").text
    assert "Wrote about a dispute" in log and "Read messages about a dispute" in log


def test_what_cannot_be_sent_is_said_at_its_field_and_the_words_stay(paid: Visit, app: Flask) -> None:
    owner, desk, found = paid.shop.browser(), make_staff(app, "reviewer").browser(), opened(paid)
    for who, where in ((owner, f"/portal/disputes/{found.public_id}"), (desk, f"/staff/disputes/{found.public_id}")):
        assert "Write something first." in write(who, where, "  ", status=422).errors[0]
        page = write(who, where, "Kept <words>", file=FileStorage(io.BytesIO(b"<svg/>"), "a.svg"), status=422)
        assert page.errors and "Kept &lt;words&gt;" in page.html
        assert write(who, where, "x" * 4001, status=422).errors
        assert who.get(f"{where}/messages/den_nothing", status=404)
        form = who.get(where).form(f"{where}/messages")
        page = who.post(f"{where}/messages", {**form.values, "form_token": "", "message": "Without its number"}, status=422)
        assert "Without its number" in page.html
    assert "Nobody has written yet." in desk.get(f"/staff/disputes/{found.public_id}").text


def test_who_may_read_and_who_may_write(paid: Visit, app: Flask) -> None:
    owner, found = paid.shop.browser(), opened(paid)
    where = f"/portal/disputes/{found.public_id}"
    page = write(owner, where, "Only for us", file=FileStorage(picture(), "a.png"))
    form = owner.get(where).form(f"{where}/messages")
    (link,) = [one for one in page.links() if "/messages/" in one]
    viewer = make_colleague(paid.shop, "viewer").browser()
    page = viewer.get(where)
    assert "Only for us" in page.text and not [f for f in page.all("form") if f.attrs.get("action", "").endswith("/messages")]
    token = {"csrf_token": viewer.get("/portal/").form("/sign-out").values["csrf_token"]}
    for act in ("messages", "keep"):
        assert viewer.post(f"{where}/{act}", {**form.values, "message": "x", **token}, status=403)
    stranger = make_shop(app, business="Somebody else").browser()
    assert stranger.get(link, status=404)
    token = {"csrf_token": stranger.get("/portal/").form("/sign-out").values["csrf_token"]}
    assert stranger.post(f"{where}/messages", {**form.values, "message": "x", **token}, status=404)


def test_the_staff_answer_in_the_vendors_place(paid: Visit, app: Flask) -> None:
    owner, found = paid.shop.browser(), opened(paid)
    colleague = make_staff(app, "reviewer")
    desk, mine, theirs = colleague.browser(), f"/portal/disputes/{found.public_id}", f"/staff/disputes/{found.public_id}"
    assert make_staff(app, "finance").browser().get(f"{theirs}/answer", status=403)
    assert "also look for" in desk.get(theirs).text
    page = desk.get(f"{theirs}/answer")
    old = page.form(f"{theirs}/draft")
    assert desk.submit(old, status=422, shipping_carrier="x" * 201).errors
    owner.submit(owner.get(mine).form(f"{mine}/draft"), shipping_carrier="DPD")
    page = desk.submit(old, status=409, shipping_carrier="Royal Mail")
    assert "Somebody has changed the draft" in page.text and "Royal Mail" in page.html
    page = desk.submit(desk.get(f"{theirs}/answer").form(f"{theirs}/draft"), shipping_tracking_number="123")
    assert "Nothing is sent yet" in page.text and 'value="DPD"' in page.html
    form = page.form(f"{theirs}/files")
    bad = desk.post(f"{theirs}/files", {**form.values, "kind": "receipt", "file": FileStorage(io.BytesIO(b"x"), "a.txt")}, status=422)
    assert bad.errors
    page = desk.post(f"{theirs}/files", {**form.values, "kind": "receipt", "file": FileStorage(picture(), "till.png")})
    assert "till.jpg" in page.text
    (link,) = [one for one in page.links() if f"{theirs}/files/" in one]
    assert desk.get(link, follow=False).response.content_type == "image/jpeg"
    assert "gone for good" in desk.submit(page.form(f"{link}/remove")).text

    page = desk.submit(desk.get(f"{theirs}/answer").form(f"{theirs}/draft"), step="review")
    assert page.address == f"{theirs}/review" and "The day on which it was sent" in page.text and "DPD" in page.text
    send = page.form(f"{theirs}/answer")
    assert desk.submit(send, status=422).errors, "nothing is sent before the box is ticked"
    pressed_by_owner = owner.get(f"{mine}/review").form(f"{mine}/answer")
    for _twice in range(2):
        assert "on its way to the bank" in desk.submit(send, sure="y").text
    owner.submit(pressed_by_owner, sure="y")
    paid.work()
    told(paid, found.provider_reference)
    sent = paid.processor.call("GET", f"/v1/disputes/{found.provider_reference}")
    assert sent["evidence_details"]["submission_count"] == 1 and sent["evidence"]["shipping_tracking_number"] == "123"
    (letter,) = letters(paid, "dispute_answered_for")
    assert "in your place" in (letter.text or "")
    assert "The platform’s staff" in owner.get(mine).text and colleague.email not in owner.get(mine).html
    assert "nothing more can be said" in desk.get(f"{theirs}/answer").text
    with app.app_context():
        done = select(AuditEntry.actor).where(AuditEntry.subject == found.public_id, AuditEntry.action == "dispute.answered")
        assert list(db.session.scalars(done)) == [colleague.member.public_id]
    assert colleague.email in make_staff(app).browser().get(f"/staff/audit?vendor={paid.shop.vendor.public_id}").text


def test_the_staffs_list_is_narrowed_by_vendor_stage_and_day(paid: Visit, app: Flask) -> None:
    found, other = opened(paid, due_seconds=20 * 3600), make_shop(app, business="A wholly different trade")
    desk, mine = make_staff(app, "reviewer").browser(), f"vendor={paid.shop.vendor.public_id}"
    for query in (mine, f"{mine}&stage=answer", f"{mine}&due=1&mode=test", f"{mine}&due=7&stage=answer"):
        assert found.public_id in desk.get(f"/staff/disputes?{query}").html
    for query in (f"{mine}&stage=over", f"{mine}&mode=live", f"{mine}&unread=y", f"vendor={other.vendor.public_id}"):
        assert found.public_id not in desk.get(f"/staff/disputes?{query}").html
    assert "No vendor has this number or name." in desk.get("/staff/disputes?vendor=nobody-of-this-name").text
    assert f"/staff/disputes/{found.public_id}" in desk.part(f"/staff/disputes?{mine}").html


def set_rule(visit: Visit, **typed: Any) -> Page:
    owner = visit.shop.browser()
    page = owner.submit(owner.get("/portal/disputes/rules").form("/portal/disputes/rules"), status=None, **typed)
    return page


def test_a_small_dispute_is_announced_and_given_in_on_its_day(paid: Visit) -> None:
    owner = paid.shop.browser()
    assert "Nothing is given in by itself" in owner.get("/portal/disputes/rules").text
    for wrong in (
        {"most": "", "days": "3"},
        {"most": "0", "days": "3"},
        {"most": "30.00", "days": "9"},
        {"most": "abc", "days": "2"},
        {"most": "5", "days": ""},
    ):
        page = set_rule(paid, currency="GBP", **wrong)
        assert page.status == 422 and page.errors
    assert "given in by themselves" in set_rule(paid, currency="GBP", most="30.00", days="2").text
    assert "£30.00" in owner.get("/portal/disputes/rules").text
    found = opened(paid)
    where = f"/portal/disputes/{found.public_id}"
    page = owner.get(where)
    assert "It will be given in by itself" in page.text and page.form(f"{where}/keep")
    paid.work()
    (letter,) = letters(paid, "dispute_to_accept")
    assert "Do not give in" in (letter.text or "") and "£25.00" in (letter.text or "") and where in (letter.text or "")
    assert "will be given in, unless you stop it" in owner.get("/portal/notices").text
    paid.time_passes(timedelta(days=2, minutes=5))
    paid.work()
    told(paid, found.provider_reference)
    assert here(paid, found).state == "accepted" and stands(paid) == {"dispute_fee_expense": 1500}
    page = owner.get(where)
    assert "Given in: the payer keeps the money" in page.text and "by your rule for small disputes" in page.text.lower()
    assert paid.journals("dispute lost") == 1


def test_one_press_stops_it(paid: Visit, app: Flask) -> None:
    owner = paid.shop.browser()
    set_rule(paid, currency="GBP", most="30.00", days="2")
    found = opened(paid)
    where = f"/portal/disputes/{found.public_id}"
    form = owner.get(where).form(f"{where}/keep")
    desk = make_staff(app, "reviewer").browser()
    shown = desk.get(f"/staff/disputes/{found.public_id}")
    assert "by the vendor’s rule" in shown.text
    pack = f"/staff/disputes/{found.public_id}/pack"
    assert pack in shown.links() and "£25.00" in desk.get(pack).text and found.provider_reference in desk.get(pack).text
    assert "It is not given in" in owner.submit(form).text
    assert "nothing to stop any more" in owner.submit(form).text
    paid.time_passes(timedelta(days=3))
    assert here(paid, found).wish is None and "Not given in by itself any more" in owner.get(where).text


def test_a_rule_is_ended_and_what_was_planned_with_it(paid: Visit) -> None:
    owner = paid.shop.browser()
    set_rule(paid, currency="GBP", most="30.00", days="2")
    found = opened(paid)
    page = owner.get("/portal/disputes/rules")
    assert "given in by itself any more" in owner.submit(page.form("/portal/disputes/rules/GBP/drop")).text
    assert here(paid, found).accept_at is None
    token = {"csrf_token": page.form("/portal/disputes/rules").values["csrf_token"]}
    assert owner.post("/portal/disputes/rules/XXQ/drop", token, status=404)
    support = make_colleague(paid.shop, "support").browser()
    page = support.get("/portal/disputes/rules")
    assert not [f for f in page.all("form") if "/rules" in f.attrs.get("action", "")]
    token = {"csrf_token": support.get("/portal/").form("/sign-out").values["csrf_token"]}
    assert support.post("/portal/disputes/rules", {**token, "currency": "GBP", "most": "5", "days": "3"}, status=403)
    assert support.post("/portal/disputes/rules/GBP/drop", token, status=403)


def test_a_payers_data_are_erased_with_the_messages(paid: Visit) -> None:
    owner, found = paid.shop.browser(), opened(paid)
    where = f"/portal/disputes/{found.public_id}"
    write(owner, where, "Sam says it never came.", file=FileStorage(picture(), "sam.png"))
    order(paid, dispute=found.provider_reference, outcome="lost")
    customer = next(one for one in owner.get(f"/portal/payments/{paid.first.public_id}").links() if "/portal/customers/cus_" in one)
    held = owner.get(f"{customer}/personal-data.json", follow=False).response.get_json()
    assert held["disputes"][0]["messages"][0]["text"] == "Sam says it never came."
    page = owner.get(f"{customer}/erase")
    assert "is erased" in owner.submit(page.form(f"{customer}/erase")).text
    page = owner.get(where)
    assert "Erased with the payer’s personal data." in page.text and "Sam says" not in page.text and "sam.jpg" not in page.text
