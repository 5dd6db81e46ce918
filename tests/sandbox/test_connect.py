"""Connected accounts at the processor, by the official SDK: shapes, whose is whose, balances apart, and a restart in the middle."""

import re

import pytest
import stripe

from tests.core.providers.receivers import IBAN
from tests.sandbox.running import Sandbox, ask, new_key, post_form, wait_until
from tests.sandbox.test_api import right


@pytest.fixture
def seller(api, sandbox, key):
    """A connected account that is ready, with the platform's balance filled."""
    made = api.accounts.create(
        {"type": "express", "country": "GB", "capabilities": {"transfers": {"requested": True}}, "metadata": {"vendor": "v"}}
    )
    status, told = sandbox.control("POST", "accounts", key, account=made.id, outcome="ready", currency="gbp", iban=IBAN)
    assert status == 200 and told["payouts_enabled"], told
    api.payment_intents.create({"amount": 10_000, "currency": "gbp", "payment_method": "pm_card_bypassPending", "confirm": True})
    return made.id


def moved(api, seller, amount=2_500):
    return api.transfers.create({"amount": amount, "currency": "gbp", "destination": seller, "transfer_group": "po_1"})


def test_every_object_has_the_shape_the_sdk_declares(api, seller):
    right(api.accounts.retrieve(seller))
    right(
        api.account_links.create(
            {"account": seller, "type": "account_onboarding", "return_url": "http://a.test/", "refresh_url": "http://a.test/"}
        )
    )
    transfer = right(moved(api, seller))
    right(api.transfers.reversals.create(transfer.id, {"amount": 500}))
    assert [one.amount for one in right(api.transfers.retrieve(transfer.id)).reversals.data] == [500]
    right(api.payouts.create({"amount": 2_000, "currency": "gbp"}, {"stripe_account": seller}))
    right(api.balance.retrieve(None, {"stripe_account": seller}))
    for line in api.balance_transactions.list({"limit": 10}).data + api.balance_transactions.list(None, {"stripe_account": seller}).data:
        right(line)
    for event in api.events.list({"limit": 100}).data:
        right(event)


def test_the_balances_are_apart_and_a_payout_takes_from_the_sellers(api, seller):
    before = api.balance.retrieve().available[0].amount
    moved(api, seller)
    assert api.balance.retrieve().available[0].amount == before - 2_500
    assert api.balance.retrieve(None, {"stripe_account": seller}).available[0].amount == 2_500
    made = api.payouts.create({"amount": 2_500, "currency": "gbp"}, {"stripe_account": seller})
    assert (made.status, made.automatic) == ("pending", False)
    assert api.balance.retrieve(None, {"stripe_account": seller}).available[0].amount == 0
    assert wait_until(lambda: api.payouts.retrieve(made.id, None, {"stripe_account": seller}).status == "paid")
    assert api.payouts.list().data == [], "it is none of the platform's"


def test_an_account_is_its_platforms_alone_and_does_not_take_everything(api, sandbox, seller):
    other = stripe.StripeClient(new_key(), base_addresses={"api": sandbox.url}, max_network_retries=0).v1
    for question in (
        lambda: other.accounts.retrieve(seller), lambda: other.balance.retrieve(None, {"stripe_account": seller}),
        lambda: other.transfers.create({"amount": 1, "currency": "gbp", "destination": seller}),
        lambda: api.charges.list(None, {"stripe_account": seller}), lambda: api.accounts.create({"type": "standard"}),
        lambda: api.accounts.create({"type": "express"}), lambda: moved(api, seller, 10**9), lambda: moved(api, "acct_x"),
    ):  # fmt: skip
        with pytest.raises(stripe.StripeError):
            question()


def test_a_key_used_in_two_names_is_two_keys(api, sandbox, key, seller):
    moved(api, seller)
    fields = {"amount": 100, "currency": "gbp"}
    first = api.payouts.create(fields, {"stripe_account": seller, "idempotency_key": "k1"})
    assert api.payouts.create(fields, {"stripe_account": seller, "idempotency_key": "k1"}).id == first.id
    assert api.payouts.create(fields, {"idempotency_key": "k1"}).id != first.id


