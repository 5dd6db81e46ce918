"""What a payment, an attempt and a refund may become: nothing that is not in the tables, whoever asks."""

from __future__ import annotations

from itertools import product

import pytest

from core.kernel.db import db
from core.payments.attempt import live_attempt, lock_both, move_attempt
from core.payments.history import move
from core.payments.models import Payment
from core.payments.queries import timeline
from core.payments.start import lock_payment
from core.payments.states import ATTEMPT, LIVE_ATTEMPT, PAID_OR_OVER, PAYMENT, REFUND, IllegalMove
from core.providers.contract import OUTCOME_STATES, REFUND_STATES
from tests.factories import Shop, ask_refund, fresh, make_paid, make_payment, open_payment, tell_refund, unit

TABLES = {"payment": PAYMENT, "attempt": ATTEMPT, "refund": REFUND}


@pytest.mark.parametrize("name", TABLES)
def test_every_state_that_can_be_reached_has_its_own_row(name: str) -> None:
    table = TABLES[name]
    assert set().union(*table.values()) <= set(table)
    assert all(state not in moves for state, moves in table.items())


@pytest.mark.parametrize("over", ["succeeded", "canceled", "expired", "marked_paid"])
def test_what_is_over_may_only_still_be_paid_or_marked(over: str) -> None:
    marked = {"marked_paid": {"succeeded", "canceled"}, "succeeded": set()}
    assert PAYMENT[over] == marked.get(over, {"succeeded", "marked_paid"})
    assert over in PAID_OR_OVER


def test_money_is_booked_from_every_state() -> None:
    assert all("succeeded" in moves for state, moves in PAYMENT.items() if state != "succeeded")
    assert all("succeeded" in moves for state, moves in ATTEMPT.items() if state != "succeeded")


def test_an_attempt_that_is_not_live_can_only_turn_out_to_be_paid() -> None:
    assert all(ATTEMPT[state] <= {"succeeded"} for state in set(ATTEMPT) - LIVE_ATTEMPT)


def test_a_refund_that_ended_without_money_stays_so() -> None:
    assert REFUND["failed"] == REFUND["canceled"] == frozenset()


def test_the_contract_knows_no_refund_state_that_we_do_not() -> None:
    assert set(REFUND) >= REFUND_STATES
    assert set(OUTCOME_STATES) - {"declined"} <= set(PAYMENT)


FORBIDDEN = [(old, new) for old, new in product(PAYMENT, PAYMENT) if old != new and new not in PAYMENT[old]]


@pytest.mark.parametrize("old", sorted({old for old, _ in FORBIDDEN}))
def test_every_other_move_of_a_payment_is_refused_and_leaves_no_line(old: str, shop: Shop) -> None:
    payment = make_payment(shop)
    _force(shop, payment, old)
    for new in [to for was, to in FORBIDDEN if was == old]:
        with pytest.raises(IllegalMove), unit(shop.app):
            move(lock_payment(payment), new, "payment.forced", actor="system")
    with unit(shop.app):
        assert [line.kind for line in timeline(shop.vendor, payment)] == ["payment.created"]
    assert fresh(shop, payment).state == old


@pytest.mark.parametrize("old", ATTEMPT)
def test_every_other_move_of_an_attempt_leaves_it_where_it_is(old: str, shop: Shop) -> None:
    attempt = open_payment(shop, make_payment(shop))
    for new in set(ATTEMPT) - {old} - ATTEMPT[old]:
        with unit(shop.app):
            _, mine = lock_both(attempt)
            mine.state = old
            move_attempt(mine, new)
            assert mine.state == old


def test_an_attempt_that_has_ended_is_not_asked_about_again(shop: Shop) -> None:
    attempt = open_payment(shop, make_payment(shop))
    with unit(shop.app):
        _, mine = lock_both(attempt)
        assert mine.next_inquiry_at
        move_attempt(mine, "abandoned")
    assert fresh(shop, attempt).next_inquiry_at is None


@pytest.mark.parametrize("old", ["succeeded", "failed", "canceled"])
def test_news_that_a_settled_refund_cannot_follow_changes_nothing(old: str, shop: Shop) -> None:
    payment = make_paid(shop)
    refund = ask_refund(shop, payment, "10.00")
    tell_refund(shop, refund, old)
    before = _figures(fresh(shop, payment))
    for new in REFUND_STATES - REFUND[old]:
        tell_refund(shop, refund, new)
    assert fresh(shop, refund).state == old
    assert _figures(fresh(shop, payment)) == before


def test_a_move_to_where_it_is_says_nothing_twice(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        assert move(lock_payment(payment), "requires_action", "payment.requires_action", actor="payer")
        assert not move(lock_payment(payment), "requires_action", "payment.requires_action", actor="payer")
        assert [line.seq for line in timeline(shop.vendor, payment)] == [1, 2]
        assert live_attempt(payment) is None


def _figures(payment: Payment) -> tuple[int, ...]:
    return payment.captured_minor, payment.refunding_minor, payment.refunded_minor, payment.fee_returned_minor


def _force(shop: Shop, payment: Payment, state: str) -> None:
    with unit(shop.app):
        db.session.get(Payment, (payment.vendor_id, payment.mode, payment.id)).state = state
