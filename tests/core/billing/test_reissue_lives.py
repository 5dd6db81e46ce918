"""EC-96: whatever life a subscription leads, invoices that are issued anew in it leave every sum where it belongs."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from core.billing.effects import Drafted
from core.billing.reissue import ORIGIN
from core.billing.wishes import Wish
from tests.core.billing.lives import ANCHORS, ANEW_DAYS, ANSWERS, Anew, live, standing
from tests.core.billing.rules import (
    every_penny_is_accounted_for,
    no_more_tax_goes_back_than_was_taken,
    no_period_costs_more_than_its_highest_state,
)

Days = list[tuple[int, Wish | Anew]]


@given(ANCHORS, ANEW_DAYS, ANSWERS, st.sampled_from([None, 2000]))
@settings(max_examples=120)
def test_ec_96_every_penny_is_accounted_for(begins: date, days: Days, answers: list[str], tax_bps: int | None) -> None:
    every_penny_is_accounted_for(live(begins, days, answers, tax_bps=tax_bps))


@given(ANCHORS, ANEW_DAYS, ANSWERS)
@settings(max_examples=120)
def test_ec_96_a_period_still_costs_no_more_than_its_highest_state(begins: date, days: Days, answers: list[str]) -> None:
    no_period_costs_more_than_its_highest_state(live(begins, days, answers))


@given(ANCHORS, ANEW_DAYS, ANSWERS)
@settings(max_examples=120)
def test_ec_96_no_more_tax_goes_back_than_was_taken(begins: date, days: Days, answers: list[str]) -> None:
    no_more_tax_goes_back_than_was_taken(live(begins, days, answers, tax_bps=2000))


@given(ANCHORS, ANEW_DAYS, ANSWERS)
@settings(max_examples=120)
def test_ec_96_a_credit_note_is_the_exact_mirror_and_no_invoice_has_two(begins: date, days: Days, answers: list[str]) -> None:
    story = live(begins, days, answers, tax_bps=2000)
    papers = {line.number: document for document in standing(story) for line in document.lines}
    seen: set[int] = set()
    for effect in story.of(Drafted):
        note = effect.document
        if note.origin == ORIGIN and note.kind == "credit_note":
            first = papers[note.lines[0].corrects or 0]
            assert first.kind == "invoice" and first.number not in seen
            assert (note.net, note.tax, note.gross) == (-first.net, -first.tax, -first.gross)
            assert [line.corrects for line in note.lines] == [line.number for line in first.lines]
            seen.add(first.number)
