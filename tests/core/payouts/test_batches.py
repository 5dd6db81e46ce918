"""A bank books a file of ours as one debit and lists no transfer of it: each of them has left, as long as it can be no other file."""

from __future__ import annotations

import pytest
from flask import Flask

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.payments.order_refused import refuse_order
from core.payouts.accounts import COOLING_OFF
from core.payouts.hand_over import hand_file_over
from core.payouts.held import make_file
from core.payouts.models import Payout
from core.payouts.settle import settle_payout
from core.providers.bank_models import BankLine, BankOrderFile
from tests.core.payments.transfers import TestBank
from tests.core.payouts.sellers import Seller
from tests.core.payouts.test_order_files import nobody_elses, order_of, seller
from tests.core.providers.statements import Line, Tx
from tests.factories import unit

__all__ = ["nobody_elses", "seller"]


@pytest.fixture
def payouts(seller: Seller) -> list[Payout]:
    """Two, whose orders wait."""
    found = []
    for amount in ("100.00", "40.00"):
        with shifted(-10 * COOLING_OFF):
            seller.sells(amount)
        seller.release()
        found.append(seller.pays_out())
    return found


@pytest.fixture
def file(app: Flask, seller: Seller, payouts: list[Payout]) -> BankOrderFile:
    """It carries both, and the bank has it."""
    with unit(app):
        made = make_file("test", by="stf_one")
    with unit(app):
        hand_file_over(made, by="stf_two")
    return made


def told(*, count: int | None = None, **numbers: str) -> str:
    """What the bank says of the batch."""
    said = [f"<{name}>{number}</{name}>" for name, number in numbers.items()]
    return f"<Btch>{''.join(said)}{f'<NbOfTxs>{count}</NbOfTxs>' if count is not None else ''}</Btch>"


def debit(seller: Seller, minor: int, instead: str) -> list[BankLine]:
    """A statement shows one debit; answers the lines it became."""
    bank = TestBank(seller.shop, "EUR")
    (came,) = bank.tell(Line((Tx(minor, sign=-1),), sign=-1, booked_on=now().date(), instead=instead))
    with unit(seller.shop.app):
        mine = db.select(BankLine).where(BankLine.account == came.account, BankLine.statement == came.identity).order_by(BankLine.part)
        return list(db.session.scalars(mine))


def states(seller: Seller, payouts: list[Payout]) -> list[str]:
    for payout in payouts:
        with unit(seller.shop.app):
            settle_payout(seller.shop.vendor, "test", payout.public_id, cause="line")
    return [seller.as_it_is(payout).state for payout in payouts]


@pytest.mark.parametrize("name", ["MsgId", "PmtInfId"])
def test_a_sum_under_the_number_of_our_file_settles_each_transfer_in_it(
    seller: Seller, payouts: list[Payout], file: BankOrderFile, name: str
) -> None:
    lines = debit(seller, file.total_minor, told(count=2, **{name: file.id.hex.upper()}))
    assert [(line.state, line.amount_minor) for line in lines] == [("booked", one.amount_minor) for one in payouts]
    assert states(seller, payouts) == ["paid", "paid"] and seller.has("payout_in_transit").minor == 0 and seller.books_are_whole()


def test_a_sum_of_as_many_transfers_is_the_one_file_that_comes_to_it(seller: Seller, payouts: list[Payout], file: BankOrderFile) -> None:
    debit(seller, file.total_minor, told(count=2))
    assert states(seller, payouts) == ["paid", "paid"] and seller.books_are_whole()


def test_what_the_bank_refused_is_no_part_of_the_sum(app: Flask, seller: Seller, payouts: list[Payout], file: BankOrderFile) -> None:
    with unit(app):
        refuse_order(order_of(payouts[1]), by="stf_two", reason="AC04")
    debit(seller, payouts[0].amount_minor, told(count=1, MsgId=file.id.hex))
    assert states(seller, payouts) == ["paid", "failed"] and seller.books_are_whole()


@pytest.mark.parametrize(
    ("more", "numbers", "count"),
    [
        (1, {"PmtInfId": "ours"}, 2),  # another sum
        (0, {"PmtInfId": "ours"}, 3),  # another number of transfers
        (0, {"PmtInfId": "somebody else's"}, 2),
        (0, {}, 3),
        (0, {"NothingOfIt": ""}, None),  # the sum alone says nothing
    ],
)
def test_what_does_not_fit_waits_for_a_person(
    seller: Seller, payouts: list[Payout], file: BankOrderFile, more: int, numbers: dict[str, str], count: int | None
) -> None:
    named = {name: file.id.hex if number == "ours" else number for name, number in numbers.items() if number}
    (line,) = debit(seller, file.total_minor + more, told(count=count, **named) if named or count else "")
    assert (line.state, line.why) == ("unknown", "debit")
    assert states(seller, payouts) == ["in_transit", "in_transit"] and seller.books_are_whole()


def test_of_two_files_alike_nobody_can_say_which_it_is(app: Flask, seller: Seller, payouts: list[Payout], file: BankOrderFile) -> None:
    others = []
    for amount in ("100.00", "40.00"):
        with shifted(-10 * COOLING_OFF):
            seller.sells(amount)
        seller.release()
        others.append(seller.pays_out())
    with unit(app):
        second = make_file("test", by="stf_one")
    assert second.total_minor == file.total_minor
    (line,) = debit(seller, file.total_minor, told(count=2))
    assert (line.state, states(seller, [*payouts, *others])) == ("unknown", ["in_transit"] * 2 + ["submitted"] * 2)
    debit(seller, second.total_minor, told(PmtInfId=second.id.hex))
    assert states(seller, [*payouts, *others]) == ["in_transit"] * 2 + ["paid"] * 2 and seller.books_are_whole()
