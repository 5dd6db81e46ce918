"""Days under attack: closed by two at the same moment, signed over a break that has grown, and papers of long ago that were touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from core.kernel.db import unit_of_work
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.ledger.close_day import DayHindered, NotTheNextDay, request_close, sign_close
from core.ledger.day_models import LedgerDay
from core.ledger.hindrances import OpenBreak
from core.ledger.replay import DAYS
from tests.core.ledger.conftest import CLEARING, Book, Connect
from tests.core.ledger.days import ONE, booked, close, on, shut, work
from tests.core.ledger.test_close_day import breaks, day
from tests.core.payments.conftest import AtOnce, at_once

__all__ = ["at_once", "breaks", "day"]


@pytest.mark.parametrize("who", [("stf_one", "stf_one"), ("stf_one", "stf_two")], ids=["two tabs", "two people"])
def test_a_day_asked_for_twice_at_once_is_asked_for_once(day: date, at_once: AtOnce, who: tuple[str, str]) -> None:
    answers = at_once(*(lambda by=by: request_close("test", day, by=by, reason="Looked at all of it") for by in who))
    assert [type(answer) for answer in answers] == [LedgerDay, LedgerDay], answers
    assert len({answer.asked_by for answer in answers}) == 1 and {answer.state for answer in answers} == {"closing"}
    assert work(day).state == "closed"


def test_nobody_signs_over_a_break_that_has_grown(day: date, breaks: list[OpenBreak]) -> None:
    breaks.append(OpenBreak("rex_1", "missing at the processor", Money(200_000, "GBP")))
    shut(day, accept=frozenset({"rex_1"}))
    breaks[0] = replace(breaks[0], amount=Money(90_000_000, "GBP"))
    with unit_of_work(), pytest.raises(DayHindered, match="another one by now"):
        sign_close("test", day, by="stf_two")
    shut(day, accept=frozenset({"rex_1"}))
    with unit_of_work():
        assert sign_close("test", day, by="stf_two").state == "closing"
    breaks.clear()
    assert work(day).state == "closed"


@pytest.mark.parametrize("name", ["closing", "debit", "credit"])
def test_what_a_paper_of_long_ago_says_is_made_anew_too(day: date, book: Book, connect: Connect, name: str) -> None:
    """Not only of the last day that was closed. In a transaction that is rolled back."""
    close(day)
    booked(book, on(day + ONE), 111)
    close(day + ONE)
    owner = connect("owner")

    def differ() -> list[Any]:
        asked = f"""SELECT r.{name}, k.{name} FROM ({DAYS.rebuilt}) r FULL JOIN ({DAYS.kept}) k
                    ON k.mode = r.mode AND k.day = r.day AND k.code = r.code AND k.currency = r.currency
                    WHERE coalesce(r.day, k.day) = %s AND coalesce(r.code, k.code) = %s AND coalesce(r.currency, k.currency) = 'GBP' AND r.mode = 'test'"""
        return owner.execute(asked, (day, CLEARING)).fetchall()

    ((made, kept),) = differ()
    assert made == kept
    owner.execute("SET session_replication_role = replica")
    owner.execute("ALTER TABLE ledger_days DISABLE TRIGGER USER")
    place = f"SELECT (ordinality - 1)::int FROM jsonb_array_elements(facts -> 'accounts') WITH ORDINALITY a WHERE a.value ->> 'code' = '{CLEARING}' AND a.value ->> 'currency' = 'GBP'"
    changed = owner.execute(
        f"""UPDATE ledger_days SET facts = jsonb_set(facts, ARRAY['accounts', ({place})::text, '{name}'],
              to_jsonb((facts #>> ARRAY['accounts', ({place})::text, '{name}'])::bigint + 1)) WHERE mode = 'test' AND day = %s""",
        (day,),
    )
    assert changed.rowcount == 1
    ((made, kept),) = differ()
    assert kept == made + 1
    owner.rollback()


@pytest.mark.parametrize("mode", ["test", "live"])
@pytest.mark.parametrize("typo", [date(1, 1, 1), date(202, 11, 25), date(1999, 12, 31), date(9999, 12, 31)])
def test_a_slip_of_the_pen_closes_no_day_of_another_age(unit: None, mode: str, typo: date) -> None:
    with unit_of_work(), pytest.raises(NotTheNextDay):
        request_close(mode, typo, by="stf_one", reason="a slip")


def test_a_refusal_is_a_sentence_for_whoever_signs(day: date) -> None:
    with unit_of_work(), pytest.raises(Refusal):
        sign_close("test", day, by="stf_two")
