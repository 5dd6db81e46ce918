"""A processor that has more to tell than one look reads: what is left is said, the next look goes on there, and until then nothing of it is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.ledger.hindrances import OpenBreak, open_breaks
from core.providers import stripe_settlement
from core.providers.contract import ProviderUnreachable
from core.providers.settlement import SettlementLine
from core.reconciliation.models import ReconRun
from core.reconciliation.runs import begin_run, find_going
from core.reconciliation.untold import MOVEMENTS, read
from tests.core.reconciliation.processor import Processor
from tests.factories import unit
from workers import reconciliation

DAYS = (9, 8, 7, 6, 5)  # on each a sale, and each is a page


@pytest.fixture
def busy(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> Processor:
    """Two pages are what a look reads, of one line each; the first look is still to come."""
    for days in DAYS:
        at = now() - timedelta(days=days)
        processor.control("POST", "clock", at=int(at.timestamp()))
        with frozen(at):
            processor.sells()
    processor.control("POST", "clock", at=None)
    monkeypatch.setattr(stripe_settlement, "PAGE", 1)
    monkeypatch.setattr(reconciliation, "MOST_PAGES", 2)
    monkeypatch.setattr(reconciliation, "processors", lambda mode: [processor.adapter])
    with unit(processor.shop.app):
        db.session.execute(delete(ReconRun))
    return processor


def refuses(*_args: Any, **_more: Any) -> Any:
    raise ProviderUnreachable("it does not answer", effect_unknown=False)


def look(processor: Processor) -> ReconRun:
    """One whole look, as the job does it."""
    app = processor.shop.app
    with unit(app):
        run = begin_run("test", by="stf_1")
    assert run is not None
    with app.app_context():
        reconciliation.reconcile(processor.shop.vendor.id, mode="test", run=str(run.id))
    with unit(app):
        assert find_going("test") is None
        return db.session.get_one(ReconRun, ("test", run.id), populate_existing=True)


def untold_days(processor: Processor, run: ReconRun) -> list[int]:
    return [(now() - one.until).days for one in read(run, processor.name) if one.of == MOVEMENTS]


def test_what_was_cut_short_is_said_and_the_next_look_goes_on_there(busy: Processor) -> None:
    first = look(busy)
    assert len(busy.lines()) == 2 and busy.name in first.problem and "the next look goes on with movements of" in first.problem
    assert untold_days(busy, first) == [6] and busy.open("missing_at_processor") == [], "the others were not told of yet"
    second = look(busy)
    assert len(busy.lines()) == 4 and second.problem != "" and untold_days(busy, second) == [8]
    third = look(busy)
    assert (len(busy.lines()), third.problem, third.untold) == (5, "", {}) and busy.open() == [] and busy.holds() == busy.says()


def test_what_comes_new_is_told_beside_what_was_left(busy: Processor) -> None:
    look(busy)
    busy.sells()
    second = look(busy)
    assert len(busy.lines()) == 5 and untold_days(busy, second) == [8]
    look(busy)
    assert len(busy.lines()) == 6 and busy.open() == []


def test_what_was_told_to_its_end_before_is_not_cut_short_by_being_asked_again(busy: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "MOST_PAGES", 9)
    look(busy)
    monkeypatch.setattr(reconciliation, "MOST_PAGES", 2)
    assert (again := look(busy)).problem == "" and again.untold == {}, "two weeks are asked anew, and all of that is here"


def test_what_is_missing_where_all_was_told_is_found_and_stays_found_while_the_processor_is_silent(
    busy: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with frozen(now() - timedelta(days=3)):
        sale = busy.sells()
    busy.mishap("forgotten", subject=sale.charge)
    assert untold_days(busy, look(busy)) == [6]
    (*rows,) = busy.open("missing_at_processor")
    assert {row.about for row in rows} == {sale.public_id}, "of the days before nobody knows yet"
    with monkeypatch.context() as out:
        out.setattr(busy.adapter, "settlement_lines", refuses)
        look(busy)
    assert [row.id for row in busy.open("missing_at_processor")] == [row.id for row in rows]
    look(busy), look(busy)
    assert [row.id for row in busy.open("missing_at_processor")] == [row.id for row in rows]


def test_a_day_that_was_not_told_to_its_end_is_closed_by_two_people_only(busy: Processor) -> None:
    look(busy)
    assert [one.needs_two for one in hindering(busy, 5)] == [True] and hindering(busy, 20) == []
    look(busy), look(busy)
    assert hindering(busy, 5) == []


def hindering(processor: Processor, days: int) -> list[OpenBreak]:
    with unit(processor.shop.app):
        found = open_breaks("test", (now() - timedelta(days=days)).date())
        return [one for one in found if one.key == f"untold:{processor.name}"]


def test_a_payout_is_booked_when_all_its_lines_are_here(busy: Processor) -> None:
    payout = busy.pays_out()
    for lines in (None, None, payout.amount_minor):
        look(busy)
        row = busy.settlement(payout)
        assert row.lines_minor == lines and bool(row.booked_at) == bool(lines) and busy.open("settlement_sum") == []
    look(busy)
    assert busy.open() == [] and busy.holds() == busy.says() == 0


def test_a_processor_that_does_not_answer_makes_nothing_missing_and_is_asked_again(
    busy: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "MOST_PAGES", 9)
    with monkeypatch.context() as out:
        out.setattr(busy.adapter, "settlement_lines", refuses)
        first = look(busy)
    assert "it does not answer" in first.problem and busy.open("missing_at_processor") == [] and busy.lines() == []
    second = look(busy)
    assert (second.problem, second.untold, len(busy.lines())) == ("", {}, 5) and busy.open() == []


def test_an_empty_page_that_says_there_is_more_is_not_the_end(busy: Processor) -> None:
    busy.control("POST", "stories", story="blank_page", times=1, path="/v1/balance_transactions")
    first = look(busy)
    assert "not told to its end" in first.problem and first.problem.endswith("from the beginning") and busy.lines() == []
    assert busy.open("missing_at_processor") == [] and [one.needs_two for one in hindering(busy, 5)] == [True]
    look(busy)
    assert len(busy.lines()) == 2, "from the beginning"
    busy.control("POST", "stories", story="blank_page", times=2, path="/v1/balance_transactions")
    third = look(busy)
    assert len(busy.lines()) == 2 and untold_days(busy, third)[-1] == 6, "nothing is told, and the place stays"
    look(busy), look(busy)
    last = look(busy)
    assert (last.problem, last.untold, len(busy.lines())) == ("", {}, 5) and busy.open() == []


@pytest.mark.parametrize("of", [MOVEMENTS, "payout"])
def test_a_place_that_the_processor_does_not_know_any_more_is_given_up_once(busy: Processor, of: str) -> None:
    if of == "payout":
        of = busy.pays_out().external_id
    first = look(busy)
    with unit(busy.shop.app):
        run = db.session.get_one(ReconRun, ("test", first.id))
        left = [one | {"after": "txn_gone"} if one["of"] == of else one for one in run.untold[busy.name]]
        assert left != run.untold[busy.name]
        run.untold = {busy.name: left}
    second = look(busy)
    assert "the next look goes on with" in second.problem and "from the beginning" in second.problem
    assert "txn_gone" not in str(second.untold), "it is not asked about again"
    for _ in range(4):
        last = look(busy)
    assert (last.problem, last.untold) == ("", {}) and busy.open() == [] and busy.holds() == busy.says()


def test_a_page_on_which_most_lines_say_something_else_is_taken_without_them(processor: Processor) -> None:
    at = now()
    page = [SettlementLine(f"txn_{n}", "charge", "charge", "USD", 500, 20, 480, at, at.date(), f"ch_{n}") for n in range(30)]
    with processor.shop.app.app_context():
        assert reconciliation._take(processor.adapter, page[:29]) == 29
        twisted = [replace(line, gross_minor=501, net_minor=481) for line in page[:29]]
        assert reconciliation._take(processor.adapter, [*twisted, page[29]]) == 1
    assert len(processor.lines()) == 30 and len(processor.open("duplicate_external")) == 29
