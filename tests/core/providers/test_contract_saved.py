"""The contract's clauses about saved cards: a page that saves one, charges with nobody there, and letting one go."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.kernel import clock
from core.kernel.db import TransactionOpen, db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.bank import Bank
from core.providers.contract import ProviderRefused, ProviderUnreachable
from core.providers.saved import SAVING_STATES, ChargeSaved, OpenSaving
from tests.core.providers.wishes import read_all
from tests.sandbox.running import answer_challenge, ask, pay, wait_until

VISA, ASKS_ONCE, ASKS_ALWAYS, FAILS_LATER = "4242424242424242", "4000002500003155", "4000002760003184", "4000000000000341"


def saving(**changes):
    made = OpenSaving(
        reference=public_id("sav"),
        mode="test",
        customer=None,
        email="ada@example.com",
        name="Ada Payer",
        description="Bread every week",
        return_url="http://shop.test/return",
        cancel_url="http://shop.test/cancel",
        expires_at=clock.now() + timedelta(hours=2),
        metadata={"vendor": "vnd_1", "mode": "test", "saving": "sav_1"},
    )
    return replace(made, **changes)


def saved(provider, sandbox, number=VISA, **changes):
    """Opens the page, types a card, and answers the bank where it asks."""
    opening = provider.open_saving(saving(**changes))
    _, location, page = pay(opening.redirect_url, number)
    assert location, page
    if "/3ds/" in location:
        answer_challenge(sandbox, location, "approve")
    outcome = provider.inquire_saving(opening.provider_reference)
    assert outcome.state == "saved"
    return outcome.saved


def charge(kept, minor=2500, **changes):
    reference = public_id("att")
    made = ChargeSaved(
        reference=reference,
        mode="test",
        amount=Money(minor, "GBP"),
        description="Bread, October",
        email="ada@example.com",
        customer=kept.customer,
        method=kept.method,
        metadata={"vendor": "vnd_1", "mode": "test", "payment": "pay_1", "attempt": reference},
    )
    return replace(made, **changes)


# --- saving ------------------------------------------------------------------------------------------------------------


def test_a_page_for_saving_takes_no_money_and_says_what_it_came_to(provider, sandbox, key):
    opening = provider.open_saving(saving())
    assert ask("GET", opening.redirect_url)[0] == 200
    assert provider.inquire_saving(opening.provider_reference).state == "open"
    _, location, _ = pay(opening.redirect_url)
    assert location == "http://shop.test/return"
    kept = provider.inquire_saving(opening.provider_reference).saved
    assert (kept.brand, kept.last4, kept.expiry_month, kept.expiry_year, kept.funding) == ("visa", "4242", 12, 2034, "credit")
    assert kept.customer.startswith("cus_") and kept.method.startswith("pm_") and sandbox.charges(key) == []


def test_the_same_saving_gives_the_same_page_and_one_customer(provider, sandbox, key):
    once = saving()
    assert provider.open_saving(once) == provider.open_saving(once)
    assert len(sandbox.call("GET", "customers", key)[2]["data"]) == 1


def test_a_payer_who_saves_a_second_card_stays_the_same_customer(provider, sandbox):
    first = saved(provider, sandbox)
    second = saved(provider, sandbox, "5555555555554444", customer=first.customer)
    assert second.customer == first.customer and second.method != first.method


def test_a_card_whose_bank_says_no_is_not_saved_and_the_page_stays_open(provider):
    opening = provider.open_saving(saving())
    status, location, page = pay(opening.redirect_url, "4000000000000002")
    assert (status, location) == (402, None) and "could not be saved" in page
    assert provider.inquire_saving(opening.provider_reference).state == "open"
    assert pay(opening.redirect_url)[1] == "http://shop.test/return"


def test_a_failed_check_by_the_bank_leads_back_to_the_page(provider, sandbox):
    opening = provider.open_saving(saving())
    _, location, _ = pay(opening.redirect_url, ASKS_ONCE)
    assert provider.inquire_saving(opening.provider_reference).state == "open"
    assert answer_challenge(sandbox, location, "fail")[1].startswith("/c/pay/")
    assert provider.inquire_saving(opening.provider_reference).state == "open"


def test_a_page_that_was_ended_saves_nothing(provider, sandbox, key):
    opening = provider.open_saving(saving())
    assert sandbox.call("POST", f"checkout/sessions/{opening.provider_reference}/expire", key)[0] == 200
    outcome = provider.inquire_saving(opening.provider_reference)
    assert outcome.state == "canceled" and outcome.state in SAVING_STATES
    assert pay(opening.redirect_url)[1] is None


def test_saving_is_told_by_events_that_name_it(provider, sandbox, catcher):
    saved(provider, sandbox, metadata={"vendor": "vnd_1", "mode": "test", "saving": "sav_9"})
    catcher.hear("checkout.session.completed")
    told = [event for event in read_all(provider, catcher) if event.type == "checkout.session.completed" or event.kind == "saving"]
    assert all(event.kind == "saving" for event in told) and all(
        event.metadata["saving"] == "sav_9" and event.outcome is None for event in told
    )


# --- charging ----------------------------------------------------------------------------------------------------------


def test_a_saved_card_is_charged_with_nobody_there(provider, sandbox):
    outcome = provider.charge_saved(charge(saved(provider, sandbox)))
    assert (outcome.state, outcome.captured, outcome.card_last4) == ("succeeded", Money(2500, "GBP"), "4242")
    assert outcome.charge and outcome.fee and provider.inquire(outcome.provider_reference) == outcome


def test_the_same_reference_is_charged_once(provider, sandbox, key):
    wish = charge(saved(provider, sandbox))
    assert provider.charge_saved(wish) == provider.charge_saved(wish)
    assert len(sandbox.charges(key)) == 1
    with pytest.raises(ProviderRefused):
        provider.charge_saved(replace(wish, amount=Money(9900, "GBP")))


def test_a_lost_answer_is_asked_for_again_or_looked_up_and_never_charged_twice(provider, sandbox, key):
    wish = charge(saved(provider, sandbox))
    sandbox.story(key, "timeout_after", times=1, seconds=3, path="/v1/payment_intents")
    with pytest.raises(ProviderUnreachable) as lost:
        provider.charge_saved(wish)
    assert lost.value.effect_unknown
    found = provider.find_charge(wish.reference, wish.customer)
    assert found.state == "succeeded" and provider.charge_saved(wish).charge == found.charge
    assert len(sandbox.charges(key)) == 1
    assert provider.find_charge("att_of_nobody", wish.customer) is None


def test_a_decline_is_final_for_the_attempt_and_says_why(provider, sandbox):
    outcome = provider.charge_saved(charge(saved(provider, sandbox, FAILS_LATER)))
    assert (outcome.state, outcome.decline_code, outcome.closed, outcome.hard) == ("declined", "generic_decline", True, False)
    again = provider.inquire(outcome.provider_reference)
    assert (again.state, again.closed, again.charge) == ("declined", True, outcome.charge)


@pytest.mark.parametrize(("number", "ends"), [("4000000000003204", "succeeded"), ("4000000000003212", "declined")])
def test_a_bank_that_takes_its_time_has_the_last_word(provider, sandbox, number, ends):
    outcome = provider.charge_saved(charge(saved(provider, sandbox, number)))
    assert outcome.state in ("processing", ends)
    done = wait_until(lambda: (found := provider.inquire(outcome.provider_reference)).state == ends and found)
    assert done.closed is (ends == "declined")


def test_a_card_that_is_gone_for_good_is_a_hard_decline(provider):
    failed = {"code": "card_declined", "decline_code": "lost_card", "charge": "ch_1"}
    intent = {"id": "pi_1", "object": "payment_intent", "status": "requires_payment_method", "currency": "gbp", "amount_received": 0}
    body = {"id": "evt_1", "object": "event", "livemode": False, "created": 1, "type": "payment_intent.payment_failed"}
    body["data"] = {"object": {**intent, "last_payment_error": failed, "metadata": {"off_session": "1", "attempt": "att_1"}}}
    outcome = provider.parse_event(json.dumps(body).encode(), "test").outcome
    assert (outcome.state, outcome.hard, outcome.closed) == ("declined", True, True)


def test_a_bank_that_wants_the_payer_is_no_decline(provider, sandbox, key):
    outcome = provider.charge_saved(charge(saved(provider, sandbox, ASKS_ALWAYS)))
    assert (outcome.state, outcome.closed, outcome.decline_code) == ("requires_action", True, None)
    assert provider.inquire(outcome.provider_reference).state == "requires_action"
    assert [one for one in sandbox.charges(key) if one["paid"]] == []
    assert provider.cancel(outcome.provider_reference).state == "canceled"


def test_a_card_set_up_with_its_bank_is_charged_without_a_question(provider, sandbox):
    assert provider.charge_saved(charge(saved(provider, sandbox, ASKS_ONCE))).state == "succeeded"


def test_the_news_of_a_charge_without_the_payer_say_the_same(provider, sandbox, catcher):
    wish = charge(saved(provider, sandbox, ASKS_ALWAYS))
    provider.charge_saved(wish)
    catcher.hear("payment_intent.payment_failed")
    [told] = [event.outcome for event in read_all(provider, catcher) if event.type == "payment_intent.payment_failed"]
    assert (told.state, told.closed) == ("requires_action", True)


# --- forgetting --------------------------------------------------------------------------------------------------------


def test_a_forgotten_card_is_charged_no_more_and_forgetting_twice_is_fine(provider, sandbox, key):
    kept = saved(provider, sandbox)
    provider.forget_method(kept.method)
    provider.forget_method(kept.method)
    provider.forget_method("pm_of_nobody")
    with pytest.raises(ProviderRefused):
        provider.charge_saved(charge(kept))
    assert sandbox.charges(key) == []


# --- manners -----------------------------------------------------------------------------------------------------------


def test_nothing_of_it_is_asked_inside_a_transaction(provider):
    kept = None
    for asking in (
        lambda: provider.open_saving(saving()),
        lambda: provider.inquire_saving("cs_1"),
        lambda: provider.charge_saved(kept),
        lambda: provider.find_charge("att_1", "cus_1"),
        lambda: provider.forget_method("pm_1"),
    ):
        db.session.execute(text("SELECT 1"))
        with pytest.raises(TransactionOpen):
            asking()
        db.session.rollback()


def test_who_saves_nothing_says_so(sandbox):
    bank = Bank("test", {})
    assert not bank.saves()
    for asking in (lambda: bank.open_saving(saving()), lambda: bank.inquire_saving("x"), lambda: bank.forget_method("x")):
        with pytest.raises(ProviderRefused) as refusal:
            asking()
        assert refusal.value.code == "saving_not_offered"
