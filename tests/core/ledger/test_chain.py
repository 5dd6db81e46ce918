"""The chains over the books: committed journals are linked afterwards, nobody who books waits for it, and every change by hand is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.kernel.db import db, unit_of_work
from core.kernel.ids import uuid7
from core.ledger.chain import Key, books_with_news, extend
from core.ledger.chain_check import added_afterwards, chain_breaks
from core.ledger.chain_models import ChainLink
from core.ledger.queries import GUARDS
from tests.core.ledger.conftest import AVAILABLE, CLEARING, FEE, PENDING, Book, Connect
from tests.core.ledger.days import ONE, close, everybody_has_ended, next_day, on

Connection = psycopg.Connection[Any]
TABLES = ("journals", "entries", "balances", "chain_links", "chains", "chain_anchors")


def link_up(book: Book, *, sweep: bool = True, beside: bool = False) -> None:
    """`beside`: while somebody's transaction goes on. Otherwise whatever goes on anywhere in the cluster may end first."""
    more = True
    if not beside:
        everybody_has_ended()
    while more:
        with unit_of_work():
            more = extend(Key(book.vendor, book.mode), sweep=sweep)


def said(book: Book) -> list[str]:
    with unit_of_work():
        return chain_breaks(book.vendor, book.mode) + added_afterwards(book.vendor, book.mode)


def links(book: Book) -> list[ChainLink]:
    with unit_of_work():
        return list(db.session.scalars(select(ChainLink).where(ChainLink.vendor_id == book.vendor).order_by(ChainLink.seq)))


@contextmanager
def replica(owner: Connection) -> Iterator[Connection]:
    """The owner in a replica session with the guards taken off: what the constraints and triggers would have refused."""
    owner.execute("SET session_replication_role = replica")
    for table in TABLES:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield owner
    owner.execute("SET session_replication_role = origin")
    for table, names in GUARDS.items():
        if table in TABLES:
            for name in names:
                owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    owner.commit()


@pytest.fixture
def owner(connect: Connect, old_book: Book, unit: None) -> Iterator[Connection]:
    connection = connect("owner")
    yield connection
    with replica(connection):
        for table in TABLES:
            connection.execute(f"DELETE FROM {table} WHERE vendor_id = %s", (old_book.vendor,))


@pytest.fixture
def linked(owner: Connection, connect: Connect, old_book: Book) -> Book:
    """A book of five journals in one chain."""
    app = connect("app")
    for pounds in (7, 8, 9):
        old_book.move(app, (CLEARING, pounds * 100), (PENDING, -pounds * 100))
    link_up(old_book)
    return old_book


def test_every_committed_journal_gets_its_number_without_a_gap_and_only_once(linked: Book, connect: Connect) -> None:
    before = links(linked)
    assert [link.seq for link in before] == [1, 2, 3, 4, 5] and said(linked) == []
    linked.move(connect("app"), (CLEARING, 100), (PENDING, -100))
    link_up(linked, sweep=False)
    link_up(linked)
    after = links(linked)
    assert [(link.seq, link.hash) for link in after[:5]] == [(link.seq, link.hash) for link in before]
    assert [link.seq for link in after] == [1, 2, 3, 4, 5, 6] and len({link.of_id for link in after}) == 6 and said(linked) == []


def test_a_journal_that_is_committed_late_is_linked_late_and_nothing_is_lost(linked: Book, connect: Connect) -> None:
    """The trap of a cursor: what began earlier and ends later stands before what was seen already."""
    slow, quick = connect("app"), connect("app")
    early, late = linked.journal((CLEARING, 1), (PENDING, -1)), linked.journal((CLEARING, 2), (PENDING, -2))
    linked.post(slow, early)
    linked.post(quick, late)
    quick.commit()
    link_up(linked, sweep=False, beside=True)
    assert not {early.id, late.id} & {link.of_id for link in links(linked)}, "nothing above the oldest transaction that still goes on"
    slow.commit()
    link_up(linked, sweep=False)
    assert {early.id, late.id} <= {link.of_id for link in links(linked)} and said(linked) == []


def test_whoever_books_waits_for_no_chain_and_no_chain_for_another_worker(linked: Book, connect: Connect) -> None:
    holder = connect("app")
    holder.execute("SELECT 1 FROM chains WHERE vendor_id = %s FOR UPDATE", (linked.vendor,))
    app = connect("app")
    app.execute("SET lock_timeout = '1ms'")
    assert linked.move(app, (CLEARING, 5), (PENDING, -5)) == 1
    with unit_of_work():
        assert extend(Key(linked.vendor, linked.mode)) is False, "held by somebody else: passed over, not waited for"
    assert len(links(linked)) == 5
    holder.rollback()
    link_up(linked, sweep=False)
    assert len(links(linked)) == 6


def test_a_book_with_news_is_found_and_one_without_is_not(linked: Book, connect: Connect) -> None:
    key = Key(linked.vendor, linked.mode)
    with unit_of_work():
        assert key not in books_with_news(limit=100_000)
    linked.move(connect("app"), (CLEARING, 5), (PENDING, -5))
    with unit_of_work():
        assert key in books_with_news(limit=100_000)


