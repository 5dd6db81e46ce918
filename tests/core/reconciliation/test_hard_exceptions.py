"""Exceptions under attack: figures that change under a proposal, sums that hide behind a small net, and moments no clock can reach."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Conflict
from core.ledger.hindrances import open_breaks
from core.reconciliation.exceptions import Finding, note_findings, take, trail_of
from core.reconciliation.files import bring_report
from core.reconciliation.models import ReconException
from core.reconciliation.queries import AGES, Wanted, age_of, list_exceptions
from core.reconciliation.resolve import agree, journal_of, needs_two, resolve, ways_of
from tests.core.payments.conftest import AtOnce
from tests.core.payments.transfers import books
from tests.core.reconciliation.processor import Processor
from tests.core.reconciliation.test_classes import end, nothing_is_left
from tests.core.reconciliation.test_report import file_of, row, total, wrong
from tests.factories import unit


def finding(minor: int = 90_000, kind: str = "missing_in_ledger", **theirs: Any) -> Finding:
    """Above the limit of one person, of a processor nobody else has."""
    key = f"txn_{secrets.token_hex(6)}"
    said = {"external_id": key, "gross_minor": minor, "fee_minor": 0, "net_minor": minor, "currency": "GBP", "category": "charge"} | theirs
    return Finding(kind, key, f"p{secrets.token_hex(5)}", "GBP", minor, date(2026, 11, 20), theirs=said)


def noted(one: Finding) -> ReconException:
    note_findings("test", [one])
    return db.session.scalars(select(ReconException).where(ReconException.key == one.key)).one()


def test_nobody_agrees_to_figures_that_were_not_those_proposed(app: Flask) -> None:
    one = finding()
    with unit(app):
        assert resolve(noted(one), act="hold", reason="the shop took it", by="stf_one") is False
    with unit(app):
        noted(replace(one, amount_minor=9_000_000, theirs=one.theirs | {"gross_minor": 9_000_000, "net_minor": 9_000_000}))
    with unit(app):
        now_is = noted(replace(one, amount_minor=9_000_000, theirs=one.theirs | {"gross_minor": 9_000_000, "net_minor": 9_000_000}))
        assert (now_is.state, now_is.act, now_is.proposed_by) == ("open", "", "")
        assert [step.kind for step in trail_of(now_is)] == ["found", "proposed", "changed"]
        with pytest.raises(Conflict, match="Nothing is proposed"):
            agree(now_is, by="stf_two", version=now_is.version)


def test_found_again_as_it_was_the_proposal_stays(app: Flask) -> None:
    one = finding()
    with unit(app):
        resolve(noted(one), act="hold", reason="the shop took it", by="stf_one")
    with unit(app):
        assert noted(one).state == "proposed"


def test_a_large_sum_of_which_nearly_all_was_kept_needs_two(app: Flask) -> None:
    """Its net is ten pence, and its journal moves nine hundred pounds to what nobody has explained."""
    with unit(app):
        small = noted(finding(10, gross_minor=90_000, fee_minor=89_990, net_minor=10))
        assert needs_two(small) and resolve(small, act="hold", reason="x", by="stf_one") is False
        assert not needs_two(noted(finding(10)))


def test_an_exception_grows_older_and_stands_in_one_bucket_at_a_time(app: Flask) -> None:
    one, mine = finding(), f"stf_{secrets.token_hex(5)}"
    with unit(app):
        take(noted(one), by=mine)
    moments = {"day": (0, 23), "days": (24, 95), "week": (96, 191), "older": (192, 2_000)}
    for bucket, hours in moments.items():
        for after in hours:
            with shifted(timedelta(hours=after)), unit(app):
                row = noted(one)
                found = [age for age in AGES if list_exceptions("test", Wanted(owner=mine, age=age)).rows == [row]]
                assert (age_of(row), found) == (bucket, [bucket]), f"{after} hours after it was found"


def test_what_is_proposed_or_over_is_not_asked_about(app: Flask) -> None:
    with unit(app):
        one = noted(finding(kind="status_conflict"))
        resolve(one, act="keep", reason="told by telephone", by="stf_one")
        with pytest.raises(Conflict):
            resolve(one, act="ask", reason="x", by="stf_two")
        assert (one.state, one.act) == ("proposed", "keep")
        agree(one, by="stf_two")
        with pytest.raises(Conflict):
            resolve(one, act="ask", reason="x", by="stf_two")
        assert (one.state, one.act) == ("resolved", "keep")


def test_what_had_its_time_stands_in_the_way_of_a_day_before_anybody_looks_again(app: Flask) -> None:
    one = replace(finding(), due_at=now() + timedelta(hours=1))
    with unit(app):
        known = noted(one)
        assert known.state == "waiting" and known.public_id not in [each.key for each in open_breaks("test", date(2026, 11, 26))]
    with shifted(timedelta(hours=2)), unit(app):
        assert known.public_id in [each.key for each in open_breaks("test", date(2026, 11, 26))]


def test_sum_and_fee_that_both_differ_are_both_booked(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.mishap("other_amount", subject=sale.charge, minor=-250)
    processor.mishap("other_fee", subject=sale.charge, minor=9)
    processor.looks()
    (one,) = processor.open("amount_mismatch")
    assert (one.amount_minor, one.ours["fee_minor"], one.theirs["fee_minor"]) == (-250, 62, 71)
    with unit(processor.shop.app):
        journal = journal_of(one, ways_of(one)[0])
        assert journal and sum(leg.amount.minor for leg in journal.legs) == 0
    end(processor, one, "difference")
    assert books(processor.shop)["unexplained_debits"] == 250 and books(processor.shop)["psp_fee_expense"] == 71
    assert nothing_is_left(processor)


def test_a_rounding_with_another_fee_is_no_rounding(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.mishap("other_amount", subject=sale.charge, minor=1)
    processor.mishap("other_fee", subject=sale.charge, minor=500)
    processor.looks()
    (one,) = processor.open("amount_mismatch")
    with unit(processor.shop.app):
        assert "rounding" not in [way.act for way in ways_of(one)]
    end(processor, one, "difference")
    assert nothing_is_left(processor)


@pytest.mark.parametrize("_round", range(5))
def test_two_tabs_end_it_once(app: Flask, at_once: AtOnce, _round: int) -> None:
    with unit(app):
        one = noted(finding(100))
    answers = at_once(*(lambda: resolve(one, act="hold", reason="x", by="stf_one", version=one.version) for _ in range(2)))
    assert sorted(type(answer).__name__ for answer in answers) == ["HasMovedOn", "bool"]


def test_one_file_brought_twice_at_once_is_one(app: Flask, at_once: AtOnce) -> None:
    raw = file_of(row(1).replace("A pot", secrets.token_hex(4)), total(1, "25.00", "0.55", "24.45"))
    answers = at_once(*(lambda: bring_report("test", "sandbox", raw, name="report.csv", by="stf_one") for _ in range(3)))
    assert len({answer.public_id for answer in answers}) == 1


@pytest.mark.parametrize("year", ["0001", "1969", "1999", "2200", "9999"])
def test_a_moment_no_clock_can_reach_is_refused_by_its_line(year: str) -> None:
    """Whoever adds an hour to the last one there is, or takes two days off the first, would never look at anything again."""
    edge = "12-31 23:59:59" if year == "9999" else "01-01 00:00:00"
    for place in ("2026-11-18 10:00:00", "2026-11-20 00:00:00,eur"):
        bad = row(1).replace(place, f"{year}-{edge}" + (",eur" if "eur" in place else ""))
        found = wrong(file_of(bad, total(1, "25.00", "0.55", "24.45")))
        assert found[0][0] == 2 and "a moment is written like" in found[0][1], found
