"""Refunds that the seller's balance does not hold: they wait in line and go out in order, or are given on credit and made up."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.kernel.clock import shifted
from core.kernel.config import BadSetting, settings
from core.kernel.db import db, finish_unit
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.ledger.book import SELLER_AVAILABLE, UNAPPLIED
from core.ledger.post import Journal, Leg, post
from core.payments.models import Payment
from core.payments.outside_refund import settle_outside_refund
from core.payments.queries import timeline
from core.payments.refund import begin_sending, request_refund
from core.payments.refund_models import Refund
from core.payments.refund_queue import NotInLine, cancel_queued, lines_of_refunds, list_lines_to_move, send_first
from core.providers.contract import RefundOutcome
from tests.core.payments.conftest import AtOnce, another_shop
from tests.core.payments.settled import held
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_paid, release_all, tell_refund, unit
from workers.schedule import tick

ROUNDS = 15


def release(shop: Shop, *payments: Payment) -> None:
    """The waiting time of everything is over."""
    with shifted(timedelta(days=3)):
        release_all(shop.app)


def take_out(shop: Shop, minor: int) -> None:
    """So much of what is available has been paid out."""
    with unit(shop.app):
        sum_ = Money(minor, "GBP")
        about = public_id("pay")
        legs = (Leg(SELLER_AVAILABLE, sum_), Leg(UNAPPLIED, -sum_))
        post([Journal(shop.vendor.id, "test", f"away:{secrets.token_hex(6)}", "paid out", about, shop.vendor.created_at, legs)])


def poor(shop: Shop, amount: str = "25.00") -> Payment:
    """A payment whose money was released and has left: 25.00, of which the seller had 24.37."""
    paid = make_paid(shop, make_link(shop, amount=amount))
    release(shop)
    take_out(shop, held(shop)["seller_available"])
    return fresh(shop, paid)


def earn(shop: Shop, amount: str) -> Payment:
    """Money becomes available: the amount less our fee of 2.5 %."""
    paid = make_paid(shop, make_link(shop, amount=amount))
    release(shop)
    return paid


def send_all(shop: Shop) -> int:
    """What the clock does for this vendor; answers how many went out."""
    before = len(tasks(shop))
    for line in [("test", "GBP")]:
        more = True
        while more:
            with unit(shop.app):
                more = send_first(shop.vendor.id, *line)
    return len(tasks(shop)) - before


def tasks(shop: Shop) -> list[str]:
    """The refunds that a worker is asked to send, in the order they were asked for."""
    with shop.app.app_context():
        mine = select(OutboxTask).where(OutboxTask.vendor_id == shop.vendor.id, OutboxTask.job == "send_refund")
        return [task.args["refund"] for task in db.session.scalars(mine.order_by(OutboxTask.id))]


def states(shop: Shop, *refunds: Refund) -> list[str]:
    return [fresh(shop, refund).state for refund in refunds]


@pytest.fixture
def credit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The platform lets sellers go 10.00 below zero."""
    monkeypatch.setenv("REFUND_DEBT_LIMITS", "GBP 10.00, JPY 500")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


def test_a_refund_the_balance_does_not_hold_waits_and_books_nothing(shop: Shop) -> None:
    paid = poor(shop)
    before = held(shop)
    refund = ask_refund(shop, paid, "10.00")
    row = fresh(shop, paid)
    assert refund.state == "queued" and held(shop) == before and tasks(shop) == []
    assert (row.queued_minor, row.refunding_minor, row.refundable.minor, row.fee_returned_minor) == (1_000, 0, 1_500, 0)
    with unit(shop.app):
        assert begin_sending(refund) is None
        assert [event.kind for event in timeline(shop.vendor, paid)][-1] == "refund.queued"
        assert lines_of_refunds(shop.vendor, "test")["GBP"].amount == Money(1_000, "GBP")


def test_it_goes_out_by_itself_when_money_becomes_available(shop: Shop) -> None:
    paid = poor(shop)
    refund = ask_refund(shop, paid, "10.00")
    assert send_all(shop) == 0
    earn(shop, "25.00")
    with shop.app.app_context():
        tick()
    row = fresh(shop, paid)
    assert states(shop, refund) == ["requested"] and tasks(shop) == [str(refund.id)]
    assert (row.queued_minor, row.refunding_minor, row.fee_returned_minor) == (0, 1_000, 25)
    assert held(shop)["seller_available"] == 2_437 - 975 and held(shop)["refund_in_flight"] == 1_000
    tell_refund(shop, fresh(shop, refund), "succeeded")
    assert fresh(shop, paid).refunded_minor == 1_000