def amount_moved(c: Connection, book: Book) -> None:
    """Balanced, with the balances made to fit: nothing but the chain can see it."""
    where = "WHERE vendor_id = %s AND code = %s AND journal_id = (SELECT of_id FROM chain_links WHERE vendor_id = %s AND seq = 3)"
    c.execute(f"UPDATE entries SET amount_minor = amount_minor + 100 {where}", (book.vendor, CLEARING, book.vendor))
    c.execute(f"UPDATE entries SET amount_minor = amount_minor - 100 {where}", (book.vendor, PENDING, book.vendor))
    c.execute("UPDATE balances SET amount_minor = amount_minor + 100 WHERE vendor_id = %s AND code = %s", (book.vendor, CLEARING))
    c.execute("UPDATE balances SET amount_minor = amount_minor - 100 WHERE vendor_id = %s AND code = %s", (book.vendor, PENDING))


def header(column: str, value: str) -> Callable[[Connection, Book], None]:
    def change(c: Connection, book: Book) -> None:
        third = "(SELECT of_id FROM chain_links WHERE vendor_id = %s AND seq = 3)"
        c.execute(f"UPDATE journals SET {column} = {value} WHERE vendor_id = %s AND id = {third}", (book.vendor, book.vendor))

    change.__name__ = f"{column}_of_a_journal"
    return change


def entry(column: str, value: str) -> Callable[[Connection, Book], None]:
    def change(c: Connection, book: Book) -> None:
        third = "(SELECT of_id FROM chain_links WHERE vendor_id = %s AND seq = 3)"
        c.execute(
            f"UPDATE entries SET {column} = {value} WHERE vendor_id = %s AND leg = 1 AND journal_id = {third}", (book.vendor, book.vendor)
        )

    change.__name__ = f"{column}_of_a_leg"
    return change


def a_journal_taken_out(c: Connection, book: Book) -> None:
    c.execute("DELETE FROM entries WHERE journal_id = (SELECT of_id FROM chain_links WHERE vendor_id = %s AND seq = 3)", (book.vendor,))
    c.execute("DELETE FROM journals WHERE id = (SELECT of_id FROM chain_links WHERE vendor_id = %s AND seq = 3)", (book.vendor,))


def a_link_taken_out_with_its_journal(c: Connection, book: Book) -> None:
    a_journal_taken_out(c, book)
    c.execute("DELETE FROM chain_links WHERE vendor_id = %s AND seq = 3", (book.vendor,))


def the_later_links_moved_up(c: Connection, book: Book) -> None:
    a_link_taken_out_with_its_journal(c, book)
    c.execute("UPDATE chain_links SET seq = seq - 1 WHERE vendor_id = %s AND seq > 3", (book.vendor,))


def the_end_cut_off(c: Connection, book: Book) -> None:
    c.execute("DELETE FROM entries WHERE journal_id = (SELECT of_id FROM chain_links WHERE vendor_id = %s AND seq = 5)", (book.vendor,))
    c.execute("DELETE FROM journals WHERE id = (SELECT of_id FROM chain_links WHERE vendor_id = %s AND seq = 5)", (book.vendor,))
    c.execute("DELETE FROM chain_links WHERE vendor_id = %s AND seq = 5", (book.vendor,))


def two_rows_changed_places(c: Connection, book: Book) -> None:
    c.execute("UPDATE chain_links SET seq = CASE seq WHEN 3 THEN 400 ELSE 3 END WHERE vendor_id = %s AND seq IN (3, 4)", (book.vendor,))
    c.execute("UPDATE chain_links SET seq = 4 WHERE vendor_id = %s AND seq = 400", (book.vendor,))


def a_journal_added_to_the_past(c: Connection, book: Book) -> None:
    """Whole and balanced, and of a transaction that is said to have been long ago."""
    journal = book.header(c)
    book.leg(c, journal, 1, 100)
    book.leg(c, journal, 2, -100, FEE)
    c.execute(
        "UPDATE journals SET xid = '3', recorded_at = recorded_at - interval '1 day' WHERE vendor_id = %s AND id = %s",
        (book.vendor, journal),
    )


def a_leg_added(c: Connection, book: Book) -> None:
    third = "(SELECT of_id FROM chain_links WHERE vendor_id = %s AND seq = 3)"
    c.execute(
        f"""INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
            SELECT vendor_id, mode, id, 9, 1010, '', 'GBP', 5, '' FROM journals WHERE vendor_id = %s AND id = {third}""",
        (book.vendor, book.vendor),
    )


def its_row_taken_away(c: Connection, book: Book) -> None:
    c.execute("DELETE FROM chains WHERE vendor_id = %s", (book.vendor,))


def the_day_of_a_link(c: Connection, book: Book) -> None:
    c.execute("UPDATE chain_links SET day = day + 1 WHERE vendor_id = %s AND seq = 3", (book.vendor,))


