"""The provider contract on refunds: what goes back, once, and never more than was paid."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.contract import ProviderRefused
from tests.core.providers.wishes import paid, refund
from tests.sandbox.running import wait_until


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
