"""The gateway's units against ours: exact both ways, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kernel.currency import OFFERED, exponent
from core.kernel.money import Money
from core.providers.contract import ProviderRefused
from core.providers.exponents import PADDED, fee_from_gateway, from_gateway, gateway_exponent, to_gateway


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(1234, "GBP"), 1234),
        (Money(500, "JPY"), 500),
        (Money(12_340, "KWD"), 12_340),
        (Money(7, "ISK"), 700),
        (Money(7, "UGX"), 700),
        (Money(700, "MGA"), 7),
        (Money(1234, "HUF"), 1234),
        (Money(1234, "TWD"), 1234),
    ],
)
def test_what_is_sent_to_the_gateway(amount, units):
    assert to_gateway(amount) == units
    assert from_gateway(units, amount.currency.lower()) == amount


@pytest.mark.parametrize("amount", [Money(12_345, "KWD"), Money(1, "BHD"), Money(150, "MGA")])
def test_what_the_gateway_cannot_hold_is_refused(amount):
    with pytest.raises(ProviderRefused):
        to_gateway(amount)


def test_units_finer_than_the_currency_are_an_error_for_a_payment_and_rounded_for_a_fee():
    with pytest.raises(ValueError):
        from_gateway(150, "isk")
    assert (fee_from_gateway(150, "isk"), fee_from_gateway(149, "isk")) == (Money(2, "ISK"), Money(1, "ISK"))


@given(st.sampled_from(OFFERED), st.integers(1, 10**9))
def test_no_amount_changes_on_the_way_there_and_back(currency, minor):
    try:
        units = to_gateway(Money(minor, currency))
    except ProviderRefused:
        assert exponent(currency) == 3 and minor % 10
    else:
        assert from_gateway(units, currency.lower()) == Money(minor, currency)


def test_the_gateway_differs_from_iso_only_where_we_know_it():
    assert {code for code in OFFERED if gateway_exponent(code) != exponent(code)} == set(PADDED)
