"""Fixtures of the provider contract: the real adapter, over HTTP, against a real processor, inside an application that has a session."""

import pytest
from flask import Flask

from core.kernel.db import db
from core.providers.stripe import Stripe
from core.providers.stripe_methods import KINDS
from tests.sandbox.running import Catcher, Sandbox, new_key

SECRET = "whsec_of_the_contract"


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    running = Sandbox(tmp_path_factory.mktemp("contract")).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def bare_app():
    app = Flask("contract")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(autouse=True)
def context(bare_app):
    with bare_app.app_context():
        yield


@pytest.fixture
def key():
    return new_key()


@pytest.fixture
def catcher(sandbox, key):
    caught = Catcher()
    status, _ = sandbox.control("PUT", "webhook_endpoint", key, api_key=key, url=caught.url, secret=SECRET)
    assert status == 200
    yield caught
    caught.close()


def stripe_at_the_sandbox(sandbox, key):
    return Stripe(
        "sandbox",
        "test",
        key=key,
        publishable_key=key.replace("sk_", "pk_"),
        secrets=[SECRET],
        api_base=sandbox.url,
        fields_base=sandbox.url,
        kinds=KINDS,
        read_seconds=2,
    )


# Those that take cards: a new one is added here and passes the whole suite. What every adapter keeps is in test_contract_everywhere.py.
ADAPTERS = {"stripe": stripe_at_the_sandbox}


@pytest.fixture(params=sorted(ADAPTERS))
def provider(request, sandbox, key):
    """Each of them."""
    adapter = ADAPTERS[request.param](sandbox, key)
    yield adapter
    adapter.close()
