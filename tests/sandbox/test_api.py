"""The processor's API through the official SDK: shapes, states, errors, lists, isolation."""

import pytest
import stripe

from sandbox.published import CARDS, DECLINES
from tests.sandbox.running import answer_challenge, ask, new_key, wait_until
from tests.sandbox.sdk_shapes import problems


def right(found):
    """The object, once the SDK's classes have nothing against its shape."""
    assert problems(found.to_dict()) == []
    return found


def intent(api, token="pm_card_visa", **more):
    return api.payment_intents.create({"amount": 2000, "currency": "gbp", "payment_method": token, "confirm": True, **more})


# --- shapes ------------------------------------------------------------------------------------------------------------


def test_every_object_has_the_shape_the_sdk_declares(api, session):
    customer = right(api.customers.create({"email": "a@b.test", "metadata": {"k": "v"}}))
    method = right(
        api.payment_methods.create({"type": "card", "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 34, "cvc": "123"}})
    )
    right(api.payment_methods.attach(method.id, {"customer": customer.id}))
    right(api.setup_intents.create({"customer": customer.id, "payment_method": method.id, "confirm": True}))
    right(api.checkout.sessions.retrieve(session().id, {"expand": ["line_items"]}))
    paid = right(intent(api, customer=customer.id, expand=["latest_charge.balance_transaction", "customer", "payment_method"]))
    right(paid.latest_charge)
    right(paid.latest_charge.balance_transaction)
    right(api.refunds.create({"payment_intent": paid.id, "amount": 5}))
    right(api.balance.retrieve())
    right(api.webhook_endpoints.create({"url": "http://127.0.0.1:9/x", "enabled_events": ["*"]}))
    for event in api.events.list({"limit": 100}).data:
        right(event)
    disputed = intent(api, "pm_card_createDispute")
    right(wait_until(lambda: api.disputes.list({"payment_intent": disputed.id}).data)[0])


# --- cards -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "card", [card for card in CARDS if not (card.decline or card.challenge or card.delayed)], ids=lambda card: card.token
)
def test_a_good_card_pays(api, card):
    paid = intent(api, card.token, expand=["latest_charge"])
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    shown = paid.latest_charge.payment_method_details.card
    assert (shown.brand, shown.last4, shown.funding) == (card.brand, card.number[-4:], card.funding)


@pytest.mark.parametrize("card", [card for card in CARDS if card.decline and not card.challenge], ids=lambda card: card.token)
def test_a_declined_card_says_so_in_three_places(api, card):
    with pytest.raises(stripe.CardError) as refusal:
        intent(api, card.token)
    error = refusal.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, DECLINES[card.decline][0], card.decline)
    failed = api.payment_intents.retrieve(error.error.payment_intent.id, {"expand": ["latest_charge"]})
    assert (failed.status, failed.last_payment_error.decline_code) == ("requires_payment_method", card.decline)
    assert (failed.latest_charge.status, failed.latest_charge.failure_code) == ("failed", DECLINES[card.decline][0])


@pytest.mark.parametrize("card", [card for card in CARDS if card.challenge], ids=lambda card: card.token)
def test_a_card_with_a_challenge_takes_nothing_before_it(api, sandbox, key, card):
    waiting = intent(api, card.token)
    assert (waiting.status, waiting.next_action.type) == ("requires_action", "redirect_to_url")
    assert sandbox.charges(key) == []


def test_a_challenge_without_the_payer_is_a_decline(api):
    with pytest.raises(stripe.CardError) as refusal:
        intent(api, "pm_card_authenticationRequired", off_session=True)
    assert refusal.value.code == "authentication_required"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "4111111111111111"}, "card_declined"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_year": 2020}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
def test_a_card_that_cannot_be_is_refused(api, card, code):
    with pytest.raises(stripe.CardError) as refusal:
        api.payment_methods.create(
            {"type": "card", "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123", **card}}
        )
    assert refusal.value.code == code


def test_a_card_that_declines_cannot_be_saved(api):
    customer = api.customers.create({})
    with pytest.raises(stripe.CardError):
        api.payment_methods.attach("pm_card_visa_chargeDeclined", {"customer": customer.id})
    saved = api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    assert [one.id for one in api.customers.payment_methods.list(customer.id).data] == [saved.id]
    api.payment_methods.detach(saved.id)
    assert api.payment_methods.list({"customer": customer.id}).data == []


