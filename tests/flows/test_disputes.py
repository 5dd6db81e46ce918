"""A dispute from end to end: the processor's news, the vendor's pages, the one answer with its pack, the bank's word, and the staff."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from core.disputes.models import Dispute, DisputeFile
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import post
from core.ledger.queries import balances, find_breaks
from core.notifications.models import Message
from tests.browser import Browser, Page
from tests.factories import make_colleague, make_shop, unit
from tests.flows.visit import Visit
from tests.portal.admin.people import make_staff
from tests.sandbox.running import wait_until


@pytest.fixture
def paid(visit: Visit) -> Visit:
    visit.browser.get(visit.pay())
    visit.told()
    visit.is_paid_once()
    return visit


def order(visit: Visit, **what: Any) -> str:
    """What happens at the processor; its news are here and opened afterwards."""
    made = visit.processor.call("POST", "/_sandbox/disputes", **what)
    told(visit, made["id"])
    return str(made["id"])


def told(visit: Visit, name: str) -> None:
    def state() -> bool:
        visit.work()
        there = visit.processor.call("GET", f"/v1/disputes/{name}")
        with visit.shop.app.app_context():
            here = db.session.scalar(select(Dispute).where(Dispute.provider_reference == name))
        same = {"warning_needs_response": "inquiry", "warning_closed": "closed"}.get(there["status"], there["status"])
        return here is not None and here.state in (same, {"lost": "accepted"}.get(same, same))

    wait_until(state)


def opened(visit: Visit, **how: Any) -> Dispute:
    name = order(visit, charge=visit.payment.charge, **{"reason": "product_not_received", **how})
    with visit.shop.app.app_context():
        return db.session.scalars(select(Dispute).where(Dispute.provider_reference == name)).one()


def stands(visit: Visit) -> dict[str, int]:
    with visit.shop.app.app_context():
        assert find_breaks(visit.shop.vendor.id, "test") == []
        found = balances(visit.shop.vendor, "test").items()
        return {name: money.minor for (name, _, _), money in found if money and name.startswith(("seller_", "dispute_"))}


def picture() -> io.BytesIO:
    made = io.BytesIO()
    Image.new("RGB", (300, 200), (10, 90, 70)).save(made, "PNG")
    made.seek(0)
    return made


def upload(owner: Browser, where: str, kind: str, file: io.BytesIO, name: str = "signed note.png", status: int = 200) -> Page:
    form = owner.get(where).form(f"{where}/files")
    return owner.post(f"{where}/files", {**form.values, "kind": kind, "file": FileStorage(file, name)}, status=status)


def test_from_the_banks_letter_to_winning(paid: Visit, app: Flask) -> None:
    owner, share = paid.shop.browser(), paid.payment.net.minor
    refund = owner.get(f"/portal/payments/{paid.first.public_id}").form(f"/portal/payments/{paid.first.public_id}/refunds")
    found = opened(paid)
    where = f"/portal/disputes/{found.public_id}"
    assert stands(paid) == {"seller_hold": share, "dispute_receivable": 2500, "dispute_fee_expense": 1500}
    assert "1 dispute waits for your answer" in owner.get("/portal/").text
    assert "6 days left" in owner.get("/portal/disputes").text
    paid.work()
    (letter,) = letters(paid, "dispute_opened")
    assert "Not received" in (letter.text or "") and where in (letter.text or "")
    page = owner.get(f"/portal/payments/{paid.first.public_id}")
    assert "cannot be refunded while it is disputed" in page.text and "Disputed" in [e.text for e in page.all("span", class_="badge")]
    refused = owner.submit(refund, status=None)
    assert refused.status in (409, 422) and "is disputed" in refused.text

    page = owner.get(where)
    assert "Your share is kept aside" in page.text and "Carrier" in page.text and "Rules for cancelling" not in page.text
    form = page.form(f"{where}/draft")
    for typed, said in (
        ("DPD", "Kept at"),
        ("x" * 201, "Not kept: Use 200 characters at most."),
    ):  # as the page does by itself while it is written
        kept = owner.client.post(f"{where}/draft", data={**form.values, "shipping_carrier": typed}, headers={"HX-Request": "true"})
        assert said in kept.get_data(as_text=True)
    assert 'value="DPD"' in owner.get(where).html
    page = owner.submit(form, shipping_carrier="Royal Mail", uncategorized_text="Signed for by\nthe customer.", step="review")
    assert "Royal Mail" in page.text and page.address == f"{where}/review"
    page = upload(owner, where, "shipping_documentation", picture())
    assert "signed note.jpg" in page.text and "kB" in page.text
    with app.app_context():
        kept = db.session.scalars(select(DisputeFile).where(DisputeFile.dispute_id == found.id)).one()
    shown = owner.get(f"{where}/files/{kept.public_id}", follow=False)
    assert shown.response.content_type == "image/jpeg" and "private" in shown.response.headers["Cache-Control"]
    pack = owner.get(f"{where}/pack", follow=False)
    assert all(word in pack.html for word in ("Royal Mail", "Signed for by", "sam@example.com", paid.payment.reference, "Receipt"))
    assert "3-D Secure" not in pack.html, "nothing is claimed that did not happen"

    review = owner.get(f"{where}/review")
    assert "cannot be changed" in review.text
    assert owner.submit(review.form(f"{where}/answer"), status=422).errors, "nothing is sent before the box is ticked"
    for _twice in range(2):
        page = owner.submit(review.form(f"{where}/answer"), sure="y")
    assert "on its way to the bank" in page.text
    paid.work()
    told(paid, found.provider_reference)
    sent = paid.processor.call("GET", f"/v1/disputes/{found.provider_reference}")
    assert sent["status"] == "under_review" and sent["evidence_details"]["submission_count"] == 1
    assert sent["evidence"]["shipping_carrier"] == "Royal Mail" and sent["evidence"]["shipping_documentation"].startswith("file_")
    page = owner.get(where)
    assert "The bank has your answer" in page.text and not [f for f in page.all("form") if f.attrs.get("action", "").endswith("/draft")]
    with app.app_context():
        printed = db.session.scalars(
            select(DisputeFile).where(DisputeFile.dispute_id == found.id, DisputeFile.kind == "evidence_pack")
        ).one()
        text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(printed.content)).pages)
    assert "Royal Mail" in text and paid.payment.reference in text

    order(paid, dispute=found.provider_reference, outcome="won")
    assert stands(paid) == {"seller_pending": share, "dispute_fee_expense": 1500}
    assert "Won: the money is yours again" in owner.get(where).text
    paid.work()
    (letter,) = letters(paid, "dispute_decided")
    assert "the money is yours again" in (letter.text or "")
    assert owner.get(f"/portal/payments/{paid.first.public_id}").form(f"/portal/payments/{paid.first.public_id}/refunds")


def letters(visit: Visit, kind: str) -> list[Message]:
    with visit.shop.app.app_context():
        mine = select(Message).where(Message.vendor_id == visit.shop.vendor.id, Message.kind == kind, Message.state == "kept")
        return list(db.session.scalars(mine))


def test_giving_in_ends_it(paid: Visit) -> None:
    owner, found = paid.shop.browser(), opened(paid)
    where = f"/portal/disputes/{found.public_id}"
    form = owner.get(f"{where}/accept").form(f"{where}/accept")
    assert owner.submit(form, status=422).errors
    assert "You gave in" in owner.submit(form, sure="y").text
    paid.work()
    told(paid, found.provider_reference)
    page = owner.get(where)
    assert "Given in" in page.text and stands(paid) == {"dispute_fee_expense": 1500}
    assert (paid.payment.refunded_minor, paid.payment.net.minor) == (2500, 0)
    assert "Lost in a dispute" in owner.get(f"/portal/payments/{paid.first.public_id}").text


@pytest.mark.parametrize("story", ["webhook_doubled", "webhook_out_of_order", "webhook_lost"])
def test_news_twice_in_disorder_or_never_end_the_same(paid: Visit, story: str) -> None:
    paid.processor.story(story)
    made = paid.processor.call("POST", "/_sandbox/disputes", charge=paid.payment.charge)
    if story == "webhook_lost":  # of the opening nobody hears; the next news tells it all
        paid.processor.call("DELETE", "/_sandbox/stories")
    else:
        told(paid, made["id"])
    order(paid, dispute=made["id"], outcome="lost")
    paid.processor.call("DELETE", "/_sandbox/stories")
    paid.time_passes(timedelta(hours=7))
    assert stands(paid) == {"dispute_fee_expense": 1500} and paid.journals("dispute lost") == 1


def test_bad_input_is_told_at_its_field_and_nothing_is_lost(paid: Visit) -> None:
    owner, found = paid.shop.browser(), opened(paid)
    where = f"/portal/disputes/{found.public_id}"
    page = owner.submit(
        owner.get(where).form(f"{where}/draft"), status=422, shipping_carrier="x" * 201, uncategorized_text="kept on the page"
    )
    assert page.errors and "kept on the page" in page.html and "x" * 201 in page.html
    assert upload(owner, where, "receipt", io.BytesIO(b"<svg/>"), "a.svg", status=422).errors
    assert upload(owner, where, "", picture(), status=422).errors
    for path in (f"{where}/files/dfl_nothing", "/portal/disputes/dp_nothing", "/portal/disputes?after=%00", "/portal/disputes?stage=x"):
        assert owner.get(path, status=404)
    page = owner.submit(owner.get(f"{where}/review").form(f"{where}/answer"), status=None, sure="y")
    assert page.status in (409, 422) and "Write at least one answer" in page.text


def test_nobody_else_sees_or_answers_it(paid: Visit, app: Flask) -> None:
    found = opened(paid)
    where = f"/portal/disputes/{found.public_id}"
    stranger = make_shop(app, business="Somebody else").browser()
    for path in (where, f"{where}/pack", f"{where}/review", f"{where}/accept"):
        assert stranger.get(path, status=404)
    viewer = make_colleague(paid.shop, "viewer").browser()
    assert "Time to answer" in viewer.get(where).text
    for path in (f"{where}/review", f"{where}/accept"):
        assert viewer.get(path, status=403)


def test_the_staff_see_what_is_due_and_decide_in_the_sandbox(paid: Visit, app: Flask) -> None:
    found = opened(paid, due_seconds=20 * 3600)
    desk = make_staff(app, "reviewer").browser()
    assert "Disputes due within a day" in desk.get("/staff/").text
    listed = desk.get("/staff/disputes?due=1&stage=answer&mode=test")
    assert found.public_id in listed.html and "left" in listed.text
    assert found.public_id not in desk.get("/staff/disputes?stage=over").html
    for query in ("stage=x", "due=9", "mode=x", "after=zz"):
        assert desk.get(f"/staff/disputes?{query}", status=404)
    where = f"/staff/disputes/{found.public_id}"
    page = desk.get(where)
    assert desk.submit(page.form(f"{where}/outcome"), status=422, outcome="closed").errors
    assert "Decided" in desk.submit(page.form(f"{where}/outcome"), outcome="lost").text
    told(paid, found.provider_reference)
    assert "Lost: the payer keeps the money" in desk.get(where).text


def approvals(page: Page) -> set[str]:
    return {e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/approval")}


def test_what_is_owed_is_written_off_by_two(paid: Visit, app: Flask) -> None:
    with unit(app):
        sum_ = Money(9000, "GBP")
        post(
            [
                book.dispute_fee(
                    paid.payment, reference="txn_owed", fee=sum_, available=Money(0, "GBP"), owed=sum_, at=now(), through="sandbox"
                )
            ]
        )
    one, two = make_staff(app, "finance").browser(), make_staff(app, "finance").browser()
    where = f"/staff/debts/{paid.shop.vendor.public_id}/test/GBP"
    assert paid.shop.vendor.name in one.get("/staff/debts").text
    page = one.get(where)
    assert one.submit(page.form(where), status=422, amount="90.01", reason="Closed").errors
    assert one.submit(page.form(where), status=422, amount="90", reason=" ").errors
    assert "a second person has to say so too" in one.submit(page.form(where), amount="90.00", reason="The business has closed.").text
    waiting = two.get("/staff/debts")
    (approval,) = approvals(waiting) - approvals(one.get("/staff/debts"))  # other tests leave some that both may decide about
    assert "Written off" in two.submit(waiting.form(approval)).text
    assert stands(paid) == {"seller_pending": paid.payment.net.minor}
    assert make_staff(app, "reviewer").browser().get("/staff/debts", status=403)
