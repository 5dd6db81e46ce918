"""The receipt job prints what is true, keeps every version, and is harmless when repeated."""

from __future__ import annotations

import io
import uuid
from hashlib import sha256

import pytest
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from core.kernel.db import db, unit_of_work
from core.notifications.models import Paper
from core.notifications.queries import find_receipt
from core.web.pdf import PaperNotPrinted
from tests.factories import Shop, ask_refund, make_paid, make_payment, make_shop, tell_refund
from workers.papers import make_receipt


@pytest.fixture
def shop(app, unit) -> Shop:
    return make_shop(app)


def words(paper: Paper) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(paper.pdf)).pages)


def make(shop: Shop, payment) -> Paper | None:
    return make_receipt(shop.vendor.id, mode="test", payment=str(payment.id))


def versions(payment) -> list[int]:
    with unit_of_work():
        return list(db.session.scalars(select(Paper.version).where(Paper.about == payment.public_id).order_by(Paper.version)))


def test_the_receipt_of_a_payment_is_kept_with_its_checksum(shop: Shop) -> None:
    payment = make_paid(shop)
    paper = make(shop, payment)
    assert payment.reference in words(paper) and "£25.00" in words(paper) and "TEST MODE" in words(paper)
    assert paper.sha256 == sha256(paper.pdf).hexdigest()
    with unit_of_work():
        assert find_receipt(shop.vendor, "test", payment.public_id).sha256 == paper.sha256


def test_made_again_it_is_the_same_paper(shop: Shop) -> None:
    payment = make_paid(shop)
    assert make(shop, payment).id == make(shop, payment).id
    assert versions(payment) == [1]


def test_a_settled_refund_makes_a_new_version_beside_the_old(shop: Shop) -> None:
    payment = make_paid(shop)
    make(shop, payment)
    tell_refund(shop, ask_refund(shop, payment, "10.00"), "succeeded")
    paper = make(shop, payment)
    assert paper.version == 2 and "−£10.00" in words(paper) and "£15.00" in words(paper)
    assert versions(payment) == [1, 2]


def test_a_refund_that_came_back_from_the_bank_is_off_the_receipt_again(shop: Shop) -> None:
    payment = make_paid(shop)
    refund = ask_refund(shop, payment, "10.00")
    tell_refund(shop, refund, "succeeded")
    make(shop, payment)
    tell_refund(shop, refund, "failed", failure_reason="account_closed")
    assert "£10.00" not in words(make(shop, payment))


def test_an_unpaid_payment_has_no_receipt(shop: Shop) -> None:
    payment = make_payment(shop)
    assert make(shop, payment) is None and versions(payment) == []


def test_a_paper_that_cannot_be_printed_leaves_nothing_behind_and_comes_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = make_paid(shop)

    def jammed(html: str) -> None:
        raise PaperNotPrinted("no paper")

    with monkeypatch.context() as patch:
        patch.setattr("workers.papers.render_pdf", jammed)
        with pytest.raises(PaperNotPrinted):
            make(shop, payment)
    assert versions(payment) == []
    assert make(shop, payment).version == 1


def test_a_payment_of_another_vendor_is_not_printed(app, shop: Shop) -> None:
    payment = make_paid(shop)
    with pytest.raises(NoResultFound):
        make_receipt(make_shop(app).vendor.id, mode="test", payment=str(payment.id))
    with pytest.raises(NoResultFound):
        make_receipt(shop.vendor.id, mode="test", payment=str(uuid.uuid4()))
