"""Settling: whatever is told, in whatever order and however often, the money is booked once and never ignored."""

from __future__ import annotations

import secrets
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.payments.close import record_close
from core.payments.hear import Told
from core.payments.lockout import MOST_DECLINES
from core.payments.models import Attempt, Payment
from core.payments.queries import page_state
from core.payments.settle import settle, settle_many
from core.providers.contract import Outcome
from tests.core.payments.conftest import another_shop
from tests.core.payments.settled import again, held, journals, lines, paid
from tests.factories import Shop, fresh, make_link, make_paid, make_payment, open_payment, tell, unit


def news(payment: Payment, state: str) -> dict[str, Any]:
    return {
        "succeeded": paid(payment),
        "declined": {"charge": "ch_0", "decline_code": "insufficient_funds"},
    }.get(state, {})


def tell_all(shop: Shop, payment: Payment, attempt: Attempt, states: tuple[str, ...]) -> None:
    """One after another, as a batch of events does it."""
    with unit(shop.app):
        payment, attempt = again(payment), again(attempt)
        for state in states:
            outcome = Outcome(state=state, provider_reference="cs", **news(payment, state))
            settle(shop.vendor, payment, attempt, outcome, cause=f"evt_{secrets.token_hex(4)}")


@pytest.mark.parametrize("order", list(permutations(["succeeded", "declined", "processing", "canceled"])), ids="-".join)
def test_in_whatever_order_it_is_told_a_paid_payment_is_paid_once(
    order: tuple[str, ...], shop: Shop, payment: Payment, attempt: Attempt
) -> None:
    for _ in range(2):
        tell_all(shop, payment, attempt, order)
    assert fresh(shop, payment).state == "succeeded"
    assert fresh(shop, attempt).state == "succeeded"
    assert journals(shop, payment) == ["capture"]
    assert held(shop) == {"psp_clearing": 2_500, "seller_pending": 2_437, "platform_fee": 63}
    assert lines(shop, payment, "payment.succeeded") == ["payment.succeeded"]


@pytest.mark.parametrize("order", list(permutations(["declined", "processing", "requires_action", "unknown"])), ids="-".join)
def test_in_whatever_order_it_is_told_an_unpaid_payment_books_nothing(
    order: tuple[str, ...], shop: Shop, payment: Payment, attempt: Attempt
) -> None:
    tell_all(shop, payment, attempt, order)
    assert held(shop) == {} and journals(shop, payment) == []
    assert lines(shop, payment, "attempt.declined") == ["attempt.declined"]


