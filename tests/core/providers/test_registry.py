"""Which provider serves which mode."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.kernel.config import Settings
from core.providers import registry
from core.providers.contract import ProviderRefused

EMPTY = {"secret_key": "", "publishable_key": "", "webhook_secret": ""}
PLAIN = Settings(
    var=Path("."),
    database_url="",
    redis_url="",
    public_url="http://x.test",
    sandbox_url="http://127.0.0.1:1",
    demo=False,
    health_token="",
    backup_stamp=None,
    smtp_url="",
    mail_from="",
    proxies=0,
    stripe={"test": EMPTY, "live": EMPTY},
    secrets={"sandbox_api_key": "sk_test_abc", "sandbox_webhook_secret": "whsec_abc"},
)


@pytest.fixture
def use(monkeypatch):
    def with_settings(**changes):
        registry._made.cache_clear()
        made = replace(PLAIN, **changes)
        monkeypatch.setattr(registry, "settings", lambda: made)

    yield with_settings
    registry._made.cache_clear()


def test_without_keys_test_mode_is_the_sandbox(use):
    use()
    assert registry.provider_for("test").name == "sandbox"


def test_without_keys_live_mode_has_no_provider(use):
    use()
    with pytest.raises(ProviderRefused):
        registry.provider_for("live")


def test_with_test_keys_test_mode_is_stripe_and_old_sandbox_payments_still_have_theirs(use):
    use(stripe={"test": {**EMPTY, "secret_key": "sk_test_1"}, "live": EMPTY})
    assert registry.provider_for("test").name == "stripe"
    assert registry.provider_named("sandbox", "test").name == "sandbox"


@pytest.mark.parametrize("key", ["sk_test_1", "pk_live_1", "nonsense"])
def test_a_key_of_the_other_mode_does_not_serve_live_payments(use, key):
    use(stripe={"test": EMPTY, "live": {**EMPTY, "secret_key": key}})
    with pytest.raises(ProviderRefused):
        registry.provider_for("live")


@pytest.mark.parametrize(("name", "mode"), [("sandbox", "live"), ("paypal", "test"), ("stripe", "both")])
def test_there_is_no_other_provider(use, name, mode):
    use()
    with pytest.raises(ProviderRefused) as refusal:
        registry.provider_named(name, mode)
    assert (refusal.value.status, refusal.value.code) == (404, "no_such_provider")


def test_one_adapter_serves_a_process(use):
    use()
    assert registry.provider_for("test") is registry.provider_for("test")
