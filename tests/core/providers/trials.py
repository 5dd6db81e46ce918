"""Each adapter with what a payer and the world around it do: what the clauses for all of them are tried with."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.bank import Bank, find_expectation
from core.providers.bank_models import BankFile, BankLine, BankStatement
from core.providers.contract import Opening, OpenPayment, Provider, RefundOutcome
from core.providers.stripe import Stripe
from tests.core.providers import wishes
from tests.sandbox.running import pay

PAYER = "DE12500105170648489890"


@dataclass(frozen=True)
class Trial(ABC):
    """One adapter: what may be wished for there, and a payer who pays all of it."""

    adapter: Provider

    @abstractmethod
    def wish(self, minor: int = 2500, **changes: Any) -> OpenPayment:
        """Something to be paid there; `changes` are fields of the wish."""

    @abstractmethod
    def pay(self, opening: Opening) -> None:
        """The payer pays all of it."""

    def paid(self, minor: int = 2500) -> str:
        """A payment that was opened and paid; its reference there."""
        opening = self.adapter.open_payment(self.wish(minor))
        self.pay(opening)
        return opening.provider_reference

    def charged(self, minor: int = 2500) -> str:
        """The same by what a refund names."""
        charge = self.adapter.inquire(self.paid(minor)).charge
        assert charge
        return charge

    def refund(self, charge: str, minor: int, reference: str | None = None) -> RefundOutcome:
        amount = Money(minor, self.wish().amount.currency)
        return self.adapter.refund(reference or public_id("ref"), charge, amount, "other", {"vendor": "vnd_1", "payment": "pay_1"})


class AtTheProcessor(Trial):
    """Cards, over HTTP, on the sandbox's own page."""

    of = Stripe

    def wish(self, minor: int = 2500, **changes: Any) -> OpenPayment:
        return wishes.wish(minor, **changes)

    def pay(self, opening: Opening) -> None:
        assert pay(opening.redirect_url)[0] == 303


class AtTheBank(Trial):
    """Transfers, by the statements that tell of them."""

    of = Bank

    def wish(self, minor: int = 2500, currency: str = "EUR", **changes: Any) -> OpenPayment:
        made = wishes.wish(
            minor,
            currency,
            surface="instructions",
            method="bank_transfer",
            return_url="",
            cancel_url="",
            expires_at=now() + timedelta(days=7),
        )
        return replace(made, metadata={**made.metadata, "payment": public_id("pay")}, **changes)

    def pay(self, opening: Opening) -> None:
        assert opening.instructions
        arrive(opening.provider_reference, opening.instructions.amount.minor)


def arrive(reference: str, minor: int, account: str = PAYER) -> None:
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
