"""The clauses of the provider contract that ask for nothing but a payment: every adapter there is passes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from core.kernel.db import TransactionOpen, db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers import registry
from core.providers.contract import OUTCOME_STATES, REFUND_STATES, Provider, ProviderRefused, SignatureRefused
from core.providers.registry import provider_named
from tests.core.providers.conftest import stripe_at_the_sandbox
from tests.core.providers.trials import AtTheBank, AtTheProcessor, Trial

TRIALS = {trial.of.__name__: trial for trial in (AtTheBank, AtTheProcessor)}


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    """The product's own database: the bank's books are ours."""
    with app.app_context():
        yield


@pytest.fixture(params=sorted(TRIALS))
def trial(request: pytest.FixtureRequest) -> Iterator[Trial]:
    if request.param == "Bank":
        yield AtTheBank(provider_named("bank", "test"))
        return
    adapter = stripe_at_the_sandbox(request.getfixturevalue("sandbox"), request.getfixturevalue("key"))
    yield AtTheProcessor(adapter)
    adapter.close()


def test_every_adapter_there_is_stands_trial() -> None:
    made_there = {name for name, thing in vars(registry).items() if isinstance(thing, type) and hasattr(thing, "open_payment")}
    assert made_there - {Provider.__name__} == set(TRIALS)


# --- opening -----------------------------------------------------------------------------------------------------------


def test_opening_takes_no_money(trial: Trial) -> None:
    opening = trial.adapter.open_payment(trial.wish())
    outcome = trial.adapter.inquire(opening.provider_reference)
    assert outcome.state in ("requires_method", "requires_action") and (outcome.charge, outcome.captured) == (None, None)


def test_the_same_wish_gives_the_same_opening(trial: Trial) -> None:
    once = trial.wish()
    assert trial.adapter.open_payment(once) == trial.adapter.open_payment(once)


def test_another_wish_under_the_same_reference_is_refused(trial: Trial) -> None:
    once = trial.wish()
    trial.adapter.open_payment(once)
    with pytest.raises(ProviderRefused):
        trial.adapter.open_payment(replace(once, amount=Money(9900, once.amount.currency)))


def test_a_payment_of_the_other_mode_is_refused(trial: Trial) -> None:
    with pytest.raises(ProviderRefused):
        trial.adapter.open_payment(trial.wish(mode="live"))


# --- outcomes ----------------------------------------------------------------------------------------------------------


def test_a_success_names_its_charge_and_all_of_the_money(trial: Trial) -> None:
    outcome = trial.adapter.inquire(trial.paid())
    assert (outcome.state, outcome.captured) == ("succeeded", trial.wish().amount)
    assert outcome.charge and outcome.state in OUTCOME_STATES


def test_cancelling_twice_is_cancelling_once(trial: Trial) -> None:
    reference = trial.adapter.open_payment(trial.wish()).provider_reference
    assert trial.adapter.cancel(reference) == trial.adapter.cancel(reference)
    assert trial.adapter.inquire(reference).state == "canceled"


def test_cancelling_what_was_paid_says_so(trial: Trial) -> None:
    reference = trial.paid()
    assert trial.adapter.cancel(reference).state == trial.adapter.inquire(reference).state == "succeeded"


def test_a_reference_the_provider_does_not_know_is_refused(trial: Trial) -> None:
    with pytest.raises(ProviderRefused) as refusal:
        trial.adapter.inquire("cs_test_unknown")
    assert refusal.value.code == "resource_missing"


# --- refunds -----------------------------------------------------------------------------------------------------------


def test_a_refund_is_found_by_its_own_number_and_by_ours(trial: Trial) -> None:
    reference = public_id("ref")
    done = trial.refund(trial.charged(), 1000, reference)
    assert done.state in REFUND_STATES and done.amount == Money(1000, trial.wish().amount.currency)
    assert trial.adapter.inquire_refund(done.provider_reference) == trial.adapter.find_refund(reference) == done


def test_the_same_reference_refunds_once(trial: Trial) -> None:
    charge, reference = trial.charged(), public_id("ref")
    assert trial.refund(charge, 1000, reference) == trial.refund(charge, 1000, reference)
    trial.refund(charge, 1500)
    with pytest.raises(ProviderRefused):
        trial.refund(charge, 1)


def test_another_refund_under_the_same_reference_is_refused(trial: Trial) -> None:
    charge, reference = trial.charged(), public_id("ref")
    trial.refund(charge, 1000, reference)
    with pytest.raises(ProviderRefused):
        trial.refund(charge, 999, reference)


def test_more_than_was_paid_cannot_go_back(trial: Trial) -> None:
    charge = trial.charged()
    with pytest.raises(ProviderRefused):
        trial.refund(charge, 2501)
    trial.refund(charge, 2500)
    with pytest.raises(ProviderRefused) as refusal:
        trial.refund(charge, 1)
    assert refusal.value.code == "charge_already_refunded"


def test_a_refund_nobody_made_is_not_found(trial: Trial) -> None:
    assert trial.adapter.find_refund("ref_unknown") is None
    with pytest.raises(ProviderRefused):
        trial.adapter.inquire_refund("ref_unknown")


# --- the rest ----------------------------------------------------------------------------------------------------------


def test_nobody_is_asked_inside_a_transaction(trial: Trial) -> None:
    db.session.execute(text("select 1"))
    for ask in (
        lambda: trial.adapter.open_payment(trial.wish()),
        lambda: trial.adapter.inquire("RF1"),
        lambda: trial.adapter.cancel("RF1"),
        lambda: trial.adapter.capture("RF1"),
        lambda: trial.refund("RF1", 1),
        lambda: trial.adapter.inquire_refund("ref_1"),
        lambda: trial.adapter.find_refund("ref_1"),
        lambda: trial.adapter.fees(["RF1"]),
    ):
        with pytest.raises(TransactionOpen):
            ask()
    db.session.rollback()


@pytest.mark.parametrize("headers", [{}, {"Stripe-Signature": "t=1,v1=00"}], ids=["unsigned", "signed by somebody"])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"type": "paid"}', b"\xff\x00"])
def test_what_a_stranger_brings_is_no_event(trial: Trial, body: bytes, headers: dict[str, Any]) -> None:
    with pytest.raises(SignatureRefused):
        trial.adapter.read_event(body, headers, "test")


def test_a_charge_nobody_knows_has_no_fee(trial: Trial) -> None:
    assert trial.adapter.fees([]) == trial.adapter.fees(["ch_unknown"]) == {}
