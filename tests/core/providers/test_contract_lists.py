"""The provider contract on looking something up by our number: found wherever it stands, and "there is none" only when all of the list was told."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers import stripe_lists
from core.providers.contract import ProviderUnreachable
from tests.core.providers.receivers import fill, move, ready
from tests.core.providers.test_contract_saved import charge, saved
from tests.core.providers.wishes import paid, refund


@dataclass
class Looked:
    """How something is made under a number of ours, and looked for in the list at this path."""

    path: str
    make: Callable
    find: Callable


def refunds(provider, sandbox):
    outcome = paid(provider, sandbox)
    return Looked(
        "refunds", lambda number: refund(provider, outcome, 100, number), lambda number: provider.find_refund(number, outcome.charge)
    )


def charges(provider, sandbox):
    card = saved(provider, sandbox)
    return Looked(
        "payment_intents",
        lambda number: provider.charge_saved(charge(card, reference=number)),
        lambda number: provider.find_charge(number, card.customer),
    )


def pay_outs(provider, _sandbox):
    receiver = ready(provider)
    fill(provider)
    provider.move_to_receiver(move(receiver))
    return Looked(
        "payouts",
        lambda number: provider.pay_out(number, receiver, Money(100, "GBP"), {}),
        lambda number: provider.find_pay_out(number, receiver),
    )


def moves(provider, _sandbox):
    receiver = ready(provider)
    fill(provider)
    return Looked(
        "transfers",
        lambda number: provider.move_to_receiver(replace(move(receiver, 100), reference=number)),
        provider.find_move,
    )


@pytest.fixture(params=[refunds, charges, pay_outs, moves])
def looked(request, provider, sandbox):
    return request.param(provider, sandbox)


def test_it_is_found_on_whichever_page_it_stands(looked, monkeypatch):
    monkeypatch.setattr(stripe_lists, "PAGE", 1)
    made = {number: looked.make(number) for number in (public_id("one") for _ in range(3))}
    for number, outcome in made.items():
        assert looked.find(number).provider_reference == outcome.provider_reference
    assert looked.find("nobodys") is None


def test_an_empty_page_that_says_there_is_more_does_not_say_that_there_is_none(looked, sandbox, key):
    number = public_id("one")
    for there in (False, True):
        if there:
            looked.make(number)
        sandbox.story(key, "blank_page", times=1, path=f"/v1/{looked.path}")
        with pytest.raises(ProviderUnreachable) as problem:
            looked.find(number)
        assert problem.value.effect_unknown and (looked.find(number) is not None) == there


MANY = 510


def test_a_charge_is_found_and_missed_truly_however_many_its_payer_has(provider, sandbox):
    looked = charges(provider, sandbox)
    number = public_id("att")
    made = looked.make(number)
    kept = provider.find_charge(number, customer := customer_of(provider, made))
    assert kept.charge == made.charge
    for _ in range(MANY):
        provider._ask("post", "payment_intents", amount=100, currency="gbp", customer=customer)
    assert provider.find_charge(number, customer).charge == made.charge
    assert provider.find_charge("att_of_nobody", customer) is None


def customer_of(provider, made):
    return provider._read(f"payment_intents/{made.provider_reference}")["customer"]


@pytest.mark.parametrize("looked", [refunds, charges, pay_outs], indirect=True)
def test_a_list_that_does_not_end_does_not_say_that_there_is_none(looked, monkeypatch):
    numbers = [public_id("one") for _ in range(3)]
    for number in numbers:
        looked.make(number)
    monkeypatch.setattr(stripe_lists, "PAGE", 1)
    monkeypatch.setattr(stripe_lists, "MOST", 2)
    assert looked.find(numbers[1]) is not None
    with pytest.raises(ProviderUnreachable):
        looked.find(numbers[0])


def test_refunds_of_a_charge_are_told_all_or_not_at_all(provider, sandbox, key, monkeypatch):
    outcome = paid(provider, sandbox)
    made = [refund(provider, outcome, 100) for _ in range(3)]
    monkeypatch.setattr(stripe_lists, "PAGE", 1)
    assert provider.refunds_of(outcome.charge).refunds == made
    sandbox.story(key, "blank_page", times=1, path="/v1/refunds")
    with pytest.raises(ProviderUnreachable):
        provider.refunds_of(outcome.charge)
