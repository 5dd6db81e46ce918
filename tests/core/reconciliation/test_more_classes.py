"""The classes about days, payouts, the bank and balances: made, found and explained, resolved, and the books prove."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.kernel.clock import shifted
from core.kernel.db import db
from core.kernel.errors import NeedsASecondPerson
from core.payments.unknown import return_line
from core.reconciliation.exceptions import breaks_of
from core.reconciliation.models import ReconException
from core.reconciliation.resolve import HasMovedOn, agree, decline, needs_two, resolve
from core.reconciliation.runs import look_at_bank, look_at_totals
from tests.core.payments.conftest import AtOnce
from tests.core.payments.transfers import TestBank, books, transfer
from tests.core.reconciliation.processor import Processor
from tests.core.reconciliation.test_classes import end, nothing_is_left
from tests.factories import ask_refund, unit


def named(processor: Processor, kind: str, about: str) -> ReconException:
    with unit(processor.shop.app):
        rows = db.session.scalars(select(ReconException).where(ReconException.kind == kind, ReconException.about == about)).all()
    assert len(rows) == 1, rows
    return rows[0]


def test_missing_at_the_processor(processor: Processor) -> None:
    sale = processor.sells("80.00")
    gone = processor.mishap("forgotten", subject=sale.charge)
    processor.looks()
    assert processor.open("missing_at_processor") == [], "a processor has two days to say so"
    with shifted(timedelta(days=3)):
        processor.looks()
        rows = processor.open("missing_at_processor")
        assert sorted(row.ours["amount_minor"] for row in rows) == [-132, 8_000] and {row.about for row in rows} == {sale.public_id}
        for row in rows:
            end(processor, row, "difference")
        assert books(processor.shop)["unexplained_debits"] == 8_000 and nothing_is_left(processor)
    assert gone.startswith("txn_")


def test_settlement_sum(processor: Processor) -> None:
    processor.sells("60.00")
    processor.mishap("short_payout", subject="usd", minor=150)
    processor.looks()
    (payout,) = processor.settlements()
    (row,) = processor.open("settlement_sum")
    assert (row.ours["lines_minor"], row.theirs["amount_minor"], row.amount_minor) == (5_896, 5_746, -150)
    with unit(processor.shop.app):
        assert row.public_id in [one.public_id for one in breaks_of("test", row.happened_on)], "the day does not close"
    assert processor.holds() == processor.says() == 150
    processor.bank_brings(payout)
    end(processor, row, "keep")
    assert processor.settlement(payout).line and nothing_is_left(processor)


def test_bank_missing(processor: Processor) -> None:
    processor.sells("60.00")
    processor.mishap("lost_payout", subject="usd")
    processor.looks()
    assert processor.open() == [] and books(processor.shop)["bank_in_transit"] == 5_896
    with shifted(timedelta(days=4)):
        processor.looks(fetching=False)
        (row,) = processor.open("bank_missing")
        assert row.theirs["amount_minor"] == 5_896 and row.theirs["trace"].startswith("SBXPO")
        end(processor, row, "lost")
        processor.looks(fetching=False, held=False)
        assert processor.open("bank_missing") == [] and "bank_in_transit" not in books(processor.shop) and processor.holds() == 5_896
        assert processor.books_are_whole()


def test_bank_unknown(processor: Processor) -> None:
    bank = TestBank(processor.shop)
    bank.tell(transfer(7_777, text=f"no idea {processor.name}", name=processor.name))
    line = bank.line(name=processor.name)
    with unit(processor.shop.app):
        look_at_bank("test")
    row = named(processor, "bank_unknown", line.public_id)
    assert row.state == "waiting" and row.theirs["text"].startswith("no idea") and row.ours["why"] == "no_reference"
    with unit(processor.shop.app):
        return_line(line, by="stf_one", reason="nobody knows it")
        look_at_bank("test")
    assert named(processor, "bank_unknown", line.public_id).state == "closed" and processor.books_are_whole()


def test_a_payout_that_arrives_short_is_booked_with_what_the_bank_kept(processor: Processor) -> None:
    processor.sells("60.00")
    payout = processor.pays_out()
    processor.looks()
    processor.bank_brings(payout, minor=payout.amount_minor - 40)
    with unit(processor.shop.app):
        rows = db.session.scalars(
            select(ReconException).where(ReconException.source == "bank", ReconException.kind == "amount_mismatch")
        ).all()
    (row,) = [one for one in rows if one.ours["external_id"] == payout.external_id]
    assert row.amount_minor == -40
    before = books(processor.shop, platform=True).get("payout_cost", 0)
    end(processor, row, "arrived")
    assert books(processor.shop, platform=True)["payout_cost"] == before + 40
    assert "bank_in_transit" not in books(processor.shop) and processor.books_are_whole()


def test_stale_in_flight(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.looks()
    refund = ask_refund(processor.shop, sale, "5.00")
    with unit(processor.shop.app):
        look_at_totals("test")
    with shifted(timedelta(days=11)):
        with unit(processor.shop.app):
            look_at_totals("test")
        row = named(processor, "stale_in_flight", refund.public_id)
        assert (row.book, row.ours["account"], row.ours["amount_minor"]) == (processor.shop.vendor.id, 2050, -500)
        end(processor, row, "keep")
        assert named(processor, "stale_in_flight", refund.public_id).state == "resolved" and processor.books_are_whole()


def test_balance_break(processor: Processor) -> None:
    processor.sells("30.00")
    processor.mishap("balance_off", subject="usd", minor=700)
    processor.looks()
    (row,) = processor.open("balance_break")
    assert row.state == "open" and row.theirs["balance_minor"] - row.ours["balance_minor"] == row.amount_minor == 700
    end(processor, row, "difference")
    assert nothing_is_left(processor)


def test_a_balance_that_the_unmatched_explain_waits_for_them(processor: Processor) -> None:
    processor.mishap("stranger", subject="usd", minor=5_000)
    processor.looks()
    (row,) = processor.open("balance_break")
    assert row.state == "waiting" and row.ours["explained_minor"] == -4_910 and row.amount_minor == 4_910
    (missing,) = processor.open("missing_in_ledger")
    end(processor, missing, "hold")
    assert nothing_is_left(processor)


def test_cut_off(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.mishap("over_midnight", subject=sale.charge)
    processor.looks()
    (row,) = processor.open("cut_off")
    assert row.state == "waiting" and row.theirs["occurred_at"] < row.ours["at"]
    with unit(processor.shop.app):
        assert row.public_id not in [one.public_id for one in breaks_of("test", row.happened_on)], (
            "nothing is missing: it only stands on the other day"
        )
    with shifted(timedelta(days=2)):
        processor.looks(held=False)
        assert processor.open("cut_off") == [] and [one.state for one in processor.all("cut_off")] == ["closed"]
    assert processor.books_are_whole()


def test_above_the_limit_a_second_person_has_to_agree(processor: Processor) -> None:
    processor.mishap("stranger", subject="usd", minor=50_000)
    processor.looks()
    (row,) = processor.open("missing_in_ledger")
    assert needs_two(row)
    with unit(processor.shop.app):
        assert resolve(row, act="hold", reason="nobody knows it", by="stf_one", version=row.version) is False
    (row,) = processor.open("missing_in_ledger")
    assert (row.state, row.proposed_by) == ("proposed", "stf_one")
    with unit(processor.shop.app), pytest.raises(NeedsASecondPerson):
        agree(row, by="stf_one")
    with unit(processor.shop.app):
        decline(row, by="stf_two", reason="ask the shop first")
    (row,) = processor.open("missing_in_ledger")
    assert row.state == "open" and row.proposed_by == ""
    with unit(processor.shop.app), pytest.raises(HasMovedOn):
        resolve(row, act="hold", reason="x", by="stf_one", version=1)
    end(processor, row, "hold")
    assert nothing_is_left(processor)
    assert processor.trail(row) == ["found", "proposed", "declined", "proposed", "resolved"]


def test_one_exception_is_resolved_once_however_many_press(processor: Processor, at_once: AtOnce) -> None:
    processor.mishap("stranger", subject="usd", minor=3_000)
    processor.looks()
    (row,) = processor.open("missing_in_ledger")
    answers = at_once(*[lambda n=n: resolve(row, act="hold", reason="at once", by=f"stf_{n}", version=row.version) for n in range(2)])
    assert sorted(type(one).__name__ for one in answers) == ["HasMovedOn", "bool"]
    assert nothing_is_left(processor)
