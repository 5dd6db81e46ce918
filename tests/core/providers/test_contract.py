"""The provider contract, clause by clause: every adapter passes all of it over real HTTP. Here a payment is opened, paid, closed and counted."""

import threading
from datetime import timedelta

import pytest

from core.kernel import clock
from core.kernel.money import Money
from core.providers.contract import ProviderRefused
from tests.core.providers.wishes import paid, wish
from tests.sandbox.running import answer_challenge, ask, pay, wait_until


def test_a_payment_the_bank_answers_later_is_processing_and_then_what_the_bank_says(provider, sandbox):
    outcome = paid(provider, sandbox, "4000000000003204")
    assert outcome.state in ("processing", "succeeded") and not (outcome.state == "processing" and outcome.captured)
    done = wait_until(lambda: (found := provider.inquire(outcome.provider_reference)).state == "succeeded" and found)
    assert (done.captured, done.charge) == (Money(2500, "GBP"), outcome.charge)


@pytest.mark.parametrize(("surface", "closed"), [("hosted", True), ("fields", False)])
def test_a_late_no_says_whether_another_card_can_be_tried_there(provider, sandbox, key, surface, closed):
    opening = provider.open_payment(wish(surface=surface))
    if surface == "hosted":
        pay(opening.redirect_url, "4000000000003212")
    else:
        sandbox.call("POST", f"payment_intents/{opening.provider_reference}/confirm", key, payment_method="pm_card_processingFails")
    done = wait_until(lambda: (found := provider.inquire(opening.provider_reference)).state == "declined" and found)
    assert (done.decline_code, done.closed) == ("insufficient_funds", closed)


def test_a_decline_at_once_leaves_the_page_open(provider, sandbox):
    declined = paid(provider, sandbox, "4000000000009995")
    assert (declined.state, declined.closed) == ("declined", False)


# --- opening -----------------------------------------------------------------------------------------------------------


def test_opening_takes_no_money_and_leads_to_a_page(provider, sandbox, key):
    opening = provider.open_payment(wish())
    assert ask("GET", opening.redirect_url)[0] == 200
    assert provider.inquire(opening.provider_reference).state == "requires_method"
    assert sandbox.charges(key) == []


def test_the_same_wish_gives_the_same_opening_after_its_term_has_left_the_limits(provider):
    once = wish(expires_at=clock.now() + timedelta(minutes=32))
    first = provider.open_payment(once)
    with clock.shifted(timedelta(minutes=5)):
        assert provider.open_payment(once) == first


def test_a_term_the_provider_can_keep_is_passed_on(provider, sandbox, key):
    once = wish(expires_at=clock.now() + timedelta(hours=1))
    reference = provider.open_payment(once).provider_reference
    assert sandbox.call("GET", f"checkout/sessions/{reference}", key)[2]["expires_at"] == int(once.expires_at.timestamp())


@pytest.mark.parametrize("term", [timedelta(minutes=5), timedelta(days=30)])
def test_a_term_the_provider_cannot_keep_is_left_out(provider, term):
    assert provider.open_payment(wish(expires_at=clock.now() + term)).redirect_url


def test_fields_inside_our_page_take_the_card_too(provider, sandbox):
    opening = provider.open_payment(wish(surface="fields"))
    assert opening.client_secret and opening.publishable_key.startswith("pk_test_")
    assert provider.inquire(opening.provider_reference).state == "requires_method"
    assert pay(opening.fields_url)[0] == 303
    assert provider.inquire(opening.provider_reference).state == "succeeded"


# --- outcomes ----------------------------------------------------------------------------------------------------------


def test_a_success_names_charge_amount_card_fee_and_day(provider, sandbox):
    outcome = paid(provider, sandbox, minor=10_000)
    assert (outcome.state, outcome.captured, outcome.card_brand, outcome.card_last4) == ("succeeded", Money(10_000, "GBP"), "visa", "4242")
    assert outcome.fee == Money(160, "GBP") and outcome.fee_reference.startswith("txn_")
    assert outcome.charge.startswith("ch_") and outcome.occurred_at and outcome.available_on > outcome.occurred_at


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000000000000002", "generic_decline"),
        ("4000000000009995", "insufficient_funds"),
        ("4000000000009987", "lost_card"),
        ("4000000000009979", "stolen_card"),
        ("4000000000000069", "expired_card"),
        ("4000000000000127", "incorrect_cvc"),
        ("4000000000000119", "processing_error"),
        ("4000000000006975", "card_velocity_exceeded"),
        ("4100000000000019", "fraudulent"),
    ],
)
def test_a_decline_says_why_and_the_attempt_stays_open(provider, sandbox, number, code):
    opening = provider.open_payment(wish())
    pay(opening.redirect_url, number)
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.decline_code, outcome.captured) == ("declined", code, None)
    assert outcome.decline_message and outcome.charge.startswith("ch_")
    pay(opening.redirect_url)
    assert provider.inquire(opening.provider_reference).state == "succeeded"


