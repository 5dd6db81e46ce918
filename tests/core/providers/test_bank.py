"""The bank adapter: the clauses of the contract that need no card, kept by statements instead of by a processor."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from stdnum import iso11649

from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import TransactionOpen, db, unit_of_work
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.bank import Bank, find_expectation, is_reference, new_reference, spell_reference
from core.providers.bank_accounts import BadAccounts, accounts
from core.providers.bank_models import BankFile, BankLine, BankStatement
from core.providers.bank_orders import lock_order
from core.providers.contract import OUTCOME_STATES, REFUND_STATES, NoSuchProvider, OpenPayment, ProviderRefused, SignatureRefused
from core.providers.registry import offers_for, provider_named

PAYER = "DE12500105170648489890"


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


def wish(minor: int = 2500, currency: str = "EUR", **changes: object) -> OpenPayment:
    reference = public_id("att")
    made = OpenPayment(
        reference=reference, mode="test", amount=Money(minor, currency), description="A pot", email="ada@example.com", return_url="", cancel_url="",
        expires_at=now() + timedelta(days=7), surface="instructions", method="bank_transfer",
        metadata={"vendor": "vnd_1", "mode": "test", "payment": public_id("pay"), "attempt": reference},
    )  # fmt: skip
    return replace(made, **changes)


def arrive(bank: Bank, reference: str, minor: int, account: str = PAYER) -> None:
    """A statement with this transfer has been imported and its line matched."""
    with unit_of_work():
        expected = find_expectation("test", reference)
        assert expected
        key, mark = secrets.token_hex(12), now()
        db.session.add(BankFile(mode="test", sha256=key.ljust(64, "0"), name="x", raw=b"", imported_by="test", imported_at=mark))
        db.session.flush()
        day = mark.date()
        db.session.add(
            BankStatement(
                mode="test", account="X" + key, identity=key, page=1, file=key.ljust(64, "0"), digest=key, currency=expected.currency, opening_minor=0,
                closing_minor=minor, opening_on=day, closing_on=day, entries=1, imported_at=mark,
            )
        )  # fmt: skip
        db.session.flush()
        db.session.add(
            BankLine(
                mode="test", account="X" + key, entry=key, part=0, public_id=public_id("bkl"), statement=key, page=1, digest=key, sign=1,
                currency=expected.currency, amount_minor=minor, reversal=False, booked_on=day, bank_reference=key, name="Ada", counter_account=account,
                bic="", reference=reference, text="", end_to_end="", return_reason="", state="booked", why="", resolution="", reason="",
                payment=expected.payment, vendor=expected.vendor,
            )
        )  # fmt: skip


def paid(bank: Bank, minor: int = 2500) -> str:
    reference = bank.open_payment(wish(minor)).provider_reference
    arrive(bank, reference, minor)
    return reference


# --- opening -----------------------------------------------------------------------------------------------------------


def test_opening_says_what_to_enter_and_takes_no_money(bank: Bank) -> None:
    opening = bank.open_payment(wish())
    told = opening.instructions
    assert told and iso11649.is_valid(told.reference) and told.reference == opening.provider_reference
    assert (told.amount, told.iban) == (Money(2500, "EUR"), accounts(settings().bank_accounts["test"])["EUR"].iban)
    assert bank.inquire(opening.provider_reference).state == "requires_action"


def test_the_same_wish_gives_the_same_opening(bank: Bank) -> None:
    once = wish()
    assert bank.open_payment(once) == bank.open_payment(once)


def test_another_wish_under_the_same_reference_is_refused(bank: Bank) -> None:
    once = wish()
    bank.open_payment(once)
    with pytest.raises(ProviderRefused):
        bank.open_payment(replace(once, amount=Money(9900, "EUR")))


def test_a_payment_of_the_other_mode_or_a_currency_without_an_account_is_refused(bank: Bank) -> None:
    with pytest.raises(ProviderRefused):
        bank.open_payment(wish(mode="live"))
    with pytest.raises(ProviderRefused) as refusal:
        bank.open_payment(wish(currency="PLN"))
    assert refusal.value.code == "method_not_offered"
    with pytest.raises(ProviderRefused):
        bank.open_payment(wish(method="card"))
    (offer,) = bank.methods()
    assert offer.method == "bank_transfer" and "EUR" in (offer.currencies or ()) and "PLN" not in (offer.currencies or ())
    assert ("bank", offer) in offers_for("test") and not [name for name, _ in offers_for("live") if name == "bank"]


def test_a_mode_without_accounts_has_no_bank() -> None:
    with pytest.raises(NoSuchProvider):
        provider_named("bank", "live")


# --- outcomes ----------------------------------------------------------------------------------------------------------


def test_a_success_names_charge_and_amount_and_only_all_of_it_is_one(bank: Bank) -> None:
    reference = bank.open_payment(wish()).provider_reference
    arrive(bank, reference, 1000)
    assert bank.inquire(reference).state == "requires_action"
    arrive(bank, reference, 1500)
    outcome = bank.inquire(reference)
    assert (outcome.state, outcome.charge, outcome.captured) == ("succeeded", reference, Money(2500, "EUR"))
    assert outcome.state in OUTCOME_STATES


def test_a_cancelled_attempt_says_so_and_twice_is_once(bank: Bank) -> None:
    reference = bank.open_payment(wish()).provider_reference
    assert bank.cancel(reference) == bank.cancel(reference)
    assert bank.inquire(reference).state == "canceled"


def test_cancelling_what_was_paid_says_so(bank: Bank) -> None:
    assert bank.cancel(paid(bank)).state == "succeeded"


@pytest.mark.parametrize("unknown", ["RF18539007547034", "cs_1", "", "RF" + "9" * 18])
def test_a_reference_the_bank_does_not_know_is_refused(bank: Bank, unknown: str) -> None:
    with pytest.raises(ProviderRefused) as refusal:
        bank.inquire(unknown)
    assert refusal.value.code == "resource_missing"


# --- refunds -----------------------------------------------------------------------------------------------------------


def refund(bank: Bank, charge: str, minor: int, reference: str | None = None):
    return bank.refund(reference or public_id("ref"), charge, Money(minor, "EUR"), "other", {"vendor": "vnd_1", "payment": "pay_1"})


def test_a_refund_is_pending_until_a_statement_shows_that_it_left(bank: Bank) -> None:
    reference = public_id("ref")
    done = refund(bank, paid(bank), 1000, reference)
    assert (done.state, done.amount) == ("pending", Money(1000, "EUR")) and done.state in REFUND_STATES
    assert bank.inquire_refund(done.provider_reference) == bank.find_refund(reference) == done


def test_the_same_reference_refunds_once(bank: Bank) -> None:
    charge, reference = paid(bank), public_id("ref")
    assert refund(bank, charge, 1000, reference) == refund(bank, charge, 1000, reference)
    refund(bank, charge, 1500)
    with pytest.raises(ProviderRefused):
        refund(bank, charge, 999, reference)


def test_more_than_came_cannot_go_back(bank: Bank) -> None:
    charge = paid(bank)
    with pytest.raises(ProviderRefused):
        refund(bank, charge, 2501)
    refund(bank, charge, 2500)
    with pytest.raises(ProviderRefused) as refusal:
        refund(bank, charge, 1)
    assert refusal.value.code == "charge_already_refunded"


def test_money_whose_sender_nobody_knows_has_no_way_back(bank: Bank) -> None:
    reference = bank.open_payment(wish()).provider_reference
    arrive(bank, reference, 2500, account="")
    with pytest.raises(ProviderRefused) as refusal:
        refund(bank, reference, 100)
    assert refusal.value.code == "no_sender_account"


def test_a_refund_nobody_made_is_not_found(bank: Bank) -> None:
    assert bank.find_refund("ref_unknown") is None
    with pytest.raises(ProviderRefused):
        bank.inquire_refund("ref_unknown")


# --- the rest of the contract ------------------------------------------------------------------------------------------


def test_the_bank_is_not_asked_inside_a_transaction(bank: Bank) -> None:
    db.session.execute(text("select 1"))
    for ask_it in (
        lambda: bank.open_payment(wish()),
        lambda: bank.inquire("RF1"),
        lambda: bank.cancel("RF1"),
        lambda: refund(bank, "RF1", 1),
        lambda: bank.inquire_refund("ref_1"),
        lambda: bank.find_refund("ref_1"),
        lambda: bank.fees(["RF1"]),
    ):
        with pytest.raises(TransactionOpen):
            ask_it()
    db.session.rollback()


@pytest.mark.parametrize("body", [b"", b"{}", b'{"type": "paid"}'])
def test_whoever_brings_an_event_is_not_the_bank(bank: Bank, body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        bank.read_event(body, {}, "test")
    with pytest.raises(SignatureRefused):
        bank.parse_event(body, "test")
    assert bank.fees([]) == {}


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
