"""Refunds: requested, sent, settled; never more than was taken, the fee in proportion, and late failures put right."""

from __future__ import annotations

import secrets
from functools import partial

import pytest
from sqlalchemy import select

from core.kernel.clock import shifted
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.ledger.queries import journals_about
from core.payments.models import Payment
from core.payments.queries import list_refunds
from core.payments.refund import NothingToRefund, RefundExceedsPayment, begin_sending, request_refund, settle_refund
from core.payments.refund_models import Refund
from core.providers.contract import RefundOutcome
from tests.core.payments.conftest import AtOnce
from tests.core.payments.settled import again, held
from tests.factories import Shop, ask_refund, fresh, make_link, make_paid, make_payment, release_all, tell_refund, unit

ROUNDS = 40


def figures(shop: Shop, payment: Payment) -> tuple[int, int, int]:
    """On its way back, given back, and how much of our fee went with it."""
    row = fresh(shop, payment)
    return row.refunding_minor, row.refunded_minor, row.fee_returned_minor


@pytest.fixture
def payment(shop: Shop) -> Payment:
    """25.00, of which the platform keeps 0.63."""
    return make_paid(shop)


def release(shop: Shop) -> None:
    """The waiting time of everything is over."""
    with shifted(_days(3)):
        release_all(shop.app)


def _days(number: int):
    from datetime import timedelta

    return timedelta(days=number)


def test_a_refund_is_written_down_booked_and_asked_for_together(shop: Shop, payment: Payment) -> None:
    refund = ask_refund(shop, payment, "10.00")
    assert (refund.state, figures(shop, payment)) == ("requested", (1_000, 0, 25))
    assert held(shop) == {
        "psp_clearing": 2_500, "seller_pending": 2_437 - 975, "platform_fee": 63, "fee_refunds": 25, "refund_in_flight": 1_000,
    }  # fmt: skip
    with unit(shop.app):
        tasks = db.session.scalars(select(OutboxTask).where(OutboxTask.vendor_id == shop.vendor.id, OutboxTask.job == "send_refund"))
        assert [t.args["refund"] for t in tasks] == [str(refund.id)]


def test_a_confirmed_refund_leaves_nothing_in_flight(shop: Shop, payment: Payment) -> None:
    refund = ask_refund(shop, payment, "10.00")
    for _ in range(2):
        tell_refund(shop, refund, "succeeded")
    assert (fresh(shop, refund).state, figures(shop, payment)) == ("succeeded", (0, 1_000, 25))
    assert held(shop) == {"psp_clearing": 1_500, "seller_pending": 2_437 - 975, "platform_fee": 63, "fee_refunds": 25}


@pytest.mark.parametrize("end", ["failed", "canceled"])
def test_a_failed_refund_leaves_everything_as_it_was(end: str, shop: Shop, payment: Payment) -> None:
    before = held(shop)
    refund = ask_refund(shop, payment, "10.00")
    for _ in range(2):
        tell_refund(shop, refund, end)
    assert (fresh(shop, refund).state, figures(shop, payment), held(shop)) == (end, (0, 0, 0), before)


def test_a_refund_that_came_back_weeks_later_leaves_everything_as_it_was(shop: Shop, payment: Payment) -> None:
    before = held(shop)
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "succeeded")
    for _ in range(2):
        tell_refund(shop, refund, "failed", failure_reason="lost_or_stolen_card")
    assert (fresh(shop, refund).state, figures(shop, payment), held(shop)) == ("failed", (0, 0, 0), before)


def test_what_undoes_a_journal_names_it(shop: Shop, payment: Payment) -> None:
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "succeeded")
    tell_refund(shop, refund, "failed")
    with unit(shop.app):
        made = {journal.event_key.rpartition(":")[2]: journal for journal, _ in journals_about(shop.vendor, "test", payment.public_id)}
        assert (made["back"].reverses, made["fail"].reverses) == (made["ok"].id, made["req"].id)


def test_money_that_comes_back_after_the_release_may_be_paid_out(shop: Shop, payment: Payment) -> None:
    refund = ask_refund(shop, payment, "10.00")
    release(shop)
    assert held(shop)["seller_available"] == 2_437 - 975
    tell_refund(shop, refund, "failed")
    assert held(shop)["seller_available"] == 2_437
    assert "seller_pending" not in held(shop)


