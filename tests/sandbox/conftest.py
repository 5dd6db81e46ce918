"""Fixtures of the processor's tests: one real process for the session, an account for each test."""

import pytest
import stripe

from tests.sandbox.running import Catcher, Sandbox, new_key


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    running = Sandbox(tmp_path_factory.mktemp("sandbox")).start()
    yield running
    running.stop()


@pytest.fixture
def key():
    return new_key()


@pytest.fixture
def api(sandbox, key):
    """The official SDK, pointed at the sandbox with this test's own key."""
    stripe.enable_telemetry = False
    http = stripe.RequestsClient(timeout=(3, 10))
    yield stripe.StripeClient(key, base_addresses={"api": sandbox.url}, max_network_retries=0, http_client=http).v1
    http.close()


@pytest.fixture
def catcher(sandbox, key):
    """An endpoint of this account that catches its webhooks; its secret is in `catcher.secret`."""
    caught = Catcher()
    caught.secret = "whsec_of_the_test"
    status, _ = sandbox.control("PUT", "webhook_endpoint", key, api_key=key, url=caught.url, secret=caught.secret)
    assert status == 200
    yield caught
    caught.close()


@pytest.fixture
def session(api):
    """Opens a hosted checkout: session(1234) gives the Checkout Session."""

    def make(amount=1234, currency="gbp", **more):
        return api.checkout.sessions.create(
            {
                "mode": "payment",
                "success_url": "http://shop.test/thanks?s={CHECKOUT_SESSION_ID}",
                "cancel_url": "http://shop.test/basket",
                "line_items": [
                    {"quantity": 1, "price_data": {"currency": currency, "unit_amount": amount, "product_data": {"name": "A pot"}}}
                ],
                "payment_intent_data": {"metadata": {"attempt": "att_1"}},
                **more,
            }
        )

    return make
