"""Answered in the vendor's place: the same act, once, told to the vendor; and what an answer still lacks."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.disputes.answer import request_answer
from core.disputes.check import NEEDS, missing_in
from core.disputes.evidence import DraftHasChanged, draft_mark, file_kinds_of, questions_of, save_draft
from core.disputes.files import add_file
from core.disputes.models import Dispute
from core.disputes.queries import history_of
from core.kernel.audit import AuditEntry
from core.kernel.db import db
from core.kernel.uploads import check_file
from core.notifications.models import Message
from core.payments.models import Payment
from core.providers.disputes import REASONS
from core.web.dispute_words import NEEDS as WORDS
from tests.core.disputes.cases import Case, case_of
from tests.core.disputes.test_answers import picture
from tests.core.payouts.sellers import Seller
from tests.factories import unit


@pytest.fixture
def case(seller: Seller, released: Payment) -> Case:
    made = case_of(seller, released)
    made.tell()
    return made


def missing(case: Case) -> list[str]:
    with unit(case.seller.shop.app):
        return missing_in(case.seller.shop.vendor, case.paid, case.here)


def test_the_vendor_is_told_once_and_the_log_names_who_it_was(case: Case) -> None:
    vendor = case.seller.shop.vendor
    with unit(case.seller.shop.app):
        save_draft(case.here, {"uncategorized_text": "They came."}, by="stf_one")
    for _twice in range(2):
        with unit(case.seller.shop.app):
            request_answer(vendor, case.here, by="stf_one", for_vendor=True)
    with unit(case.seller.shop.app):
        request_answer(vendor, case.here, by="usr_owner")  # at the same moment the vendor presses too
    assert (case.here.wish, case.here.wished_by) == ("answer", "stf_one")
    with unit(case.seller.shop.app):
        asked = [event.actor for event in history_of(vendor, case.here) if event.kind == "dispute.answered_asked"]
        written = select(AuditEntry.actor).where(AuditEntry.subject == case.here.public_id, AuditEntry.action == "dispute.answered")
        letters = select(Message.id).where(Message.vendor_id == vendor.id, Message.kind == "dispute_answered_for")
        assert asked == list(db.session.scalars(written)) == ["stf_one"] and len(list(db.session.scalars(letters))) == 1


def test_what_the_vendor_wrote_meanwhile_is_not_written_over(case: Case) -> None:
    mark = draft_mark(case.here)
    with unit(case.seller.shop.app):
        save_draft(case.here, {"shipping_carrier": "DPD"}, by="usr_owner")
    with unit(case.seller.shop.app), pytest.raises(DraftHasChanged):
        save_draft(case.here, {"shipping_carrier": "Royal Mail"}, by="stf_one", seen=mark)
    assert case.here.draft == {"shipping_carrier": "DPD"}
    with unit(case.seller.shop.app):
        save_draft(case.here, {"shipping_carrier": "Royal Mail"}, by="stf_one", seen=draft_mark(case.here))
    assert case.here.draft == {"shipping_carrier": "Royal Mail"}


def test_what_is_missing_becomes_less_with_words_and_with_files(case: Case) -> None:
    assert missing(case) == ["day", "delivered"], "what was sold is known from the payment"
    with unit(case.seller.shop.app):
        save_draft(case.here, {"service_date": "1 May"}, by="usr_owner")
    assert missing(case) == ["delivered"]
    with unit(case.seller.shop.app):
        add_file(case.here, "shipping_documentation", "slip.png", check_file(picture()), by="usr_owner")
    assert missing(case) == []


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_all_that_is_looked_for_can_be_given_and_has_words(reason: str) -> None:
    asked = Dispute(reason=reason)
    for need in NEEDS[reason]:
        assert {*need.texts} & {*questions_of(asked)} or {*need.files} & {*file_kinds_of(asked)}, need.name
        assert need.name in WORDS
    assert {need.name for needs in NEEDS.values() for need in needs} == set(WORDS)