def test_endpoints_hear_of_connected_accounts_when_they_were_made_for_them(api, catcher, seller):
    own = api.webhook_endpoints.create({"url": "http://127.0.0.1:9/own", "enabled_events": ["*"]})
    theirs = api.webhook_endpoints.create({"url": "http://127.0.0.1:9/connect", "enabled_events": ["*"], "connect": True})
    moved(api, seller)
    api.payouts.create({"amount": 100, "currency": "gbp"}, {"stripe_account": seller})
    catcher.hear("payout.created")
    by_kind = {event.type: event.pending_webhooks for event in api.events.list({"limit": 10}).data}
    assert own.id and theirs.id and by_kind["payout.created"] >= 1
    told = next(event for event in api.events.list({"type": "payout.created"}).data)
    assert told.account == seller


def test_a_payout_under_way_is_ended_after_a_restart(tmp_path):
    running = Sandbox(tmp_path, SANDBOX_ASYNC_SECONDS="2").start()
    key = new_key()
    try:
        client = stripe.StripeClient(key, base_addresses={"api": running.url}, max_network_retries=0).v1
        made = client.accounts.create({"type": "express", "country": "GB", "capabilities": {"transfers": {"requested": True}}})
        running.control("POST", "accounts", key, account=made.id, outcome="ready", currency="gbp", iban=IBAN)
        client.payment_intents.create({"amount": 10_000, "currency": "gbp", "payment_method": "pm_card_bypassPending", "confirm": True})
        moved(client, made.id)
        payout = client.payouts.create({"amount": 100, "currency": "gbp"}, {"stripe_account": made.id})
        running.stop(9)
        running.start()
        assert wait_until(lambda: client.payouts.retrieve(payout.id, None, {"stripe_account": made.id}).status == "paid")
    finally:
        running.stop()


def test_a_person_decides_on_the_stories_page(api, sandbox, key, seller):
    moved(api, seller)
    made = api.payouts.create({"amount": 100, "currency": "gbp"}, {"stripe_account": seller})
    wait_until(lambda: api.payouts.retrieve(made.id, None, {"stripe_account": seller}).status == "paid")
    page = f"{sandbox.url}/stories"
    cookie = {"Cookie": f"sandbox_key={key}", "Content-Type": "application/x-www-form-urlencoded"}
    shown = ask("GET", page, None, cookie)[2]
    assert seller in shown and "Came back" in shown
    assert ask("POST", page, f"act=sent_failed&payout={made.id}", cookie)[0] == 303
    assert ask("POST", page, f"act=sent_failed&payout={made.id}", cookie)[0] == 422, "it cannot come back twice"
    assert ask("POST", page, f"act=seller&account={seller}&outcome=restricted", cookie)[0] == 303
    assert not api.accounts.retrieve(seller).payouts_enabled
    assert ask("POST", page, "act=seller&account=acct_no&outcome=nonsense", cookie)[0] == 422


def test_the_platforms_debt_is_taken_from_its_bank(api, sandbox, key):
    paid = api.payment_intents.create({"amount": 1_000, "currency": "gbp", "payment_method": "pm_card_bypassPending", "confirm": True})
    sandbox.control("POST", "payouts", key, at_once=True)
    api.refunds.create({"payment_intent": paid.id})
    assert sandbox.control("POST", "payouts", key, at_once=True)[1]["payouts"] == []
    (made,) = sandbox.control("POST", "payouts", key, at_once=True, collect=True)[1]["payouts"]
    taken = api.payouts.retrieve(made)
    assert taken.amount == -1_000 and right(taken).status == "paid"
    assert {part.amount for part in api.balance.retrieve().available} == {0}
    sandbox.control("POST", "bank/statements", key, now=1)
    iban = next(one["iban"] for one in sandbox.control("GET", "bank/accounts", key)[1]["accounts"] if one["currency"] == "GBP")
    (statement,) = sandbox.control("GET", f"bank/statements?iban={iban}", key)[1]["statements"]
    assert re.search(r"10\.00.{0,400}DBIT", statement["xml"], re.S)


@pytest.mark.parametrize("path", ["/connect/alink_nothing", "/connect/%00", "/connect/x'--"])
def test_an_address_that_leads_nowhere_says_so(sandbox, path):
    assert ask("GET", sandbox.url + path)[0] == 404 and post_form(sandbox.url + path, act="ready")[0] == 404