def test_a_refund_after_the_release_is_taken_from_what_may_be_paid_out(shop: Shop, payment: Payment) -> None:
    release(shop)
    refund = ask_refund(shop, payment)
    assert (refund.taken_from, held(shop).get("seller_available")) == ("seller_available", None)


def test_ten_refunds_of_a_tenth_return_exactly_the_fee(shop: Shop) -> None:
    payment = make_paid(shop, make_link(shop, amount="50.00"))  # a fee of 1.25
    steps = []
    for _ in range(10):
        refund = ask_refund(shop, payment, "5.00")
        tell_refund(shop, refund, "succeeded")
        steps.append(refund.fee_returned_minor)
    assert (sum(steps), set(steps)) == (125, {12, 13})
    assert held(shop) == {"platform_fee": 125, "fee_refunds": 125}


def test_a_failed_part_does_not_bend_what_the_others_return(shop: Shop) -> None:
    payment = make_paid(shop, make_link(shop, amount="50.00"))
    parts = [ask_refund(shop, payment, "12.50") for _ in range(3)]
    tell_refund(shop, parts[1], "failed")
    for part in (parts[0], parts[2], ask_refund(shop, payment, "25.00")):
        tell_refund(shop, part, "succeeded")
    assert figures(shop, payment) == (0, 5_000, 125)
    assert held(shop) == {"platform_fee": 125, "fee_refunds": 125}


@pytest.mark.parametrize("wrong", ["25.01", "1000000.00"])
def test_a_refund_cannot_exceed_what_was_paid(wrong: str, shop: Shop, payment: Payment) -> None:
    with pytest.raises(RefundExceedsPayment):
        ask_refund(shop, payment, wrong)
    assert figures(shop, payment) == (0, 0, 0)


def test_refunds_together_cannot_exceed_what_was_paid(shop: Shop, payment: Payment) -> None:
    ask_refund(shop, payment, "15.00")
    with pytest.raises(RefundExceedsPayment, match="At most GBP 10"):
        ask_refund(shop, payment, "10.01")


@pytest.mark.parametrize("wrong", [Money(0, "GBP"), Money(-5, "GBP"), Money(5, "EUR")], ids=str)
def test_nothing_less_than_nothing_and_other_money_cannot_be_refunded(wrong: Money, shop: Shop, payment: Payment) -> None:
    with pytest.raises(RefundExceedsPayment):
        request(shop, payment, wrong)


def test_an_unpaid_payment_has_nothing_to_refund(shop: Shop) -> None:
    payment = make_payment(shop)
    with pytest.raises(NothingToRefund):
        request(shop, payment, Money(1, "GBP"))


def test_a_reason_must_be_one_of_the_list(shop: Shop, payment: Payment) -> None:
    with pytest.raises(Refusal, match="reason"):
        ask_refund(shop, payment, "1.00", reason="because")


def test_the_same_form_twice_is_one_refund(shop: Shop, payment: Payment) -> None:
    first, second = (request(shop, payment, Money(100, "GBP"), form="once") for _ in range(2))
    assert first.id == second.id
    assert figures(shop, payment)[0] == 100


def test_a_form_of_one_payment_refunds_no_other(shop: Shop, payment: Payment) -> None:
    request(shop, payment, Money(100, "GBP"), form="once")
    other = make_paid(shop)
    with pytest.raises(Conflict):
        request(shop, other, Money(100, "GBP"), form="once")
    assert figures(shop, other) == (0, 0, 0)


def test_a_refund_is_sent_until_the_provider_has_spoken_and_not_after(shop: Shop, payment: Payment) -> None:
    refund = ask_refund(shop, payment)
    for expected in ("submitted", "submitted"):
        with unit(shop.app):
            assert begin_sending(refund)
        assert fresh(shop, refund).state == expected
    settle_as(shop, refund, "unknown")
    with unit(shop.app):
        assert begin_sending(refund)
    settle_as(shop, refund, "pending")
    with unit(shop.app):
        assert begin_sending(refund) is None