@pytest.mark.parametrize(("answer", "status"), [("approve", "succeeded"), ("fail", "requires_payment_method")])
def test_saving_a_card_may_need_the_banks_consent(api, sandbox, answer, status):
    customer = api.customers.create({})
    words = {
        "customer": customer.id,
        "payment_method": "pm_card_authenticationRequiredOnSetup",
        "confirm": True,
        "return_url": "http://shop.test/r",
    }
    asked = right(api.setup_intents.create(words))
    assert asked.status == "requires_action"
    _, location, _ = answer_challenge(sandbox, asked.next_action.redirect_to_url.url, answer)
    assert location.startswith(f"http://shop.test/r?setup_intent={asked.id}")
    assert right(api.setup_intents.retrieve(asked.id)).status == status
    assert len(api.customers.payment_methods.list(customer.id).data) == (1 if answer == "approve" else 0)


# --- states ------------------------------------------------------------------------------------------------------------


def test_authorised_money_is_taken_by_capture_and_the_rest_let_go(api):
    held = intent(api, capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 2000, 0)
    taken = api.payment_intents.capture(held.id, {"amount_to_capture": 1500, "expand": ["latest_charge.balance_transaction"]})
    assert (taken.status, taken.amount_received, taken.latest_charge.balance_transaction.amount) == ("succeeded", 1500, 1500)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.payment_intents.capture(held.id)
    assert refusal.value.code == "payment_intent_unexpected_state"


def test_authorised_money_is_let_go_by_cancelling(api):
    held = intent(api, capture_method="manual")
    assert api.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned"}).status == "canceled"
    assert (api.charges.retrieve(held.latest_charge).refunded, api.balance_transactions.list().data) == (True, [])


def test_an_intent_may_be_changed_until_it_is_paid(api):
    made = api.payment_intents.create({"amount": 500, "currency": "gbp", "metadata": {"a": "1", "b": "2"}})
    changed = api.payment_intents.update(made.id, {"amount": 700, "metadata": {"a": "", "c": "3"}})
    assert (changed.amount, changed.metadata.to_dict()) == (700, {"b": "2", "c": "3"})
    api.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_intents.update(made.id, {"amount": 800})
    assert api.payment_intents.update(made.id, {"metadata": ""}).metadata.to_dict() == {}


def test_the_fee_is_one_point_four_percent_and_twenty(api):
    for amount, fee in ((2000, 48), (35, 20), (36, 21), (107, 21), (108, 22), (99_999_999, 1_400_020)):
        line = api.payment_intents.create(
            {
                "amount": amount,
                "currency": "gbp",
                "payment_method": "pm_card_visa",
                "confirm": True,
                "expand": ["latest_charge.balance_transaction"],
            }
        ).latest_charge.balance_transaction
        assert (line.fee, line.net, line.fee_details[0].amount) == (fee, amount - fee, fee)


def test_the_balance_is_the_sum_of_its_movements(api):
    intent(api, "pm_card_bypassPending")
    later = intent(api)
    api.refunds.create({"payment_intent": later.id, "amount": 300})
    balance = api.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (2000 - 48 - 300, 2000 - 48)
    assert sum(line.net for line in api.balance_transactions.list({"limit": 100}).data) == 2 * (2000 - 48) - 300


def test_a_pending_refund_may_be_cancelled_and_the_money_is_back(sandbox, api):
    paid = intent(api, "pm_card_pendingRefund")
    refund = api.refunds.create({"payment_intent": paid.id, "amount": 400})
    assert refund.status == "pending"
    assert api.refunds.cancel(refund.id).status == "canceled"
    assert api.charges.retrieve(paid.latest_charge).amount_refunded == 0


def test_a_disputed_charge_costs_amount_and_fee_and_cannot_be_refunded(api):
    paid = intent(api, "pm_card_createDispute")
    dispute = wait_until(lambda: api.disputes.list({"charge": paid.latest_charge}).data)[0]
    assert (dispute.amount, dispute.reason, dispute.balance_transactions[0].net) == (2000, "fraudulent", -3500)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.refunds.create({"charge": paid.latest_charge})
    assert refusal.value.code == "charge_disputed"


# --- errors and the wire -----------------------------------------------------------------------------------------------


