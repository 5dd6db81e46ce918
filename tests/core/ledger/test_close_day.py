"""Closing a day: in order, with a reason, never over a broken sum, by two people over a large break; and the figures are the journals'."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.errors import NeedsASecondPerson, Refusal
from core.kernel.money import Money
from core.ledger import hindrances
from core.ledger.chain_check import chain_breaks
from core.ledger.close_day import DayHindered, NotTheNextDay, request_close, sign_close
from core.ledger.day_facts import sum_of_heads
from core.ledger.days import find_day, is_next, last_to_close, list_days, next_to_close
from core.ledger.hindrances import OpenBreak, reports_breaks
from core.ledger.models import Proof
from core.ledger.proof import record_proof
from tests.core.ledger.conftest import CLEARING, PENDING, Book, Connect
from tests.core.ledger.days import ONE, booked, close, counted, moved, next_day, on, shut, undisturbed, work
from tests.core.ledger.test_chain import replica


@pytest.fixture
def breaks() -> Iterator[list[OpenBreak]]:
    """What a room above reports for any day, while the test runs."""
    found: list[OpenBreak] = []
    source = reports_breaks(lambda mode, day: list(found))
    yield found
    hindrances._sources.remove(source)


@pytest.fixture
def day(unit: None, book: Book) -> date:
    that = next_day()
    booked(book, on(that), 700)
    undisturbed()
    return that


def test_the_facts_are_what_the_journals_of_the_day_come_to(day: date, book: Book) -> None:
    booked(book, on(day), 300)
    booked(book, on(day), 5, "JPY")
    booked(book, on(day + ONE), 9_999)
    facts = close(day).facts
    assert facts is not None
    pounds = {one["code"]: one for one in facts["accounts"] if one["currency"] == "GBP"}
    told = {(one["code"], one["currency"]): (one["debit"], one["credit"]) for one in facts["accounts"] if one["debit"] or one["credit"]}
    assert told == moved(day) and told[CLEARING, "GBP"][0] >= 1000 and told[PENDING, "JPY"][1] >= 5
    assert all(one["closing"] == one["opening"] + one["debit"] - one["credit"] for one in facts["accounts"])
    assert [(t["currency"], t["debit"] - t["credit"], t["left"] - t["right"]) for t in facts["totals"]] == [
        (currency, 0, 0) for currency in sorted({one["currency"] for one in facts["accounts"]})
    ]
    assert (facts["journals"], facts["books"]) == counted(day) and facts["journals"] >= 3
    following = close(day + ONE).facts
    assert following is not None
    opened = {one["code"]: one["opening"] for one in following["accounts"] if one["currency"] == "GBP"}
    assert opened[CLEARING] == pounds[CLEARING]["closing"], "each day begins with what the one before it ended with"


def test_the_closings_of_all_days_are_the_sums_of_all_entries_up_to_then(day: date) -> None:
    """Added up over the days, or at once over all the journals there are: the same."""
    facts = close(day).facts
    assert facts is not None
    with unit_of_work():
        rows = db.session.execute(
            text(
                """SELECT e.code, e.currency::text, sum(e.amount_minor) FROM entries e JOIN journals j
                   ON j.vendor_id = e.vendor_id AND j.mode = e.mode AND j.id = e.journal_id
                   WHERE e.mode = 'test' AND j.effective_at < :until GROUP BY e.code, e.currency"""
            ),
            {"until": on(day + ONE, 0)},
        )
        assert {(r[0], r[1]): int(r[2]) for r in rows if r[2]} == {
            (one["code"], one["currency"]): one["closing"] for one in facts["accounts"] if one["closing"]
        }


def test_days_are_closed_in_their_order_when_they_are_over(day: date) -> None:
    for wrong in (now().date(), now().date() + ONE):
        with pytest.raises(NotTheNextDay):
            shut(wrong)
    close(day)
    for wrong in (day + 2 * ONE, now().date(), now().date() - 2 * ONE):
        with pytest.raises(NotTheNextDay):
            shut(wrong)
    with unit_of_work():
        assert next_to_close("test") == day + ONE and list_days("test")[0].day == day
        assert last_to_close() < now().date() <= last_to_close() + timedelta(days=2)


def test_closing_twice_is_closing_once(day: date) -> None:
    first = close(day)
    shut(day)
    with unit_of_work():
        again = find_day("test", day)
    assert again is not None and (again.state, again.closed_at) == ("closed", first.closed_at)


def test_no_day_is_closed_while_a_sum_is_broken(day: date, book: Book) -> None:
    with unit_of_work():
        record_proof(book.vendor, "test", ["journal x is not zero"], took=timedelta(0))
    with pytest.raises(DayHindered, match="A sum in the books is broken"):
        shut(day)
    with unit_of_work():
        assert find_day("test", day) is None
    close(day)


# A balance is kept in several rows: one more may have come in between.
_ONE_ROW = """UPDATE balances SET amount_minor = amount_minor {} 1 WHERE vendor_id = %(v)s AND code = %(code)s
  AND shard = (SELECT min(shard) FROM balances b WHERE b.vendor_id = %(v)s AND b.code = %(code)s)"""


def test_what_is_found_broken_while_it_is_proved_opens_the_day_again(day: date, book: Book, connect: Connect) -> None:
    owner = connect("owner")
    shut(day)
    with replica(owner):
        owner.execute(_ONE_ROW.format("+"), {"v": book.vendor, "code": CLEARING})
    row = work(day)
    assert row.state == "hindered" and "the balance is not the sum of its entries" in row.hindrances[0]
    assert booked(book, on(day)).effective_at == on(day), "it takes journals again"
    with replica(owner):
        owner.execute(_ONE_ROW.format("-"), {"v": book.vendor, "code": CLEARING})
    facts = close(day).facts
    assert facts is not None and facts["journals"] == counted(day)[0]


def test_a_chain_that_is_broken_hinders_the_day_too(day: date, book: Book, connect: Connect) -> None:
    owner = connect("owner")
    close(day)
    later = booked(book, on(day + ONE))
    with replica(owner):
        owner.execute(
            "UPDATE journals SET kind = 'gift' WHERE vendor_id = %s AND event_key LIKE 'day:%%' AND id <> %s", (book.vendor, later.id)
        )
    undisturbed()
    shut(day + ONE)
    row = work(day + ONE)
    assert row.state == "hindered" and "is not what it was when it was linked" in row.hindrances[0]
    with replica(owner):
        owner.execute("UPDATE journals SET kind = 'test' WHERE vendor_id = %s", (book.vendor,))
    assert close(day + ONE).state == "closed"


def test_an_open_break_is_explained_or_accepted_by_its_key(day: date, breaks: list[OpenBreak]) -> None:
    breaks.append(OpenBreak("rec_1", "The bank has 4.00 more than we have", Money(400, "GBP")))
    breaks.append(OpenBreak("rec_2", "A line is missing", Money(1, "GBP")))
    for accept in (frozenset(), frozenset({"rec_1"}), frozenset({"rec_3"})):
        with pytest.raises(DayHindered, match="neither explained nor accepted"):
            shut(day, accept=accept)
    assert shut(day, accept=frozenset({"rec_1", "rec_2"})).state == "closing"
    facts = work(day).facts
    assert facts is not None and [one["key"] for one in facts["accepted"]] == ["rec_1", "rec_2"]


@pytest.mark.parametrize("amount", [Money(100_001, "GBP"), Money(-100_001, "GBP"), Money(1_001, "JPY"), None], ids=str)
def test_a_large_break_takes_two_people(day: date, breaks: list[OpenBreak], amount: Money | None) -> None:
    breaks.append(OpenBreak("rec_1", "A large one", amount))
    assert shut(day, accept=frozenset({"rec_1"})).state == "requested"
    with unit_of_work():
        assert is_next("test", day), "nothing is shut yet"
    with pytest.raises(NeedsASecondPerson), unit_of_work():
        sign_close("test", day, by="stf_one")
    breaks.append(OpenBreak("rec_2", "It turned up since", None))
    with pytest.raises(DayHindered), unit_of_work():
        sign_close("test", day, by="stf_two")
    breaks.pop()
    with unit_of_work():
        assert sign_close("test", day, by="stf_two").state == "closing"
    facts = work(day).facts
    assert facts is not None and (facts["asked_by"], facts["signed_by"]) == ("stf_one", "stf_two")


def test_up_to_the_limit_one_person_is_enough(day: date, breaks: list[OpenBreak]) -> None:
    breaks += [OpenBreak("rec_1", "x", Money(100_000, "GBP")), OpenBreak("rec_2", "y", Money(1_000, "JPY"))]
    assert shut(day, accept=frozenset({"rec_1", "rec_2"})).state == "closing"
    work(day)


def test_the_ends_of_the_chains_are_anchored_and_the_sum_is_over_all(day: date, book: Book) -> None:
    first = close(day).facts
    booked(book, on(day + ONE))
    second = close(day + ONE).facts
    assert first is not None and second is not None and first["heads_sum"] != second["heads_sum"]
    assert [str(book.vendor), "journals"] in [head[:2] for head in second["heads"]]
    with unit_of_work():
        assert sum_of_heads("test", day) == first["heads_sum"], "a sum stays what it was"
        assert sum_of_heads("test", day + ONE) == second["heads_sum"]
        assert chain_breaks(book.vendor, "test") == []


def test_who_signs_the_same_person_twice_is_refused_by_postgresql_too(day: date) -> None:
    with unit_of_work():
        request_close("test", day, by="stf_one", reason="Looked at all of it")
    with pytest.raises(Exception, match="two_people"), unit_of_work():
        db.session.execute(text("UPDATE ledger_days SET signed_by = asked_by WHERE day = :day"), {"day": day})
    work(day)


def test_a_book_nobody_has_proved_yet_is_proved_before_the_day_is_closed(day: date, book: Book) -> None:
    close(day)
    with unit_of_work():
        proof = db.session.get_one(Proof, (book.vendor, "test"))
    assert proof.proven_at is not None and proof.breaks == []


@pytest.mark.parametrize("reason", ["", "ok", "   ok     ", "x" * 501])
def test_a_reason_that_says_nothing_closes_no_day(day: date, reason: str) -> None:
    with unit_of_work(), pytest.raises(Refusal) as refused:
        request_close("test", day, by="stf_one", reason=reason)
    assert refused.value.field == "reason"
    with unit_of_work():
        assert find_day("test", day) is None
