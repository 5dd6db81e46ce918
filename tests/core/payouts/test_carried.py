"""A payout through the processor ends in what happened there, once: paid, failed, come back, refused; and whatever was unknown is resumed."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core.admission.stops import let_go_on, stop
from core.kernel.clock import shifted
from core.kernel.config import settings
from core.payouts import carry
from core.payouts.approve import TooLate, approve_payout, cancel_payout, hold_payout, may_be_held, waits_untold
from core.payouts.history import IllegalMove
from core.payouts.request import NotPayable
from core.providers.receivers import MoveOutcome
from core.providers.registry import NoSuchProvider
from tests.core.payouts.carried import CarriedSeller
from tests.core.payouts.test_payouts import usd
from tests.factories import Shop, unit

WHOLE = usd(9750)


@pytest.fixture
def carried(shop: Shop) -> Iterator[CarriedSeller]:
    """A seller with USD 97.50 available who is paid out through the processor, which has enough of ours."""
    made = CarriedSeller(shop)
    made.connects()
    made.fills()
    made.sells("100.00")
    with shifted(timedelta(days=30)):
        made.release()
        yield made


def nothing_is_lost(seller: CarriedSeller) -> bool:
    return seller.under_way() == (0, 0) and seller.has() == WHOLE and seller.books_are_whole()


def test_it_is_moved_paid_out_and_arrives(carried: CarriedSeller) -> None:
    payout = carried.pays_out()
    assert (payout.state, carried.under_way(), carried.has()) == ("submitted", (9750, 0), usd(0))
    sent = carried.carries(payout)
    assert (sent.state, carried.there(payout), carried.under_way()) == ("in_transit", [(9750, 0)], (9750, 9750))
    assert (
        carried.carriage(payout).trace.startswith("SBXPO")
        and sent.trace == carried.carriage(payout).trace
        and carried.carries(payout).state == "in_transit"
    )
    paid = carried.their_bank_says(payout, "paid")
    assert (paid.state, paid.arrived_at is not None, carried.under_way()) == ("paid", True, (0, 0))
    assert carried.kinds(payout) == ["requested", "submitted", "in_transit", "paid"] and carried.books_are_whole()


def test_what_the_bank_does_not_take_is_the_sellers_again_once(carried: CarriedSeller) -> None:
    payout = carried.carries(carried.pays_out())
    for _again in range(3):
        failed = carried.their_bank_says(payout, "failed") if _again == 0 else carried.carries(payout, f"evt_{_again}")
        assert (failed.state, failed.failure_reason, carried.there(payout)) == ("failed", "account_closed", [(9750, 9750)])
    assert nothing_is_lost(carried) and carried.pays_out().amount == WHOLE


def test_what_had_arrived_may_come_back(carried: CarriedSeller) -> None:
    payout = carried.carries(carried.pays_out())
    carried.their_bank_says(payout, "paid")
    back = carried.their_bank_says(payout, "failed")
    assert (back.state, carried.kinds(payout)[-2:], carried.there(payout)) == ("returned", ["paid", "returned"], [(9750, 9750)])
    assert nothing_is_lost(carried)


def test_even_long_after_nobody_looked_any_more(carried: CarriedSeller) -> None:
    payout = carried.carries(carried.pays_out())
    carried.their_bank_says(payout, "paid")
    with shifted(timedelta(days=30 + carry.WATCHED_DAYS + 1)):
        carried.carries(payout)
        assert carried.carriage(payout).step == "done" and carried.carriage(payout).next_look_at is None
        assert carried.their_bank_says(payout, "failed").state == "returned" and nothing_is_lost(carried)


@pytest.mark.parametrize("standing", ["restricted", "needs_more"])
def test_an_account_that_takes_nothing_any_more_gives_it_back(carried: CarriedSeller, standing: str) -> None:
    payout = carried.pays_out()
    carried.decided(outcome=standing)
    failed = carried.carries(payout)
    assert (failed.state, failed.failure_reason, carried.there(payout)) == ("failed", "insufficient_capabilities_for_transfer", [])
    assert nothing_is_lost(carried)


def test_a_bank_account_that_was_exchanged_meanwhile_gets_nothing(carried: CarriedSeller) -> None:
    """Whoever has taken the seller's account at the processor over has two days less than they think."""
    payout, receiver = carried.pays_out(), carried.receiver().provider_reference
    carried.processor.call("POST", "/_sandbox/accounts", account=receiver, currency="usd", iban="GB33BUKB20201555555555")
    failed = carried.carries(payout)
    assert (failed.state, failed.failure_reason, carried.there(payout)) == ("failed", "bank_account_replaced", [])
    carried.looks()
    assert nothing_is_lost(carried)
    with pytest.raises(NotPayable, match="can be used from"):
        carried.pays_out()


