"""Whoever books a seller's repayment, or books that the bank took it back, dies at any line, and somebody else does it again: once in the books."""

from __future__ import annotations

import random
from collections.abc import Callable

from core.kernel.db import db
from core.notifications.models import Message
from core.payments.statements import import_statement
from core.payments.unknown import get_line
from core.providers.bank_models import BankLine
from tests.core.disputes.cases import usd
from tests.core.disputes.test_repaid import arrives, has, nobodys, repaid
from tests.core.disputes.test_repaid_and_undone import debit_of
from tests.core.payments.transfers import TestBank
from tests.core.payouts.sellers import Seller
from tests.core.providers.statements import file_of
from tests.factories import unit
from tests.killed import Axe, Killed

SOURCES = tuple(f"/core/{file}.py" for file in (
    "payments/repaid", "payments/unknown", "payments/bank_lines", "payments/refund_books", "ledger/post"
))  # fmt: skip
ACCOUNTS = "seller_receivable", "seller_available"
IN_DEBT, PAID = (usd(9750), usd(0)), (usd(0), usd(250))


def lives(act: Callable[[], object], axe: Axe, untouched: Callable[[], None]) -> None:
    """Done until somebody has lived to the end of it; who did not has left nothing behind."""
    try:
        with axe.over():
            act()
    except Killed:
        untouched()
        act()


def comes_and_goes(debtor: Seller, bank: TestBank, axe: Axe, before: int) -> None:
    """A transfer pays the debt, and the bank takes it back. `before`: how often it has done so already."""

    def stands(owed_and_available: tuple[object, ...], unknown: int, paid: int, undone: int, line: BankLine, state: str) -> None:
        assert has(debtor, *ACCOUNTS) == owed_and_available and nobodys(debtor) == unknown, axe.fallen
        with unit(debtor.shop.app):
            mine = db.session.query(Message).filter_by(vendor_id=debtor.shop.vendor.id)
            letters = [mine.filter_by(kind=kind).count() for kind in ("debt_repaid", "debt_repayment_taken_back")]
            assert letters == [paid, undone], axe.fallen
            assert get_line("test", line.public_id).state == state, axe.fallen

    nothing = nobodys(debtor)
    line = arrives(bank, 10_000)
    lives(lambda: repaid(debtor, line), axe, lambda: stands(IN_DEBT, nothing + 10_000, before, before, line, "unknown"))
    stands(PAID, nothing, before + 1, before, line, "resolved")
    with unit(debtor.shop.app):
        import_statement(file_of(bank.draft(debit_of(line))), name="statement.xml", by="operator")
    debit = bank.line(sign=-1, name=line.name)
    lives(bank.book, axe, lambda: stands(PAID, nothing, before + 1, before, debit, "new"))
    stands(IN_DEBT, nothing, before + 1, before + 1, debit, "booked")


def test_whichever_line_it_dies_at_the_debt_is_the_same(debtor: Seller, bank: TestBank) -> None:
    counted = Axe(*SOURCES)
    comes_and_goes(debtor, bank, counted, 0)
    assert counted.lines > 200
    for before, at in enumerate(sorted(random.Random(7).sample(range(1, counted.lines + 1), 40)), 1):
        axe = Axe(*SOURCES, at=at)
        comes_and_goes(debtor, bank, axe, before)
        assert axe.fallen and debtor.books_are_whole(), axe.fallen
