"""When nothing is wrong: every line finds its entry, the payout to our bank its books and its line, and the two sides hold the same."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete

from core.kernel.clock import frozen, now, shifted
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import OutboxTask
from core.ledger.book import PLATFORM
from core.ledger.models import Journal
from core.payments.outside_refund import settle_outside_refund
from core.providers.bank_models import BankLine
from core.providers.settlement import Settlement
from core.reconciliation.bank import only_subset
from core.reconciliation.models import ReconMatch, ReconRun
from core.reconciliation.totals import look_at_keys
from core.reconciliation.untold import stretches
from tests.core.payments.conftest import another_shop
from tests.core.payments.transfers import books
from tests.core.reconciliation.processor import Processor
from tests.factories import Shop, again, fresh, unit


def test_sales_and_refunds_match_by_their_ids_to_the_last_one(processor: Processor) -> None:
    first, second = processor.sells("25.00"), processor.sells("40.00")
    processor.refunds(first, "10.00")
    figures = processor.looks()
    assert (figures["lines"], figures["matched"], figures["found"]) == (3, 3, 0), processor.open()
    assert {line.rule for line in processor.lines()} == {1} and {line.state for line in processor.lines()} == {"matched"}
    assert processor.holds() == processor.says() > 0
    with unit(processor.shop.app):
        matches = db.session.query(ReconMatch).filter_by(source=processor.name).count()
    assert matches == 5, "two captures, two fees and a refund"
    assert second.captured_minor == 4000 and processor.books_are_whole()


def test_looking_again_changes_nothing(processor: Processor) -> None:
    processor.sells()
    processor.looks()
    figures = processor.looks()
    assert (figures["lines"], figures["matched"], figures["found"], figures["gone"]) == (0, 0, 0, 0)


def test_a_payout_to_our_bank_is_booked_in_every_book_that_has_a_share_in_it(processor: Processor, shop: Shop) -> None:
    other = another_shop(shop)
    mine, theirs = processor.sells("25.00"), processor.sells("60.00", shop=other)
    payout = processor.pays_out()
    processor.looks()
    row = processor.settlement(payout)
    assert row.lines_minor == row.amount_minor == payout.amount_minor and row.booked_at and row.line is None
    assert row.shares == {str(shop.vendor.id): 2500 - 55, str(other.vendor.id): 6000 - 104}
    assert processor.holds() == processor.says() == 0 and processor.open() == []
    assert books(shop)["bank_in_transit"] == 2445 and books(other)["bank_in_transit"] == 5896
    processor.bank_brings(payout)
    row = processor.settlement(payout)
    line = processor.bank_line(row.line or "")
    assert (line.state, line.resolution, row.rule) == ("resolved", "settlement", 1)
    assert books(shop).get("bank_in_transit", 0) == 0 and books(shop)["bank"] == 2445 and books(other)["bank"] == 5896
    assert mine.captured_minor and theirs.captured_minor and processor.books_are_whole(other.vendor)


def test_a_seller_whose_refunds_cost_more_than_its_sales_brought_has_a_share_below_zero(processor: Processor, shop: Shop) -> None:
    other = another_shop(shop)
    sale = processor.sells("50.00")
    before = _paid(processor)
    processor.bank_brings(before)
    processor.refunds(sale, "20.00")
    processor.sells("90.00", shop=other)
    payout = processor.pays_out()
    processor.looks()
    shares = processor.settlement(payout).shares or {}
    assert shares[str(shop.vendor.id)] == -2000 and sum(shares.values()) == payout.amount_minor
    assert books(shop)["payout_shortfall"] == 2000, "shown with its natural sign"
    assert processor.holds() == processor.says() == 0
    processor.bank_brings(payout)
    assert "payout_shortfall" not in books(shop) and processor.settlement(payout).line
    assert before.external_id != payout.external_id and processor.books_are_whole(other.vendor)


def _paid(processor: Processor) -> Settlement:
    payout = processor.pays_out()
    processor.looks()
    return payout


def test_two_payouts_that_a_bank_brings_in_one_credit_are_told_apart(processor: Processor) -> None:
    processor.sells("11.13")
    first = _paid(processor)
    processor.sells("17.19")
    second = _paid(processor)
    together = first.amount_minor + second.amount_minor
    processor.bank_brings(first, text="PAYMENT", minor=together)
    rows = [processor.settlement(one) for one in (first, second)]
    assert rows[0].line and rows[0].line == rows[1].line and {row.rule for row in rows} == {5}
    assert "bank_in_transit" not in books(processor.shop)


def test_a_sum_alone_decides_only_when_there_is_one_of_each(processor: Processor) -> None:
    processor.sells("33.37")
    payout = _paid(processor)
    processor.bank_brings(payout, text="PAYMENT")
    assert processor.settlement(payout).rule == 6
    processor.sells("44.41")
    again = _paid(processor)
    processor.sells("44.41")
    twin = _paid(processor)
    processor.bank_brings(again, text="PAYMENT")
    assert processor.settlement(again).line is None and processor.settlement(twin).line is None


def test_a_set_of_amounts_counts_only_when_no_other_set_comes_to_the_same() -> None:
    assert only_subset(30, [10, 20, 40]) == (0, 1)
    assert only_subset(30, [10, 20, 5, 25]) is None, "two answers are none"
    assert only_subset(10, [10, 20]) is None, "one alone is no sum"
    assert only_subset(13, [1] * 13) is None, "more candidates than are tried"


def test_a_refund_that_came_back_before_we_heard_of_it_is_nothing_on_both_sides(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.looks()
    with processor.shop.app.app_context():
        processor.adapter.refund("ref_outside", sale.charge or "", sale.captured, "other", {})
    processor.mishap("refund_back")
    processor.looks(held=False)
    assert {line.category: line.rule for line in processor.lines()} == {"charge": 1, "refund": 4, "refund_failure": 4}
    assert processor.open() == []


def test_the_lines_of_a_bank_that_are_payouts_are_taken_as_soon_as_they_are_booked(processor: Processor) -> None:
    processor.sells("21.00")
    payout = _paid(processor)
    processor.bank_brings(payout)
    with unit(processor.shop.app):
        line = db.session.query(BankLine).filter_by(public_id=processor.settlement(payout).line).one()
        keys = {j.event_key for j in db.session.query(Journal).filter(Journal.about == line.public_id, Journal.vendor_id == PLATFORM)}
    assert keys == {f"bank:{line.public_id}:in", f"bank:{line.public_id}:moved"}


def test_a_line_that_says_whose_it_is_finds_its_entry_however_long_ago_it_was_booked(processor: Processor) -> None:
    with shifted(timedelta(days=-40)):
        sale = processor.sells("12.00")
    figures = processor.looks()
    assert (figures["matched"], processor.open(), processor.lines()[0].rule) == (1, [], 1)
    assert sale.captured_at and processor.books_are_whole()


def test_what_a_dispute_took_and_gave_back_matches_like_everything_else(processor: Processor, shop: Shop) -> None:
    payment = processor.sells("25.00")
    dispute = processor.control("POST", "disputes", charge=payment.charge)["id"]
    processor.hears_of(payment, dispute)
    processor.looks()
    assert processor.open() == [] and processor.holds() == processor.says() < 0, "what was taken and what is charged for it, at its net"
    processor.control("POST", "disputes", dispute=dispute, outcome="won")
    processor.hears_of(payment, dispute)
    figures = processor.looks()
    assert figures["matched"] == 1 and processor.open() == [] and processor.holds() == processor.says() > 0
    assert processor.books_are_whole()


@pytest.mark.parametrize("each", [True, False])
def test_a_dispute_that_is_taken_up_anew_matches_time_by_time(processor: Processor, shop: Shop, each: bool) -> None:
    """Whether each time is looked at by itself, or all at the end."""
    payment = processor.sells("25.00")
    dispute = processor.control("POST", "disputes", charge=payment.charge)["id"]
    for outcome in ("won", "again", "won", "again"):
        processor.hears_of(payment, dispute)
        if each:
            processor.looks()
        processor.control("POST", "disputes", dispute=dispute, outcome=outcome)
    processor.hears_of(payment, dispute)
    processor.looks()
    with shifted(timedelta(days=3)):
        processor.looks()
        assert processor.open() == [] and processor.holds() == processor.says()
    assert {line.state for line in processor.lines()} == {"matched"} and processor.books_are_whole()


def test_a_dispute_that_was_lost_is_in_the_books_under_its_own_key(processor: Processor, shop: Shop) -> None:
    """It stands among the payment's refunds, and no refund was ever confirmed for it."""
    payment = processor.sells("25.00")
    dispute = processor.control("POST", "disputes", charge=payment.charge)["id"]
    processor.hears_of(payment, dispute)
    processor.control("POST", "disputes", dispute=dispute, outcome="lost")
    processor.hears_of(payment, dispute)
    processor.looks()
    with unit(shop.app):
        assert [one for one in look_at_keys("test", now() - timedelta(days=1)) if one.book == shop.vendor.id] == []
    assert processor.open() == [] and processor.books_are_whole()


