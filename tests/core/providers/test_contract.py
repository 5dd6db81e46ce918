"""The provider contract, clause by clause: every adapter passes all of it over real HTTP."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.kernel import clock
from core.kernel.db import TransactionOpen, db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.contract import OUTCOME_STATES, OpenPayment, ProviderBusy, ProviderRefused, ProviderUnreachable
from tests.sandbox.running import answer_challenge, ask, pay, wait_until


def wish(minor=2500, currency="GBP", surface="hosted", **changes):
    reference = public_id("att")
    made = OpenPayment(
        reference=reference,
        mode="test",
        amount=Money(minor, currency),
        description="A pot",
        email="ada@example.com",
        return_url="http://shop.test/return",
        cancel_url="http://shop.test/cancel",
        expires_at=clock.now() + timedelta(hours=2),
        surface=surface,
        metadata={"vendor": "vnd_1", "mode": "test", "payment": "pay_1", "attempt": reference},
    )
    return replace(made, **changes)


def paid(provider, sandbox, number="4242424242424242", **wishes):
    """Opens and pays; gives the outcome."""
    opening = provider.open_payment(wish(**wishes))
    _, location, _ = pay(opening.redirect_url, number)
    if location and "/3ds/" in location:
        answer_challenge(sandbox, location, "approve")
    return provider.inquire(opening.provider_reference)


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


def test_the_same_wish_gives_the_same_opening(provider):
    once = wish()
    assert provider.open_payment(once) == provider.open_payment(once)


def test_the_same_wish_gives_the_same_opening_after_its_term_has_left_the_limits(provider):
    once = wish(expires_at=clock.now() + timedelta(minutes=32))
    first = provider.open_payment(once)
    with clock.shifted(timedelta(minutes=5)):
        assert provider.open_payment(once) == first


def test_another_wish_under_the_same_reference_is_refused(provider):
    once = wish()
    provider.open_payment(once)
    with pytest.raises(ProviderRefused):
        provider.open_payment(replace(once, amount=Money(9900, "GBP")))


def test_a_term_the_provider_can_keep_is_passed_on(provider, sandbox, key):
    once = wish(expires_at=clock.now() + timedelta(hours=1))
    reference = provider.open_payment(once).provider_reference
    assert sandbox.call("GET", f"checkout/sessions/{reference}", key)[2]["expires_at"] == int(once.expires_at.timestamp())


@pytest.mark.parametrize("term", [timedelta(minutes=5), timedelta(days=30)])
def test_a_term_the_provider_cannot_keep_is_left_out(provider, term):
    assert provider.open_payment(wish(expires_at=clock.now() + term)).redirect_url


def test_a_payment_of_the_other_mode_is_refused(provider):
    with pytest.raises(ProviderRefused):
        provider.open_payment(wish(mode="live"))


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
    assert sandbox.charges(key) == []


def test_a_decline_after_the_challenge_is_a_decline(provider, sandbox):
    assert paid(provider, sandbox, "4000008400001629").state == "declined"


def test_every_state_is_one_of_the_contracts(provider, sandbox):
    assert paid(provider, sandbox).state in OUTCOME_STATES


def test_a_reference_the_provider_does_not_know_is_refused(provider):
    with pytest.raises(ProviderRefused) as refusal:
        provider.inquire("cs_test_unknown")
    assert refusal.value.code == "resource_missing"


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


def test_cancelling_twice_is_cancelling_once(provider):
    reference = provider.open_payment(wish()).provider_reference
    assert provider.cancel(reference) == provider.cancel(reference)


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


# --- refunds -----------------------------------------------------------------------------------------------------------


def refund(provider, outcome, minor, reference=None, reason="requested_by_customer"):
    amount = Money(minor, outcome.captured.currency)
    return provider.refund(reference or public_id("ref"), outcome.charge, amount, reason, {"payment": "pay_1"})


def test_a_refund_gives_money_back(provider, sandbox, key):
    outcome = paid(provider, sandbox)
    done = refund(provider, outcome, 1000)
    assert (done.state, done.amount) == ("succeeded", Money(1000, "GBP"))
    assert provider.inquire_refund(done.provider_reference) == done
    assert sandbox.charges(key)[0]["amount_refunded"] == 1000


def test_the_same_reference_refunds_once(provider, sandbox, key):
    outcome, reference = paid(provider, sandbox), public_id("ref")
    assert refund(provider, outcome, 1000, reference) == refund(provider, outcome, 1000, reference)
    assert sandbox.charges(key)[0]["amount_refunded"] == 1000


def test_more_than_was_paid_cannot_be_refunded(provider, sandbox, key):
    outcome = paid(provider, sandbox)
    with pytest.raises(ProviderRefused):
        refund(provider, outcome, 2501)
    refund(provider, outcome, 2500)
    with pytest.raises(ProviderRefused) as refusal:
        refund(provider, outcome, 1)
    assert refusal.value.code == "charge_already_refunded"


def test_parallel_refunds_never_exceed_the_payment(provider, sandbox, key, bare_app):
    outcome = paid(provider, sandbox)

    def one(_):
        with bare_app.app_context():
            try:
                return refund(provider, outcome, 1000).state
            except ProviderRefused:
                return "refused"
            finally:
                provider.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(one, range(6))) == ["refused"] * 4 + ["succeeded"] * 2
    assert sandbox.charges(key)[0]["amount_refunded"] == 2000


def test_a_reason_of_ours_that_the_provider_does_not_know_is_no_obstacle(provider, sandbox):
    assert refund(provider, paid(provider, sandbox), 100, reason="not_delivered").state == "succeeded"


def test_a_refund_may_be_pending_and_succeed_later(provider, sandbox):
    done = refund(provider, paid(provider, sandbox, "4000000000007726"), 1000)
    assert done.state == "pending"
    wait_until(lambda: provider.inquire_refund(done.provider_reference).state == "succeeded")


def test_a_refund_may_fail_after_it_succeeded(provider, sandbox, key):
    done = refund(provider, paid(provider, sandbox, "4000000000005126"), 1000)
    assert done.state == "succeeded"
    failed = wait_until(lambda: (now := provider.inquire_refund(done.provider_reference)).state == "failed" and now)
    assert failed.failure_reason and sandbox.charges(key)[0]["amount_refunded"] == 0


def test_a_refund_is_found_by_our_reference(provider, sandbox):
    outcome, reference = paid(provider, sandbox), public_id("ref")
    done = refund(provider, outcome, 700, reference)
    assert provider.find_refund(reference) == provider.find_refund(reference, outcome.charge) == done
    assert provider.find_refund("ref_unknown") is None


def test_all_refunds_of_a_charge_are_told_with_whose_it_is_also_those_made_past_us(provider, sandbox, key):
    outcome, reference = paid(provider, sandbox), public_id("ref")
    ours = refund(provider, outcome, 700, reference)
    sandbox.call("POST", "refunds", key, charge=outcome.charge, amount=300, reason="duplicate")
    found = provider.refunds_of(outcome.charge)
    assert (found.metadata["vendor"], found.metadata["payment"]) == ("vnd_1", "pay_1")
    assert [(r.amount.minor, r.state, r.charge, r.reference) for r in found.refunds] == [
        (700, "succeeded", outcome.charge, reference), (300, "succeeded", outcome.charge, None),
    ]  # fmt: skip
    assert found.refunds[0] == ours and found.refunds[1].reason == "duplicate"
    with pytest.raises(ProviderRefused):
        provider.refunds_of("ch_unknown")


# --- what may be unknown -----------------------------------------------------------------------------------------------


def test_a_timeout_after_the_effect_is_unknown_and_repeating_finds_it(provider, sandbox, key):
    outcome, reference = paid(provider, sandbox), public_id("ref")
    sandbox.story(key, "timeout_after", seconds=0, times=1, path="/v1/refunds")
    with pytest.raises(ProviderUnreachable) as problem:
        refund(provider, outcome, 1000, reference)
    assert problem.value.effect_unknown
    assert sandbox.charges(key)[0]["amount_refunded"] == 1000
    assert refund(provider, outcome, 1000, reference) == provider.find_refund(reference)
    assert sandbox.charges(key)[0]["amount_refunded"] == 1000


def test_a_timeout_before_the_effect_is_unknown_and_repeating_does_it(provider, sandbox, key):
    outcome, reference = paid(provider, sandbox), public_id("ref")
    sandbox.story(key, "timeout_before", seconds=0, times=1, path="/v1/refunds")
    with pytest.raises(ProviderUnreachable) as problem:
        refund(provider, outcome, 1000, reference)
    assert problem.value.effect_unknown
    assert provider.find_refund(reference) is None
    assert refund(provider, outcome, 1000, reference).state == "succeeded"


def test_an_answer_that_takes_too_long_is_unknown(provider, sandbox, key):
    sandbox.story(key, "slow", seconds=3, times=1)
    once = wish()
    with pytest.raises(ProviderUnreachable) as problem:
        provider.open_payment(once)
    assert problem.value.effect_unknown
    assert wait_until(lambda: _opened(provider, once))


def _opened(provider, once):
    try:
        return provider.open_payment(once)
    except ProviderBusy:
        return None


@pytest.mark.parametrize("story", ["error_before", "error_after"])
def test_a_failing_provider_leaves_the_effect_unknown(provider, sandbox, key, story):
    outcome, reference = paid(provider, sandbox), public_id("ref")
    sandbox.story(key, story, times=1, path="/v1/refunds")
    with pytest.raises(ProviderUnreachable) as problem:
        refund(provider, outcome, 1000, reference)
    assert problem.value.effect_unknown
    assert (provider.find_refund(reference) is not None) == (story == "error_after")


def test_a_failure_the_provider_keeps_as_its_answer_is_told_as_kept(provider, sandbox, key):
    sandbox.story(key, "error_after", times=1, path="/v1/checkout/sessions")
    asked = wish()
    kept = []
    for _ in range(2):
        with pytest.raises(ProviderUnreachable) as problem:
            provider.open_payment(asked)
        kept.append((problem.value.effect_unknown, problem.value.kept))
    assert kept == [(True, False), (True, True)]


def test_a_busy_provider_has_begun_nothing(provider, sandbox, key):
    outcome, reference = paid(provider, sandbox), public_id("ref")
    sandbox.story(key, "busy", times=1, path="/v1/refunds")
    with pytest.raises(ProviderBusy) as problem:
        refund(provider, outcome, 1000, reference)
    assert not problem.value.effect_unknown
    assert refund(provider, outcome, 1000, reference).state == "succeeded"


def test_a_provider_that_is_not_there_has_done_nothing(sandbox, key):
    from core.providers.stripe import Stripe
    from tests.sandbox.running import free_port

    nowhere = Stripe("sandbox", "test", key=key, publishable_key="", secrets=[], api_base=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ProviderUnreachable) as problem:
        nowhere.open_payment(wish())
    assert not problem.value.effect_unknown
    nowhere.close()


def test_a_wrong_key_decides_nothing_about_a_payment(sandbox):
    from core.providers.stripe import Stripe

    stranger = Stripe("sandbox", "test", key="sk_live_x", publishable_key="", secrets=[], api_base=sandbox.url)
    with pytest.raises(ProviderUnreachable) as problem:
        stranger.open_payment(wish())
    assert not problem.value.effect_unknown
    stranger.close()


def test_no_provider_is_asked_inside_a_transaction(provider):
    db.session.execute(text("select 1"))
    for ask_it in (
        lambda: provider.open_payment(wish()),
        lambda: provider.inquire("cs_1"),
        lambda: provider.cancel("cs_1"),
        lambda: provider.refund("ref_1", "ch_1", Money(1, "GBP"), "duplicate", {}),
        lambda: provider.inquire_refund("re_1"),
        lambda: provider.find_refund("ref_1"),
        lambda: provider.refunds_of("ch_1"),
        lambda: provider.fees(["ch_1"]),
    ):
        with pytest.raises(TransactionOpen):
            ask_it()


# --- events ------------------------------------------------------------------------------------------------------------


def read_all(provider, catcher):
    return [provider.read_event(body, headers, "test") for headers, body, _, _ in list(catcher.caught)]


def test_a_payments_event_carries_our_metadata_and_the_outcome(provider, sandbox, catcher):
    once = wish()
    opening = provider.open_payment(once)
    pay(opening.redirect_url)
    catcher.wait_for(lambda c: "payment_intent.succeeded" in c.types())
    told = next(event for event in read_all(provider, catcher) if event.type == "payment_intent.succeeded")
    assert (told.kind, told.metadata, told.outcome.state, told.outcome.captured) == (
        "payment",
        dict(once.metadata),
        "succeeded",
        once.amount,
    )
    truth = provider.inquire(opening.provider_reference)
    assert (told.outcome.charge, told.outcome.payment_intent) == (truth.charge, truth.payment_intent)


def test_a_charges_event_says_the_same_and_names_the_card(provider, catcher):
    once = wish()
    pay(provider.open_payment(once).redirect_url)
    catcher.wait_for(lambda c: "charge.succeeded" in c.types())
    told = next(event for event in read_all(provider, catcher) if event.type == "charge.succeeded")
    assert (told.kind, told.metadata, told.outcome.captured, told.outcome.card_last4) == (
        "payment",
        dict(once.metadata),
        once.amount,
        "4242",
    )


def test_a_stored_event_is_read_again_without_its_signature(provider, catcher):
    pay(provider.open_payment(wish()).redirect_url)
    catcher.wait_for(lambda c: c.caught)
    headers, body, _, _ = catcher.caught[0]
    assert provider.parse_event(body, "test") == provider.read_event(body, headers, "test")


def test_a_declines_event_says_why(provider, catcher):
    pay(provider.open_payment(wish()).redirect_url, "4000000000009995")
    catcher.wait_for(lambda c: "payment_intent.payment_failed" in c.types())
    told = next(event for event in read_all(provider, catcher) if event.type == "payment_intent.payment_failed")
    assert (told.kind, told.outcome.state, told.outcome.decline_code) == ("payment", "declined", "insufficient_funds")


def test_a_refunds_events_tell_its_whole_life(provider, sandbox, catcher):
    outcome = paid(provider, sandbox, "4000000000005126")
    refund(provider, outcome, 1000)
    catcher.wait_for(lambda c: "refund.failed" in c.types())
    told = {event.type: event for event in read_all(provider, catcher) if event.kind == "refund"}
    assert told["refund.created"].refund_outcome.state == "succeeded" and told["refund.failed"].refund_outcome.state == "failed"
    assert told["refund.created"].metadata["payment"] == "pay_1"


def test_a_dispute_is_told(provider, sandbox, catcher):
    paid(provider, sandbox, "4000000000000259")
    catcher.wait_for(lambda c: "charge.dispute.created" in c.types())
    assert "dispute" in {event.kind for event in read_all(provider, catcher)}


def test_an_event_of_the_other_mode_is_refused(provider, catcher):
    from core.providers.contract import SignatureRefused

    pay(provider.open_payment(wish()).redirect_url)
    catcher.wait_for(lambda c: c.caught)
    headers, body, _, _ = catcher.caught[0]
    assert not json.loads(body)["livemode"]
    with pytest.raises(SignatureRefused):
        provider.read_event(body, headers, "live")


def test_parallel_forms_of_one_attempt_charge_once(provider, sandbox, key):
    opening = provider.open_payment(wish())
    threads = [threading.Thread(target=pay, args=(opening.redirect_url,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [charge["status"] for charge in sandbox.charges(key)] == ["succeeded"]
