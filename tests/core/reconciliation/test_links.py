"""A line that nobody knows is linked with entries that nobody reports: both end, and what is left between them is booked once."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, NeedsASecondPerson, Refusal
from core.kernel.money import Money
from core.ledger import book
from core.ledger.models import Entry, Journal
from core.ledger.queries import find_breaks
from core.providers.settlement import SettlementLine
from core.reconciliation.exceptions import Finding, note_findings, trail_of
from core.reconciliation.link import candidates
from core.reconciliation.models import ReconException, ReconLine, ReconMatch
from core.reconciliation.resolve import agree, decline, resolve, ways_of
from core.reconciliation.take import take_lines
from tests.factories import Shop, make_link, make_paid, make_shop, unit


class Pair:
    """One payment in a shop's book, and a line of a processor that nobody else has."""

    def __init__(self, app: Flask, shop: Shop, minor: int, *, booked: str = "25.00") -> None:
        self.app, self.shop, self.source, self.number = app, shop, f"p{secrets.token_hex(5)}", f"txn_{secrets.token_hex(6)}"
        self.payment = make_paid(shop, make_link(shop, amount=booked))
        said = {
            "external_id": self.number,
            "gross_minor": minor,
            "fee_minor": 0,
            "net_minor": minor,
            "currency": "GBP",
            "category": "charge",
        }
        line = SettlementLine(self.number, "charge", "charge", "GBP", minor, 0, minor, now(), now().date())
        with unit(app):
            take_lines("test", self.source, [(1, line)])
            note_findings("test", [Finding("missing_in_ledger", self.number, self.source, "GBP", minor, date(2026, 11, 20), theirs=said)])
            note_findings("test", self.booked())

    def booked(self) -> list[Finding]:
        """Our side of it, as the look finds it: each of its entries on the processor's account."""
        mine = (Entry.vendor_id == self.shop.vendor.id, Entry.mode == "test", Entry.code == book.CLEARING)
        same = (Journal.vendor_id == Entry.vendor_id) & (Journal.mode == Entry.mode) & (Journal.id == Entry.journal_id)
        rows = db.session.execute(select(Entry, Journal).join(Journal, same).where(*mine, Journal.about == self.payment.public_id)).all()
        return [
            Finding(
                "missing_at_processor", f"{entry.vendor_id}:{entry.journal_id}:{entry.leg}", self.source, "GBP", -entry.amount_minor,
                date(2026, 11, 19), book=entry.vendor_id, about=self.payment.public_id,
                ours={"event_key": journal.event_key, "about": journal.about, "currency": "GBP", "amount_minor": entry.amount_minor},
            )
            for entry, journal in rows
        ]  # fmt: skip

    def rows(self, kind: str) -> list[ReconException]:
        mine = select(ReconException).where(ReconException.source == self.source, ReconException.kind == kind)
        return list(db.session.scalars(mine.order_by(ReconException.id).execution_options(populate_existing=True)))

    @property
    def line(self) -> ReconException:
        return self.rows("missing_in_ledger")[0]

    def left(self) -> int:
        """What our books, all together, hold at the processor less what its line says."""
        ours = sum(-one.amount_minor for one in self.rows("missing_at_processor"))
        posted = select(Entry.amount_minor).join(
            Journal, (Journal.vendor_id == Entry.vendor_id) & (Journal.mode == Entry.mode) & (Journal.id == Entry.journal_id)
        )
        mine = posted.where(Entry.code == book.CLEARING, Entry.mode == "test", Journal.event_key.contains(self.line.public_id))
        return ours + sum(db.session.scalars(mine)) - self.line.amount_minor


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    return make_shop(app)


def linked(pair: Pair, **more: Any) -> bool:
    with unit(pair.app):
        [one] = candidates(pair.line)
        return resolve(pair.line, act="link", reason="The same by their letter", by="stf_one", other=one.number, **more)


def is_whole(pair: Pair) -> None:
    with unit(pair.app):
        line, others = pair.line, pair.rows("missing_at_processor")
        assert line.state == "resolved" and {one.state for one in others} == {"resolved"} and len(others) >= 1
        assert {(one.act, one.counterpart, one.reason) for one in others} == {("link", line.public_id, "The same by their letter")}
        assert (line.book, line.about) == (pair.shop.vendor.id, pair.payment.public_id)
        row = db.session.get_one(ReconLine, ("test", pair.source, pair.number))
        assert (row.state, row.book) == ("matched", pair.shop.vendor.id)
        matches = select(ReconMatch).where(ReconMatch.vendor_id == pair.shop.vendor.id, ReconMatch.source == pair.source)
        assert {match.external_id for match in db.session.scalars(matches)} == {pair.number}
        assert pair.left() == 0 and find_breaks(pair.shop.vendor.id) == []
        assert [note.kind for note in trail_of(others[0])][-1] == "resolved"


def test_what_is_one_fact_is_linked_and_nothing_is_posted(app: Flask, shop: Shop) -> None:
    net = sum(-one.amount_minor for one in _ours(app, shop))
    pair = Pair(app, shop, net)
    with unit(app):
        [one] = candidates(pair.line)
        assert (one.about, one.booked, one.left) == (pair.payment.public_id, Money(net, "GBP"), Money(0, "GBP"))
    assert linked(pair)
    is_whole(pair)
    with unit(app):
        assert db.session.scalars(select(Journal).where(Journal.event_key.contains(pair.line.public_id))).all() == []