def test_a_dispute_nobody_told_us_of_is_missing_here(processor: Processor, shop: Shop) -> None:
    payment = processor.sells("25.00")
    dispute = processor.control("POST", "disputes", charge=payment.charge)["id"]
    for _ in range(2):
        processor.looks()
    assert {row.kind for row in processor.open()} == {"missing_in_ledger", "balance_break"}
    assert asked(processor, "follow_dispute") == [dispute], "it is asked about by rule, once: its news may be lost for good"
    (one,) = processor.open("missing_in_ledger")
    assert processor.trail(one) == ["found", "asked"]


def test_a_refund_made_at_the_processor_of_which_no_news_came_is_asked_about(processor: Processor) -> None:
    sale = processor.sells("25.00")
    with processor.shop.app.app_context():
        made = processor.adapter.refund("by_hand", sale.charge or "", sale.captured, "other", {})
    processor.looks()
    assert asked(processor, "find_outside_refunds") == [made.provider_reference]


def test_a_refund_made_twice_of_which_no_news_came_is_asked_about_under_its_own_number(processor: Processor) -> None:
    sale = processor.sells("25.00")
    processor.control("POST", "stories", story="refund_doubled")
    refund = processor.refunds(sale, "5.00")
    processor.looks()
    (row,) = processor.open("missing_in_ledger")
    second = str(row.theirs["source_id"])
    assert row.about == refund.public_id and second != refund.provider_reference
    assert asked(processor, "find_outside_refunds") == [second], "ours is known, and there is nothing to ask about it"
    with processor.shop.app.app_context():
        told = processor.adapter.inquire_refund(second)
    with unit(processor.shop.app):
        settle_outside_refund(processor.shop.vendor, again(sale), told, cause="report")
    processor.looks()
    assert processor.open() == [] and fresh(processor.shop, sale).refunded_minor == 1_000
    processor.mishap("refund_back", subject=second)
    processor.looks()
    (row,) = processor.open("status_conflict")
    assert asked(processor, "find_outside_refunds") == [second, second], "it is the second that came back, not the one that was asked for"


