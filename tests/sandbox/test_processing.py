"""Payments that the bank answers later: processing at first, and then paid or failed, as Stripe tells it of bank debits."""

import pytest

from sandbox.published import BY_TOKEN
from tests.sandbox.running import ask, pay, wait_until

SUCCEEDS, FAILS, STAYS = (BY_TOKEN[f"pm_card_processing{end}"].number for end in ("Succeeds", "Fails", "Stays"))


def confirm(api, card):
    return api.payment_intents.create(
        {"amount": 2000, "currency": "gbp", "payment_method": card, "confirm": True, "expand": ["latest_charge"]}
    )


def ended(api, identity):
    def look():
        found = api.payment_intents.retrieve(identity, {"expand": ["latest_charge.balance_transaction"]})
        return found if found.status != "processing" else None

    return wait_until(look)


@pytest.mark.parametrize(
    ("card", "status", "charged", "told"),
    [
        ("pm_card_processingSucceeds", "succeeded", 2000, ["payment_intent.processing", "payment_intent.succeeded"]),
        ("pm_card_processingFails", "requires_payment_method", 0, ["payment_intent.processing", "payment_intent.payment_failed"]),
    ],
)
def test_a_delayed_payment_takes_nothing_until_the_bank_has_answered(api, sandbox, key, catcher, card, status, charged, told):
    waiting = confirm(api, card)
    assert (waiting.status, waiting.amount_received, waiting.latest_charge.status) == ("processing", 0, "pending")
    assert not waiting.latest_charge.paid and not waiting.latest_charge.captured
    done = ended(api, waiting.id)
    assert (done.status, done.amount_received, done.latest_charge.id) == (status, charged, waiting.latest_charge.id)
    assert (done.latest_charge.balance_transaction is not None) == bool(charged)
    if not charged:
        assert (done.last_payment_error.decline_code, done.last_payment_error.charge) == ("insufficient_funds", waiting.latest_charge.id)
    catcher.hear(*told)
    assert [row["amount_captured"] for row in sandbox.charges(key)] == [charged]


def test_what_is_being_processed_cannot_be_paid_cancelled_or_refunded(api, sandbox, key):
    waiting = confirm(api, "pm_card_processingStays")
    for act, more in (("confirm", {"payment_method": "pm_card_visa"}), ("cancel", {})):
        status, _, said = sandbox.call("POST", f"payment_intents/{waiting.id}/{act}", key, **more)
        assert (status, said["error"]["code"]) == (400, "payment_intent_unexpected_state")
    assert sandbox.call("POST", "refunds", key, charge=waiting.latest_charge.id)[0] == 400


def test_a_session_tells_that_it_is_complete_and_later_that_it_is_paid(api, session, sandbox, catcher):
    opened = session()
    assert pay(opened.url, SUCCEEDS)[0] == 303
    assert "working on it" in ask("GET", opened.url)[2] or "is complete" in ask("GET", opened.url)[2]
    catcher.hear("checkout.session.async_payment_succeeded", "checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")
    after = api.checkout.sessions.retrieve(opened.id)
    assert (after.status, after.payment_status) == ("complete", "paid")


def test_a_session_whose_bank_says_no_in_the_end_takes_no_other_card(api, session, catcher):
    opened = session()
    pay(opened.url, FAILS)
    catcher.hear("checkout.session.async_payment_failed")
    after = api.checkout.sessions.retrieve(opened.id)
    assert (after.status, after.payment_status) == ("complete", "unpaid")
    assert "did not go through" in ask("GET", opened.url)[2]
    assert pay(opened.url)[1].startswith("http://shop.test/thanks"), "nothing is tried: the payer is sent back"
    assert api.payment_intents.retrieve(after.payment_intent).status == "requires_payment_method"


@pytest.mark.parametrize(("outcome", "status"), [("succeeded", "succeeded"), ("failed", "requires_payment_method")])
def test_somebody_may_answer_for_the_bank_once(api, sandbox, key, session, outcome, status):
    opened = session()
    pay(opened.url, STAYS)
    assert "Your bank is working on it" in ask("GET", opened.url)[2]
    intent = api.checkout.sessions.retrieve(opened.id).payment_intent
    assert sandbox.control("POST", "processing", key, payment_intent=intent, outcome="perhaps")[0] == 400
    assert sandbox.control("POST", "processing", key, payment_intent=intent, outcome=outcome) == (200, {"id": intent, "status": status})
    assert sandbox.control("POST", "processing", key, payment_intent=intent, outcome=outcome)[0] == 400


def test_a_person_answers_for_the_bank_on_the_stories_page(api, sandbox, key):
    waiting = confirm(api, "pm_card_processingStays")
    headers = {"Cookie": f"sandbox_key={key}"}
    assert waiting.id in ask("GET", f"{sandbox.url}/stories", headers=headers)[2]
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    assert ask("POST", f"{sandbox.url}/stories", f"act=succeeded&payment_intent={waiting.id}", form)[0] == 303
    assert api.payment_intents.retrieve(waiting.id).status == "succeeded"
    assert waiting.id not in ask("GET", f"{sandbox.url}/stories", headers=headers)[2]


def test_the_front_page_describes_the_numbers_that_are_this_processors_own(sandbox):
    front = ask("GET", f"{sandbox.url}/")[2]
    assert all(number in front for number in (SUCCEEDS, FAILS, STAYS))
    assert "neither paid nor failed at first" in front


def test_while_its_clock_stands_what_happens_is_of_then_and_nothing_waits_for_it(api, sandbox, key):
    at = 1_700_000_000
    assert sandbox.control("POST", "clock", key, at=at) == (200, {"at": at})
    paid = api.payment_intents.create(
        {
            "amount": 2000,
            "currency": "gbp",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "expand": ["latest_charge.balance_transaction"],
        }
    )
    charge = paid.latest_charge
    assert (paid.created, charge.created, charge.balance_transaction.created) == (at, at, at)
    assert ended(api, confirm(api, "pm_card_processingSucceeds").id).status == "succeeded", "the bank's answer is not held up"
    assert {event.created for event in api.events.list().data} == {at}
    sandbox.control("POST", "clock", key, at=None)
    assert api.payment_intents.create({"amount": 2000, "currency": "gbp"}).created > at
    for wrong in (0, "yesterday", 2**40):
        assert sandbox.control("POST", "clock", key, at=wrong)[0] == 400