ALTERED = "link 3, is not what it was when it was linked"
ATTACKS: dict[Callable[[Connection, Book], None], str] = {
    amount_moved: ALTERED,
    header("kind", "'gift'"): ALTERED,
    header("about", "'pay_y'"): ALTERED,
    header("digest", "'another'"): ALTERED,
    header("event_key", "event_key || '!'"): ALTERED,
    header("reverses", "id"): ALTERED,
    header("effective_at", "effective_at + interval '1 microsecond'"): ALTERED,
    header("recorded_at", "recorded_at - interval '1 microsecond'"): ALTERED,
    header("original_effective_at", "effective_at - interval '1 day'"): ALTERED,
    header("n_legs", "3"): ALTERED,
    entry("sub", "'elsewhere'"): ALTERED,
    entry("ref", "'ref_x'"): ALTERED,
    entry("code", "1030"): ALTERED,
    entry("currency", "'EUR'"): ALTERED,
    a_journal_taken_out: "link 3, is missing",
    a_link_taken_out_with_its_journal: "link 4, has no link before it",
    the_later_links_moved_up: ALTERED,
    the_end_cut_off: "its end was changed, link 5",
    two_rows_changed_places: ALTERED,
    a_journal_added_to_the_past: "was added to the book afterwards",
    a_leg_added: ALTERED,
    its_row_taken_away: "its row is gone, 5 links",
    the_day_of_a_link: "took effect on another day",
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda made: made.__name__)
def test_what_an_owner_changed_by_hand_is_found_and_named(
    attack: Callable[[Connection, Book], None], owner: Connection, linked: Book
) -> None:
    assert said(linked) == []
    with replica(owner):
        attack(owner, linked)
    assert any(ATTACKS[attack] in sentence for sentence in said(linked)), said(linked)
    link_up(linked)
    assert any(ATTACKS[attack] in sentence for sentence in said(linked)), "going on with the chain does not heal it"


def test_a_chain_that_was_made_anew_does_not_fit_the_paper(owner: Connection, linked: Book) -> None:
    with replica(owner):
        owner.execute(
            """INSERT INTO chain_anchors (vendor_id, mode, what, on_paper_of, day, seq, hash)
               SELECT vendor_id, mode, what, mode, '2001-01-01', seq, hash FROM chains WHERE vendor_id = %s""",
            (linked.vendor,),
        )
    assert said(linked) == []
    with replica(owner):
        amount_moved(owner, linked)
        for table in ("chains", "chain_links"):
            owner.execute(f"DELETE FROM {table} WHERE vendor_id = %s", (linked.vendor,))
    link_up(linked)
    assert ["it was made anew" in sentence for sentence in said(linked)] == [True]


def test_a_journal_written_into_a_closed_day_past_the_guards_is_named(owner: Connection, linked: Book) -> None:
    """It has the number of a transaction of today, so it is linked like any other: but the paper of its day was anchored before."""
    day, journal = next_day(), uuid7()
    close(day)
    assert said(linked) == []
    with replica(owner):
        owner.execute(
            """INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
               VALUES (%s, 'test', %s, 'raw:1', 'attack', 2, 'd', 'pay_x', %s, now())""",
            (linked.vendor, journal, on(day)),
        )
        linked.leg(owner, journal, 1, 100, CLEARING)
        linked.leg(owner, journal, 2, -100, PENDING)
    link_up(linked)
    wanted = f"journal {journal} was booked into {day} after that day had been closed"
    assert [wanted in sentence for sentence in said(linked)] == [True]
    with replica(owner):
        owner.execute(
            """INSERT INTO chain_anchors (vendor_id, mode, what, on_paper_of, day, seq, hash)
               SELECT vendor_id, mode, what, mode, %s, seq, hash FROM chains WHERE vendor_id = %s""",
            (day + ONE, linked.vendor),
        )
    assert [wanted in sentence for sentence in said(linked)] == [True], "the paper of a later day does not cover it"


def test_a_dump_that_was_read_into_another_cluster_goes_on(owner: Connection, connect: Connect, linked: Book) -> None:
    """There the numbers of transactions begin anew: what is booked now has smaller ones than what was swept."""
    with replica(owner):
        owner.execute("UPDATE chains SET swept_below = swept_below + 1000000 WHERE vendor_id = %s", (linked.vendor,))
    linked.move(connect("app"), (CLEARING, 5), (PENDING, -5))
    assert said(linked) == []
    link_up(linked, sweep=False)
    assert len(links(linked)) == 6 and said(linked) == []


WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(WORDS, min_size=1, max_size=3), sub=WORDS, amounts=st.lists(st.integers(1, 9_000_000_000_000), min_size=1, max_size=4))
def test_what_writes_the_chain_and_what_checks_it_agree_whatever_is_booked(
    owner: Connection, connect: Connect, old_book: Book, keys: list[str], sub: str, amounts: list[int]
) -> None:
    """One is Python and the other SQL, and they share nothing but the form."""
    app = connect("app")
    for number, key in enumerate(keys):
        legs = [(CLEARING, amount) for amount in amounts] + [(AVAILABLE, -sum(amounts))]
        old_book.move(app, *legs, key=f"{uuid7()}:{number}:{key}", sub=sub)
    app.close()
    link_up(old_book)
    assert said(old_book) == []
