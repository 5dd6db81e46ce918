"""The provider contract on what may be unknown: an answer that does not come says whether anything can have happened."""

import pytest
from sqlalchemy import text

from core.kernel.db import TransactionOpen, db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.contract import ProviderBusy, ProviderUnreachable
from tests.core.providers.wishes import paid, refund, wish
from tests.sandbox.running import wait_until


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
