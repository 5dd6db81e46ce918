"""An order leaves once: it is in one file, or told over the line, or made by hand, or refused, and never two of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from flask import Flask
from sqlalchemy import update

from core.kernel.db import db
from core.kernel.errors import Conflict
from core.payments.order_files import NothingToTransfer, get_order_file, make_order_file, orders_of, take_file_back, waiting_for_a_file
from core.payments.order_refused import refuse_order
from core.payouts.approve import TooLate, hold_payout
from core.payouts.hand_over import hand_file_over, record_made_by_hand
from core.payouts.models import Payout
from core.payouts.settle import settle_payout
from core.providers.bank_models import BankOrder
from core.providers.bank_orders import claim_for_line, give_up_claim, list_waiting_orders, note_sent
from tests.core.payments.conftest import AtOnce
from tests.core.payouts.sellers import Seller
from tests.core.payouts.test_order_files import nobody_elses, order_of, payout, seller
from tests.factories import unit

__all__ = ["nobody_elses", "payout", "seller"]


@pytest.fixture
def file(app: Flask, payout: Payout) -> Iterator[str]:
    """A file that carries it, made and not given to the bank."""
    with unit(app):
        made = make_order_file("test", by="stf_one")
    yield made.public_id


def test_an_order_in_a_file_is_not_refused_beside_it(app: Flask, seller: Seller, payout: Payout, file: str) -> None:
    """The seller would have the money again, and the bank would pay it out all the same."""
    before = seller.has()
    with unit(app), pytest.raises(Conflict, match="Take the file back first"):
        refuse_order(order_of(payout), by="stf_two", reason="account closed")
    assert seller.as_it_is(payout).state == "submitted" and seller.has() == before
    with unit(app):
        take_file_back(get_order_file("test", file), by="stf_two", reason="one account is closed")
    with unit(app):
        refuse_order(order_of(payout), by="stf_two", reason="account closed")
        settle_payout(seller.shop.vendor, "test", payout.public_id, cause="job")
    assert seller.as_it_is(payout).state == "failed" and seller.has() == before + payout.amount and seller.books_are_whole()
    with unit(app), pytest.raises(NothingToTransfer):
        make_order_file("test", by="stf_one")


def test_what_the_bank_got_in_a_file_it_may_refuse(app: Flask, seller: Seller, payout: Payout, file: str) -> None:
    with unit(app):
        hand_file_over(get_order_file("test", file), by="stf_two")
    with unit(app):
        refuse_order(order_of(payout), by="stf_two", reason="account closed")
        settle_payout(seller.shop.vendor, "test", payout.public_id, cause="job")
    assert seller.as_it_is(payout).state == "failed" and seller.books_are_whole()


def test_a_file_with_an_order_that_is_off_is_not_given_to_the_bank(app: Flask, payout: Payout, file: str) -> None:
    with unit(app):
        db.session.execute(update(BankOrder).where(BankOrder.reference == payout.public_id).values(state="failed"))
    with unit(app), pytest.raises(Conflict, match="not to be made any more"):
        hand_file_over(get_order_file("test", file), by="stf_two")
    with unit(app):
        assert get_order_file("test", file).state == "made"


def test_a_file_of_which_a_statement_has_told_is_not_taken_back(app: Flask, seller: Seller, payout: Payout, file: str) -> None:
    """Somebody carried it to the bank and did not say so: its other orders would be paid a second time by another file."""
    seller.bank_says(payout)
    with unit(app), pytest.raises(Conflict, match="the bank has this file already"):
        take_file_back(get_order_file("test", file), by="stf_two", reason="forgotten")
    with unit(app):
        assert get_order_file("test", file).state == "made"
        hand_file_over(get_order_file("test", file), by="stf_two")
    assert seller.as_it_is(payout).state == "paid" and seller.books_are_whole()
    seller.bank_says(payout, back="AC04")
    assert seller.as_it_is(payout).state == "returned" and seller.books_are_whole()


def test_nobody_makes_by_hand_what_a_file_carries(app: Flask, seller: Seller, payout: Payout, file: str) -> None:
    with unit(app), pytest.raises(Conflict):
        record_made_by_hand(order_of(payout))
    told = app.test_cli_runner().invoke(args=["bank-orders", "--mode", "test", "--sent", order_of_in(app, payout).public_id])
    assert told.exit_code == 1 and "stands in a file" in told.output and seller.as_it_is(payout).state == "submitted"


def order_of_in(app: Flask, payout: Payout) -> BankOrder:
    with unit(app):
        return order_of(payout)


def test_what_the_line_has_in_hand_gets_into_no_file(app: Flask, payout: Payout) -> None:
    with unit(app):
        assert claim_for_line(order_of(payout))
    with unit(app):
        assert order_of(payout) in list_waiting_orders("test"), "a line that broke off tells it again"
        assert waiting_for_a_file("test")[0] == 0
        with pytest.raises(NothingToTransfer):
            make_order_file("test", by="stf_one")
    with unit(app):
        assert claim_for_line(order_of(payout)), "again, after it broke off"
        give_up_claim(order_of(payout))
    with unit(app):
        assert make_order_file("test", by="stf_one").orders == 1


def test_what_a_file_took_meanwhile_the_line_leaves_alone(app: Flask, payout: Payout) -> None:
    with unit(app):
        listed = list_waiting_orders("test")
    with unit(app):
        make_order_file("test", by="stf_one")
    with unit(app):
        assert [claim_for_line(order) for order in listed] == [False]


@pytest.mark.parametrize("_round", range(10))
def test_the_line_and_a_file_at_once_end_in_one_of_them(app: Flask, payout: Payout, at_once: AtOnce, _round: int) -> None:
    order = order_of_in(app, payout)

    def line() -> str:
        return "line" if claim_for_line(order) else "not the line"

    def paper() -> str:
        try:
            return "file" if orders_of(make_order_file("test", by="stf_one")) else "empty"
        except NothingToTransfer:
            return "no file"

    acts: list[Callable[[], str]] = [line, paper]
    assert sorted(at_once(*acts)) in (["file", "not the line"], ["line", "no file"])
    with unit(app):
        note_sent([order])


@pytest.mark.parametrize("_round", range(10))
def test_refusing_and_a_file_at_once_end_in_one_of_them(app: Flask, seller: Seller, payout: Payout, at_once: AtOnce, _round: int) -> None:
    order = order_of_in(app, payout)

    def refusing() -> str:
        try:
            refuse_order(order, by="stf_two", reason="account closed")
        except Conflict:
            return "it is in a file"
        return "refused"

    def paper() -> str:
        try:
            return "file" if make_order_file("test", by="stf_one") else ""
        except NothingToTransfer:
            return "no file"

    acts: list[Callable[[], str]] = [refusing, paper]
    assert sorted(at_once(*acts)) in (["file", "it is in a file"], ["no file", "refused"])
    assert seller.books_are_whole()


def test_a_payout_whose_order_somebody_has_in_hand_is_not_said_to_be_held(
    app: Flask, seller: Seller, payout: Payout, environment: dict[str, str]
) -> None:
    """The line to the bank is about to tell it: a hold would say what is not true."""
    why = "Another name stands there."
    with psycopg.connect(environment["MIGRATION_DATABASE_URL"].replace("+psycopg", "")) as other:
        other.execute("SELECT FROM bank_orders WHERE mode = 'test' AND reference = %s FOR UPDATE", (payout.public_id,))
        with unit(app), pytest.raises(TooLate):
            hold_payout(seller.shop.vendor, seller.as_it_is(payout), reason=why, days=2, by="stf_one")
        other.rollback()
    with unit(app):
        assert hold_payout(seller.shop.vendor, seller.as_it_is(payout), reason=why, days=2, by="stf_one").about == payout.public_id
