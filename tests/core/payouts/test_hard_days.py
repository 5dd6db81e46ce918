"""What must not stop a payout, and what must: late entries, other zones, replaced accounts, a bank that tells it all on one day."""

from __future__ import annotations

from sqlalchemy import update

from core.kernel.clock import now
from core.kernel.db import db
from core.payments.bank_lines import book_lines
from core.payments.statements import import_statement
from core.payouts.settle import settle_payout
from core.providers.bank_models import BankLine
from core.providers.bank_orders import find_order
from tests.core.payments.transfers import TestBank
from tests.core.payouts.sellers import THEIRS, Seller
from tests.core.payouts.test_payouts import usd
from tests.core.providers.statements import Line, Tx, file_of
from tests.factories import unit


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