def test_a_platform_that_has_too_little_there_moves_nothing(shop: Shop) -> None:
    poor = CarriedSeller(shop, "KWD")
    poor.connects()
    poor.sells("100.000")
    with shifted(timedelta(days=30)):
        poor.release()
        before = poor.has()
        asked = poor.pays_out()
        with unit(shop.app):  # in a currency without a limit somebody always looks
            approve_payout(shop.vendor, asked, by="stf_two")
        payout = poor.carries(asked)
        assert (payout.state, payout.failure_reason, poor.there(payout)) == ("failed", "balance_insufficient", [])
        assert (poor.has(), poor.under_way(), poor.books_are_whole()) == (before, (0, 0), True)


def test_moved_and_then_not_paid_out_it_is_fetched(carried: CarriedSeller, monkeypatch: pytest.MonkeyPatch) -> None:
    payout = carried.pays_out()
    carried.decided(currency="gbp", iban="GB33BUKB20201555555555")
    with shifted(timedelta(days=30)):
        question = _asked(carried, payout, "move")
        with unit(carried.shop.app):
            carry.record(carried.shop.vendor, question, _answer(carried, question), cause="test")
        carried.processor.call("POST", "/_sandbox/accounts", account=carried.receiver().provider_reference, outcome="under_review")
        failed = carried.carries(payout)
    assert (failed.state, failed.failure_reason, carried.there(payout)) == ("failed", "payouts_not_allowed", [(9750, 9750)])
    assert nothing_is_lost(carried)


def _asked(seller: CarriedSeller, payout: Any, step: str) -> carry.Question:
    with unit(seller.shop.app):
        question = carry.next_question(seller.shop.vendor, "test", payout.public_id)
    assert question is not None and question.step == step
    return question


def _answer(seller: CarriedSeller, question: carry.Question) -> carry.Answer:
    with seller.shop.app.app_context():
        return carry.ask(question)


# --- what is unknown is resumed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "story"),
    [
        ("/v1/transfers", "timeout_after"), ("/v1/transfers", "timeout_before"), ("/v1/transfers", "error_after"),
        ("/v1/payouts", "timeout_after"), ("/v1/payouts", "error_after"), ("/v1/payouts", "busy"),
    ],
)  # fmt: skip
def test_an_answer_that_is_lost_moves_nothing_twice(carried: CarriedSeller, path: str, story: str) -> None:
    payout = carried.pays_out()
    carried.processor.story(story, times=1, path=path, **({"seconds": 0} if story.startswith("timeout") else {}))
    carried.carries(payout)
    sent = carried.carries(payout)
    assert (sent.state, carried.there(payout), carried.under_way()) == ("in_transit", [(9750, 0)], (9750, 9750))
    assert carried.their_bank_says(payout, "paid").state == "paid" and carried.books_are_whole()


@pytest.mark.parametrize("story", ["timeout_after", "timeout_before", "error_after"])
def test_a_return_whose_answer_is_lost_happens_once(carried: CarriedSeller, story: str) -> None:
    payout = carried.carries(carried.pays_out())
    reference = carried.carriage(payout).move_reference
    settings_ = {"seconds": 0} if story.startswith("timeout") else {}
    carried.processor.story(story, times=1, path=f"/v1/transfers/{reference}/reversals", **settings_)
    carried.their_bank_says(payout, "failed")
    assert (carried.carries(payout).state, carried.there(payout)) == ("failed", [(9750, 9750)]) and nothing_is_lost(carried)


