"""A link: terms it may not have, what it takes, and its life from its first opening to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.kernel.clock import frozen, now, shifted
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.kernel.signing import TokenRefused
from core.payments.close import record_close
from core.payments.link import (
    LinkClosed,
    edit_link,
    ends_at,
    expire_link,
    link_token,
    note_opening,
    open_link_token,
    pause_link,
    replace_address,
    resume_link,
)
from core.payments.link_terms import BadTerms, LinkTerms, check_terms  # fmt: skip
from core.payments.start import AmountNotOffered, open_payment_token, payment_token, receipt_token
from tests.core.payments.begun import by_us, pay, state
from tests.core.payments.settled import again
from tests.factories import Shop, fresh, make_link, make_payment, open_payment, tell, unit

HOUR = timedelta(hours=1)


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