def asked(processor: Processor, job: str) -> list[str]:
    """About which of its objects this processor is to be asked."""
    with unit(processor.shop.app):
        mine = OutboxTask.job == job, OutboxTask.args["provider"].astext == processor.name
        return [task.args.get("dispute") or task.args.get("refund") for task in db.session.query(OutboxTask).filter(*mine)]


def test_the_first_look_goes_back_to_the_first_money_and_one_after_a_silence_to_the_last_answer(processor: Processor, shop: Shop) -> None:
    """What the processor was not asked about is not missing there: weeks in which it did not answer are asked for once it does."""
    for days in (40, 15):
        at = now() - timedelta(days=days)
        processor.control("POST", "clock", at=int(at.timestamp()))
        with frozen(at):
            processor.sells()
    processor.control("POST", "clock", at=None)
    processor.sells()
    with unit(shop.app):
        db.session.execute(delete(ReconRun))
        assert asked_since(processor) < now() - timedelta(days=40)
    figures = processor.looks(asking=True)
    assert (figures["lines"], figures["matched"], figures["found"]) == (3, 3, 0), processor.open()
    assert processor.holds() == processor.says() > 0
    for asked, since in ((now() - timedelta(days=21), timedelta(days=23)), (now(), timedelta(days=14))):
        with unit(shop.app):
            db.session.add(_ended_run(asked))
        with unit(shop.app):
            assert abs(now() - since - asked_since(processor)) < timedelta(minutes=5)


def asked_since(processor: Processor) -> datetime:
    """From when on the next look asks what moved."""
    return stretches("test", processor.name)[0].asks_since


def _ended_run(at: datetime) -> ReconRun:
    return ReconRun(
        mode="test",
        id=uuid7(),
        public_id=public_id("rrn"),
        asked_by="clock",
        asked_at=at,
        ended_at=at,
        stage="done",
        figures={},
        problem="",
        untold={},
    )