def test_a_day_later_it_is_looked_for_and_not_asked_again(carried: CarriedSeller) -> None:
    payout = carried.pays_out()
    carried.processor.story("timeout_after", times=1, seconds=0, path="/v1/transfers")
    carried.carries(payout)
    with shifted(timedelta(days=32)):
        assert carried.carries(payout).state == "in_transit" and carried.there(payout) == [(9750, 0)]


def test_a_day_later_what_never_happened_is_given_back(carried: CarriedSeller) -> None:
    payout = carried.pays_out()
    carried.processor.story("timeout_before", times=1, seconds=0, path="/v1/transfers")
    carried.carries(payout)
    with shifted(timedelta(days=32)):
        failed = carried.carries(payout)
        assert (failed.state, failed.failure_reason, carried.there(payout)) == ("failed", "not_done", []) and nothing_is_lost(carried)


def test_a_list_that_is_not_told_does_not_say_that_it_never_happened(carried: CarriedSeller) -> None:
    """The money went and the answer was lost. Given back here, the seller would have it twice."""
    payout = carried.pays_out()
    carried.processor.story("timeout_after", times=1, seconds=0, path="/v1/transfers")
    carried.carries(payout)
    with shifted(timedelta(days=32)):
        carried.processor.story("blank_page", times=2, path="/v1/transfers")
        assert [carried.carries(payout).state for _ in range(3)] == ["submitted", "submitted", "in_transit"]
        assert carried.there(payout) == [(9750, 0)] and carried.under_way() == (9750, 9750)


def test_taken_back_by_hand_at_the_processor_it_is_no_more_there_to_be_taken(carried: CarriedSeller) -> None:
    payout = carried.carries(carried.pays_out())
    carried.processor.call("POST", "/_sandbox/connected_payouts", payout=carried.carriage(payout).payout_reference, outcome="failed")
    with carried.shop.app.app_context():
        carry.seller_payer("sandbox", "test").take_back("by-hand", carried.carriage(payout).move_reference, WHOLE)
    assert (carried.carries(payout).state, carried.there(payout)) == ("failed", [(9750, 9750)]) and nothing_is_lost(carried)


def test_a_key_that_is_missing_here_says_nothing_of_what_happened_there(carried: CarriedSeller, monkeypatch: pytest.MonkeyPatch) -> None:
    payout = carried.pays_out()

    def none(*_: str) -> Any:
        raise NoSuchProvider("provider_not_set_up", "no key")

    with monkeypatch.context() as away:
        away.setattr("core.payouts.carry.seller_payer", none)
        assert carried.carries(payout).state == "submitted"
    assert carried.carries(payout).state == "in_transit"


def test_an_account_that_has_gone_there_says_nothing_of_what_was_moved_before(carried: CarriedSeller) -> None:
    """The money went and the answer was lost; then the account is unknown there. Given back here, the seller would have it twice."""
    payout = carried.pays_out()
    question = _asked(carried, payout, "move")
    moved, again_ = _answer(carried, question), _answer(carried, dataclasses.replace(question, receiver="acct_unknown"))
    assert isinstance(moved, MoveOutcome) and isinstance(again_, MoveOutcome) and again_.provider_reference == moved.provider_reference
    assert carried.there(payout) == [(9750, 0)]


def test_an_account_that_never_was_there_moves_nothing(carried: CarriedSeller) -> None:
    payout = carried.pays_out()
    assert isinstance(_answer(carried, dataclasses.replace(_asked(carried, payout, "move"), receiver="acct_unknown")), carry.Refused)
    assert carried.there(payout) == []


