"""What a vendor and the staff write to each other about a dispute: once each, told to the other side, and gone with the payer's data."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.customers.queries import find_customer
from core.disputes.everywhere import count_unread_up_to, list_everywhere
from core.disputes.models import DisputeEnclosure, DisputeMessage
from core.disputes.personal_data import disputes_data, forget_disputes
from core.disputes.thread import (
    LONGEST_MESSAGE,
    MOST_ENCLOSED,
    Said,
    find_message,
    get_enclosure,
    list_said,
    mark_read,
    write_as_staff,
    write_as_vendor,
)
from core.kernel.audit import AuditEntry
from core.kernel.checked_file import BadFile, Checked
from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.kernel.uploads import check_file
from core.notifications.models import Message, Notice
from core.payments.models import Payment
from tests.core.disputes.cases import Case, case_of
from tests.core.disputes.test_answers import picture
from tests.core.payments.conftest import another_shop
from tests.core.payouts.sellers import Seller
from tests.factories import unit


@pytest.fixture
def case(seller: Seller, released: Payment) -> Case:
    made = case_of(seller, released)
    made.tell()
    return made


def ask(case: Case, text: str = "What does the bank mean?", *, token: str = "", file: tuple[str, Checked] | None = None) -> DisputeMessage:
    with unit(case.seller.shop.app):
        return write_as_vendor(
            case.seller.shop.vendor, case.here, text=text, by="usr_owner", form_token=token or uuid.uuid4().hex, file=file
        )


def reply(case: Case, text: str = "It wants a tracking number.", *, token: str = "") -> DisputeMessage:
    with unit(case.seller.shop.app):
        return write_as_staff(case.seller.shop.vendor, case.here, text=text, by="stf_one", form_token=token or uuid.uuid4().hex)


def thread(case: Case) -> list[Said]:
    with unit(case.seller.shop.app):
        return list_said(case.seller.shop.vendor, case.here)


def told(case: Case) -> tuple[int, int]:
    """Notices and letters to the vendor's team."""
    with unit(case.seller.shop.app):
        mine = case.seller.shop.vendor.id
        notices = select(Notice.id).where(Notice.vendor_id == mine, Notice.kind == "dispute_message")
        letters = select(Message.id).where(Message.vendor_id == mine, Message.kind == "dispute_message")
        return len(list(db.session.scalars(notices))), len(list(db.session.scalars(letters)))


def test_both_sides_read_it_in_its_order(case: Case) -> None:
    ask(case, "One\r\ntwo\0 ")
    reply(case)
    assert [(one.message.side, one.message.text) for one in thread(case)] == [
        ("vendor", "One\ntwo"),
        ("staff", "It wants a tracking number."),
    ]
    with unit(case.seller.shop.app):
        actions = select(AuditEntry.actor).where(AuditEntry.subject == case.here.public_id, AuditEntry.action == "dispute.message_sent")
        assert sorted(db.session.scalars(actions)) == ["stf_one", "usr_owner"]


def test_sent_twice_it_is_one_message_and_one_letter(case: Case) -> None:
    for _twice in range(2):
        ask(case, token="t" * 20)
        reply(case, token="s" * 20)
    assert len(thread(case)) == 2 and told(case) == (1, 1)


def test_what_the_vendor_writes_waits_until_it_is_answered_or_read(case: Case) -> None:
    def waits() -> bool:
        with unit(case.seller.shop.app):
            mine = [one.public_id for _, one in list_everywhere(unread=True, vendor_ids=[case.seller.shop.vendor.id])]
            assert (count_unread_up_to(5) > 0) or not mine
            return mine == [case.here.public_id]

    assert not waits()
    ask(case)
    since = case.here.waits_since
    ask(case, "And by when?")
    assert waits() and case.here.waits_since == since
    reply(case)
    assert not waits() and told(case) == (1, 1)
    ask(case, "Thank you.")
    assert waits()
    for _twice in range(2):
        with unit(case.seller.shop.app):
            mark_read(case.here, by="stf_one")
    assert not waits() and told(case) == (1, 1)
    with unit(case.seller.shop.app):
        marks = select(AuditEntry.id).where(AuditEntry.subject == case.here.public_id, AuditEntry.action == "dispute.message_read")
        assert len(list(db.session.scalars(marks))) == 1


def test_it_is_written_also_when_nothing_can_be_answered(case: Case) -> None:
    case.now("lost").tell()
    ask(case, "Why was it lost?")
    assert len(thread(case)) == 1


