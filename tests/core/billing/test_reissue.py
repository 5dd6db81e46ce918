"""EC-96: an invoice is issued anew: a credit note over the whole of it and the same lines again, and every sum stays where it belongs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core.billing.documents import CreditExceedsInvoice
from core.billing.dunning import retry_minute, schedule
from core.billing.effects import BalanceMoved, ChargeWanted, Drafted, Effect, Paid, RetriesStopped
from core.billing.forecast import forecast
from core.billing.lines import Document, TaxLine
from core.billing.reissue import CannotReissue, Reissue, reissue
from core.billing.tax import REVERSE, Treatment
from core.billing.wishes import AddBranches, ChooseTier
from tests.core.billing.story import Story, gbp

NOVEMBER = date(2026, 11, 1)
FREE = Treatment(REVERSE)


def anew(story: Story, ordinal: int, tax: Treatment | None = None, *, asked: tuple[int, ...] = ()) -> tuple[Document, Document]:
    papers = {document.number: document for document in story.documents()}
    found = {line.corrects for paper in papers.values() for line in paper.lines if line.corrects is not None}
    mine = {line.number for line in papers[ordinal].lines}
    done: list[Effect] = story.take(reissue(story.state, Reissue(papers[ordinal], tax, tuple(sorted(found & mine)), asked)))
    note, new = [effect.document for effect in done if isinstance(effect, Drafted)]
    return note, new


def test_ec_96_a_number_that_became_valid_later_gives_the_tax_back_as_balance() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 11))
    note, new = anew(story, 1, FREE)
    assert (note.kind, note.gross, note.taxes) == ("credit_note", gbp("-3.60"), (TaxLine(2000, gbp("-3.00"), gbp("-0.60")),))
    assert (new.kind, new.gross, new.taxes) == ("invoice", gbp("3.00"), (TaxLine(REVERSE, gbp("3.00"), gbp("0.00")),))
    assert (note.number, new.number, note.on, new.on) == (2, 3, story.state.today, story.state.today)
    assert [(line.start, line.end, line.amount) for line in new.lines] == [(NOVEMBER, date(2026, 12, 1), gbp("3.00"))]
    assert story.state.balance == gbp("0.60") and not story.state.open
    moved = [effect.amount for effect in story.new if isinstance(effect, BalanceMoved)]
    assert moved == [gbp("3.60"), gbp("-3.00")] and not [effect for effect in story.new if isinstance(effect, ChargeWanted)]


def test_ec_96_what_ends_later_in_the_period_is_given_back_of_the_new_invoice_at_its_rate() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 11))
    _, new = anew(story, 1, FREE)
    story.to(date(2026, 11, 16))
    story.wish(ChooseTier("starter", now=True))
    note = story.documents()[-1]
    assert note.lines[0].corrects == new.lines[0].number and note.taxes == (TaxLine(REVERSE, gbp("-1.00"), gbp("0.00")),)
    assert story.state.tax_bps == REVERSE and story.state.balance == gbp("1.60")


def test_ec_96_more_tax_than_before_is_asked_for_at_once() -> None:
    story = Story("pro", NOVEMBER, tax_bps=None)
    story.pays = False
    anew(story, 1, Treatment(2000))
    (charge,) = [effect for effect in story.new if isinstance(effect, ChargeWanted)]
    assert (charge.documents, charge.amount) == ((3,), gbp("0.60"))
    assert [(owed.document, owed.due, owed.standing) for owed in story.state.open] == [(3, gbp("0.60"), "final")]


def behind(*, declined: bool = True) -> Story:
    """The renewal of December is unpaid; its first charge was declined on the first."""
    story = Story("pro", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 30))
    story.pays = False
    story.to(date(2026, 12, 1))
    if declined:
        story.decline()
    return story


def test_ec_96_what_was_unpaid_stays_unpaid_and_its_dunning_goes_on_as_if_nothing_had_been() -> None:
    story, untouched = behind(), behind()
    story.to(date(2026, 12, 2))
    untouched.to(date(2026, 12, 2))
    anew(story, 2, FREE)
    assert story.state.status == "past_due" and story.state.dunning == untouched.state.dunning
    assert [(owed.document, owed.due, owed.standing) for owed in story.state.open] == [(4, gbp("3.00"), "final")]
    assert not [effect for effect in story.new if isinstance(effect, ChargeWanted)], "between two retries nobody is asked"
    assert story.state.dunning is not None
    day = next(day for day in schedule(story.state.dunning.since, story.state.terms).retries if day > story.state.today)
    (retry,) = [effect for effect in story.to(day) if isinstance(effect, ChargeWanted)]
    (same,) = [effect for effect in untouched.to(day) if isinstance(effect, ChargeWanted)]
    assert (retry.documents, retry.amount) == ((4,), gbp("3.00"))
    assert (retry.on, retry.attempt, retry.at_minute) == (same.on, same.attempt, same.at_minute)
    story.settle()
    assert story.state.status == "active" and not story.state.open and story.state.dunning is None


def test_ec_96_a_retry_planned_for_later_that_day_is_planned_for_the_new_one() -> None:
    story = behind()
    assert story.state.dunning is not None
    story.to(schedule(story.state.dunning.since, story.state.terms).retries[0])
    planned = story.wanted()[-1]
    anew(story, 2, asked=planned.documents)
    assert RetriesStopped((2,)) in story.new
    (charge,) = [effect for effect in story.new if isinstance(effect, ChargeWanted)]
    assert charge == replace(planned, documents=(4,)) and charge.at_minute == retry_minute(story.state.key, 2)


def test_ec_96_a_first_charge_that_was_not_made_yet_asks_for_the_new_one() -> None:
    story = behind(declined=False)
    anew(story, 2, FREE, asked=(2,))
    (charge,) = [effect for effect in story.new if isinstance(effect, ChargeWanted)]
    assert (charge.documents, charge.amount, charge.attempt, charge.at_minute) == ((4,), gbp("3.00"), 1, None)
    story.settle()
    assert not story.state.open and Paid(4) in story.new


def test_ec_96_an_upgrade_keeps_what_it_gave_back_at_its_rate_and_tax() -> None:
    story = Story("starter", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 14))
    story.wish(ChooseTier("pro"))
    first = story.documents()[-1]
    note, new = anew(story, first.number, FREE)
    assert (note.net, note.tax) == (-first.net, -first.tax) and new.net == first.net
    assert [line.corrects for line in new.lines if line.amount.minor < 0] == [
        line.corrects for line in first.lines if line.amount.minor < 0
    ]
    back = next(line for line in first.lines if line.amount.minor < 0)
    given = next(tax for tax in new.taxes if tax.bps == 2000)
    assert given.net == back.amount and given.tax == gbp("-0.11") and new.tax == given.tax  # 17/30 of £1.00, and its tax


def test_ec_96_an_invoice_of_a_period_that_is_over_is_issued_anew_too() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 12, 5))
    before = story.state
    assert not [entry for entry in before.entries if entry.document == 1]
    note, new = anew(story, 1, FREE)
    assert (note.gross, new.gross, story.state.balance) == (gbp("-3.60"), gbp("3.00"), gbp("0.60"))
    assert story.state.tax_bps == 2000, "the period that runs was begun otherwise"
    story.to(date(2027, 1, 1))
    renewal = story.documents()[-1]
    assert (renewal.gross, story.state.balance) == (gbp("3.60"), gbp("0.00"))
    with pytest.raises(CreditExceedsInvoice):
        anew(story, 1, FREE)


def test_ec_96_once_for_an_invoice_and_the_new_one_again() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2000)
    _, new = anew(story, 1)
    assert story.state.balance == gbp("0.00") and not story.state.open
    with pytest.raises(CreditExceedsInvoice):
        anew(story, 1)
    note, last = anew(story, new.number, FREE)
    assert (note.gross, last.gross, story.state.balance) == (gbp("-3.60"), gbp("3.00"), gbp("0.60"))


def test_ec_96_not_where_a_part_was_credited_nor_a_draft_nor_while_a_change_waits() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 16))
    story.wish(ChooseTier("starter", now=True))
    with pytest.raises(CreditExceedsInvoice):
        anew(story, 1)
    with pytest.raises(CannotReissue):
        anew(story, 2)  # a credit note
    other = Story("starter", NOVEMBER)
    other.pays = False
    other.to(date(2026, 11, 16))
    other.wish(ChooseTier("pro"))
    with pytest.raises(CannotReissue):
        anew(other, 1)


def test_ec_96_branches_that_run_are_taken_off_the_new_line() -> None:
    story = Story("starter", NOVEMBER, branches=3)
    story.to(date(2026, 11, 6))
    _, new = anew(story, 1)
    story.to(date(2026, 11, 16))
    story.wish(AddBranches(-2))
    story.to(date(2026, 11, 17))
    note = story.documents()[-1]
    assert note.kind == "credit_note" and note.net.minor < 0
    assert {line.corrects for line in note.lines} <= {line.number for line in new.lines}


def test_ec_96_the_forecast_after_it_is_what_the_days_bring() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 11))
    anew(story, 1, FREE)
    told, before = forecast(story.state, [], story.offer), len(story.documents())
    story.to(told.end.today)
    assert list(told.documents) == story.documents()[before:] and told.end == story.state