def test_a_call_we_do_not_have_names_the_gap(api):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.products.list()
    assert refusal.value.http_status == 404 and "GET: /v1/products" in str(refusal.value)


def test_an_unknown_parameter_is_named(api):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.payment_intents.create({"amount": 100, "currency": "gbp", "colour": "red"})
    assert (refusal.value.code, refusal.value.param) == ("parameter_unknown", "colour")


@pytest.mark.parametrize(("key", "status"), [("sk_live_abc", 401), ("pk_test_abc", 401), ("nonsense", 401), ("", 401), ("sk_test_é", 401)])
def test_only_secret_test_keys_are_taken(sandbox, key, status):
    headers = {"Authorization": f"Bearer {key}".encode("latin-1")}
    assert ask("GET", f"{sandbox.url}/v1/balance", headers=headers)[0] == status


def test_the_key_may_come_as_a_user_name(sandbox, key):
    import base64

    headers = {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
    assert ask("GET", f"{sandbox.url}/v1/balance", headers=headers)[0] == 200


def test_one_account_does_not_see_another(sandbox, api, key):
    mine, other = intent(api), new_key()
    for path in (f"payment_intents/{mine.id}", f"charges/{mine.latest_charge}"):
        assert sandbox.call("GET", path, other)[0] == 404
    assert sandbox.call("GET", "payment_intents", other)[2]["data"] == [] and sandbox.charges(other) == []
    assert sandbox.call("POST", "refunds", other, payment_intent=mine.id)[0] == 404


def test_every_answer_has_a_request_id_and_echoes_the_version(sandbox, key):
    _, headers, _ = sandbox.call("GET", "balance", key)
    assert headers["Request-Id"].startswith("req_")


def test_lists_are_walked_both_ways(api):
    made = [api.customers.create({"name": str(number)}).id for number in range(7)][::-1]
    assert [one.id for one in api.customers.list({"limit": 2}).auto_paging_iter()] == made
    back = api.customers.list({"limit": 2, "ending_before": made[4]})
    assert ([one.id for one in back.data], back.has_more) == (made[2:4], True)


@pytest.mark.parametrize(
    "body", [b"a=1&a=2", b"amount=%ff", b"amount=%00", b"x" * 200_000, b"amount[][][][][][][]=1", b"{}", b"amount=1e400&currency=gbp"]
)
def test_hostile_bodies_are_refused_in_the_shape_of_the_wire(sandbox, key, body):
    import json

    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded"}
    status, _, text = ask("POST", f"{sandbox.url}/v1/payment_intents", body, headers)
    assert status == 400 and json.loads(text)["error"]["type"] == "invalid_request_error"


def test_a_body_that_is_no_form_or_too_large_is_refused(sandbox, key):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    assert ask("POST", f"{sandbox.url}/v1/customers", b"{}", headers)[0] == 400
    assert (
        ask(
            "POST",
            f"{sandbox.url}/v1/customers",
            b"a=" + b"x" * 2_000_000,
            {**headers, "Content-Type": "application/x-www-form-urlencoded"},
        )[0]
        == 413
    )


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (29, "gbp", "amount_too_small"),
        (100_000_000, "gbp", "amount_too_large"),
        (500, "xxx", "parameter_invalid"),
        (12_345, "kwd", "parameter_invalid_integer"),
        (0, "gbp", "parameter_invalid_integer"),
        (-5, "gbp", "parameter_invalid_integer"),
    ],
)
def test_amounts_have_limits(api, amount, currency, code):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        api.payment_intents.create({"amount": amount, "currency": currency})
    assert refusal.value.code == code


# --- ways to pay that are no card -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("types", "more", "param"),
    [
        (["cash"], {}, "payment_method_types"),
        (["ideal", "ideal"], {}, "payment_method_types"),
        (["ideal"], {"currency": "gbp"}, "payment_method_types"),
        (["wechat_pay"], {}, "payment_method_options[wechat_pay][client]"),
    ],
)
def test_a_session_takes_only_ways_to_pay_that_exist_in_its_currency(session, types, more, param):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        session(currency=more.get("currency", "eur"), payment_method_types=types)
    assert refusal.value.param == param


def test_an_intent_is_for_cards_only(api):
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_intents.create({"amount": 1000, "currency": "eur", "payment_method_types": ["ideal"]})