def test_a_challenge_is_told_and_then_settles(provider, sandbox):
    opening = provider.open_payment(wish())
    _, location, _ = pay(opening.redirect_url, "4000002760003184")
    assert provider.inquire(opening.provider_reference).state == "requires_action"
    answer_challenge(sandbox, location, "approve")
    assert provider.inquire(opening.provider_reference).state == "succeeded"


@pytest.mark.parametrize("answer", ["fail", "cancel"])
def test_a_failed_challenge_is_a_decline_without_a_charge(provider, sandbox, key, answer):
    opening = provider.open_payment(wish())
    _, location, _ = pay(opening.redirect_url, "4000000000003220")
    answer_challenge(sandbox, location, answer)
    outcome = provider.inquire(opening.provider_reference)
    assert (outcome.state, outcome.decline_code, outcome.charge) == ("declined", "payment_intent_authentication_failure", None)
    assert outcome.tried and provider.inquire(opening.provider_reference).tried == outcome.tried
    assert sandbox.charges(key) == []


def test_a_decline_after_the_challenge_is_a_decline(provider, sandbox):
    assert paid(provider, sandbox, "4000008400001629").state == "declined"


# --- closing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", ["hosted", "fields"])
def test_a_cancelled_attempt_cannot_be_paid(provider, key, sandbox, surface):
    opening = provider.open_payment(wish(surface=surface))
    assert provider.cancel(opening.provider_reference).state == "canceled"
    pay(opening.redirect_url or opening.fields_url)
    assert provider.inquire(opening.provider_reference).state == "canceled"
    assert sandbox.charges(key) == []


@pytest.mark.parametrize("surface", ["hosted", "fields"])
def test_cancelling_what_was_paid_says_so(provider, surface):
    opening = provider.open_payment(wish(surface=surface))
    pay(opening.redirect_url or opening.fields_url)
    assert provider.cancel(opening.provider_reference).state == "succeeded"


def test_cancelling_during_the_challenge_ends_the_challenge(provider, sandbox, key):
    opening = provider.open_payment(wish())
    _, location, _ = pay(opening.redirect_url, "4000002760003184")
    assert provider.cancel(opening.provider_reference).state == "canceled"
    answer_challenge(sandbox, location, "approve")
    assert sandbox.charges(key) == []


# --- money and its units -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "at_the_gateway"),
    [
        (Money(1250, "JPY"), "1250"),
        (Money(1250, "GBP"), "1250"),
        (Money(12500, "KWD"), "12500"),
        (Money(1250, "ISK"), "125000"),
        (Money(5000, "UGX"), "500000"),
    ],
)
def test_amounts_reach_the_gateway_in_its_own_units_and_come_back_in_ours(provider, sandbox, key, amount, at_the_gateway):
    outcome = paid(provider, sandbox, amount=amount)
    assert outcome.captured == amount
    assert str(sandbox.charges(key)[0]["amount"]) == at_the_gateway


def test_an_amount_the_gateway_cannot_hold_is_refused_before_it_is_sent(provider, sandbox, key):
    with pytest.raises(ProviderRefused):
        provider.open_payment(wish(amount=Money(12_345, "KWD")))


def test_an_amount_below_the_gateways_minimum_is_refused(provider):
    with pytest.raises(ProviderRefused) as refusal:
        provider.open_payment(wish(minor=1))
    assert refusal.value.code == "amount_too_small"


def test_fees_are_given_for_the_charges_that_have_them(provider, sandbox):
    good = paid(provider, sandbox, minor=4242)
    assert provider.fees([good.charge, "ch_unknown"]) == {good.charge: (Money(79, "GBP"), good.fee_reference, good.available_on)}


def test_parallel_forms_of_one_attempt_charge_once(provider, sandbox, key):
    opening = provider.open_payment(wish())
    threads = [threading.Thread(target=pay, args=(opening.redirect_url,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [charge["status"] for charge in sandbox.charges(key)] == ["succeeded"]
