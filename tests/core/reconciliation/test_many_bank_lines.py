"""More unknown lines at the bank than one look reads: a payout that arrives is found all the same, and what was not looked at is not over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.kernel.clock import now
from core.kernel.db import db
from core.providers.bank_models import BankLine
from core.reconciliation import bank
from core.reconciliation.models import ReconException
from core.reconciliation.runs import look_at_bank
from tests.core.payments.transfers import TestBank
from tests.core.providers.statements import Line, Tx
from tests.core.reconciliation.processor import Processor
from tests.core.reconciliation.test_agreeing import _paid
from tests.factories import unit


def strangers(processor: Processor) -> list[str]:
    """Three credits of last week that nobody knows; their lines' numbers."""
    teller = TestBank(processor.shop, processor.currency)
    for minor in (101, 102, 103):
        teller.tell(Line((Tx(minor, name=processor.name, text="no idea"),), booked_on=(now() - timedelta(days=7)).date()))
    with unit(processor.shop.app):
        return list(db.session.scalars(select(BankLine.public_id).where(BankLine.name == processor.name)))


def state_of(processor: Processor, line: str) -> str:
    with unit(processor.shop.app):
        return (
            db.session.scalars(select(ReconException).where(ReconException.kind == "bank_unknown", ReconException.key == line)).one().state
        )


def test_what_is_new_is_looked_at_first_and_what_is_old_is_not_over(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = strangers(processor)
    with unit(processor.shop.app):
        look_at_bank("test")
    assert len(lines) == 3 and {state_of(processor, line) for line in lines} == {"waiting"}
    with unit(processor.shop.app):  # what other tests have left of today, and the one that comes
        today = select(func.count()).where(BankLine.mode == "test", BankLine.state == "unknown", BankLine.booked_on >= now().date())
        monkeypatch.setattr(bank, "MOST_LINES", int(db.session.scalar(today) or 0) + 1)
    processor.sells("60.00")
    payout = _paid(processor)
    processor.bank_brings(payout)
    assert processor.settlement(payout).line, "the payout has arrived, however many others wait"
    assert {state_of(processor, line) for line in lines} == {"waiting"}, "nobody has found out whose they are"
