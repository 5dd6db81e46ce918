"""The bank adapter: what is its own beside the clauses that every adapter keeps (test_contract_everywhere.py)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from flask import Flask
from stdnum import iso11649

from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.bank import Bank, is_reference, new_reference, spell_reference
from core.providers.bank_accounts import BadAccounts, accounts
from core.providers.bank_orders import lock_order
from core.providers.contract import OUTCOME_STATES, REFUND_STATES, NoSuchProvider, ProviderRefused, SignatureRefused
from core.providers.registry import offers_for, provider_named
from tests.core.providers.trials import AtTheBank, arrive


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    """The product's own database: the bank's books are ours."""
    with app.app_context():
        yield


@pytest.fixture
def bank() -> Bank:
    adapter = provider_named("bank", "test")
    assert isinstance(adapter, Bank)
    return adapter


@pytest.fixture
def trial(bank: Bank) -> AtTheBank:
    return AtTheBank(bank)


# --- opening -----------------------------------------------------------------------------------------------------------


def test_no_event_of_a_bank_is_ever_taken(bank: Bank) -> None:
    with pytest.raises(SignatureRefused):
        bank.parse_event(b'{"type": "paid"}', "test")


def test_opening_says_what_to_enter_and_takes_no_money(bank: Bank, trial: AtTheBank) -> None:
    opening = bank.open_payment(trial.wish())
    told = opening.instructions
    assert told and iso11649.is_valid(told.reference) and told.reference == opening.provider_reference
    assert (told.amount, told.iban) == (Money(2500, "EUR"), accounts(settings().bank_accounts["test"])["EUR"].iban)
    assert bank.inquire(opening.provider_reference).state == "requires_action"


def test_a_payment_of_the_other_mode_or_a_currency_without_an_account_is_refused(bank: Bank, trial: AtTheBank) -> None:
    with pytest.raises(ProviderRefused):
        bank.open_payment(trial.wish(mode="live"))
    with pytest.raises(ProviderRefused) as refusal:
        bank.open_payment(trial.wish(currency="PLN"))
    assert refusal.value.code == "method_not_offered"
    with pytest.raises(ProviderRefused):
        bank.open_payment(trial.wish(method="card"))
    (offer,) = bank.methods()
    assert offer.method == "bank_transfer" and "EUR" in (offer.currencies or ()) and "PLN" not in (offer.currencies or ())
    assert ("bank", offer) in offers_for("test") and not [name for name, _ in offers_for("live") if name == "bank"]


def test_a_mode_without_accounts_has_no_bank() -> None:
    with pytest.raises(NoSuchProvider):
        provider_named("bank", "live")


# --- outcomes ----------------------------------------------------------------------------------------------------------


def test_a_success_names_charge_and_amount_and_only_all_of_it_is_one(bank: Bank, trial: AtTheBank) -> None:
    reference = bank.open_payment(trial.wish()).provider_reference
    arrive(reference, 1000)
    assert bank.inquire(reference).state == "requires_action"
    arrive(reference, 1500)
    outcome = bank.inquire(reference)
    assert (outcome.state, outcome.charge, outcome.captured) == ("succeeded", reference, Money(2500, "EUR"))
    assert outcome.state in OUTCOME_STATES


@pytest.mark.parametrize("unknown", ["RF18539007547034", "cs_1", "", "RF" + "9" * 18])
def test_a_reference_the_bank_does_not_know_is_refused(bank: Bank, unknown: str) -> None:
    with pytest.raises(ProviderRefused) as refusal:
        bank.inquire(unknown)
    assert refusal.value.code == "resource_missing"


# --- refunds -----------------------------------------------------------------------------------------------------------


def test_a_refund_is_pending_until_a_statement_shows_that_it_left(bank: Bank, trial: AtTheBank) -> None:
    reference = public_id("ref")
    done = trial.refund(trial.charged(), 1000, reference)
    assert (done.state, done.amount) == ("pending", Money(1000, "EUR")) and done.state in REFUND_STATES
    assert bank.inquire_refund(done.provider_reference) == bank.find_refund(reference) == done


def test_money_whose_sender_nobody_knows_has_no_way_back(bank: Bank, trial: AtTheBank) -> None:
    reference = bank.open_payment(trial.wish()).provider_reference
    arrive(reference, 2500, account="")
    with pytest.raises(ProviderRefused) as refusal:
        trial.refund(reference, 100)
    assert refusal.value.code == "no_sender_account"


# --- the rest of the contract ------------------------------------------------------------------------------------------


# --- references and accounts -------------------------------------------------------------------------------------------


def test_a_reference_is_of_the_standard_and_a_slip_in_it_is_noticed() -> None:
    for _ in range(200):
        reference = new_reference()
        assert is_reference(reference) and iso11649.is_valid(reference)
        assert spell_reference(reference).replace(" ", "") == reference
        at = 4 + secrets.randbelow(16)
        assert not is_reference(reference[:at] + str((int(reference[at]) + 1) % 10) + reference[at + 1 :])


@pytest.mark.parametrize("nonsense", ["", "x" * 32, "0" * 31, "ORD", "\u0661" * 32])
def test_an_order_nobody_wrote_is_none(nonsense: str) -> None:
    assert lock_order("test", nonsense) is None
    db.session.rollback()


GOOD = '[{"currency": "EUR", "iban": "DE89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX", "holder": "Pots  Ltd"}]'


def test_accounts_are_read_without_their_blanks() -> None:
    assert (accounts(GOOD)["EUR"].iban, accounts(GOOD)["EUR"].holder) == ("DE89370400440532013000", "Pots Ltd")
    assert accounts("") == accounts("  ") == {}


@pytest.mark.parametrize(("old", "new", "words"), [
    ("3704", "3705", "IBAN"), ("COBADEFFXXX", "COBA", "BIC"), ("EUR", "XXX", "currency"), ("Pots  Ltd", " ", "holder"), ("]", "", "JSON"),
    ('"iban"', '"number"', "JSON"), ("}]", "}, " + GOOD[1:], "two accounts"),
])  # fmt: skip
def test_accounts_nobody_could_transfer_to_are_refused_by_name(old: str, new: str, words: str) -> None:
    with pytest.raises(BadAccounts, match=words):
        accounts(GOOD.replace(old, new))
