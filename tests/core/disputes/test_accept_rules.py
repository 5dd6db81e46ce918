"""Small disputes by a rule: announced, stopped by anything the vendor does, and given in exactly once by the same act as by hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.disputes.accept_rules import accept_when_due, drop_rule, list_rules, list_to_accept, set_rule
from core.disputes.answer import begin_sending, record_not_sent, request_acceptance, request_answer
from core.disputes.evidence import save_draft
from core.disputes.files import add_file, remove_file
from core.disputes.planned import keep
from core.disputes.queries import history_of
from core.disputes.thread import write_as_staff, write_as_vendor
from core.kernel.audit import AuditEntry
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.kernel.uploads import check_file
from core.notifications.models import Message, Notice
from core.payments.models import Payment
from core.providers.contract import ProviderRefused
from tests.core.disputes.cases import Case, case_of, usd
from tests.core.disputes.test_answers import picture
from tests.core.payouts.sellers import Seller
from tests.factories import unit
from workers import dispute_letters
from workers.letter import NoLongerTrue
from workers.schedule import _give_in_as_announced


def rule(seller: Seller, minor: int = 10_000_00, *, days: int = 3, currency: str = "USD") -> None:
    with unit(seller.shop.app):
        set_rule(seller.shop.vendor, "test", most=Money(minor, currency), days=days, by="usr_owner")


def begin(seller: Seller, payment: Payment, **how: Any) -> Case:
    made = case_of(seller, payment, **how)
    made.tell()
    return made


@pytest.fixture
def planned(seller: Seller, released: Payment) -> Case:
    rule(seller)
    return begin(seller, released)


def clock(case: Case, *, days: float) -> None:
    """So many days after it began the clock looks, twice."""
    with shifted(timedelta(days=30 + days)), case.seller.shop.app.app_context():
        for _twice in range(2):
            _give_in_as_announced()


def kinds(case: Case) -> list[str]:
    with unit(case.seller.shop.app):
        return [event.kind for event in history_of(case.seller.shop.vendor, case.here)]


def announced(seller: Seller) -> int:
    with unit(seller.shop.app):
        mine = (Notice.vendor_id == seller.shop.vendor.id, Notice.kind == "dispute_to_accept")
        letters = (Message.vendor_id == seller.shop.vendor.id, Message.kind == "dispute_to_accept")
        count = len(list(db.session.scalars(select(Message.id).where(*letters))))
        both = (Message.vendor_id == seller.shop.vendor.id, Message.kind == "dispute_opened")
        assert not count or not list(db.session.scalars(select(Message.id).where(*both))), "one letter, not two"
        assert count == len(list(db.session.scalars(select(Notice.id).where(*mine))))
        return count


def sendings(case: Case) -> int:
    with unit(case.seller.shop.app):
        jobs = select(OutboxTask).where(OutboxTask.job == "send_dispute_answer", OutboxTask.vendor_id == case.seller.shop.vendor.id)
        return len([one for one in db.session.scalars(jobs) if one.args.get("dispute") == str(case.here.id)])


def test_it_is_announced_when_it_begins_and_given_in_on_its_day_once(planned: Case) -> None:
    at = planned.here.accept_at
    assert at is not None and timedelta(days=2, hours=23) < at - now() < timedelta(days=3, hours=1)
    assert announced(planned.seller) == 1
    clock(planned, days=2.9)
    assert planned.here.wish is None and planned.here.accept_at == at
    clock(planned, days=3.1)
    here = planned.here
    assert (here.wish, here.wished_by, here.accept_at) == ("accept", "system", None)
    assert kinds(planned)[-2:] == ["dispute.acceptance_planned", "dispute.given_in_asked"] and sendings(planned) == 1
    with unit(planned.seller.shop.app):
        written = select(AuditEntry.actor).where(AuditEntry.subject == here.public_id, AuditEntry.action == "dispute.given_in")
        assert list(db.session.scalars(written)) == ["system"]
        sending = begin_sending(planned.seller.shop.vendor, planned.again_from_here(), planned.payment)
        assert sending is not None and sending.wish == "accept"
    planned.now("lost").tell()
    assert planned.here.state == "accepted" and planned.seller.books_are_whole()


def test_without_a_rule_or_above_it_or_in_another_currency_nothing_is_planned(seller: Seller, released: Payment) -> None:
    rule(seller, released.captured_minor - 1)
    rule(seller, currency="EUR")
    assert begin(seller, released).here.accept_at is None and announced(seller) == 0


def test_up_to_the_amount_and_not_beyond(seller: Seller, released: Payment) -> None:
    rule(seller, released.captured_minor)
    assert begin(seller, released).here.accept_at is not None


def test_another_vendors_rule_is_not_ours(seller: Seller, released: Payment) -> None:
    with unit(seller.shop.app):
        set_rule(seller.shop.vendor, "live", most=usd(10_000_00), days=3, by="usr_owner")
    assert begin(seller, released).here.accept_at is None


def test_the_news_told_twice_announces_once(planned: Case) -> None:
    planned.tell()
    planned.tell()
    assert announced(planned.seller) == 1


def test_a_question_of_the_bank_is_not_given_in_but_what_becomes_of_it_is(seller: Seller, released: Payment) -> None:
    rule(seller)
    case = begin(seller, released, state="inquiry")
    assert case.here.accept_at is None
    case.again().tell()
    assert case.here.accept_at is not None


def write_draft(case: Case) -> None:
    save_draft(case.here, {"uncategorized_text": "They came."}, by="usr_owner")


def write_message(case: Case) -> None:
    write_as_vendor(case.seller.shop.vendor, case.here, text="Wait", by="usr_owner", form_token=uuid.uuid4().hex)


def attach(case: Case) -> None:
    add_file(case.here, "receipt", "a.png", check_file(picture()), by="usr_owner")


def press(case: Case) -> None:
    assert keep(case.here, by="usr_owner")


def save_nothing(case: Case) -> None:
    save_draft(case.here, {}, by="usr_owner")


def take_away(case: Case) -> None:
    remove_file(case.here, "dfl_none", by="usr_owner")


def end_rule(case: Case) -> None:
    drop_rule(case.seller.shop.vendor, "test", "USD", by="usr_owner")


def lower_rule(case: Case) -> None:
    set_rule(case.seller.shop.vendor, "test", most=usd(1), days=3, by="usr_owner")


STOPS = (write_draft, write_message, attach, press, save_nothing, take_away, end_rule, lower_rule)


@pytest.mark.parametrize("act", STOPS)
def test_whatever_the_vendor_does_stops_it(planned: Case, act: Callable[[Case], None]) -> None:
    with unit(planned.seller.shop.app):
        act(planned)
    assert planned.here.accept_at is None and kinds(planned)[-1] == "dispute.acceptance_called_off"
    clock(planned, days=4)
    assert planned.here.wish is None and sendings(planned) == 0


@pytest.mark.parametrize("act", [write_draft, write_message, attach])
def test_what_was_said_to_a_question_keeps_the_dispute(seller: Seller, released: Payment, act: Callable[[Case], None]) -> None:
    rule(seller)
    case = begin(seller, released, state="inquiry")
    with unit(seller.shop.app):
        act(case)
    case.again().tell()
    assert case.here.accept_at is None and announced(seller) == 0


def test_what_the_staff_write_does_not_stop_it(planned: Case) -> None:
    with unit(planned.seller.shop.app):
        write_as_staff(planned.seller.shop.vendor, planned.here, text="Will you answer?", by="stf_one", form_token=uuid.uuid4().hex)
    assert planned.here.accept_at is not None


def test_the_letter_is_not_written_once_it_is_stopped(planned: Case) -> None:
    vendor = planned.seller.shop.vendor
    with unit(planned.seller.shop.app):
        letter = db.session.scalars(select(Message).where(Message.vendor_id == vendor.id, Message.kind == "dispute_to_accept")).one()
        facts = dispute_letters.planned(vendor, letter)
        assert facts["dispute"].accept_at and f"/{planned.here.public_id}?mode=test&" in facts["action_url"]
        keep(planned.here, by="usr_owner")
    with unit(planned.seller.shop.app), pytest.raises(NoLongerTrue):
        dispute_letters.planned(vendor, letter)


def test_a_press_too_late_or_twice_changes_nothing(planned: Case) -> None:
    clock(planned, days=4)
    with unit(planned.seller.shop.app):
        assert not keep(planned.here, by="usr_owner")
    assert planned.here.wish == "accept"


def test_answered_or_given_in_by_hand_the_clock_does_nothing(planned: Case) -> None:
    with unit(planned.seller.shop.app):
        request_acceptance(planned.seller.shop.vendor, planned.here, by="usr_owner")
    assert planned.here.accept_at is None
    clock(planned, days=4)
    assert planned.here.wished_by == "usr_owner" and sendings(planned) == 1


def test_decided_meanwhile_there_is_nothing_to_give_in(planned: Case) -> None:
    planned.won().tell()
    assert planned.here.accept_at is None
    clock(planned, days=4)
    assert planned.here.wish is None


def test_a_second_round_is_not_given_in(planned: Case) -> None:
    planned.won().tell()
    planned.again().tell()
    assert planned.here.cycle == 2 and planned.here.accept_at is None


def test_a_day_of_the_banks_that_is_too_near_is_left_to_the_vendor(seller: Seller, released: Payment) -> None:
    rule(seller)
    assert begin(seller, released, due_at=now() + timedelta(days=3, hours=6)).here.accept_at is None


def test_seen_by_two_clocks_it_is_given_in_once(planned: Case) -> None:
    with shifted(timedelta(days=34)), unit(planned.seller.shop.app):
        due = [one for one in list_to_accept(1000) if one[2] == planned.here.id]
    with shifted(timedelta(days=34)):
        done = []
        for _twice in range(2):
            with unit(planned.seller.shop.app):
                done.append(accept_when_due(*due[0]))
    assert done == [True, False] and sendings(planned) == 1


def test_not_taken_by_the_provider_it_waits_for_the_vendor_and_is_not_tried_again(planned: Case) -> None:
    clock(planned, days=4)
    with unit(planned.seller.shop.app):
        record_not_sent(planned.here, ProviderRefused("resource_invalid_state", "Not now."))
    assert planned.here.remind_at is not None, "the team is reminded that it waits for them"
    clock(planned, days=5)
    assert planned.here.wish is None and sendings(planned) == 1


def test_a_rule_is_set_changed_and_ended(seller: Seller) -> None:
    rule(seller, 1000)
    rule(seller, 2000, days=5)
    rule(seller, 2000, days=5)
    with unit(seller.shop.app):
        (one,) = list_rules(seller.shop.vendor, "test")
        assert (one.most, one.days) == (usd(2000), 5) and list_rules(seller.shop.vendor, "live") == []
        for _twice in range(2):
            drop_rule(seller.shop.vendor, "test", "USD", by="usr_owner")
        assert list_rules(seller.shop.vendor, "test") == []
        written = select(AuditEntry.action).where(
            AuditEntry.vendor_id == seller.shop.vendor.id, AuditEntry.action.startswith("dispute.rule")
        )
        assert sorted(db.session.scalars(written)) == ["dispute.rule_dropped", "dispute.rule_set", "dispute.rule_set"]


@pytest.mark.parametrize(("minor", "days", "field"), [(0, 3, "most"), (-1, 3, "most"), (100, 0, "days"), (100, 8, "days")])
def test_a_rule_that_cannot_be_is_refused_at_its_field(seller: Seller, minor: int, days: int, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        rule(seller, minor, days=days)
    assert refused.value.field == field


def test_an_answer_ends_the_plan_without_words_in_the_history(planned: Case) -> None:
    with unit(planned.seller.shop.app):
        save_draft(planned.here, {"uncategorized_text": "They came."}, by="usr_owner")
        request_answer(planned.seller.shop.vendor, planned.again_from_here(), by="usr_owner")
    assert planned.here.accept_at is None and kinds(planned)[-2:] == ["dispute.acceptance_called_off", "dispute.answered_asked"]
