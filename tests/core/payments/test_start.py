"""From a link to an attempt: terms, places, forms sent twice, two tabs, and the end of a payment nobody paid."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from core.kernel.clock import frozen, now, shifted
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.kernel.signing import TokenRefused
from core.ledger import book
from core.ledger.post import post
from core.payments.attempt import PaymentOver, begin_attempt, record_opening
from core.payments.close import record_close
from core.payments.link import (
    BadTerms,
    LinkClosed,
    LinkTerms,
    check_terms,
    edit_link,
    ends_at,
    expire_link,
    link_state,
    link_token,
    note_opening,
    open_link_token,
    pause_link,
    replace_address,
    resume_link,
    taken_places,
)  # fmt: skip
from core.payments.models import Attempt, Payment, PaymentLink
from core.payments.poll import GRACE, claim_due_attempts, claim_overdue_payments
from core.payments.queries import list_attempts, page_state, timeline
from core.payments.release import release_due
from core.payments.start import AmountNotOffered, open_payment_token, payment_token, receipt_token, start_payment
from core.providers.contract import Opening, Outcome
from tests.core.payments.conftest import AtOnce, another_shop
from tests.core.payments.settled import again, held
from tests.factories import Shop, fresh, make_link, make_paid, make_payment, open_payment, tell, unit

ROUNDS = 40
HOUR = timedelta(hours=1)


def pay(shop: Shop, link: PaymentLink, form: str | None = None, amount: Money | None = None) -> Payment:
    amount = amount or Money(2_500, "GBP")
    return start_payment(
        shop.vendor, again(link), amount=amount, email=" Ada@Example.COM ", name=" Ada ", form_token=form or secrets.token_hex(9)
    )


def state(shop: Shop, link: PaymentLink) -> str:
    with unit(shop.app):
        return link_state(again(link))


def by_us(shop: Shop, act: Any, link: PaymentLink, **more: Any) -> PaymentLink:
    with unit(shop.app):
        return act(link, by=shop.user.public_id, **more)


# --- terms ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("title", {"title": "   "}),
        ("currency", {"currency": "XXX"}),
        ("currency", {"currency": "gbp"}),
        ("kind", {"kind": "twice"}),
        ("expires_at", {"expires_at": now() - HOUR}),
        ("expires_at", {"expires_at": now() + timedelta(days=6 * 365)}),
        ("hours_after_opening", {"hours_after_opening": 0}),
        ("hours_after_opening", {"hours_after_opening": 8761}),
        ("max_payments", {"max_payments": 0}),
        ("max_payments", {"max_payments": 10_001}),
        ("amount", {"amount_minor": 29}),
        ("amount", {"amount_minor": 100_000_001}),
        ("minimum", {"minimum_minor": 1}),
        ("maximum", {"maximum_minor": 100_000_001}),
        ("maximum", {"minimum_minor": 500, "maximum_minor": 499}),
        ("suggestions", {"suggestions_minor": [100, 200, 300, 400, 500]}),
        ("suggestions", {"minimum_minor": 500, "suggestions_minor": [499]}),
        ("suggestions", {"maximum_minor": 500, "suggestions_minor": [501]}),
    ],
)
def test_terms_that_contradict_themselves_are_refused_at_their_field(field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadTerms) as refused:
        check_terms(LinkTerms(**{"title": "Course", "currency": "GBP", **wrong}))
    assert refused.value.field == field


def test_a_fixed_link_takes_its_amount_and_no_other(shop: Shop) -> None:
    link = make_link(shop, amount="25.00")
    for wrong in (Money(2_499, "GBP"), Money(2_501, "GBP"), Money(2_500, "EUR")):
        with pytest.raises(AmountNotOffered), unit(shop.app):
            pay(shop, link, amount=wrong)


def test_an_open_link_takes_what_lies_between_its_bounds(shop: Shop) -> None:
    link = make_link(shop, amount=None, minimum_minor=500, maximum_minor=1_000)
    with unit(shop.app):
        assert {pay(shop, link, amount=Money(n, "GBP")).amount_minor for n in (500, 777, 1_000)} == {500, 777, 1_000}
    for wrong in (499, 1_001):
        with pytest.raises(AmountNotOffered), unit(shop.app):
            pay(shop, link, amount=Money(wrong, "GBP"))


def test_an_open_link_without_bounds_still_has_limits(shop: Shop) -> None:
    link = make_link(shop, amount=None)
    for wrong in (29, 100_000_001):
        with pytest.raises(AmountNotOffered), unit(shop.app):
            pay(shop, link, amount=Money(wrong, "GBP"))


def test_a_payment_keeps_the_amount_and_fee_it_began_with(shop: Shop) -> None:
    link = make_link(shop, amount="25.00")
    payment = make_payment(shop, link)
    by_us(shop, edit_link, link, terms=LinkTerms(title="Dearer", currency="GBP", amount_minor=9_900))
    assert (fresh(shop, payment).amount_minor, fresh(shop, payment).fee_minor) == (2_500, 63)


def test_what_the_payer_typed_is_kept_tidy(shop: Shop) -> None:
    with unit(shop.app):
        payment = pay(shop, make_link(shop))
    assert (payment.email, payment.payer_name) == ("ada@example.com", "Ada")


# --- a link's life -------------------------------------------------------------------------------------------------------


def test_a_paused_link_takes_nothing_until_it_is_resumed(shop: Shop) -> None:
    link = make_link(shop)
    by_us(shop, pause_link, link, message="Back on Monday")
    with pytest.raises(LinkClosed) as closed, unit(shop.app):
        pay(shop, link)
    assert closed.value.state == "paused"
    by_us(shop, resume_link, link)
    assert state(shop, link) == "open"


def test_an_ended_link_stays_ended(shop: Shop) -> None:
    link = make_link(shop)
    for _ in range(2):
        by_us(shop, expire_link, link)
    for act in (pause_link, resume_link):
        with pytest.raises(Conflict):
            by_us(shop, act, link)
    assert state(shop, link) == "expired"


def test_a_link_ends_at_its_time(shop: Shop) -> None:
    link = make_link(shop, expires_at=now() + HOUR)
    assert state(shop, link) == "open"
    with frozen(link.expires_at):
        assert state(shop, link) == "expired"


def test_the_hours_of_a_link_run_from_its_first_opening(shop: Shop) -> None:
    link = make_link(shop, hours_after_opening=2)
    with shifted(timedelta(days=30)):
        assert state(shop, link) == "open"
        with unit(shop.app):
            note_opening(shop.vendor, again(link))
        opened = fresh(shop, link).first_opened_at
        with shifted(timedelta(days=30, hours=1)), unit(shop.app):
            note_opening(shop.vendor, again(link))
    assert fresh(shop, link).first_opened_at == opened
    assert ends_at(fresh(shop, link)) == opened + 2 * HOUR
    with frozen(opened + 2 * HOUR):
        assert state(shop, link) == "expired"


def test_a_replaced_address_opens_nothing_and_the_new_one_does(shop: Shop) -> None:
    link = make_link(shop)
    old = link_token(shop.vendor, link)
    by_us(shop, replace_address, link)
    with unit(shop.app):
        assert open_link_token(link_token(shop.vendor, again(link)))[1].id == link.id
        with pytest.raises(TokenRefused):
            open_link_token(old)


def test_the_receipts_address_does_not_open_the_checkout(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        assert open_payment_token(payment_token(shop.vendor, payment))[1].id == payment.id
        assert open_payment_token(receipt_token(shop.vendor, payment), purpose="receipt")[1].id == payment.id
        with pytest.raises(TokenRefused):
            open_payment_token(receipt_token(shop.vendor, payment))


def test_a_single_link_is_sold_out_while_it_is_being_paid_and_paid_afterwards(shop: Shop) -> None:
    link = make_link(shop, kind="single")
    payment = make_payment(shop, link)
    assert state(shop, link) == "sold_out"
    tell(shop, payment, open_payment(shop, payment), "succeeded", charge="ch_1", captured=payment.amount)
    assert state(shop, link) == "paid"


def test_a_payment_that_was_given_up_gives_its_place_back(shop: Shop) -> None:
    link = make_link(shop, kind="single")
    payment = make_payment(shop, link)
    with unit(shop.app):
        record_close(shop.vendor, payment, None, None, to="canceled", actor="payer")
    assert state(shop, link) == "open"


# --- forms, tabs and the last place --------------------------------------------------------------------------------------


def test_the_same_form_twice_is_one_payment(shop: Shop) -> None:
    link = make_link(shop)
    with unit(shop.app):
        first, second = pay(shop, link, "once"), pay(shop, link, "once")
        assert first.id == second.id
        assert [line.kind for line in timeline(shop.vendor, first)] == ["payment.created"]


def test_a_form_of_one_link_starts_nothing_on_another(shop: Shop) -> None:
    first, second = make_link(shop), make_link(shop)
    with unit(shop.app):
        pay(shop, first, "once")
    with pytest.raises(AmountNotOffered), unit(shop.app):
        pay(shop, second, "once")


def test_the_same_form_in_another_shop_is_another_payment(shop: Shop) -> None:
    other = another_shop(shop)
    links = make_link(shop), make_link(other)
    with unit(shop.app):
        assert pay(shop, links[0], "once").id != pay(other, links[1], "once").id


@pytest.mark.parametrize("terms", [{"kind": "single"}, {"max_payments": 1}, {}], ids=str)
def test_one_form_sent_twice_at_once_is_one_payment(terms: dict[str, Any], shop: Shop, at_once: AtOnce) -> None:
    for n in range(ROUNDS // 2):
        link = make_link(shop, **terms)
        first, second = at_once(*[partial(pay, shop, link, f"form-{n}")] * 2)
        assert first.id == second.id


def test_two_payers_never_both_get_the_last_place(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        link = make_link(shop, max_payments=2)
        make_payment(shop, link)
        done = at_once(*[partial(pay, shop, link)] * 2)
        assert {type(answer) for answer in done} == {Payment, LinkClosed}
        with unit(shop.app):
            assert taken_places(link) == 2


def begin(shop: Shop, payment: Payment) -> Attempt:
    return begin_attempt(shop.vendor, again(payment))


def test_two_tabs_share_one_attempt(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for _ in range(ROUNDS // 2):
        payment = make_payment(shop, link)
        first, second = at_once(*[partial(begin, shop, payment)] * 2)
        assert first.id == second.id
        with unit(shop.app):
            assert len(list_attempts(shop.vendor, payment)) == 1


def test_an_attempt_is_opened_once(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    with unit(shop.app):
        record_opening(shop.vendor, attempt, Opening(provider_reference="cs_other", redirect_url="http://elsewhere/"))
    assert fresh(shop, attempt).provider_reference == attempt.provider_reference
    assert fresh(shop, payment).state == "requires_action"


@pytest.mark.parametrize("over", ["succeeded", "processing", "canceled", "expired"])
def test_nothing_is_attempted_when_there_is_nothing_left_to_pay(over: str, shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        again(payment).state = over
    with pytest.raises(PaymentOver), unit(shop.app):
        begin(shop, payment)


def test_nothing_is_attempted_after_the_payers_hour(shop: Shop) -> None:
    payment = make_payment(shop)
    with frozen(payment.expires_at), pytest.raises(PaymentOver), unit(shop.app):
        begin(shop, payment)


def test_a_payment_tried_twenty_times_is_no_person(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        for _ in range(20):
            begin(shop, payment).state = "error"
    with pytest.raises(PaymentOver, match="too often"), unit(shop.app):
        begin(shop, payment)


def test_the_page_tells_the_truth_at_each_stage(shop: Shop) -> None:
    payment = make_payment(shop)
    seen = [_page(shop, payment)]
    attempt = open_payment(shop, payment)
    seen.append(_page(shop, payment))
    for told, facts in (
        ("unknown", {}), ("declined", {"charge": "ch_0", "decline_code": "x"}), ("processing", {}),
        ("succeeded", {"charge": "ch_1", "captured": payment.amount}),
    ):  # fmt: skip
        tell(shop, payment, attempt, told, **facts)
        seen.append(_page(shop, payment))
    assert seen == ["pay", "challenge", "checking", "failed", "checking", "paid"]


def _page(shop: Shop, payment: Payment) -> str:
    with unit(shop.app):
        return page_state(again(payment))


# --- the end of a payment nobody paid --------------------------------------------------------------------------------------


def close(shop: Shop, payment: Payment, attempt: Attempt | None, outcome: Outcome | None) -> str:
    with unit(shop.app):
        return record_close(shop.vendor, again(payment), attempt and again(attempt), outcome, to="expired", actor="system")


def test_a_payment_ends_when_the_provider_has_closed_its_attempt(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    closed = Outcome(state="canceled", provider_reference=attempt.provider_reference or "")
    assert close(shop, payment, attempt, closed) == "expired"
    assert fresh(shop, attempt).state == "abandoned"


@pytest.mark.parametrize("before", ["processing", "unknown"])
def test_a_payment_we_did_not_know_of_ends_when_the_provider_has_closed_its_attempt(before: str, shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, before)
    assert close(shop, payment, attempt, Outcome(state="canceled", provider_reference=attempt.provider_reference or "")) == "expired"


def test_a_payer_who_was_faster_has_paid(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    faster = Outcome(state="succeeded", provider_reference="cs", charge="ch_1", captured=payment.amount)
    assert close(shop, payment, attempt, faster) == "succeeded"
    assert held(shop)["psp_clearing"] == 2_500


@pytest.mark.parametrize("told", ["processing", "unknown", "requires_action"])
def test_nothing_ends_while_the_provider_is_not_sure(told: str, shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    assert close(shop, payment, attempt, Outcome(state=told, provider_reference="cs")) != "expired"


def test_nothing_ends_while_another_attempt_is_open(shop: Shop) -> None:
    payment = make_payment(shop)
    open_payment(shop, payment)  # after it was looked whether one is open
    assert close(shop, payment, None, None) == "requires_action"


def test_an_attempt_that_was_opened_while_it_was_taken_for_unopened_is_not_given_up(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    assert close(shop, payment, attempt, Outcome(state="canceled", provider_reference="")) == "requires_action"


def test_an_attempt_opened_after_it_was_given_up_is_to_be_closed_at_once(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        attempt = begin(shop, payment)
    close(shop, payment, attempt, Outcome(state="canceled", provider_reference=""))
    with unit(shop.app):
        record_opening(shop.vendor, attempt, Opening(provider_reference="cs_late", redirect_url="http://127.0.0.1/card"))
    late = fresh(shop, attempt)
    assert (late.state, late.provider_reference) == ("abandoned", "cs_late")
    assert late.next_inquiry_at and late.next_inquiry_at <= now()
    assert fresh(shop, payment).state == "expired"


def claimed(shop: Shop, claim: Any) -> list[Any]:
    with unit(shop.app):
        return [key for key in claim(limit=100_000) if key[0] == shop.vendor.id]


def test_time_is_up_only_after_a_moment_of_grace(shop: Shop) -> None:
    payment = make_payment(shop)
    with frozen(payment.expires_at + GRACE - timedelta(seconds=1)):
        assert claimed(shop, claim_overdue_payments) == []
    with frozen(payment.expires_at + GRACE):
        assert claimed(shop, claim_overdue_payments) == [(shop.vendor.id, "test", payment.id)]


def test_open_attempts_are_asked_about_ever_more_slowly_but_at_least_every_45_seconds(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt, begun, asked = open_payment(shop, payment), now(), []
    for second in range(0, 240):
        with frozen(begun + timedelta(seconds=second)):
            if claimed_one(shop, attempt):
                asked.append(second)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert asked[0] <= 21
    assert gaps[:4] == [15, 20, 30, 45] and set(gaps[3:]) == {45}


def claimed_one(shop: Shop, attempt: Attempt) -> bool:
    row = fresh(shop, attempt)
    return row.next_inquiry_at <= now() and claimed(shop, claim_due_attempts) != []


# --- release -------------------------------------------------------------------------------------------------------------


def test_money_is_released_after_the_vendors_waiting_time_once(shop: Shop) -> None:
    make_paid(shop)
    with unit(shop.app):
        while release_due():  # other tests' payments may be due as well
            pass
    assert held(shop)["seller_pending"] == 2_437
    for _ in range(2):
        with shifted(timedelta(days=2, seconds=1)), unit(shop.app):
            release_due(limit=100_000)
    assert held(shop)["seller_available"] == 2_437


def test_a_book_that_does_not_hold_what_is_due_holds_nobody_else_back(shop: Shop) -> None:
    poor, other = make_paid(shop), another_shop(shop)
    paid = make_paid(other)
    with unit(shop.app):
        post(
            [
                book.refund_requested(
                    poor, refund="ref_all", amount=poor.net, fee_returned=Money(0, "GBP"), taken_from="seller_pending", at=now()
                )
            ]
        )
    with shifted(timedelta(days=3)), unit(shop.app):
        release_due(limit=100_000)
    assert (fresh(shop, poor).released_at, held(other)["seller_available"]) == (None, paid.net.minor)


def test_two_clocks_at_once_release_each_payment_once(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(6):
        make_paid(shop)
    with frozen(now() + timedelta(days=3)):
        late = now()

    def release() -> int:
        with frozen(late):
            return release_due(limit=100_000)

    at_once(release, release)
    assert held(shop)["seller_available"] == 6 * 2_437


def test_an_open_amount_goes_in_steps(shop: Shop) -> None:
    link = make_link(shop, amount=None, minimum_minor=1_000, maximum_minor=5_000, step_minor=500, suggestions_minor=[1_500])
    for wrong in ("10.01", "12.50", "5.00", "55.00"):
        with pytest.raises(AmountNotOffered) as refused:
            make_payment(shop, link, amount=wrong)
        assert refused.value.field == "amount"
    assert make_payment(shop, link, amount="15.00").amount_minor == 1_500


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"step_minor": 0}, "step"), ({"step_minor": 10**12}, "step"), ({"step_minor": 500, "minimum_minor": 1_200}, "minimum"),
        ({"step_minor": 500, "maximum_minor": 5_200}, "maximum"), ({"step_minor": 500, "suggestions_minor": [700]}, "suggestions"),
    ],
)  # fmt: skip
def test_a_step_that_fits_nothing_is_refused_at_its_field(shop: Shop, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(BadTerms) as refused:
        make_link(shop, amount=None, **terms)
    assert refused.value.field == field