# --- several at once, and by the rules of every payout ---------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["paid", "failed"])
def test_several_workers_at_once_carry_it_once(carried: CarriedSeller, end: str) -> None:
    payout = carried.pays_out()
    _all_at_once(carried, payout)
    carried.carries(payout)
    carried.processor.call("POST", "/_sandbox/connected_payouts", payout=carried.carriage(payout).payout_reference, outcome=end)
    _all_at_once(carried, payout)
    after = carried.carries(payout)
    assert (after.state, carried.there(payout)) == (end, [(9750, 9750 if end == "failed" else 0)])
    assert carried.under_way() == (0, 0) and carried.has() == (WHOLE if end == "failed" else usd(0)) and carried.books_are_whole()


def _all_at_once(seller: CarriedSeller, payout: Any) -> None:
    problems: list[Exception] = []

    def one() -> None:
        try:
            with shifted(timedelta(days=30)):
                seller.carries(payout)
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == [] and not any(thread.is_alive() for thread in threads)


def test_one_above_the_limit_waits_for_somebody_else(carried: CarriedSeller, monkeypatch: pytest.MonkeyPatch) -> None:
    low = dataclasses.replace(settings(), payout_limits={})
    monkeypatch.setattr("core.payouts.request.settings", lambda: low)
    payout = carried.pays_out()
    assert payout.state == "requested" and carried.carries(payout).state == "requested" and carried.there(payout) == []
    with unit(carried.shop.app):
        approve_payout(carried.shop.vendor, payout, by="stf_two")
    assert carried.carries(payout).state == "in_transit"


# --- held ---------------------------------------------------------------------------------------------------------------------


def test_one_that_is_held_is_not_moved_before_that_is_over(carried: CarriedSeller) -> None:
    vendor, app = carried.shop.vendor, carried.shop.app
    payout = carried.pays_out()
    with unit(app):
        hold = hold_payout(vendor, payout, reason="The register says another name.", days=2, by="stf_one")
    assert (carried.carries(payout).state, carried.there(payout)) == ("submitted", [])
    with unit(app):
        let_go_on(vendor, hold, by="stf_two")
    assert carried.carries(payout).state == "in_transit"
    with unit(app), pytest.raises(TooLate):
        hold_payout(vendor, payout, reason="The register says another name.", days=2, by="stf_one")


def test_one_of_which_nothing_was_asked_yet_can_be_called_off(carried: CarriedSeller) -> None:
    vendor, app = carried.shop.vendor, carried.shop.app
    payout = carried.pays_out()
    with unit(app):
        cancel_payout(vendor, payout, by="stf_one", reason="Another name")
    assert (carried.carries(payout).state, carried.there(payout)) == ("canceled", []) and nothing_is_lost(carried)
    sent = carried.carries(carried.pays_out())
    with unit(app), pytest.raises(IllegalMove):
        cancel_payout(vendor, sent, by="stf_one", reason="Too late")


def test_what_is_moved_already_is_not_paid_out_while_all_are_held(carried: CarriedSeller) -> None:
    vendor, app = carried.shop.vendor, carried.shop.app
    payout = carried.pays_out()
    with unit(app):
        question = carry.next_question(vendor, "test", payout.public_id)
    assert question is not None
    with app.app_context():
        answer = carry.ask(question)
    with unit(app):
        assert carry.record(vendor, question, answer, cause="asked")
        stop(vendor, "test", "payouts", reason="The register says another name.", days=2, by="stf_one")
    assert (carried.carries(payout).state, carried.carriage(payout).step) == ("submitted", "pay")
    with unit(app), pytest.raises(TooLate):
        cancel_payout(vendor, payout, by="stf_one", reason="Too late")
    with unit(app):  # beside that of all
        assert may_be_held(carried.as_it_is(payout)) and not waits_untold(payout)
        hold_payout(vendor, payout, reason="The register says another name.", days=40, by="stf_one")
    with shifted(timedelta(days=33)):
        assert carried.carries(payout).state == "submitted"
    with shifted(timedelta(days=73)):
        assert carried.carries(payout).state == "in_transit" and carried.books_are_whole()
