"""A seller pays back by transfer what they owe: the debt first, then what was written off, and what is beyond both is theirs."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable

import pytest

from core.accounts.models import Vendor
from core.disputes.write_off import request_write_off
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Conflict, NeedsASecondPerson, Refusal
from core.kernel.money import Money
from core.ledger.book import WRITE_OFF
from core.ledger.models import Journal
from core.ledger.reverse import why_not_reversible
from core.notifications.models import Message
from core.payments.line_wishes import Wish, agree, decide_line
from core.payments.models import Payment
from core.payments.repaid import Repayment, get_repayment, list_debtors, pay_back
from core.payments.unknown import get_line
from core.payouts.accounts import paid_out_to
from core.providers.bank_models import BankLine
from core.web.mail import write_letter
from core.web.reader import Reader
from tests.core.disputes.cases import usd
from tests.core.payments.conftest import AtOnce
from tests.core.payments.transfers import TestBank, books, transfer
from tests.core.payouts.sellers import OTHER, THEIRS, Seller
from tests.core.providers.statements import Line, Tx
from tests.factories import ask_refund, tell_refund, unit
from workers.messages import KINDS


def arrives(bank: TestBank, minor: int, **facts: str) -> BankLine:
    name = facts.pop("name", f"Somebody {secrets.token_hex(4)}")
    bank.tell(transfer(minor, f"Debt {secrets.token_hex(4)}", name=name, **facts))
    return bank.line(name=name)


def repaid(debtor: Seller, line: BankLine, by: str = "stf_one") -> Repayment:
    with unit(debtor.shop.app):
        return pay_back(get_line("test", line.public_id), debtor.shop.vendor, by=by, reason="They wrote to us")


def written_off(debtor: Seller, minor: int) -> None:
    with unit(debtor.shop.app):
        row = request_write_off(
            debtor.shop.vendor, "test", amount=usd(minor), reason="Gone away", by="stf_one", form_token=secrets.token_hex(8)
        )
    assert row.state == "booked"


def has(debtor: Seller, *accounts: str) -> tuple[Money, ...]:
    return tuple(debtor.has(account) for account in accounts)


def takes_back(bank: TestBank, line: BankLine) -> None:
    """The bank takes this credit back."""
    again = Tx(line.amount_minor, sign=-1, reference=line.reference, name=line.name, account=line.counter_account)
    bank.tell(Line((again,), sign=-1, booked_on=now().date(), reversal=True))


def told(debtor: Seller, kind: str) -> list[str]:
    """The letters of this kind, as they are written now."""
    with unit(debtor.shop.app):
        vendor = db.session.get_one(Vendor, debtor.shop.vendor.id)
        asked = db.session.query(Message).filter_by(vendor_id=vendor.id, kind=kind)
        common = {"vendor": vendor, "enclosed": False, "look": None, "vendors_words": []}
        return [write_letter(kind, Reader("en"), **common, **KINDS[kind][0](vendor, row)).text for row in asked]


def test_it_strikes_the_debt_off(debtor: Seller, bank: TestBank) -> None:
    before, unknown = bank_of(debtor), nobodys(debtor)
    line = arrives(bank, 6000)
    assert nobodys(debtor) == unknown + 6000
    assert repaid(debtor, line) == Repayment(usd(6000), usd(0), usd(0))
    assert has(debtor, "seller_receivable", "seller_available") == (usd(3750), usd(0)) and debtor.books_are_whole()
    assert (bank_of(debtor), nobodys(debtor)) == (before + 6000, unknown)
    with pytest.raises(Conflict):
        repaid(debtor, line)
    assert debtor.has("seller_receivable") == usd(3750)


def bank_of(debtor: Seller) -> int:
    return books(debtor.shop).get("bank", 0)


def nobodys(debtor: Seller, account: str = "unapplied_receipts") -> int:
    """What stands in the platform's own book, other tests' lines among it."""
    return books(debtor.shop, platform=True).get(account, 0)


def test_what_is_beyond_the_debt_is_the_sellers_to_be_paid_out(debtor: Seller, bank: TestBank) -> None:
    line = arrives(bank, 10_000)
    assert repaid(debtor, line) == Repayment(usd(9750), usd(0), usd(250))
    assert has(debtor, "seller_receivable", "seller_available") == (usd(0), usd(250))
    with unit(debtor.shop.app):
        assert get_repayment(debtor.shop.vendor, "test", line.public_id) == Repayment(usd(9750), usd(0), usd(250))


def test_what_was_written_off_is_recovered_after_what_is_owed(debtor: Seller, bank: TestBank) -> None:
    written_off(debtor, 5000)
    assert repaid(debtor, arrives(bank, 7000)) == Repayment(usd(4750), usd(2250), usd(0))
    assert has(debtor, "bad_debt", "recoveries", "seller_receivable") == (usd(5000), usd(2250), usd(0))
    assert repaid(debtor, arrives(bank, 3000)) == Repayment(usd(0), usd(2750), usd(250))
    assert has(debtor, "recoveries", "seller_available") == (usd(5000), usd(250)) and debtor.books_are_whole()
    with pytest.raises(Refusal) as refused:
        repaid(debtor, arrives(bank, 100))
    assert refused.value.field == "seller"


def test_a_write_off_that_was_paid_after_all_is_not_taken_back(debtor: Seller, bank: TestBank) -> None:
    written_off(debtor, 5000)
    with unit(debtor.shop.app):
        journal = db.session.query(Journal).filter_by(vendor_id=debtor.shop.vendor.id, kind=WRITE_OFF).one()
        assert why_not_reversible(journal) is None
    repaid(debtor, arrives(bank, 5000))
    with unit(debtor.shop.app):
        assert "come back since" in str(why_not_reversible(db.session.merge(journal)))


def test_taken_back_by_the_bank_it_is_owed_again(debtor: Seller, bank: TestBank) -> None:
    written_off(debtor, 1000)
    before, unexplained = bank_of(debtor), nobodys(debtor, "unexplained_debits")
    line = arrives(bank, 10_000)
    assert repaid(debtor, line) == Repayment(usd(8750), usd(1000), usd(250))
    takes_back(bank, line)
    assert has(debtor, "seller_receivable", "seller_available", "recoveries") == (usd(8750), usd(0), usd(0))
    assert bank_of(debtor) == before and debtor.books_are_whole()
    assert bank.line(sign=-1, name=line.name).state == "booked" and nobodys(debtor, "unexplained_debits") == unexplained


def test_the_seller_reads_what_became_of_it(debtor: Seller, bank: TestBank) -> None:
    written_off(debtor, 1000)
    line = arrives(bank, 10_000)
    repaid(debtor, line)
    (letter,) = told(debtor, "debt_repaid")
    sums = {"Transferred": "100.00", "Paid back": "87.50", "Paid of what had been written off": "10.00", "Added to your balance": "2.50"}
    for words, amount in (sums | {"You owe now": "0.00"}).items():
        assert f"{words}: USD\xa0{amount}\n" in letter
    takes_back(bank, line)
    (letter,) = told(debtor, "debt_repayment_taken_back")
    assert "Taken back: USD\xa0100.00" in letter and "You owe now: USD\xa087.50" in letter


def test_what_speaks_for_a_seller(debtor: Seller, bank: TestBank) -> None:
    cases = {"account": {"account": THEIRS}, "name": {"name": f"{debtor.shop.vendor.name} {secrets.token_hex(3)}", "account": OTHER}}
    for reason, facts in cases.items():
        line = arrives(bank, 123, **facts)
        with unit(debtor.shop.app):
            (mine,) = [
                one
                for one in list_debtors(line, theirs=paid_out_to("test", line.counter_account))
                if one.vendor.id == debtor.shop.vendor.id
            ]
        assert mine.reasons == (reason,) and (mine.owed, mine.given_up) == (usd(9750), usd(0))
    line = arrives(bank, 9750)
    with unit(debtor.shop.app):
        found = list_debtors(line)
        assert ("amount",) in [one.reasons for one in found if one.vendor.id == debtor.shop.vendor.id]
        assert [bool(one.reasons) for one in found] == sorted((bool(one.reasons) for one in found), reverse=True)


def test_a_large_one_takes_two_people_and_is_shared_out_when_the_second_agrees(debtor: Seller, bank: TestBank) -> None:
    line = arrives(bank, 200_000)
    wish = Wish("repaid", "They wrote to us", seller=debtor.shop.vendor.public_id)
    with unit(debtor.shop.app):
        assert not decide_line(get_line("test", line.public_id), wish, by="stf_one")
    assert debtor.has("seller_receivable") == usd(9750)
    with unit(debtor.shop.app), pytest.raises(NeedsASecondPerson):
        agree(get_line("test", line.public_id), by="stf_one")
    repaid(debtor, arrives(bank, 750))
    with unit(debtor.shop.app):
        assert agree(get_line("test", line.public_id), by="stf_two") == wish
    assert has(debtor, "seller_receivable", "seller_available") == (usd(0), usd(191_000)) and debtor.books_are_whole()


@pytest.mark.parametrize("_round", range(10))
def test_two_transfers_at_once_pay_the_debt_once(debtor: Seller, bank: TestBank, at_once: AtOnce, _round: int) -> None:
    lines = [arrives(bank, 9750), arrives(bank, 9750)]
    acts: list[Callable[[], object]] = [lambda line=line: repaid(debtor, line) for line in lines]
    done = at_once(*acts)
    assert sum(isinstance(one, Repayment) for one in done) == 1 and sum(isinstance(one, Refusal) for one in done) == 1
    assert has(debtor, "seller_receivable", "seller_available") == (usd(0), usd(0)) and debtor.books_are_whole()


def test_what_the_seller_paid_after_a_write_off_is_theirs_when_the_refund_fails_after_all(
    seller: Seller, released: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform has got back what it had given up: it is not given it once more."""
    generous = dataclasses.replace(settings(), debt_limits={"USD": 100_000})
    monkeypatch.setattr("core.payments.refund_queue.settings", lambda: generous)
    seller.bank_says(seller.pays_out())
    refund = ask_refund(seller.shop, released, "40.00")
    tell_refund(seller.shop, refund, "succeeded")
    written_off(seller, 3900)
    repaid(seller, arrives(TestBank(seller.shop), 1500))
    assert has(seller, "bad_debt", "recoveries") == (usd(3900), usd(1500))
    tell_refund(seller.shop, refund, "failed", failure_reason="expired_or_canceled_card")
    assert has(seller, "bad_debt", "recoveries", "seller_available") == (usd(0), usd(0), usd(1500)), "24.00 are the platform's again"
    assert seller.books_are_whole()
