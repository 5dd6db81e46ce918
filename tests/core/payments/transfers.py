"""A bank for tests of rooms: statements of our own accounts, imported and booked as the workers do it.

The account in euros is left to the stories, whose statements come from the sandbox's bank: an account has one bank, and its statements
are one chain. Who needs euros here has them `euros_at_another_bank`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.ledger.book import PLATFORM
from core.ledger.queries import balances, find_breaks
from core.methods.rules import list_rules, switch_method
from core.payments.attempt import begin_attempt, record_opening
from core.payments.bank_lines import book_lines
from core.payments.models import Attempt, Payment
from core.payments.statements import Imported, import_statement
from core.payments.transfer_models import TransferCase
from core.providers import registry
from core.providers.bank_models import BankLine, BankStatement
from core.providers.bank_orders import find_order
from core.providers.contract import Opening, OpenPayment
from core.providers.registry import provider_named
from tests.core.providers.statements import Draft, Line, Tx, file_of
from tests.factories import Shop, again, unit

numbers = itertools.count(1)
PAYER = "DE12500105170648489890"
ELSEWHERE = "DE89370400440532013000"


def our_account(currency: str) -> str:
    return next(row["iban"] for row in json.loads(settings().bank_accounts["test"]) if row["currency"] == currency)


@contextmanager
def euros_at_another_bank() -> Iterator[None]:
    """Inside, our account in euros is one of which the sandbox's bank knows nothing."""
    kept = settings().bank_accounts["test"]
    moved = [row | {"iban": ELSEWHERE} if row["currency"] == "EUR" else row for row in json.loads(kept)]
    _name_accounts(json.dumps(moved))
    try:
        yield
    finally:
        _name_accounts(kept)


def _name_accounts(text: str) -> None:
    settings().bank_accounts["test"] = text
    registry._made.cache_clear()


def begin_transfer(shop: Shop, payment: Payment) -> Attempt:
    """The payer chose bank transfer and has the instructions."""
    with unit(shop.app):
        if not any(rule.enabled for rule in list_rules(shop.vendor.id, shop.mode) if rule.method == "bank_transfer"):
            switch_method(shop.vendor, shop.mode, "bank_transfer", on=True, by=shop.user.public_id)
        attempt = begin_attempt(shop.vendor, again(payment), method="bank_transfer")
    with shop.app.app_context():
        opening = open_at_bank(shop, payment, attempt)
    with unit(shop.app):
        return record_opening(shop.vendor, attempt, opening)


def open_at_bank(shop: Shop, payment: Payment, attempt: Attempt) -> Opening:
    wish = OpenPayment(
        reference=attempt.public_id, mode=payment.mode, amount=payment.amount, description="", email=None, return_url="", cancel_url="",
        expires_at=payment.expires_at, surface="instructions", method="bank_transfer",
        metadata={"vendor": shop.vendor.public_id, "mode": payment.mode, "payment": payment.public_id, "attempt": attempt.public_id},
    )  # fmt: skip
    return provider_named("bank", payment.mode).open_payment(wish)


class TestBank:
    """Our bank as it is seen from a file: it knows what the account held, and numbers its statements."""

    __test__ = False

    def __init__(self, shop: Shop, currency: str = "USD") -> None:
        assert our_account("EUR") == ELSEWHERE or currency != "EUR", "the sandbox's bank tells of the account in euros"
        self.shop, self.currency = shop, currency

    def draft(self, *lines: Line, **changes: Any) -> Draft:
        """A statement that follows the last one."""
        account = our_account(self.currency)
        with unit(self.shop.app):
            last = db.session.scalars(
                db.select(BankStatement).where(BankStatement.account == account).order_by(BankStatement.sequence.desc()).limit(1)
            ).one_or_none()
        number = last.sequence + 1 if last else 1
        made = Draft(
            lines=tuple(replace(line, bank_reference=line.bank_reference or f"T{next(numbers)}-{now().timestamp()}") for line in lines),
            currency=self.currency, opening=last.closing_minor if last else 0, identity=f"T-{number}", sequence=number, account=account,
        )  # fmt: skip
        return replace(made, **changes)

    def tell(self, *lines: Line, **changes: Any) -> list[Imported]:
        """A statement with these lines comes in and is booked."""
        return self.bring(file_of(self.draft(*lines, **changes)))

    def bring(self, raw: bytes) -> list[Imported]:
        with unit(self.shop.app):
            found = import_statement(raw, name="statement.xml", by="operator")
        self.book()
        return found

    def book(self) -> None:
        with unit(self.shop.app):
            while book_lines("test"):
                pass

    def line(self, **wanted: Any) -> BankLine:
        """The newest line of the statements that is so."""
        with self.shop.app.app_context():
            found = [
                row
                for row in db.session.scalars(db.select(BankLine).order_by(BankLine.public_id))
                if all(getattr(row, k) == v for k, v in wanted.items())
            ]
        assert len(found) == 1, f"{len(found)} lines are so"
        return found[0]


def transfer(
    minor: int, reference: str = "", *, on: date | None = None, name: str = "Ada Payer", account: str = PAYER, **facts: Any
) -> Line:
    """Money comes in."""
    return Line((Tx(minor, reference=reference, name=name, account=account, **facts),), booked_on=on or now().date())


def books(shop: Shop, platform: bool = False) -> dict[str, int]:
    """What stands on which account, nothing left out, by the account's name; the books are whole."""

    class Book:
        id = PLATFORM if platform else shop.vendor.id

    with shop.app.app_context():
        assert find_breaks() == []
        found: dict[str, int] = {}
        for (name, _, _), money in balances(Book(), "test").items():
            found[name] = found.get(name, 0) + money.minor
        return {name: minor for name, minor in found.items() if minor}


def case_of(shop: Shop, payment: Payment) -> TransferCase | None:
    with shop.app.app_context():
        mine = db.select(TransferCase).where(TransferCase.payment_id == payment.id, TransferCase.resolved_at.is_(None))
        return db.session.scalars(mine).one_or_none()


def settle_order(bank: TestBank, reference: str) -> str:
    """The bank makes the transfer that was ordered; answers its end-to-end reference."""
    with bank.shop.app.app_context():
        order = find_order("test", reference)
    assert order
    out = Tx(order.amount_minor, sign=-1, name=order.to_name, account=order.to_account, end_to_end=order.end_to_end)
    bank.tell(Line((out,), sign=-1, booked_on=now().date()))
    return order.end_to_end
