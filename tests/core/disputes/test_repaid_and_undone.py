"""What happens to a debt that was paid back by transfer once the bank, a refund, a dispute or a colleague takes something back."""

from __future__ import annotations

import dataclasses
import secrets
from datetime import timedelta

import pytest

from core.accounts.house import house
from core.accounts.models import Vendor
from core.disputes.write_off import approve_write_off, request_write_off
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.ledger import book
from core.ledger.post import Journal, Leg, post
from core.ledger.statement import make_statement
from core.payments.bank_lines import book_lines
from core.payments.line_wishes import Wish, decide_line
from core.payments.models import Payment
from core.payments.repaid import Repayment, list_debtors, share_out
from core.payments.statements import import_statement
from core.payments.unknown import get_line
from core.payouts.statement import lines_of, prove
from core.providers.bank_models import BankLine
from tests.core.disputes.cases import case_of, usd
from tests.core.disputes.test_repaid import arrives, has, repaid, takes_back, written_off
from tests.core.payments.conftest import AtOnce
from tests.core.payments.transfers import TestBank, transfer
from tests.core.payouts.sellers import Seller
from tests.core.providers.statements import Line, Tx, file_of
from tests.factories import ask_refund, tell_refund, unit


@pytest.fixture
def generous(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refunds are given on credit."""
    limits = dataclasses.replace(settings(), debt_limits={"USD": 100_000})
    monkeypatch.setattr("core.payments.refund_queue.settings", lambda: limits)


def debit_of(line: BankLine) -> Line:
    """The bank takes this credit back."""
    again = Tx(line.amount_minor, sign=-1, reference=line.reference, name=line.name, account=line.counter_account)
    return Line((again,), sign=-1, booked_on=now().date(), reversal=True)


@pytest.mark.usefixtures("generous")
def test_what_had_recovered_a_debt_that_never_was_is_owed_when_the_bank_takes_it_back(seller: Seller, released: Payment) -> None:
    """The refund failed, so the seller has again what they had paid: without the transfer that is not theirs."""
    seller.bank_says(seller.pays_out())
    bank = TestBank(seller.shop)
    refund = ask_refund(seller.shop, released, "40.00")
    tell_refund(seller.shop, refund, "succeeded")
    written_off(seller, 3900)
    line = arrives(bank, 1500)
    repaid(seller, line)
    tell_refund(seller.shop, refund, "failed", failure_reason="expired_or_canceled_card")
    assert has(seller, "seller_available", "seller_receivable") == (usd(1500), usd(0))
    takes_back(bank, line)
    assert has(seller, "seller_available", "seller_receivable") == (usd(0), usd(0))
    assert seller.has("bad_debt") - seller.has("recoveries") == usd(0) and seller.books_are_whole(), "the platform has lost nothing"


def test_a_dispute_given_back_after_the_debt_was_paid_is_the_sellers(seller: Seller, released: Payment) -> None:
    seller.bank_says(seller.pays_out())
    case = case_of(seller, released)
    case.tell()
    case.now("lost").tell()
    bank = TestBank(seller.shop)
    line = arrives(bank, 9750)
    repaid(seller, line)
    case.won().tell()
    assert has(seller, "seller_available", "seller_receivable") == (usd(9750), usd(0))
    takes_back(bank, line)
    assert has(seller, "seller_available", "seller_receivable") == (usd(0), usd(0)) and seller.books_are_whole()


def test_a_dispute_given_back_after_its_debt_was_written_off_is_the_platforms_first(seller: Seller, released: Payment) -> None:
    seller.bank_says(seller.pays_out())
    case = case_of(seller, released)
    case.tell()
    case.now("lost").tell()
    written_off(seller, 4000)
    bank = TestBank(seller.shop)
    repaid(seller, arrives(bank, 6750))
    case.won().tell()
    assert has(seller, "seller_available", "seller_receivable") == (usd(6750), usd(0))
    assert seller.has("bad_debt") - seller.has("recoveries") == usd(0) and seller.books_are_whole()


def test_taken_back_after_what_was_beyond_has_left_all_of_it_is_owed(debtor: Seller, bank: TestBank) -> None:
    written_off(debtor, 1000)
    line = arrives(bank, 10_000)
    repaid(debtor, line)
    payout = debtor.pays_out()
    assert payout.amount == usd(250)
    debtor.bank_says(payout)
    with unit(debtor.shop.app):
        prove(debtor.as_it_is(payout))
        assert book.DEBT_REPAID in [one.kind for one in lines_of(debtor.shop.vendor, payout)]
    takes_back(bank, line)
    assert has(debtor, "seller_receivable", "seller_available", "recoveries") == (usd(9000), usd(0), usd(0))
    takes_back(bank, line)
    assert debtor.has("seller_receivable") == usd(9000) and debtor.books_are_whole()
    repaid(debtor, arrives(bank, 10_000))
    assert has(debtor, "seller_receivable", "seller_available", "recoveries") == (usd(0), usd(0), usd(1000))


def test_taken_back_while_it_waits_for_a_second_person_nothing_is_left_to_agree_to(debtor: Seller, bank: TestBank) -> None:
    line = arrives(bank, 200_000)
    wish = Wish("repaid", "They wrote to us", seller=debtor.shop.vendor.public_id)
    with unit(debtor.shop.app):
        assert not decide_line(get_line("test", line.public_id), wish, by="stf_one")
    takes_back(bank, line)
    with unit(debtor.shop.app):
        gone = get_line("test", line.public_id)
        assert (gone.resolution, gone.wish, gone.asked_by) == ("taken_back", None, None)
    with pytest.raises(Conflict):
        repaid(debtor, line)
    assert debtor.has("seller_receivable") == usd(9750)


def test_taken_back_on_the_same_statement_nobody_decides_about_it(debtor: Seller, bank: TestBank) -> None:
    name = f"Somebody {secrets.token_hex(4)}"
    credit = transfer(5000, f"Debt {name}", name=name)
    (tx,) = credit.txs
    bank.tell(Line((dataclasses.replace(tx, sign=-1),), sign=-1, booked_on=now().date(), reversal=True), credit)
    assert bank.line(name=name, sign=1).resolution == "taken_back" and debtor.books_are_whole()


@pytest.mark.parametrize("_round", range(15))
def test_decided_and_taken_back_at_once_the_debt_is_as_it_was(debtor: Seller, bank: TestBank, at_once: AtOnce, _round: int) -> None:
    line = arrives(bank, 6000)
    raw = file_of(bank.draft(debit_of(line)))
    with unit(debtor.shop.app):
        import_statement(raw, name="statement.xml", by="operator")
    done = at_once(lambda: repaid(debtor, line), lambda: book_lines("test"))
    bank.book()
    assert all(isinstance(one, Repayment | Conflict | int) for one in done), done
    with unit(debtor.shop.app):
        became = get_line("test", line.public_id)
    assert became.resolution in ("repaid", "taken_back") and became.reversed_by
    assert has(debtor, "seller_receivable", "seller_available") == (usd(9750), usd(0)) and debtor.books_are_whole()
    assert bank.line(amount_minor=6000, sign=-1, name=line.name).state == "booked"


def test_a_write_off_that_waits_is_refused_once_less_is_owed(debtor: Seller, bank: TestBank) -> None:
    with unit(debtor.shop.app):
        row = request_write_off(debtor.shop.vendor, "test", amount=usd(9750), reason="Gone", by="stf_one", form_token=secrets.token_hex(8))
    assert row.state == "requested"
    line = arrives(bank, 1)
    repaid(debtor, line)
    with unit(debtor.shop.app), pytest.raises(Refusal):
        approve_write_off(debtor.shop.vendor, row, by="stf_two")
    takes_back(bank, line)
    with unit(debtor.shop.app):
        approve_write_off(debtor.shop.vendor, row, by="stf_two")
    assert has(debtor, "bad_debt", "seller_receivable") == (usd(9750), usd(0)) and debtor.books_are_whole()


def test_the_platforms_own_book_pays_nothing_back(debtor: Seller, bank: TestBank) -> None:
    """What was written off there are invoices of its own plans."""
    line = arrives(bank, 500)
    with unit(debtor.shop.app):
        lost = Leg(book.WRITTEN_OFF, usd(500)), Leg(book.ROUNDING, usd(-500))
        post([Journal(book.PLATFORM, "test", f"rec:{secrets.token_hex(6)}", "reconciled", "test", now(), lost)])
        with pytest.raises(Refusal):
            share_out(get_line("test", line.public_id), house())
        db.session.rollback()


def test_who_is_paid_out_to_its_account_is_found_however_small_the_debt(debtor: Seller, bank: TestBank) -> None:
    line = arrives(bank, 123)
    with unit(debtor.shop.app):
        everybody = list_debtors(line)
        smallest = everybody[-1].vendor if len(everybody) > 1 else debtor.shop.vendor
        (first,) = list_debtors(line, theirs={smallest.id}, limit=1)
        assert first.vendor.id == smallest.id and "account" in first.reasons


def test_the_statement_of_the_month_adds_up_with_it(debtor: Seller, bank: TestBank) -> None:
    line = arrives(bank, 10_000)
    repaid(debtor, line)
    takes_back(bank, line)
    with unit(debtor.shop.app):
        vendor = db.session.get_one(Vendor, debtor.shop.vendor.id)
        for until in (now() + timedelta(days=1), now() - timedelta(seconds=0)):
            made = make_statement(vendor, "test", "USD", now() - timedelta(days=60), until)
        assert made.closing == usd(-9750)
        assert {book.DEBT_REPAID, book.REPAYMENT_TAKEN_BACK} <= {one.kind for one in made.totals}


@pytest.mark.usefixtures("generous")
def test_all_of_it_is_made_anew_from_the_logs(seller: Seller, released: Payment) -> None:
    seller.bank_says(seller.pays_out())
    bank = TestBank(seller.shop)
    refund = ask_refund(seller.shop, released, "40.00")
    tell_refund(seller.shop, refund, "succeeded")
    written_off(seller, 3900)
    line = arrives(bank, 1500)
    repaid(seller, line)
    tell_refund(seller.shop, refund, "failed", failure_reason="expired_or_canceled_card")
    takes_back(bank, line)
    case = case_of(seller, released)
    case.tell()
    case.now("lost").tell()
    written_off(seller, 1000)
    assert repaid(seller, arrives(bank, 9250)) == Repayment(usd(8750), usd(500), usd(0))
    case.won().tell()
    assert has(seller, "seller_available", "seller_receivable", "bad_debt", "recoveries") == (usd(9250), usd(0), usd(0), usd(0))
    told = seller.shop.app.test_cli_runner().invoke(args=["replay", "--vendor", seller.shop.vendor.public_id])
    assert told.exit_code == 0 and seller.books_are_whole(), told.output


def test_the_command_says_what_became_of_it_and_what_is_wrong(debtor: Seller, bank: TestBank) -> None:
    line, runner = arrives(bank, 10_000).public_id, debtor.shop.app.test_cli_runner()
    with unit(debtor.shop.app):
        houses = house().public_id

    def says(*words: str) -> tuple[int, str]:
        told = runner.invoke(args=["debt-repaid", *words, "--mode", "test", "--why", "They wrote"])
        return told.exit_code, told.output

    for nobody in ("vnd_nobody", "", "'; drop table vendors", houses):
        code, words = says(line, nobody)
        assert code and "Traceback" not in words, words
    assert says("bkl_nothing", debtor.shop.vendor.public_id)[0]
    code, words = says(line, debtor.shop.vendor.public_id)
    assert not code and "Owed: USD 97.50" in words.replace("\xa0", " ") and "balance: USD 2.50" in words.replace("\xa0", " "), words
    assert says(line, debtor.shop.vendor.public_id)[0] and debtor.has("seller_available") == usd(250)
    assert "owes nothing in USD" in says(arrives(bank, 100).public_id, debtor.shop.vendor.public_id)[1]