def test_they_go_out_in_their_order_and_nobody_overtakes(shop: Shop) -> None:
    one, two = poor(shop), poor(shop)
    first, second = ask_refund(shop, one, "20.00"), ask_refund(shop, two, "5.00")
    earn(shop, "10.00")
    third = ask_refund(shop, one, "1.00")
    assert third.state == "queued", "the balance would hold it, but it is not its turn"
    assert send_all(shop) == 0 and states(shop, first, second, third) == ["queued"] * 3
    earn(shop, "13.00")  # 22.42 in all: enough for the first and no more than part of the next
    assert send_all(shop) == 1 and states(shop, first, second, third) == ["requested", "queued", "queued"]
    earn(shop, "10.00")
    assert send_all(shop) == 2 and tasks(shop) == [str(first.id), str(second.id), str(third.id)]


def test_what_a_payment_has_pending_is_not_held_up_by_the_line(shop: Shop) -> None:
    ask_refund(shop, poor(shop), "20.00")
    assert ask_refund(shop, make_paid(shop), "20.00").state == "requested"


def test_another_vendors_and_the_other_currencys_line_is_not_ours(shop: Shop) -> None:
    ask_refund(shop, poor(shop), "20.00")
    other = another_shop(shop)
    euros = make_paid(shop, make_link(shop, amount="30.00", currency="EUR"))
    earn(other, "50.00")
    release(shop)
    assert ask_refund(shop, fresh(shop, euros), "20.00").state == "requested" and send_all(shop) == 0


def test_it_can_be_called_off_while_it_waits_and_not_afterwards(shop: Shop) -> None:
    paid = poor(shop)
    refund = ask_refund(shop, paid, "10.00")
    for _ in range(2):  # pressed twice
        with unit(shop.app):
            cancel_queued(shop.vendor, "test", refund.public_id, by=shop.user.public_id)
    assert states(shop, refund) == ["canceled"] and fresh(shop, paid).refundable == paid.refundable
    earn(shop, "25.00")
    sent = ask_refund(shop, paid, "10.00")
    with pytest.raises(NotInLine), unit(shop.app):
        cancel_queued(shop.vendor, "test", sent.public_id, by=shop.user.public_id)
    with unit(shop.app):
        told = [event.kind for event in timeline(shop.vendor, paid)]
    assert told.count("refund.canceled") == 1


def test_whoever_waits_for_its_end_hears_that_it_was_called_off(shop: Shop) -> None:
    """A plan's balance that was to go back, an order that was to be undone: they would wait for this end for ever."""
    paid = poor(shop)
    with unit(shop.app):
        refund = request_refund(
            shop.vendor, again(paid), amount=Money(1_000, "GBP"), reason="other", by=shop.user.public_id, form_token=secrets.token_hex(8),
            on_settled="follow_order",
        )  # fmt: skip
    assert fresh(shop, refund).state == "queued"
    for _ in range(2):
        with unit(shop.app):
            cancel_queued(shop.vendor, "test", refund.public_id, by=shop.user.public_id)
    with unit(shop.app):
        asked = db.session.scalars(select(OutboxTask).where(OutboxTask.job == "follow_order", OutboxTask.vendor_id == shop.vendor.id)).all()
        told = [(task.args["refund"], task.args["result"]) for task in asked]
    assert told == [(str(refund.id), "canceled")]