def test_success_is_told_once_to_those_who_wait_for_it(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    for _ in range(3):
        tell(shop, payment, attempt, "succeeded", **paid(payment))
    with shop.app.app_context():
        tasks = db.session.scalars(select(OutboxTask).where(OutboxTask.vendor_id == shop.vendor.id, OutboxTask.job == "payment_settled"))
        assert [t.args["payment"] for t in tasks] == [str(payment.id)]


def test_it_says_what_it_did(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    assert tell(shop, payment, attempt, "succeeded", **paid(payment)) == "settled"
    assert tell(shop, payment, attempt, "succeeded", **paid(payment)) == "already"
    assert tell(shop, payment, attempt, "processing") == "stale"
    assert tell(shop, payment, attempt, "succeeded", **paid(payment, "ch_2")) == "second_charge"


@pytest.mark.parametrize("end", ["canceled", "expired"])
def test_money_that_comes_after_the_end_is_booked(end: str, shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop, kind="single"))
    attempt = open_payment(shop, payment)
    with unit(shop.app):
        closed = Outcome(state="canceled", provider_reference=attempt.provider_reference or "")
        assert record_close(shop.vendor, payment, attempt, closed, to=end, actor="system") == end
    assert not fresh(shop, payment).holds_place
    assert tell(shop, payment, attempt, "succeeded", **paid(payment)) == "settled"
    now_paid = fresh(shop, payment)
    assert (now_paid.state, now_paid.captured_minor, now_paid.holds_place) == ("succeeded", 2_500, True)
    assert held(shop)["psp_clearing"] == 2_500


@pytest.mark.parametrize("end", ["canceled", "expired"])
def test_any_other_news_after_the_end_changes_nothing(end: str, shop: Shop, payment: Payment) -> None:
    with unit(shop.app):
        record_close(shop.vendor, payment, None, None, to=end, actor="system")
    for state in ("processing", "requires_action", "unknown", "canceled", "declined"):
        tell(shop, payment, None, state, **news(payment, state))
    assert fresh(shop, payment).state == end


def test_a_second_charge_is_booked_apart_and_shown(shop: Shop) -> None:
    payment = make_paid(shop)
    for _ in range(3):
        assert tell(shop, payment, None, "succeeded", **paid(payment, "ch_second")) == "second_charge"
    assert journals(shop, payment) == ["capture", "unexpected capture"]
    assert held(shop)["unapplied_receipts"] == 2_500
    assert held(shop)["psp_clearing"] == 5_000
    assert lines(shop, payment, "payment.unexpected_money") == ["payment.unexpected_money"]
    assert fresh(shop, payment).captured_minor == 2_500


@pytest.mark.parametrize("wrong", [Money(2_499, "GBP"), Money(250_000, "GBP"), Money(2_500, "EUR"), Money(2_500, "JPY")], ids=str)
def test_a_wrong_amount_is_booked_apart_and_is_not_the_sale(wrong: Money, shop: Shop, payment: Payment, attempt: Attempt) -> None:
    for _ in range(2):
        assert tell(shop, payment, attempt, "succeeded", **paid(payment, amount=wrong)) == "mismatch"
    assert fresh(shop, payment).state != "succeeded"
    assert fresh(shop, payment).captured_minor == 0
    assert journals(shop, payment) == ["unexpected capture"]
    assert lines(shop, payment, "payment.unexpected_money") == ["payment.unexpected_money"]


@pytest.mark.parametrize("before", ["requires_action", "processing", "unknown"])
def test_after_a_wrong_amount_the_attempt_is_over_and_the_payment_can_end(
    before: str, shop: Shop, payment: Payment, attempt: Attempt
) -> None:
    tell(shop, payment, attempt, before)
    tell(shop, payment, attempt, "succeeded", **paid(payment, amount=Money(1, "GBP")))
    assert (fresh(shop, attempt).state, fresh(shop, attempt).next_inquiry_at) == ("succeeded", None)
    with unit(shop.app):
        assert record_close(shop.vendor, payment, None, None, to="expired", actor="system") == "expired"


def test_one_charge_cannot_pay_twice_with_two_amounts(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    tell(shop, payment, attempt, "succeeded", **paid(payment, amount=Money(1, "GBP")))
    with pytest.raises(Exception, match="other content"):
        tell(shop, payment, attempt, "succeeded", **paid(payment))
    assert fresh(shop, payment).captured_minor == 0


def test_a_decline_heard_by_webhook_and_by_poll_is_one_line(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    for cause in ("evt_1", "poll", "evt_1", "return"):
        with unit(shop.app):
            outcome = Outcome(state="declined", provider_reference="cs_1", charge="ch_0", decline_code="do_not_honor")
            settle(shop.vendor, payment, attempt, outcome, cause=cause)
    assert lines(shop, payment, "attempt.declined") == ["attempt.declined"]


def test_two_declines_of_two_charges_are_two_lines(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    for charge in ("ch_a", "ch_b", "ch_a"):
        tell(shop, payment, attempt, "declined", charge=charge, decline_code="do_not_honor")
    assert len(lines(shop, payment, "attempt.declined")) == 2


def test_a_failed_check_of_the_bank_has_no_charge_and_is_one_line_however_it_is_heard(
    shop: Shop, payment: Payment, attempt: Attempt
) -> None:
    def hear(tried: str, cause: str) -> None:
        no = Outcome("declined", attempt.provider_reference or "", decline_code="payment_intent_authentication_failure", tried=tried)
        with unit(shop.app):
            settle(shop.vendor, again(payment), again(attempt), no, cause=cause)

    for cause in ("evt_1", "poll", "return", "evt_1"):
        hear("pm_1", cause)
    assert len(lines(shop, payment, "attempt.declined")) == 1
    hear("pm_2", "poll")
    assert len(lines(shop, payment, "attempt.declined")) == 2, "another card is another try"


def test_a_decline_leaves_the_page_open_for_another_try(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    tell(shop, payment, attempt, "declined", charge="ch_0", decline_code="insufficient_funds")
    with unit(shop.app):
        assert page_state(fresh(shop, payment)) == "failed"
    assert fresh(shop, attempt).state == "action_required"
    tell(shop, payment, attempt, "succeeded", **paid(payment))
    assert (fresh(shop, payment).state, fresh(shop, payment).decline_code) == ("succeeded", None)


def test_not_knowing_ends_when_the_provider_says_that_nothing_was_tried(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    tell(shop, payment, attempt, "unknown")
    assert fresh(shop, payment).state == "unknown"
    tell(shop, payment, attempt, "requires_method")
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("requires_action", "action_required")


@pytest.mark.parametrize("before", ["unknown", "processing"])
def test_waiting_ends_when_the_provider_says_that_it_closed_the_attempt(
    before: str, shop: Shop, payment: Payment, attempt: Attempt
) -> None:
    tell(shop, payment, attempt, before)
    tell(shop, payment, attempt, "canceled")
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("requires_method", "abandoned")


def test_the_end_of_an_old_attempt_says_nothing_about_the_present_one(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    tell(shop, payment, attempt, "canceled")
    second = open_payment(shop, payment)
    tell(shop, payment, second, "unknown")
    tell(shop, payment, attempt, "canceled")
    assert (fresh(shop, payment).state, fresh(shop, second).state) == ("unknown", "unknown")


def test_an_attempt_that_closes_after_the_payment_was_paid_is_over_too(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    tell(shop, payment, None, "succeeded", **paid(payment))
    assert tell(shop, payment, attempt, "canceled") == "stale"
    assert (fresh(shop, attempt).state, fresh(shop, attempt).next_inquiry_at) == ("abandoned", None)


def test_a_batch_settles_many_shops_payments_and_answers_in_the_given_order(shop: Shop, app: Any) -> None:
    other = another_shop(shop)
    payments = [make_payment(s) for s in (shop, other, shop, other)]
    attempts = [open_payment(s, p) for s, p in zip((shop, other, shop, other), payments, strict=True)]
    with unit(app):
        told = [
            Told(s.vendor, again(p), again(a), Outcome(state=state, provider_reference="cs", occurred_at=now(), **facts), "evt")
            for s, p, a, state, facts in zip(
                (shop, other, shop, other), payments, attempts, ("succeeded", "declined", "succeeded", "succeeded"),
                (paid(payments[0], "ch_a"), {"decline_code": "x", "charge": "ch_b"}, paid(payments[2], "ch_c"), paid(payments[3], "ch_d")),
                strict=True,
            )
        ]  # fmt: skip
        assert settle_many([*told, told[0]]) == ["settled", "told", "settled", "settled", "already"]
    assert [fresh(shop, p).state for p in payments] == ["succeeded", "requires_method", "succeeded", "succeeded"]
    assert held(shop)["psp_clearing"] == 5_000


def test_what_the_processor_keeps_is_booked_once(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    fee = {"fee": Money(55, "GBP"), "fee_reference": "txn_1"}
    for _ in range(2):
        tell(shop, payment, attempt, "succeeded", **paid(payment), **fee)
    assert held(shop)["psp_clearing"] == 2_500 - 55
    assert held(shop)["psp_fee_expense"] == 55
    assert fresh(shop, payment).processor_fee_minor == 55


def test_a_success_that_names_no_charge_is_a_bug_and_books_nothing(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    with pytest.raises(ValueError, match="names the charge"):
        tell(shop, payment, attempt, "succeeded", captured=payment.amount)
    assert held(shop) == {}


def asked_now(shop: Shop, payment: Payment, attempt: Attempt, state: str, **facts: Any) -> str:
    """The provider's answer to a question of ours."""
    with unit(shop.app):
        outcome = Outcome(state=state, provider_reference="cs", **facts)
        return settle(shop.vendor, again(payment), again(attempt), outcome, cause="poll")


def test_the_next_card_that_its_bank_asks_about_ends_the_decline_before_it(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    declined = {"charge": "ch_0", "decline_code": "insufficient_funds"}
    tell(shop, payment, attempt, "declined", **declined)
    assert tell(shop, payment, attempt, "requires_action") == "told"
    with shop.app.app_context():
        assert page_state(again(payment)) == "failed", "an event may be older than the decline: the provider is asked first"
        mine = OutboxTask.vendor_id == shop.vendor.id, OutboxTask.job == "settle_attempt"
        assert db.session.scalars(select(OutboxTask).where(*mine)).one().args["attempt"] == str(attempt.id)
    asked_now(shop, payment, attempt, "requires_action")
    with shop.app.app_context():
        assert page_state(again(payment)) == "challenge"
    asked_now(shop, payment, attempt, "declined", **declined)
    with shop.app.app_context():
        assert page_state(again(payment)) == "failed", "the answer to a later question is how things stand"
    assert lines(shop, payment, "attempt.declined") == ["attempt.declined"]


def test_a_payment_that_rests_goes_on_resting_whatever_its_bank_is_asked(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    for number in range(MOST_DECLINES):
        tell(shop, payment, attempt, "declined", charge=f"ch_{number}", decline_code="generic_decline")
    asked_now(shop, payment, attempt, "requires_action")
    with shop.app.app_context():
        assert page_state(again(payment)) == "locked"
