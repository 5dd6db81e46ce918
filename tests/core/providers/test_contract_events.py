"""The provider contract on events: whose they are, what they tell, and that they are read again alike."""

import json

import pytest

from tests.core.providers.wishes import paid, read_all, refund, wish
from tests.sandbox.running import pay


def test_a_payments_event_carries_our_metadata_and_the_outcome(provider, sandbox, catcher):
    once = wish()
    opening = provider.open_payment(once)
    pay(opening.redirect_url)
    catcher.hear("payment_intent.succeeded")
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
    catcher.hear("charge.succeeded")
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
    catcher.hear("payment_intent.payment_failed")
    told = next(event for event in read_all(provider, catcher) if event.type == "payment_intent.payment_failed")
    assert (told.kind, told.outcome.state, told.outcome.decline_code) == ("payment", "declined", "insufficient_funds")


def test_a_refunds_events_tell_its_whole_life(provider, sandbox, catcher):
    outcome = paid(provider, sandbox, "4000000000005126")
    refund(provider, outcome, 1000)
    catcher.hear("refund.created", "refund.failed")
    told = {event.type: event for event in read_all(provider, catcher) if event.kind == "refund"}
    assert told["refund.created"].refund_outcome.state == "succeeded" and told["refund.failed"].refund_outcome.state == "failed"
    assert told["refund.created"].metadata["payment"] == "pay_1"


def test_a_dispute_is_told(provider, sandbox, catcher):
    paid(provider, sandbox, "4000000000000259")
    catcher.hear("charge.dispute.created")
    assert "dispute" in {event.kind for event in read_all(provider, catcher)}


def test_an_event_of_the_other_mode_is_refused(provider, catcher):
    from core.providers.contract import SignatureRefused

    pay(provider.open_payment(wish()).redirect_url)
    catcher.wait_for(lambda c: c.caught)
    headers, body, _, _ = catcher.caught[0]
    assert not json.loads(body)["livemode"]
    with pytest.raises(SignatureRefused):
        provider.read_event(body, headers, "live")