def test_calling_off_races_with_sending_and_one_of_them_wins(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        paid = poor(shop)
        refund = ask_refund(shop, paid, "10.00")
        earn(shop, "10.26")
        called_off, sent = at_once(
            lambda refund=refund: cancel_queued(shop.vendor, "test", refund.public_id, by="usr_x"),
            lambda: send_first(shop.vendor.id, "test", "GBP"),
        )
        row = fresh(shop, paid)
        assert not isinstance(sent, Exception), sent
        if states(shop, refund) == ["canceled"]:
            assert not isinstance(called_off, Exception) and (row.queued_minor, row.refunding_minor) == (0, 0)
            assert str(refund.id) not in tasks(shop)
        else:
            assert isinstance(called_off, NotInLine) and (row.queued_minor, row.refunding_minor) == (0, 1_000)
            assert tasks(shop).count(str(refund.id)) == 1


def test_two_workers_send_each_once_and_in_order(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        before = len(tasks(shop))
        paid = poor(shop)
        line = [ask_refund(shop, paid, "1.00") for _ in range(4)]
        earn(shop, "30.00")

        def run() -> None:
            while send_first(shop.vendor.id, "test", "GBP"):
                finish_unit(keep=True)

        answers = at_once(run, run, run)
        assert answers == [None] * 3, answers
        assert tasks(shop)[before:] == [str(refund.id) for refund in line]
        assert fresh(shop, paid).refunding_minor == 400


def test_a_worker_that_dies_between_the_steps_leaves_it_waiting(shop: Shop) -> None:
    paid = poor(shop)
    refund = ask_refund(shop, paid, "10.00")
    earn(shop, "25.00")
    before = held(shop)
    with pytest.raises(KeyboardInterrupt), unit(shop.app):
        assert send_first(shop.vendor.id, "test", "GBP")
        raise KeyboardInterrupt  # everything is written, and nothing is kept
    assert states(shop, refund) == ["queued"] and held(shop) == before and tasks(shop) == []
    assert send_all(shop) == 1 and tasks(shop) == [str(refund.id)]


def test_the_clock_looks_only_at_lines_that_may_move(shop: Shop) -> None:
    def mine() -> list[tuple[object, str, str]]:
        with unit(shop.app):
            return [line for line in list_lines_to_move() if line[0] == shop.vendor.id]

    ask_refund(shop, poor(shop), "20.00")
    earn(shop, "10.00")
    assert mine() == []
    earn(shop, "13.00")
    assert mine() == [(shop.vendor.id, "test", "GBP")]


# --- on credit -----------------------------------------------------------------------------------------------------------


def test_within_the_platforms_limit_it_is_given_on_credit_and_made_up_later(shop: Shop, credit: None) -> None:
    paid = poor(shop)
    refund = ask_refund(shop, paid, "10.00")
    assert refund.state == "requested" and refund.taken_from == "seller_receivable" and held(shop)["seller_receivable"] == 975
    earn(shop, "5.00")  # 4.87 of it are the seller's
    assert held(shop)["seller_receivable"] == 975 - 487 and "seller_available" not in held(shop)
    earn(shop, "25.00")
    assert "seller_receivable" not in held(shop) and held(shop)["seller_available"] == 2_437 - (975 - 487)


def test_what_is_available_goes_first(shop: Shop, credit: None) -> None:
    paid = poor(shop)
    earn(shop, "5.00")
    ask_refund(shop, paid, "10.00")
    assert held(shop)["seller_receivable"] == 975 - 487 and "seller_available" not in held(shop)


def test_beyond_the_limit_it_waits(shop: Shop, credit: None) -> None:
    paid = poor(shop)
    assert ask_refund(shop, paid, "10.00").state == "requested"
    second = ask_refund(shop, paid, "10.00")
    assert second.state == "queued" and held(shop)["seller_receivable"] == 975
    earn(shop, "10.00")  # the debt is made up first
    assert send_all(shop) == 1 and states(shop, second) == ["requested"] and held(shop)["seller_receivable"] == 975


def test_one_given_on_credit_that_fails_strikes_off_the_debt_and_no_more(shop: Shop, credit: None) -> None:
    paid = poor(shop)
    refund = ask_refund(shop, paid, "10.00")
    earn(shop, "5.00")
    tell_refund(shop, refund, "failed", failure_reason="expired_or_canceled_card")
    assert "seller_receivable" not in held(shop) and held(shop)["seller_available"] == 487
    assert fresh(shop, paid).refundable == paid.captured


def test_what_owes_is_made_up_from_a_failed_refund_too(shop: Shop, credit: None) -> None:
    paid = poor(shop)
    earn(shop, "5.00")
    from_balance = ask_refund(shop, paid, "4.00")
    ask_refund(shop, paid, "6.00")
    owed = held(shop)["seller_receivable"]
    tell_refund(shop, from_balance, "failed", failure_reason="declined")
    assert held(shop)["seller_receivable"] == owed - 390


def test_a_refund_made_at_the_processor_takes_the_place_of_one_that_waits(shop: Shop) -> None:
    paid = poor(shop)
    waiting = ask_refund(shop, paid, "20.00")
    with unit(shop.app):
        outcome = RefundOutcome(
            state="succeeded", provider_reference=f"re_{secrets.token_hex(6)}", amount=Money(1_000, "GBP"), charge=paid.charge
        )
        assert settle_outside_refund(shop.vendor, again(paid), outcome, cause="evt_x") == "settled"
    row = fresh(shop, paid)
    assert states(shop, waiting) == ["canceled"] and (row.queued_minor, row.refunded_minor) == (0, 1_000)
    assert held(shop)["seller_receivable"] == 975


@pytest.mark.parametrize("text", ["GBP", "XXX 5.00", "GBP 1.234", "GBP -5", "10.00"])
def test_a_limit_that_cannot_be_read_stops_the_start(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFUND_DEBT_LIMITS", text)
    settings.cache_clear()
    try:
        with pytest.raises(BadSetting):
            settings()
    finally:
        monkeypatch.undo()
        settings.cache_clear()
