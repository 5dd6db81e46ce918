"""The bank answers to a file: what it refuses fails and its money goes back, once; a report that does not fit is refused whole, with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.order_files import make_order_file, take_file_back
from core.payments.order_status import NotHandedOver, carry_out_refusal, reports_of, take_status_report
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.hand_over import hand_file_over
from core.payouts.models import Payout
from core.payouts.settle import settle_payout
from core.providers.bank_models import BankOrder, BankOrderFile, BankStatusReport
from core.providers.bank_orders import find_order
from core.providers.statement import StatementRefused
from sandbox.bank_files import read_orders, refusals, write_answer
from tests.core.payments.conftest import AtOnce
from tests.core.payments.transfers import euros_at_another_bank
from tests.core.payouts.sellers import THEIRS, Seller, send_waiting_orders
from tests.factories import make_shop, unit

SOLD = (("100.00", 9850), ("60.00", 5910))


@pytest.fixture
def payouts(app: Flask) -> Iterator[list[tuple[Seller, Payout]]]:
    """Of two sellers; their orders are the only ones that wait."""
    send_waiting_orders(app)
    found = []
    with euros_at_another_bank():
        for amount, _net in SOLD:
            seller = Seller(make_shop(app, currency="EUR", country="DE"), "EUR")
            with unit(app):
                add_account(seller.shop.vendor, "test", currency="EUR", holder="Zoë’s Kiosk", iban=THEIRS, by=seller.shop.user.public_id)
            with shifted(-10 * COOLING_OFF):
                seller.sells(amount)
            seller.release()
            found.append((seller, seller.pays_out()))
        yield found


@pytest.fixture
def file(app: Flask, payouts: list[tuple[Seller, Payout]]) -> BankOrderFile:
    """The bank has it."""
    with unit(app):
        made = make_order_file("test", by="stf_a")
        hand_file_over(made, by="stf_b")
        return made


def answer(file: BankOrderFile, story: str, *, identity: str = "", later: timedelta = timedelta(0)) -> bytes:
    message, orders = read_orders(file.raw)
    identity = identity or f"ANS-{file.public_id[-10:]}-{story}"
    return write_answer(identity, message, orders, story, refusals(story, orders), (now() + later).timestamp()).encode()


def take(app: Flask, raw: bytes) -> BankStatusReport:
    with unit(app):
        return take_status_report("test", raw, name="answer.xml", by="stf_a")


def carry_out(app: Flask, payouts: list[tuple[Seller, Payout]]) -> list[bool]:
    """What the jobs do that a refusal asks for."""
    done = []
    for seller, payout in payouts:
        with unit(app):
            order = find_order("test", payout.public_id)
            assert order is not None
            done.append(order.bank_status == "RJCT" and carry_out_refusal("test", order.end_to_end))
        with unit(app):
            settle_payout(seller.shop.vendor, "test", payout.public_id, cause="bank")
    return done


def states(payouts: list[tuple[Seller, Payout]]) -> list[str]:
    return [seller.as_it_is(payout).state for seller, payout in payouts]


def order_of(app: Flask, payout: Payout) -> BankOrder:
    with unit(app):
        order = find_order("test", payout.public_id)
        assert order is not None
        return order


def test_accepted_it_is_said_and_still_not_believed(app: Flask, payouts: list[tuple[Seller, Payout]], file: BankOrderFile) -> None:
    report = take(app, answer(file, "accept"))
    assert (report.status, report.accepted, report.rejected) == ("ACCP", 2, 0)
    assert carry_out(app, payouts) == [False, False] and states(payouts) == ["in_transit", "in_transit"]
    assert order_of(app, payouts[0][1]).bank_status == "ACCP"


def test_the_refused_one_fails_and_its_money_is_the_sellers_again_once(
    app: Flask, payouts: list[tuple[Seller, Payout]], file: BankOrderFile
) -> None:
    raw = answer(file, "first")
    report = take(app, raw)
    assert (report.status, report.accepted, report.rejected) == ("PART", 0, 1), "the rest is told by nobody yet"
    assert take(app, raw).id == report.id, "told again it changes nothing"
    assert sorted(carry_out(app, payouts)) == [False, True]
    assert carry_out(app, payouts) == [False, False], "and it is carried out once"
    assert sorted(states(payouts)) == ["failed", "in_transit"]
    seller, payout = next(one for one in payouts if one[0].as_it_is(one[1]).state == "failed")
    assert seller.as_it_is(payout).failure_reason == "AC01 Account number incorrect"
    assert seller.has() == payout.amount and seller.has("payout_in_transit") == Money(0, "EUR") and seller.books_are_whole()


def test_refused_as_a_whole_everything_comes_back(app: Flask, payouts: list[tuple[Seller, Payout]], file: BankOrderFile) -> None:
    take(app, answer(file, "poor"))
    assert carry_out(app, payouts) == [True, True] and states(payouts) == ["failed", "failed"]
    assert [seller.has().minor for seller, _payout in payouts] == [net for _amount, net in SOLD]
    assert all(seller.books_are_whole() for seller, _payout in payouts)


def test_a_second_copy_that_the_bank_refuses_says_nothing_of_the_first(
    app: Flask, payouts: list[tuple[Seller, Payout]], file: BankOrderFile
) -> None:
    message, orders = read_orders(file.raw)
    raw = write_answer(f"DUP-{file.public_id[-12:]}", message, orders, "accept", {}, now().timestamp(), again=True).encode()
    report = take(app, raw)
    assert (report.status, report.reason.partition(" ")[0], report.accepted, report.rejected) == ("RJCT", "DUPL", 0, 0)
    assert carry_out(app, payouts) == [False, False] and states(payouts) == ["in_transit", "in_transit"]


def test_a_refusal_that_comes_after_an_acceptance_counts_and_an_older_one_is_old(
    app: Flask, payouts: list[tuple[Seller, Payout]], file: BankOrderFile
) -> None:
    take(app, answer(file, "accept", later=timedelta(minutes=5)))
    take(app, answer(file, "later"))
    assert order_of(app, payouts[0][1]).bank_status == "ACCP", "it was made before"
    take(app, answer(file, "each", later=timedelta(minutes=9)))
    assert sorted(carry_out(app, payouts)) == [False, True]
    take(app, answer(file, "accept", identity=f"LATE-{file.public_id[-9:]}", later=timedelta(minutes=20)))
    assert sorted(states(payouts)) == ["failed", "in_transit"], "once refused it stays refused"


def test_what_a_statement_has_shown_is_not_undone(app: Flask, payouts: list[tuple[Seller, Payout]], file: BankOrderFile) -> None:
    seller, payout = payouts[0]
    seller.bank_says(payout)
    take(app, answer(file, "poor"))
    assert carry_out(app, payouts) == [False, True] and states(payouts) == ["paid", "failed"]
    assert seller.has() == Money(0, "EUR") and seller.books_are_whole()


def test_nobody_has_said_that_the_bank_has_it(app: Flask, payouts: list[tuple[Seller, Payout]]) -> None:
    with unit(app):
        made = make_order_file("test", by="stf_a")
    with pytest.raises(NotHandedOver):
        take(app, answer(made, "accept"))
    with unit(app):
        take_file_back(made, by="stf_a", reason="Another day")
    with pytest.raises(StatementRefused, match="was taken back"):
        take(app, answer(made, "accept"))


def swapped(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "another file": (lambda text: re.sub(r"<OrgnlMsgId>.*?<", "<OrgnlMsgId>0190a0b0c0d07000800000000000beef<", text), "No file of ours"),
    "no number of ours": (lambda text: re.sub(r"<OrgnlMsgId>.*?<", "<OrgnlMsgId>SALARIES<", text), "No file of ours"),
    "another count": (swapped("<OrgnlNbOfTxs>2", "<OrgnlNbOfTxs>3"), "It speaks of 3 transfers"),
    "another total": (swapped("<OrgnlCtrlSum>157.60", "<OrgnlCtrlSum>157.61"), "the file is over"),
    "another batch": (lambda text: re.sub(r"<OrgnlPmtInfId>.*?<", "<OrgnlPmtInfId>X<", text), "has no batch X"),
    "an unknown order": (lambda text: re.sub(r"<OrgnlEndToEndId>.", "<OrgnlEndToEndId>z", text), "has no transfer"),
    "another sum": (lambda text: re.sub(r'(<InstdAmt Ccy="EUR">)\d+', r"\g<1>1", text), "This transfer is over"),
    "another currency": (swapped('InstdAmt Ccy="EUR"', 'InstdAmt Ccy="USD"'), "This transfer is over"),
    "another account": (lambda text: re.sub(r"<IBAN>.*?<", "<IBAN>GB33BUKB20201555555555<", text), "goes to another account"),
    "direct debits": (swapped("pain.001.001.09</OrgnlMsgNmId>", "pain.008.001.08</OrgnlMsgNmId>"), "no file of transfers"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_refused_whole_with_its_line(
    app: Flask, payouts: list[tuple[Seller, Payout]], file: BankOrderFile, what: str
) -> None:
    change, words = WRONG[what]
    right = answer(file, "first").decode()
    wrong = change(right)
    assert wrong != right
    with pytest.raises(StatementRefused, match=re.escape(words)) as refused:
        take(app, wrong.encode())
    assert refused.value.line
    with unit(app):
        assert reports_of(file) == [] and all(order_of(app, payout).bank_status is None for _seller, payout in payouts)


def test_a_number_the_bank_has_used_before_is_refused_for_another_report(app: Flask, file: BankOrderFile) -> None:
    take(app, answer(file, "accept", identity="SAME-1"))
    with pytest.raises(StatementRefused, match="has used the number SAME-1"):
        take(app, answer(file, "poor", identity="SAME-1"))


def test_two_who_bring_the_same_answer_bring_one(
    app: Flask, payouts: list[tuple[Seller, Payout]], file: BankOrderFile, at_once: AtOnce
) -> None:
    raw = answer(file, "poor")
    found = at_once(*[lambda: take_status_report("test", raw, name="answer.xml", by="stf_a").id] * 3)
    assert len(set(found)) == 1, found
    ends = [order_of(app, payout).end_to_end for _seller, payout in payouts]
    done = at_once(*[lambda end=end: carry_out_refusal("test", end) for end in ends * 2])
    assert sorted(map(bool, done)) == [False, False, True, True], done


def test_an_answer_is_kept_as_it_came_and_never_changed(app: Flask, file: BankOrderFile) -> None:
    raw = answer(file, "accept")
    report = take(app, raw)
    assert report.raw == raw and len(report.sha256) == 64
    with pytest.raises(Exception, match=r"append|change"), unit(app):
        db.session.get_one(BankStatusReport, ("test", report.id)).status = "RJCT"
        db.session.flush()
