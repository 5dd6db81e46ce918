"""Payments marked by hand: the vendor's word counts for the link and moves no money, and money that comes all the same is never lost."""

from __future__ import annotations

import secrets

import pytest

from core.kernel.audit import AuditEntry
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.outbox import OutboxTask
from core.ledger.queries import journals_about
from core.payments.attempt import PaymentOver, begin_attempt
from core.payments.instalments import progress_of
from core.payments.link import link_state
from core.payments.mark import NotToBeMarked, mark_payment, marks_open_to
from core.payments.models import Payment
from core.payments.queries import page_state, timeline
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import Shop, again, fresh, make_link, make_paid, make_payment, open_payment, tell, unit


def mark(shop: Shop, payment: Payment, what: str, reason: str = "Paid in cash") -> Payment:
    with unit(shop.app):
        mark_payment(shop.vendor, again(payment), what, reason=reason, by=shop.user.public_id)
    return fresh(shop, payment)


def journals(shop: Shop, payment: Payment) -> list[object]:
    with shop.app.app_context():
        return list(journals_about(shop.vendor, "test", payment.public_id))


def test_a_payment_marked_as_paid_closes_its_link_and_is_in_no_book(shop: Shop) -> None:
    link = make_link(shop, kind="single")
    marked = mark(shop, make_payment(shop, link), "paid")
    assert (marked.state, marked.marked, marked.captured_minor, marked.holds_place) == ("marked_paid", "paid", 0, True)
    assert journals(shop, marked) == []
    with shop.app.app_context():
        assert link_state(again(link)) == "paid"
        assert page_state(marked) == "marked"
        last = timeline(shop.vendor, marked)[-1]
        assert (last.kind, last.actor, last.detail["reason_text"]) == ("payment.marked_paid", shop.user.public_id, "Paid in cash")
        logged = db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, action="payment.marked_paid").one()
        assert logged.detail["reason"] == "Paid in cash"
    with pytest.raises(PaymentOver), unit(shop.app):
        begin_attempt(shop.vendor, again(marked))


def test_a_part_marked_as_paid_counts_towards_its_request(shop: Shop) -> None:
    link = make_link(shop, amount=None, kind="request", total_minor=10_000)
    mark(shop, make_payment(shop, link, amount="40.00"), "paid")
    with shop.app.app_context():
        how = progress_of(again(link))
    assert how and (how.paid.minor, how.open.minor, how.being_paid.minor) == (4_000, 6_000, 0)


def test_what_is_open_at_the_processor_is_closed_and_its_money_booked_when_the_payer_was_faster(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    mark(shop, payment, "paid")
    with shop.app.app_context():
        asked = db.session.query(OutboxTask).filter_by(vendor_id=shop.vendor.id, job="settle_attempt").all()
        assert str(attempt.id) in {task.args["attempt"] for task in asked}
    tell(shop, payment, attempt, "succeeded", charge=f"ch_{secrets.token_hex(8)}", captured=payment.amount)
    paid = fresh(shop, payment)
    assert (paid.state, paid.captured_minor, paid.marked) == ("succeeded", 2_500, "paid")
    assert len(journals(shop, paid)) == 1


def test_an_invalid_payment_is_over_and_gives_its_place_back(shop: Shop) -> None:
    link = make_link(shop, kind="single")
    gone = mark(shop, make_payment(shop, link), "invalid", "Ordered twice")
    assert (gone.state, gone.marked, gone.holds_place) == ("canceled", "invalid", False)
    with shop.app.app_context():
        assert link_state(again(link)) == "open"


def test_a_mark_is_taken_back_by_the_other_one(shop: Shop) -> None:
    link = make_link(shop, kind="single")
    payment = make_payment(shop, link)
    mark(shop, payment, "paid")
    mark(shop, payment, "invalid", "It was another customer")
    assert mark(shop, payment, "paid").state == "marked_paid"
    with shop.app.app_context():
        assert [e.kind for e in timeline(shop.vendor, payment)][-3:] == [
            "payment.marked_paid", "payment.marked_invalid", "payment.marked_paid",
        ]  # fmt: skip


def test_marking_again_changes_nothing(shop: Shop) -> None:
    payment = make_payment(shop)
    version = mark(shop, payment, "paid").version
    assert mark(shop, payment, "paid").version == version


def test_a_mark_needs_a_reason(shop: Shop) -> None:
    payment = make_payment(shop)
    for reason in ("", "  \n ", "x" * 301):
        with pytest.raises(Refusal) as refused:
            mark(shop, payment, "paid", reason)
        assert refused.value.field == "reason"
    assert fresh(shop, payment).state == "created"


def test_money_that_came_or_is_under_way_is_no_matter_of_opinion(shop: Shop) -> None:
    paid, busy = make_paid(shop), make_payment(shop)
    tell(shop, busy, open_payment(shop, busy), "processing")
    for payment in (paid, busy):
        assert marks_open_to(fresh(shop, payment)) == ()
        for what in ("paid", "invalid"):
            with pytest.raises(NotToBeMarked):
                mark(shop, payment, what)


def test_a_sold_out_link_takes_no_further_marked_payment(shop: Shop) -> None:
    link = make_link(shop, kind="single")
    first = make_payment(shop, link)
    mark(shop, first, "invalid", "Called off")
    make_paid(shop, link)
    with pytest.raises(NotToBeMarked, match="no place left"):
        mark(shop, first, "paid")


def test_a_transfer_that_comes_after_the_mark_waits_for_a_decision(shop: Shop) -> None:
    bank = TestBank(shop)
    payment = make_payment(shop, make_link(shop, currency="USD"))
    code = begin_transfer(shop, payment).provider_reference or ""
    mark(shop, payment, "paid")
    bank.tell(transfer(2_500, code))
    waiting = fresh(shop, payment)
    assert (waiting.state, waiting.unapplied.minor, waiting.captured_minor) == ("marked_paid", 2_500, 0)
    assert marks_open_to(waiting) == ()


def test_what_a_plan_charges_is_the_plans_to_decide(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        again(payment).link_id = None
    with pytest.raises(NotToBeMarked, match="made by a plan"):
        mark(shop, payment, "paid")
