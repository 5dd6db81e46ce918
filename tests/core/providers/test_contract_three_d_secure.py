"""The contract's clauses about 3-D Secure on request: of a payer who is there, of a saved card, and of cards that know none of it."""

import pytest

from core.kernel.money import Money
from core.providers.contract import ThreeDSecure
from core.providers.stripe_shapes import charge_outcome
from tests.core.providers.test_contract_saved import charge, saved
from tests.core.providers.wishes import wish
from tests.sandbox.running import answer_challenge, pay

VISA, AMEX, ASKS_NOBODY = "4242424242424242", "378282246310005", "4000000000003055"


def test_a_card_that_would_not_be_asked_is_asked_and_pays_once_its_payer_approved(provider, sandbox, key):
    opening = provider.open_payment(wish(three_d_secure=True))
    _, location, _ = pay(opening.redirect_url, VISA)
    assert "/3ds/" in location
    assert provider.inquire(opening.provider_reference).state == "requires_action" and sandbox.charges(key) == []
    answer_challenge(sandbox, location, "approve")
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.captured) == ("succeeded", Money(2500, "GBP"))
    [made] = sandbox.call("GET", "charges", key)[2]["data"]
    assert made["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"
    assert outcome.secured == charge_outcome(made).secured == ThreeDSecure("authenticated", "challenge", "2.2.0")


def test_without_the_wish_the_same_card_is_not_asked(provider):
    opening = provider.open_payment(wish())
    assert "/3ds/" not in pay(opening.redirect_url, VISA)[1]
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.secured) == ("succeeded", None)


def test_a_card_whose_bank_needs_to_ask_nobody_says_so(provider):
    opening = provider.open_payment(wish())
    assert "/3ds/" not in pay(opening.redirect_url, ASKS_NOBODY)[1]
    assert provider.inquire(opening.provider_reference).secured == ThreeDSecure("authenticated", "frictionless", "2.2.0")


@pytest.mark.parametrize("told", [None, {}, "yes", {"result": None}, {"result": 7}, {"result": "<b>"}, {"result": "x" * 41}])
def test_what_a_processor_says_of_it_in_words_nobody_knows_is_not_kept(told):
    card = {"brand": "visa", "last4": "4242", "three_d_secure": told}
    charge = {"id": "ch_1", "created": 1, "currency": "gbp", "amount_captured": 1, "payment_method_details": {"type": "card", "card": card}}
    assert charge_outcome(charge).secured is None


def test_a_payer_who_fails_the_check_has_paid_nothing_and_may_try_again(provider, sandbox, key):
    opening = provider.open_payment(wish(three_d_secure=True))
    _, location, _ = pay(opening.redirect_url, VISA)
    assert answer_challenge(sandbox, location, "fail")[1].startswith("/c/pay/")
    assert provider.inquire(opening.provider_reference).state == "declined"
    assert [one for one in sandbox.charges(key) if one["paid"]] == []


def test_a_card_that_knows_no_check_is_taken_without(provider):
    opening = provider.open_payment(wish(three_d_secure=True))
    assert "/3ds/" not in pay(opening.redirect_url, AMEX, cvc="1234")[1]
    assert provider.inquire(opening.provider_reference).state == "succeeded"


def test_it_goes_together_with_holding_the_money(provider, sandbox):
    opening = provider.open_payment(wish(three_d_secure=True, hold=True))
    answer_challenge(sandbox, pay(opening.redirect_url, VISA)[1], "approve")
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.held, outcome.captured) == ("processing", True, None)
    assert provider.capture(opening.provider_reference).captured == Money(2500, "GBP")


def test_in_fields_of_our_page_the_wish_goes_along(provider, sandbox, key):
    opening = provider.open_payment(wish(surface="fields", three_d_secure=True))
    path = f"payment_intents/{opening.provider_reference}"
    status, _, intent = sandbox.call("POST", f"{path}/confirm", key, payment_method="pm_card_visa", return_url="http://shop.test/r")
    assert (status, intent["status"]) == (200, "requires_action")
    assert intent["payment_method_options"] == {"card": {"request_three_d_secure": "any"}}


def test_of_a_saved_card_nobody_is_there_to_be_asked(provider, sandbox, key):
    outcome = provider.charge_saved(charge(saved(provider, sandbox), three_d_secure=True))
    assert (outcome.state, outcome.closed, outcome.captured) == ("requires_action", True, None)
    assert [one for one in sandbox.charges(key) if one["paid"]] == []
    assert provider.cancel(outcome.provider_reference).state == "canceled"


def test_a_saved_card_can_be_authorised_taken_and_let_go(provider, sandbox):
    kept = saved(provider, sandbox)
    outcome = provider.charge_saved(charge(kept, hold=True))
    assert (outcome.state, outcome.held, outcome.captured) == ("processing", True, None)
    assert provider.capture(outcome.provider_reference).captured == Money(2500, "GBP")
    other = provider.charge_saved(charge(kept, hold=True))
    assert provider.cancel(other.provider_reference).state == "canceled"


def test_a_saved_card_says_whose_it_is_by_mark_and_country(provider, sandbox):
    kept = saved(provider, sandbox)
    outcome = provider.charge_saved(charge(kept))
    assert kept.fingerprint and kept.country == "US"
    assert (kept.fingerprint, kept.country) == (outcome.card_fingerprint, outcome.card_country)