def _ours(app: Flask, shop: Shop) -> list[Finding]:
    pair = Pair(app, shop, 1)
    with unit(app):
        return pair.booked()


@pytest.mark.parametrize("difference", [-30, 45])
def test_what_is_left_between_them_is_booked_once(app: Flask, shop: Shop, difference: int) -> None:
    net = sum(-one.amount_minor for one in _ours(app, shop))
    pair = Pair(app, shop, net + difference)
    assert linked(pair)
    is_whole(pair)
    with unit(app):
        journals = db.session.scalars(select(Journal).where(Journal.event_key.contains(pair.line.public_id))).all()
        assert [journal.vendor_id for journal in journals] == [book.PLATFORM]
        with pytest.raises(Conflict):
            resolve(pair.line, act="keep", reason="again", by="stf_one")


def test_above_the_limit_a_second_person_agrees_and_takes_what_is_there_then(app: Flask, shop: Shop) -> None:
    pair = Pair(app, shop, 90_000, booked="900.00")
    assert linked(pair) is False
    with unit(app):
        assert pair.line.state == "proposed" and {one.state for one in pair.rows("missing_at_processor")} <= {"open", "waiting"}
        agree(pair.line, by="stf_two")
    is_whole(pair)


def test_what_has_ended_meanwhile_is_not_linked(app: Flask, shop: Shop) -> None:
    pair = Pair(app, shop, 90_000, booked="900.00")
    assert linked(pair) is False
    with unit(app):
        for one in pair.rows("missing_at_processor"):
            resolve(one, act="keep", reason="They found it", by="stf_one")
            agree(one, by="stf_two") if one.state == "proposed" else None
    with pytest.raises(Conflict, match="has ended meanwhile"), unit(app):
        agree(pair.line, by="stf_two")
    with unit(app):
        decline(pair.line, by="stf_two", reason="It is gone")
        assert "link" not in [way.act for way in ways_of(pair.line)]


def test_only_what_is_offered_can_be_chosen(app: Flask, shop: Shop) -> None:
    pair, other = Pair(app, shop, 2_500), Pair(app, shop, 2_500)
    with unit(app):
        theirs = other.rows("missing_at_processor")[0].public_id
        for number in ("", "rex_nothing", pair.line.public_id, theirs):
            with pytest.raises(Refusal) as no:
                resolve(pair.line, act="link", reason="x", by="stf_one", other=number)
            assert no.value.field == "other"
        assert pair.line.state in ("open", "waiting") and now() - pair.line.opened_at < timedelta(minutes=5)
        with pytest.raises(Refusal):
            resolve(pair.rows("missing_at_processor")[0], act="link", reason="x", by="stf_one", other=pair.line.public_id)


def test_on_the_page_a_person_chooses_among_what_was_booked(app: Flask, shop: Shop) -> None:
    from tests.portal.admin.people import make_staff

    pair, desk = Pair(app, shop, 2_470), make_staff(app, "finance").browser()
    with unit(app):
        number = pair.line.public_id
        [one] = candidates(pair.line)
    place = f"/staff/reconciliation/test/exceptions/{number}"
    page = desk.get(place)
    assert "Link it with what was booked" in page.text and pair.payment.public_id in page.text
    none = desk.submit(page.form(f"{place}/resolution"), act="link", other="", reason="The same", status=422)
    assert (
        "Choose what it is linked with" in " ".join(none.error_summary) and none.form(f"{place}/resolution").values["reason"] == "The same"
    )
    done = desk.submit(none.form(f"{place}/resolution"), act="link", other=one.number, reason="The same by their letter")
    assert "Resolved" in done.text and one.number in done.text
    is_whole(pair)


def test_a_small_line_does_not_carry_a_large_booking_past_the_second_person(app: Flask, shop: Shop) -> None:
    """Ended by itself, what is missing at the processor needs two; so it does where somebody links it with a line of a penny."""
    pair = Pair(app, shop, 1, booked="900.00")
    assert linked(pair) is False
    with unit(app):
        assert (pair.line.state, pair.line.proposed_by) == ("proposed", "stf_one")
        assert {one.state for one in pair.rows("missing_at_processor")} == {"open"}
        with pytest.raises(NeedsASecondPerson):
            agree(pair.line, by="stf_one")
    with unit(app):
        agree(pair.line, by="stf_two")
    is_whole(pair)


def test_what_was_booked_in_another_currency_counts_as_well(app: Flask, shop: Shop) -> None:
    """The processor tells of GBP 1.00 where USD 5,000.00 are booked."""
    number, source = f"txn_{secrets.token_hex(6)}", f"p{secrets.token_hex(5)}"
    ours = {"event_key": f"cap:{number}", "currency": "USD", "amount_minor": 500_000, "fee_minor": 0}
    theirs = {"gross_minor": 100, "fee_minor": 0, "net_minor": 100, "currency": "GBP"}
    found = Finding("currency_mismatch", number, source, "GBP", 100, date(2026, 11, 20), book=shop.vendor.id, ours=ours, theirs=theirs)
    for act in ("keep", "other_currency"):
        with unit(app):
            note_findings("test", [found])
            row = db.session.scalars(select(ReconException).where(ReconException.source == source)).one()
            if row.state == "proposed":
                decline(row, by="stf_two", reason="The other way")
            assert resolve(row, act=act, reason="As they say", by="stf_one") is False and row.state == "proposed"
