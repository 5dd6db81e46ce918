"""A processor's payout to our bank that failed: its own line says that it holds the money again, and so do the books of everybody in it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.providers.settlement import Settlement, SettlementLine
from core.reconciliation.settle import note_settlements, take_back_failed
from core.reconciliation.take import take_lines
from tests.core.payments.transfers import books
from tests.core.reconciliation.processor import Processor
from tests.core.reconciliation.test_classes import end
from tests.factories import unit


def fails(processor: Processor, payout: Settlement, *, short: int = 0) -> None:
    """The processor says that it failed, and has a movement for it."""
    at, back = now(), payout.amount_minor - short
    line = SettlementLine(
        f"txn_back_{payout.external_id}", "payout_failure", "payout_reversal", payout.currency, back, 0, back, at, at.date(),
        source_id=payout.external_id,
    )  # fmt: skip
    with unit(processor.shop.app):
        note_settlements("test", processor.name, [replace(payout, state="failed")])
        take_lines("test", processor.name, [(1, line)])


@pytest.fixture
def payout(processor: Processor) -> Settlement:
    """One that has left, and is on its way by the books."""
    processor.sells("60.00")
    processor.mishap("lost_payout", subject="usd")
    processor.looks()
    (made,) = processor.settlements()
    assert books(processor.shop)["bank_in_transit"] == made.amount_minor and processor.holds() == 0
    return made


def look(processor: Processor) -> dict[str, int]:
    return processor.looks(fetching=False, held=False)


def test_one_that_failed_is_held_by_the_processor_again(processor: Processor, payout: Settlement) -> None:
    fails(processor, payout)
    for _ in range(2):
        look(processor)
        assert processor.open() == [] and {line.state for line in processor.lines()} == {"matched"}
        assert processor.holds() == payout.amount_minor and "bank_in_transit" not in books(processor.shop)
    with shifted(timedelta(days=9)):
        look(processor)
        assert processor.open("bank_missing") == [] and processor.books_are_whole()


def test_one_that_a_person_had_given_up_is_not_taken_back_twice(processor: Processor, payout: Settlement) -> None:
    with shifted(timedelta(days=4)):
        look(processor)
        (row,) = processor.open("bank_missing")
        end(processor, row, "lost")
        fails(processor, payout)
        look(processor)
        assert processor.holds() == payout.amount_minor and {line.state for line in processor.lines()} == {"matched"}
        assert processor.open() == [] and processor.books_are_whole()


def failed_before_it_was_booked(processor: Processor) -> Settlement:
    """Its lines were told while it was under way; it failed before anybody looked at them."""
    processor.sells("60.00")
    made = processor.pays_out()
    with processor.shop.app.app_context():
        lines, _ = processor.adapter.settlement_lines(now() - timedelta(days=1))
    with unit(processor.shop.app):
        take_lines("test", processor.name, list(enumerate(lines, 1)))
    fails(processor, made)
    look(processor)
    return made


def test_one_that_failed_before_it_was_booked_is_nothing_on_both_sides(processor: Processor) -> None:
    made = failed_before_it_was_booked(processor)
    assert processor.settlement(made).booked_at is None and processor.holds() == made.amount_minor and processor.open() == []
    assert {line.state for line in processor.lines()} == {"matched"} and "bank_in_transit" not in books(processor.shop)


def test_a_page_that_says_late_that_it_is_on_its_way_books_nothing(processor: Processor) -> None:
    made = failed_before_it_was_booked(processor)
    with shifted(timedelta(hours=2)):
        processor.looks(held=False)
        assert (
            processor.settlement(made).told_state in ("pending", "in_transit", "paid")
            and processor.settlement(made).lines_minor is not None
        )
        assert processor.settlement(made).booked_at is None and "bank_in_transit" not in books(processor.shop)


def test_one_that_the_bank_shows_at_that_very_moment_stays_the_banks(processor: Processor, payout: Settlement) -> None:
    fails(processor, payout)
    gun = threading.Event()

    def bank_shows() -> None:
        with processor.shop.app.app_context(), db.engine.begin() as beside:
            asked = {"line": "bl_x", "source": processor.name, "id": payout.external_id}
            beside.execute(text("UPDATE recon_settlements SET line = :line WHERE source = :source AND external_id = :id"), asked)
            gun.set()
            for _ in range(200):
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
                if beside.execute(text(waiting)).scalar():
                    break
                time.sleep(0.05)

    other = threading.Thread(target=bank_shows, daemon=True)
    other.start()
    assert gun.wait(30)
    with unit(processor.shop.app):
        take_back_failed("test", processor.name)
    other.join(30)
    assert processor.settlement(payout).line == "bl_x" and "new" in {line.state for line in processor.lines()}
    assert books(processor.shop)["bank_in_transit"] == payout.amount_minor


def test_another_sum_or_one_the_bank_has_shown_is_a_persons(processor: Processor, payout: Settlement) -> None:
    fails(processor, payout, short=100)
    with shifted(timedelta(hours=2)):
        look(processor)
        (row,) = processor.open("missing_in_ledger")
        assert row.amount_minor == payout.amount_minor - 100 and row.state == "open" and processor.holds() == 0
        end(processor, row, "hold")
        look(processor)
        assert {line.state for line in processor.lines()} == {"matched"} and processor.open("missing_in_ledger") == []
