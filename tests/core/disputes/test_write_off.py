"""A debt nobody will pay leaves the books by a posting, with a reason, and above a limit by two people."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from core.disputes.everywhere import list_debts
from core.disputes.models import WriteOff
from core.disputes.write_off import WriteOffWaits, approve_write_off, decline_write_off, request_write_off
from core.kernel.clock import shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import NeedsASecondPerson, Refusal
from core.ledger.book import WRITE_OFF
from core.ledger.models import Journal
from core.ledger.reverse import why_not_reversible
from core.payments.models import Payment
from tests.core.disputes.cases import case_of, usd
from tests.core.payments.conftest import AtOnce
from tests.core.payouts.sellers import Seller
from tests.factories import ask_refund, fresh, tell_refund, unit


def ask(debtor: Seller, minor: int, *, by: str = "stf_one", reason: str = "The business has closed.", token: str = "w") -> WriteOff:
    with unit(debtor.shop.app):
        return request_write_off(debtor.shop.vendor, "test", amount=usd(minor), reason=reason, by=by, form_token=token)


def test_up_to_the_limit_one_person_writes_off(debtor: Seller) -> None:
    row = ask(debtor, 5000)
    assert (row.state, row.decided_by, debtor.has("seller_receivable"), debtor.has("bad_debt")) == (
        "booked",
        "stf_one",
        usd(4750),
        usd(5000),
    )
    assert ask(debtor, 5000).public_id == row.public_id and debtor.has("seller_receivable") == usd(4750), "the same form is one"
    with unit(debtor.shop.app):
        mine = [(mode, code, minor) for vendor, mode, code, minor in list_debts() if vendor.id == debtor.shop.vendor.id]
    assert mine == [("test", "USD", 4750)] and debtor.books_are_whole()


def test_above_it_a_second_person_has_to_say_so_too(debtor: Seller) -> None:
    row = ask(debtor, 9750)
    assert row.state == "requested" and debtor.has("seller_receivable") == usd(9750)
    with pytest.raises(WriteOffWaits):
        ask(debtor, 100, token="another")
    with unit(debtor.shop.app), pytest.raises(NeedsASecondPerson):
        approve_write_off(debtor.shop.vendor, row, by="stf_one")
    for _ in range(2):
        with unit(debtor.shop.app):
            approve_write_off(debtor.shop.vendor, row, by="stf_two")
    assert (fresh(debtor.shop, row).state, debtor.has("seller_receivable"), debtor.has("bad_debt")) == ("booked", usd(0), usd(9750))
    assert debtor.books_are_whole()


def test_declined_the_debt_stays(debtor: Seller) -> None:
    row = ask(debtor, 9750)
    with unit(debtor.shop.app):
        decline_write_off(debtor.shop.vendor, row, by="stf_two")
    with unit(debtor.shop.app):
        approve_write_off(debtor.shop.vendor, row, by="stf_three")
    assert fresh(debtor.shop, row).state == "declined" and debtor.has("seller_receivable") == usd(9750)


@pytest.mark.parametrize(
    ("minor", "reason", "field"), [(9751, "Gone", "amount"), (0, "Gone", "amount"), (-5, "Gone", "amount"), (100, " ", "reason")]
)
def test_what_is_not_owed_or_not_explained_is_refused_at_its_field(debtor: Seller, minor: int, reason: str, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        ask(debtor, minor, reason=reason)
    assert refused.value.field == field


@pytest.mark.parametrize("_round", range(10))
def test_two_second_people_at_once_book_it_once(debtor: Seller, at_once: AtOnce, _round: int) -> None:
    row = ask(debtor, 9750)
    at_once(*(lambda by=by: approve_write_off(debtor.shop.vendor, row, by=by) for by in ("stf_two", "stf_three")))
    assert debtor.has("seller_receivable") == usd(0) and debtor.has("bad_debt") == usd(9750) and debtor.books_are_whole()


def test_a_large_debt_in_small_pieces_needs_the_second_person_too(debtor: Seller) -> None:
    assert [ask(debtor, 2500, token=token).state for token in ("a", "b")] == ["booked", "booked"]
    third = ask(debtor, 100, token="c", by="stf_two")
    assert third.state == "requested", "USD 50.00 is what one person may let go of in a month, whoever that is"
    with unit(debtor.shop.app):
        approve_write_off(debtor.shop.vendor, third, by="stf_one")
    assert debtor.has("seller_receivable") == usd(4650)
    with shifted(timedelta(days=62)):  # the debt was made a month from now
        assert ask(debtor, 4650, token="d").state == "booked"
    assert debtor.books_are_whole()


def test_what_an_open_dispute_may_still_bring_back_is_not_written_off(seller: Seller, released: Payment) -> None:
    """Won after the debt had been let go of, the seller would have the same money twice."""
    seller.bank_says(seller.pays_out())
    case = case_of(seller, released, 5000)
    case.tell()
    assert seller.has("seller_receivable") == usd(4875)
    with pytest.raises(Refusal, match="a dispute is open"):
        ask(seller, 4875)
    case.won().tell()
    assert (seller.has("seller_receivable"), seller.has(), seller.has("bad_debt")) == (usd(0), usd(0), usd(0))
    case.again().tell()
    case.now("lost").tell()
    assert ask(seller, 4875).state == "booked" and seller.books_are_whole()


def test_a_dispute_that_opens_while_a_second_person_is_waited_for_stops_it(debtor: Seller) -> None:
    row = ask(debtor, 9750)
    case = case_of(debtor, debtor.sells("200.00"))
    case.tell()
    with unit(debtor.shop.app), pytest.raises(Refusal, match="a dispute is open"):
        approve_write_off(debtor.shop.vendor, row, by="stf_two")
    assert fresh(debtor.shop, row).state == "requested" and debtor.has("seller_receivable") == usd(9750)


def test_what_a_refund_on_credit_may_still_bring_back_is_not_written_off(
    seller: Seller, released: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not arrive after the debt had been let go of: the seller would have money that the platform had given."""
    generous = dataclasses.replace(settings(), debt_limits={"USD": 100_000})
    monkeypatch.setattr("core.payments.refund_queue.settings", lambda: generous)
    seller.bank_says(seller.pays_out())
    refund = ask_refund(seller.shop, released, "40.00")
    assert seller.has("seller_receivable") == usd(3900)
    with pytest.raises(Refusal, match="a refund is under way") as refused:
        ask(seller, 3900)
    assert refused.value.field == "amount"
    tell_refund(seller.shop, refund, "failed", failure_reason="expired_or_canceled_card")
    assert (seller.has("seller_receivable"), seller.has(), seller.has("bad_debt")) == (usd(0), usd(0), usd(0))
    arrived = ask_refund(seller.shop, released, "40.00")
    tell_refund(seller.shop, arrived, "succeeded")
    assert ask(seller, 3900).state == "booked" and seller.books_are_whole()
    with unit(seller.shop.app):
        mine = Journal.vendor_id == seller.shop.vendor.id, Journal.kind == WRITE_OFF
        journal = db.session.scalars(db.select(Journal).where(*mine)).one()
        assert why_not_reversible(journal) is None
    tell_refund(seller.shop, arrived, "failed", failure_reason="expired_or_canceled_card")
    with unit(seller.shop.app):
        assert "has come back since" in str(why_not_reversible(journal)), "nobody is to owe it anew"
    assert (seller.has("seller_receivable"), seller.has(), seller.has("bad_debt")) == (usd(0), usd(0), usd(0)), "the platform has it again"
    assert seller.books_are_whole()
