"""Payouts that the staff hold do not leave: not when they are asked for, not by the clock, not when somebody lets them go."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from core.admission.stops import let_go_on, payout_hold, stop
from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.kernel.currency import exponent
from core.kernel.db import db
from core.kernel.money import Money
from core.payouts.approve import TooLate, approve_many, approve_payout, hold_payout
from core.payouts.hand_over import record_made_by_hand
from core.payouts.models import Payout
from core.payouts.request import NotPayable
from core.payouts.terms import change_terms
from core.providers.bank_orders import find_order
from tests.core.payouts.sellers import Seller
from tests.factories import unit

WHY = "The register says another name than you do."


@pytest.fixture
def waiting(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> Payout:
    """A payout above the limit."""
    low = dataclasses.replace(settings(), payout_limits={})
    monkeypatch.setattr("core.payouts.request.settings", lambda: low)
    return seller.pays_out()


def test_held_payouts_are_not_asked_for_and_the_money_stays(seller: Seller) -> None:
    with unit(seller.shop.app):
        row = stop(seller.shop.vendor, "test", "payouts", reason=WHY, days=10, by="stf_one")
    with pytest.raises(NotPayable) as refused:
        seller.pays_out()
    assert WHY in str(refused.value.message) and seller.has().minor == 9750
    with unit(seller.shop.app):
        let_go_on(seller.shop.vendor, row, by="stf_two")
    assert seller.pays_out().amount.minor == 9750 and seller.books_are_whole()


def test_the_clock_pays_nothing_while_payouts_are_held(seller: Seller, work: Callable[[], int]) -> None:
    from workers.payouts import make_payout

    with unit(seller.shop.app):
        change_terms(
            seller.shop.vendor, "test", schedule="daily", day=1, minimum=Money(10 ** exponent("USD"), "USD"), by=seller.shop.user.public_id
        )
        stop(seller.shop.vendor, "test", "payouts", reason=WHY, days=10, by="stf_one")
    with seller.shop.app.app_context():
        make_payout(seller.shop.vendor.id, mode="test", currency="USD", token=f"day:USD:{now():%Y%m%d}")
    assert seller.has().minor == 9750


def test_nobody_lets_a_held_payout_go_before_its_time(seller: Seller, waiting: Payout) -> None:
    vendor, app = seller.shop.vendor, seller.shop.app
    with unit(app):
        hold_payout(vendor, seller.as_it_is(waiting), reason=WHY, days=2, by="stf_one")
    with unit(app), pytest.raises(NotPayable):
        approve_payout(vendor, waiting, by="stf_two")
    with unit(app):
        assert payout_hold(vendor, "test") is None, "the others are not held"
    with shifted(timedelta(days=33)):
        with unit(app):
            approve_payout(vendor, waiting, by="stf_two")
        assert seller.as_it_is(waiting).state == "submitted"


def test_what_has_left_cannot_be_held(seller: Seller) -> None:
    payout = seller.pays_out()
    with unit(seller.shop.app):
        order = find_order("test", payout.public_id)
        assert order is not None
        record_made_by_hand(order)
    with unit(seller.shop.app), pytest.raises(TooLate):
        hold_payout(seller.shop.vendor, payout, reason=WHY, days=2, by="stf_one")


def test_of_several_each_is_let_go_by_itself(seller: Seller, waiting: Payout, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor, app = seller.shop.vendor, seller.shop.app
    seller.sells("50.00")
    with shifted(timedelta(days=60)):
        seller.release()
        second = seller.pays_out(by="stf_two")
        with unit(app):
            left = approve_many([(vendor, waiting), (vendor, second)], by="stf_two")
        assert [one.payout.public_id for one in left] == [second.public_id], "whoever asked for it does not let it go"
        assert (seller.as_it_is(waiting).state, seller.as_it_is(second).state) == ("submitted", "requested")
    assert seller.books_are_whole()


def test_one_whose_statement_does_not_add_up_holds_no_other_back(seller: Seller, waiting: Payout) -> None:
    vendor, app = seller.shop.vendor, seller.shop.app
    seller.sells("50.00")
    with shifted(timedelta(days=60)):
        seller.release()
        second = seller.pays_out()
        with unit(app):
            more = (
                "UPDATE payouts SET lines_minor = lines_minor + 100, carried_minor = carried_minor + 100 WHERE vendor_id = :v AND id = :id"
            )
            db.session.execute(text(more), {"v": vendor.id, "id": waiting.id})
        with unit(app), capture_logs() as logged:
            (left,) = approve_many([(vendor, waiting), (vendor, second)], by="stf_two")
        assert (left.payout.public_id, "does not add up" in left.why) == (waiting.public_id, True)
        assert (seller.as_it_is(waiting).state, seller.as_it_is(second).state) == ("requested", "submitted")
    alarms = [(line["event"], line["log_level"], line["payout"]) for line in logged if line["event"] == "payout_does_not_add_up"]
    assert alarms == [("payout_does_not_add_up", "error", waiting.public_id)]