@pytest.mark.parametrize(
    "other", [{"amount": Money(999, "GBP")}, {"amount": Money(1_000, "EUR")}, {"provider_reference": "re_other"}], ids=str
)
def test_news_of_another_sum_or_number_is_not_about_this_refund(other: dict[str, object], shop: Shop, payment: Payment) -> None:
    refund = ask_refund(shop, payment, "10.00")
    tell_refund(shop, refund, "pending")
    facts = {"provider_reference": f"re_{refund.public_id}", "amount": Money(1_000, "GBP"), **other}
    with unit(shop.app):
        assert settle_refund(shop.vendor, refund, RefundOutcome(state="succeeded", **facts), cause="evt") == "mismatch"
    assert (fresh(shop, refund).state, figures(shop, payment)) == ("pending", (1_000, 0, 25))


def test_a_refund_that_is_under_way_is_asked_about_and_a_settled_one_is_not(shop: Shop, payment: Payment) -> None:
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "pending")
    assert fresh(shop, refund).next_inquiry_at
    tell_refund(shop, refund, "succeeded")
    assert fresh(shop, refund).next_inquiry_at is None


# --- two at once ---------------------------------------------------------------------------------------------------------


def request(shop: Shop, payment: Payment, amount: Money, form: str | None = None) -> Refund:
    with unit(shop.app):
        return act(shop, payment, amount, form)


def act(shop: Shop, payment: Payment, amount: Money, form: str | None = None) -> Refund:
    return request_refund(
        shop.vendor, again(payment), amount=amount, reason="duplicate", by=shop.user.public_id, form_token=form or secrets.token_hex(8)
    )


def settle_as(shop: Shop, refund: Refund, state: str) -> str:
    with unit(shop.app):
        return settled(shop, refund, state)


def settled(shop: Shop, refund: Refund, state: str) -> str:
    outcome = RefundOutcome(state=state, provider_reference="re_1", amount=refund.amount)
    return settle_refund(shop.vendor, refund, outcome, cause="evt")


def test_two_refunds_at_once_never_give_back_more_than_was_taken(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for _ in range(ROUNDS):
        payment = make_paid(shop, link)
        done = at_once(*[partial(act, shop, payment, Money(1_500, "GBP"))] * 2)
        assert {type(answer) for answer in done} == {Refund, RefundExceedsPayment}
        assert figures(shop, payment)[0] == 1_500
    assert held(shop)["refund_in_flight"] == ROUNDS * 1_500


def test_two_refunds_at_once_that_both_fit_are_both_made(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for _ in range(ROUNDS // 4):
        payment = make_paid(shop, link)
        done = at_once(*[partial(act, shop, payment, Money(1_250, "GBP"))] * 2)
        assert [type(answer) for answer in done] == [Refund, Refund]
        assert figures(shop, payment) == (2_500, 0, 63)


def test_refunds_of_two_payments_of_one_shop_at_once_are_both_made(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for _ in range(ROUNDS // 4):
        first, second = make_paid(shop, link), make_paid(shop, link)
        done = at_once(partial(act, shop, first, Money(2_500, "GBP")), partial(act, shop, second, Money(2_500, "GBP")))
        assert [type(answer) for answer in done] == [Refund, Refund]


def test_one_form_sent_twice_at_once_is_one_refund(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for n in range(ROUNDS // 4):
        payment = make_paid(shop, link)
        first, second = at_once(*[partial(act, shop, payment, Money(500, "GBP"), f"form-{n}")] * 2)
        assert first.id == second.id
        with unit(shop.app):
            assert len(list_refunds(shop.vendor, payment)) == 1


def test_a_confirmation_and_a_failure_told_at_once_leave_the_books_whole(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for _ in range(ROUNDS // 4):
        payment = make_paid(shop, link)
        refund = ask_refund(shop, payment)
        with unit(shop.app):
            begin_sending(refund)
        at_once(partial(settled, shop, refund, "succeeded"), partial(settled, shop, refund, "failed"))
        assert fresh(shop, refund).state == "failed"
        assert figures(shop, payment) == (0, 0, 0)
    assert "refund_in_flight" not in held(shop)
