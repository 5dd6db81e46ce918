"""EC-96: whatever life a subscription leads, invoices that are issued anew in it leave every sum where it belongs."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from core.billing.calendar import period_of
from core.billing.effects import BalanceMoved, Drafted, Written
from core.billing.lines import BRANCH, group_of, sum_of
from core.billing.reissue import ORIGIN
from core.billing.wishes import Wish
from core.kernel.money import Money
from tests.core.billing.lives import ANCHORS, ANEW_DAYS, ANSWERS, Anew, charged, live, standing
from tests.core.billing.story import gbp

Days = list[tuple[int, Wish | Anew]]


@given(ANCHORS, ANEW_DAYS, ANSWERS, st.sampled_from([None, 2000]))
@settings(max_examples=120)
def test_ec_96_every_penny_is_accounted_for(begins: date, days: Days, answers: list[str], tax_bps: int | None) -> None:
    story = live(begins, days, answers, tax_bps=tax_bps)
    invoiced = sum_of((document.gross for document in standing(story)), "GBP")
    owed = sum_of((each.due for each in story.state.open), "GBP")
    written = sum_of((entry.amount for entry in story.of(Written) if entry.documents), "GBP")
    assert story.received + owed + written == invoiced + story.state.balance
    assert story.state.balance == sum_of((moved.amount for moved in story.of(BalanceMoved)), "GBP")
    assert story.state.balance >= gbp("0.00")


@given(ANCHORS, ANEW_DAYS, ANSWERS)
@settings(max_examples=120)
def test_ec_96_a_period_still_costs_no_more_than_its_highest_state(begins: date, days: Days, answers: list[str]) -> None:
    story = live(begins, days, answers)
    nets: dict[tuple[str, date], Money] = defaultdict(lambda: gbp("0.00"))
    caps: dict[tuple[str, date], Money] = defaultdict(lambda: gbp("0.00"))
    for line in charged(story):
        key = (group_of(line.item), period_of(story.state.anchor, line.start).start)
        nets[key] = nets[key] + line.amount
        if line.corrects is None and line.item != BRANCH:
            caps[key] = max(caps[key], line.whole)
    for (group, start), net in nets.items():
        cap = caps[group, start] if group != BRANCH else Money(100 * story.most.get(start, 0), "GBP")
        assert gbp("0.00") <= net <= cap


@given(ANCHORS, ANEW_DAYS, ANSWERS)
@settings(max_examples=120)
def test_ec_96_no_more_tax_goes_back_than_was_taken(begins: date, days: Days, answers: list[str]) -> None:
    story = live(begins, days, answers, tax_bps=2000)
    for share in story.state.taxed:
        assert gbp("0.00") <= share.credited_tax <= share.tax
        assert share.credited_net <= share.net
        if share.credited_net == share.net:
            assert share.credited_tax == share.tax


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
