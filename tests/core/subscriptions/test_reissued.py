"""EC-96, P23: a plan's invoice issued anew: the books, the papers, the numbers and what each document says of itself agree afterwards."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.billing_details import change_details
from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.billing.documents import CreditExceedsInvoice
from core.billing.midnight import run_to
from core.billing.models import BillingDocument
from core.billing.price_list import offer_on
from core.billing.reissue import CannotReissue
from core.kernel.audit import AuditEntry
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.ledger.proof import look_for_breaks
from core.subscriptions.papers import find_paper
from core.subscriptions.reissued import check_own, issue_anew, issue_own_anew, may_ask_anew, plan_of
from core.subscriptions.standing import standing_of
from tests.core.billing.kept import replay
from tests.core.subscriptions.plans import Life, publish
from tests.factories import unit

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
WHY = "Made out to the wrong company"
DETAILS = {
    "legal_name": "Lively Holdings Ltd",
    "street": "7 Mill Lane",
    "postcode": "BS1 4ND",
    "city": "Bristol",
    "registration": "",
    "vat_id": "",
}


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


@pytest.fixture
def life(app: Flask) -> Life:
    """A plan whose first invoice is paid."""
    begun = Life(app, NOVEMBER, "pro")
    begun.answer(NOVEMBER)
    return begun


def moves(life: Life, on: date) -> None:
    with life.unit(on):
        change_details(db.session.get_one(Vendor, life.shop.vendor.id), by=life.shop.user.public_id, **DETAILS)


def paper(life: Life, ordinal: int) -> BillingDocument:
    mine = select(BillingDocument).where(BillingDocument.vendor_id == HOUSE, BillingDocument.subscription_id == life.row.id)
    return db.session.scalars(mine.where(BillingDocument.ordinal == ordinal)).one()


def own(life: Life, on: date, ordinal: int = 1) -> None:
    with life.unit(on):
        document = paper(life, ordinal)
        issue_own_anew(life.row, document, expects=check_own(plan_of(document), document).expects, by=life.shop.user.public_id)


def staff(life: Life, on: date, ordinal: int = 1, reason: str = WHY) -> None:
    with life.unit(on):
        issue_anew(life.row, paper(life, ordinal), reason=reason, by="stf_one")


def replayed(life: Life) -> bool:
    events, row = life.events(), life.kept()
    with unit(life.app):
        return run_to(replay(row, events)[0], row.today, lambda day: offer_on(HOUSE, "test", day))[0] == life.state()


def test_ec_96_new_details_make_a_credit_note_and_a_new_invoice_and_the_first_stays(life: Life) -> None:
    moves(life, date(2026, 11, 10))
    own(life, date(2026, 11, 10))
    first, note, new = life.documents()
    assert [one.state for one in (first, note, new)] == ["final"] * 3
    assert (note.gross_minor, new.gross_minor, note.origin, new.origin) == (-300, 300, "reissue", "reissue")
    assert first.buyer["name"] != new.buyer["name"] == note.buyer["name"] == "Lively Holdings Ltd"
    assert new.number == (first.number or 0) + 1 and new.on_day == note.on_day == date(2026, 11, 10) and "CN-" in (note.name or "")
    with unit(life.app):
        assert all(find_paper(one) is not None for one in (note, new))
        stood = {one.ordinal: standing_of(one).settled for one in (first, note, new)}
        assert look_for_breaks(HOUSE, "test") == []
    assert (stood[2].to_balance.minor, stood[3].from_balance.minor, stood[3].standing) == (300, 300, "settled")
    assert life.account("customer_credit") == life.account("customer_receivable") == 0
    assert life.state().balance.minor == 0 and life.charges()[-1].state == "received" and len(life.charges()) == 1
    assert replayed(life)
    with unit(life.app):
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "document.reissued", AuditEntry.subject == first.public_id)
        ).one()
        assert entry.actor == life.shop.user.public_id


def test_ec_96_the_books_go_on_as_if_there_had_been_one_invoice(app: Flask, life: Life) -> None:
    other = Life(app, NOVEMBER, "pro")
    other.answer(NOVEMBER)
    moves(life, date(2026, 11, 10))
    own(life, date(2026, 11, 10))
    for one in (life, other):
        one.to(date(2026, 12, 2))
    for account in ("customer_credit", "customer_receivable", "deferred_revenue"):
        assert life.account(account) == other.account(account)
    assert life.state().period == other.state().period and life.state().balance == other.state().balance


def test_ec_96_what_is_unpaid_is_owed_on_the_new_one_and_the_next_retry_asks_for_it(life: Life) -> None:
    life.to(date(2026, 11, 30))
    life.to(date(2026, 12, 2), pays="no")
    moves(life, date(2026, 12, 2))
    since = life.state().dunning
    own(life, date(2026, 12, 2), 2)
    state = life.state()
    assert state.status == "past_due" and state.dunning == since and [owed.document for owed in state.open] == [4]
    assert not [charge for charge in life.charges() if charge.state == "wanted"]
    life.to(date(2026, 12, 16))
    state = life.state()
    assert state.status == "active" and not state.open and life.account("customer_receivable") == 0
    paid = [charge for charge in life.charges() if charge.state == "received"][-1]
    assert list(paid.documents) == [4] and replayed(life)
    with unit(life.app):
        assert look_for_breaks(HOUSE, "test") == []


def test_ec_96_not_while_the_card_is_being_asked_for_it(life: Life) -> None:
    life.to(date(2026, 11, 30))
    life.to(DECEMBER, pays="")
    assert life.sent()
    with pytest.raises(CannotReissue, match="The card is being asked"):
        staff(life, DECEMBER, 2)
    life.answer(DECEMBER, hour=21)
    staff(life, date(2026, 12, 1), 2)
    assert life.documents()[-1].gross_minor == 300


def test_ec_96_never_twice_and_never_beside_a_partial_credit_note(life: Life) -> None:
    staff(life, date(2026, 11, 3))
    with pytest.raises(CreditExceedsInvoice):
        staff(life, date(2026, 11, 3))
    with pytest.raises(CannotReissue):
        staff(life, date(2026, 11, 3), 2)
    assert len(life.documents()) == 3


def test_ec_96_its_vendor_has_thirty_days_and_must_have_something_to_change(life: Life) -> None:
    with life.unit(date(2026, 11, 5)):
        assert not may_ask_anew(paper(life, 1))
        with pytest.raises(CannotReissue, match="nothing on it would change"):
            check_own(plan_of(paper(life, 1)), paper(life, 1))
    moves(life, date(2026, 11, 5))
    issued = life.documents()[0].issued_on  # the days of the series do not go back: not always the day it was paid
    assert issued is not None
    with life.unit(issued + timedelta(days=30)):
        assert may_ask_anew(paper(life, 1)), "its period is over, and it is thirty days old"
    late = issued + timedelta(days=31)
    with life.unit(late), pytest.raises(CannotReissue, match="30 days"):
        check_own(plan_of(paper(life, 1)), paper(life, 1))
    life.to(DECEMBER)
    staff(life, DECEMBER)
    assert life.documents()[-1].buyer["name"] == "Lively Holdings Ltd" and replayed(life)
    assert life.account("customer_credit") == life.account("customer_receivable") == 0


def test_ec_96_only_what_was_looked_at_is_done(life: Life) -> None:
    moves(life, date(2026, 11, 5))
    with life.unit(date(2026, 11, 5)), pytest.raises(CannotReissue, match="Look at it once more"):
        issue_own_anew(life.row, paper(life, 1), expects="something else", by=life.shop.user.public_id)
    assert len(life.documents()) == 1


@pytest.mark.parametrize("reason", ["", "  wrong  "])
def test_ec_96_staff_say_why(life: Life, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        staff(life, date(2026, 11, 3), reason=reason)
    assert refused.value.field == "why" and len(life.documents()) == 1


def test_ec_96_what_was_written_off_stays_as_it_is(life: Life) -> None:
    life.to(date(2026, 11, 30))
    life.to(date(2027, 1, 20), pays="no")
    written = [one for one in life.documents() if one.kind == "invoice"][-1]
    assert life.state().status == "cancelled" and life.state().balance.minor == 0
    with pytest.raises(Refusal):
        staff(life, date(2027, 1, 20), written.ordinal)
