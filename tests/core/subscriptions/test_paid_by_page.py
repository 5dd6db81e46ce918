"""A payer whose bank wanted them pays on the page of that payment, while the clock would charge the saved card for the same invoice."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from core.accounts.house import HOUSE, house
from core.billing import store
from core.billing.carry_out import finalise_due
from core.billing.models import BillingCharge
from core.billing.wishes import ChooseTier
from core.kernel.clock import now
from core.kernel.db import db
from core.payments.attempt import begin_attempt, record_opening
from core.payments.models import Attempt, Payment
from core.payments.settle import settle
from core.providers.contract import Opening, Outcome
from core.subscriptions import charges
from core.subscriptions.follow import follow
from core.subscriptions.plan import take_back
from tests.core.subscriptions.plans import Life, publish
from tests.core.subscriptions.test_plan import NOVEMBER, check_books
from tests.factories import again

ASKED, NEXT = date(2026, 12, 1), date(2026, 12, 2)  # the card is tried, and tried once more


@pytest.fixture
def asked(app: Flask) -> tuple[Life, BillingCharge]:
    """The renewal of December, whose payer has the letter that their bank wants them."""
    publish(app)
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    life.to(ASKED, pays="ask")
    return life, life.charges()[-1]


def on_the_page(life: Life, asked_for: BillingCharge, on: date, state: str, **facts: Any) -> None:
    """The payer goes on with this payment on its own page, and the processor says this of it."""
    with life.unit(on, 13):
        payment = db.session.get_one(Payment, (HOUSE, "test", asked_for.payment_id))
        attempt = begin_attempt(house(), payment)
        if attempt.provider_reference is None:
            record_opening(house(), attempt, Opening(f"cs_{attempt.public_id}", redirect_url="https://processor.example/pay"))
    with life.unit(on, 13):
        outcome = Outcome(state, attempt.provider_reference or f"cs_{attempt.public_id}", **facts)
        settle(house(), payment_of(asked_for), db.session.get_one(Attempt, (HOUSE, "test", attempt.id)), outcome, cause="evt_page")


def under_way_says(life: Life, asked_for: BillingCharge, on: date, state: str, **facts: Any) -> None:
    """What was under way on the page has come to this, and the jobs hear of it."""
    with life.unit(on, 14):
        mine = (
            db.select(Attempt).where(Attempt.vendor_id == HOUSE, Attempt.payment_id == asked_for.payment_id).order_by(Attempt.number.desc())
        )
        attempt = db.session.scalars(mine).first()
        assert attempt is not None
        settle(house(), payment_of(asked_for), attempt, Outcome(state, attempt.provider_reference or "", **facts), cause="evt_end")
    with life.unit(on, 14):
        assert asked_for.payment_id is not None
        charges.hear_charge(HOUSE, "test", asked_for.payment_id, state)


def payment_of(charge: BillingCharge) -> Payment:
    return db.session.get_one(Payment, (HOUSE, "test", charge.payment_id), populate_existing=True)


def paid(life: Life, charge: BillingCharge) -> dict[str, Any]:
    with life.unit(NEXT):
        return {"charge": f"ch_{secrets.token_hex(8)}", "captured": payment_of(charge).amount, "occurred_at": now()}


def test_while_money_is_on_its_way_the_card_is_not_charged_as_well(asked: tuple[Life, BillingCharge]) -> None:
    life, charge = asked
    on_the_page(life, charge, ASKED, "processing", charge="ch_delayed")
    life.to(NEXT)
    assert [one.state for one in life.charges()][-2:] == ["refused", "wanted"] and len(life.payments()) == 2
    under_way_says(life, charge, NEXT, "succeeded", **paid(life, charge))
    assert (life.state().status, life.state().balance.minor) == ("active", 0)
    life.to(NEXT + timedelta(days=1))
    assert [one.state for one in life.charges()][-2:] == ["received", "stopped"] and len(life.payments()) == 2
    check_books(life)


def test_what_was_on_its_way_and_does_not_come_is_charged_to_the_card(asked: tuple[Life, BillingCharge]) -> None:
    life, charge = asked
    on_the_page(life, charge, ASKED, "processing", charge="ch_delayed")
    life.to(NEXT)
    under_way_says(life, charge, NEXT, "declined", decline_code="insufficient_funds", charge="ch_delayed", closed=True)
    life.to(NEXT + timedelta(days=1))
    assert (life.charges()[-1].state, life.state().status, life.state().balance.minor) == ("received", "active", 0)
    check_books(life)


def test_a_page_on_which_another_card_was_declined_is_closed_as_well(asked: tuple[Life, BillingCharge]) -> None:
    life, charge = asked
    on_the_page(life, charge, ASKED, "declined", decline_code="card_declined", charge="ch_no")
    life.to(NEXT)
    with life.unit(NEXT, 20):
        earlier = payment_of(charge)
        assert (earlier.state, earlier.expires_at <= now()) == ("requires_method", True)
    assert (life.state().status, life.state().balance.minor) == ("active", 0)


# --- a page is closed when nothing is left for which it asks ------------------------------------------------------------------------


def is_open(life: Life, charge: BillingCharge, on: date) -> bool:
    with life.unit(on, 21):
        return payment_of(charge).state == "requires_action" and payment_of(charge).expires_at > now()


def test_the_page_of_an_invoice_that_is_taken_back_is_closed(asked: tuple[Life, BillingCharge]) -> None:
    """What is paid there would be money for nothing: it would become balance."""
    life, charge = asked
    with life.unit(ASKED, 20):
        finalise_due()
    assert is_open(life, charge, ASKED)
    with life.unit(ASKED, 20):
        (newest,) = [one for one in life.documents() if one.ordinal in charge.documents]
        take_back(life.row, again(newest), reason="Charged under the wrong company", by="stf_one")
    assert not life.state().open and not is_open(life, charge, ASKED)
    check_books(life)


def test_the_page_of_an_invoice_that_is_still_owed_stays_open(asked: tuple[Life, BillingCharge]) -> None:
    life, charge = asked
    with life.unit(NEXT, 1):
        store.catch_up(life.row)
        follow(life.row)
    assert is_open(life, charge, NEXT)


def test_the_page_of_a_change_that_is_taken_back_is_closed_and_that_of_one_that_lapsed_is_not(app: Flask) -> None:
    publish(app)
    tenth = date(2026, 11, 10)
    for does, stays in (("takes it back", False), ("lets it lapse", True)):
        life = Life(app, NOVEMBER)
        life.answer(NOVEMBER)
        life.to(tenth)
        life.wish(tenth, ChooseTier("pro"), pays="ask")
        charge = life.charges()[-1]
        assert is_open(life, charge, tenth)
        if does == "takes it back":
            life.wish(tenth, ChooseTier("starter"), pays="")
            assert not is_open(life, charge, tenth)
        else:
            with life.unit(tenth + timedelta(days=2), 1):
                store.catch_up(life.row)
                follow(life.row)
            assert life.state().awaiting is None and is_open(life, charge, tenth + timedelta(days=2)) == stays, "paid late it still counts"


def test_a_midnight_that_only_asks_for_the_next_month_looks_for_no_page(app: Flask) -> None:
    """There are as many as members, and nobody has paid anything by that."""
    publish(app)
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    seen: list[str] = []

    def note(_line: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    with life.unit(ASKED, 1):
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            store.catch_up(life.row)
            follow(life.row)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
    assert [one.state for one in life.charges()][-1] == "wanted" and any("billing_charges" in one for one in seen)
    assert [one for one in seen if "JOIN payments" in one] == []
