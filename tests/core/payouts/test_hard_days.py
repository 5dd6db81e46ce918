"""What must not stop a payout, and what must: late entries, other zones, replaced accounts, a bank that tells it all on one day."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import insert, update

from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.payments.bank_lines import book_lines
from core.payments.statements import import_statement
from core.payouts.models import PayoutTerms
from core.payouts.settle import settle_payout
from core.payouts.terms import claim_due
from core.providers.bank_models import BankLine
from core.providers.bank_orders import find_order
from tests.core.payments.conftest import another_shop
from tests.core.payments.transfers import TestBank
from tests.core.payouts.sellers import THEIRS, Seller
from tests.core.payouts.test_payouts import usd
from tests.core.providers.statements import Line, Tx, file_of
from tests.factories import Shop, unit


def test_nobody_whose_day_has_come_waits_behind_those_whose_has_not(shop: Shop) -> None:
    """One at a time, and the first in the index sleeps yet: half the world is always a day behind the other half."""
    day, west, east = date(2020, 1, 2), shop, another_shop(shop)
    with frozen(datetime(2020, 1, 2, 0, 30, tzinfo=UTC)), unit(shop.app):
        for one, zone in ((west, "Pacific/Honolulu"), (east, "Pacific/Kiritimati")):
            db.session.get_one(type(one.vendor), one.vendor.id).time_zone = zone
            row = {"mode": "test", "currency": "USD", "schedule": "daily", "day": 1, "minimum_minor": 100, "next_on": day}
            db.session.execute(insert(PayoutTerms).values(vendor_id=one.vendor.id, updated_at=now(), **row))
        assert [terms.vendor_id for terms in claim_due(limit=1)] == [east.vendor.id]
        assert claim_due(limit=1) == []
    with frozen(datetime(2020, 1, 2, 10, 30, tzinfo=UTC)), unit(shop.app):
        (terms,) = claim_due(limit=1)
        assert (terms.vendor_id, terms.next_on) == (west.vendor.id, date(2020, 1, 3))
        db.session.execute(
            update(PayoutTerms).where(PayoutTerms.updated_at < datetime(2021, 1, 1, tzinfo=UTC)).values(next_on=date(2090, 1, 1))
        )


def test_left_and_returned_on_one_day_is_a_payout_that_came_back(seller: Seller) -> None:
    """A statement numbers nothing within a day: what comes back is read after what left."""
    payout = seller.pays_out()
    with unit(seller.shop.app):
        order = find_order("test", payout.public_id)
        assert order is not None
    facts = {"end_to_end": order.end_to_end, "name": "Blue Door Bakery Ltd", "account": THEIRS}
    out = Line((Tx(payout.amount_minor, sign=-1, **facts),), sign=-1, booked_on=now().date())
    back = Line((Tx(payout.amount_minor, returned="AC04", **facts),), booked_on=now().date())
    with unit(seller.shop.app):
        import_statement(file_of(TestBank(seller.shop).draft(out, back)), name="day.xml", by="operator")
        mine = update(BankLine).where(BankLine.end_to_end == order.end_to_end)
        db.session.execute(mine.where(BankLine.sign == 1).values(public_id="bkl_" + order.end_to_end[-21:].rjust(22, "0")))
        db.session.execute(mine.where(BankLine.sign == -1).values(public_id="bkl_" + order.end_to_end[-21:].rjust(22, "z")))
    with unit(seller.shop.app):
        while book_lines("test"):
            pass
    with unit(seller.shop.app):
        assert settle_payout(seller.shop.vendor, "test", payout.public_id, cause="line") == "settled"
    assert (seller.as_it_is(payout).state, seller.has(), seller.has("payout_in_transit")) == ("failed", usd(9750), usd(0))
    assert seller.books_are_whole()