@pytest.mark.parametrize("text", ["", " \n ", "x" * (LONGEST_MESSAGE + 1)])
def test_nothing_and_too_much_are_refused_at_the_field(case: Case, text: str) -> None:
    with pytest.raises(Refusal) as refused:
        ask(case, text)
    assert refused.value.field == "message" and thread(case) == [] and case.here.waits_since is None


def test_there_is_an_end_to_messages(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.disputes.thread.MOST_MESSAGES", 2)
    ask(case)
    reply(case)
    with pytest.raises(Refusal, match="cannot be more"):
        ask(case)


def test_a_file_goes_with_a_message_and_to_nobody_else(case: Case) -> None:
    ask(case, file=("../../slip\u202e.png", check_file(picture())))
    (one,) = thread(case)
    assert one.file is not None and (one.file.name, one.file.media_type) == ("slip.jpg", "image/jpeg")
    with unit(case.seller.shop.app):
        assert get_enclosure(case.seller.shop.vendor, case.here, one.file.public_id).content[:2] == b"\xff\xd8"
        for vendor, number in ((another_shop(case.seller.shop).vendor, one.file.public_id), (case.seller.shop.vendor, "den_x")):
            with pytest.raises(NotFound):
                get_enclosure(vendor, case.here, number)


def test_files_of_another_dispute_are_not_found(case: Case, seller: Seller) -> None:
    other = case_of(seller, seller.sells("30.00"))
    other.tell()
    ask(other, file=("slip.png", check_file(picture())))
    (one,) = thread(other)
    with unit(seller.shop.app), pytest.raises(NotFound):
        assert one.file is not None
        get_enclosure(seller.shop.vendor, case.here, one.file.public_id)


def test_too_much_in_all_is_refused_and_the_message_with_it(case: Case) -> None:
    ask(case, file=("a.pdf", Checked(b"x" * MOST_ENCLOSED, "application/pdf", 1)))
    with pytest.raises(BadFile, match="together"):
        ask(case, file=("b.pdf", Checked(b"x", "application/pdf", 1)))
    assert len(thread(case)) == 1


def test_a_payers_data_are_handed_out_with_it_and_erased_with_it(case: Case) -> None:
    ask(case, "Ada Payer lives at Mill Lane 1.", file=("ada.png", check_file(picture())))
    said = reply(case, "Then write that Ada lives there.")
    vendor = case.seller.shop.vendor
    with unit(case.seller.shop.app):
        customer = find_customer(vendor, "test", case.payment.email)
        assert customer is not None
        held = disputes_data(vendor, customer)
        mine = next(one for one in held if one["number"] == case.here.public_id)
        assert [one["text"] for one in mine["messages"]] == ["Ada Payer lives at Mill Lane 1.", "Then write that Ada lives there."]
        assert mine["messages"][0]["file"] == "ada.jpg" and json.dumps(held)
        letters = select(Message).where(Message.vendor_id == vendor.id, Message.kind == "dispute_message")
        db.session.scalars(letters).one().text = "Then write that Ada lives there."
        forget_disputes(vendor, customer)
    with unit(case.seller.shop.app):
        assert (
            db.session.scalars(select(Message).where(Message.vendor_id == vendor.id, Message.kind == "dispute_message")).one().text is None
        )
        assert not list(db.session.scalars(select(DisputeEnclosure.id).where(DisputeEnclosure.vendor_id == vendor.id)))
        gone = find_message(vendor, "test", said.public_id)
        assert gone is not None and gone.text == ""
    assert [(one.message.text, one.file) for one in thread(case)] == [("", None), ("", None)]


def test_nobody_elses_messages_are_erased(case: Case, seller: Seller) -> None:
    ask(case, "About Ada.")
    with unit(seller.shop.app):
        customer = find_customer(seller.shop.vendor, "test", case.payment.email)
        assert customer is not None
        customer.email = "somebody-else@example.com"
        forget_disputes(seller.shop.vendor, customer)
        db.session.rollback()
    assert [one.message.text for one in thread(case)] == ["About Ada."]


def test_a_message_calls_off_what_would_be_given_in(case: Case) -> None:
    with unit(case.seller.shop.app):
        dispute = case.again_from_here()
        dispute.accept_at = dispute.opened_at + timedelta(days=3)
    reply(case)
    assert case.here.accept_at is not None, "the staff's words are not the vendor's"
    ask(case)
    assert case.here.accept_at is None
