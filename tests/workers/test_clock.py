"""The time machine against the real processor: a month with a card that pays, a card that is declined, and a worker that is killed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.house import HOUSE, house
from core.billing.advance import ask_for_due, begin_advance, list_advances
from core.billing.clock import clock_of
from core.billing.clock_models import ClockAdvance
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask
from core.payments.models import Payment
from core.subscriptions import plan
from tests.cards import FAILS_LATER, VISA, charges_of, new_address, save_card
from tests.core.subscriptions.plans import publish
from tests.factories import Shop, make_shop, out_of_sight, unit
from workers import clock
from workers.subscriptions import plan_midnights

Work = Callable[[], int]


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    publish(app)
    return make_shop(app, business="Time and Tide")


@pytest.fixture(autouse=True)
def outbox(app: Flask) -> None:
    with unit(app):
        out_of_sight()


def subscribed(shop: Shop, environment: dict[str, str], work: Work, number: str = VISA) -> KeptSubscription:
    """A plan whose first invoice is paid, with a card that from then on answers as its number says."""
    payer, vendor = new_address(), make_shop(shop.app, business="Time and Tide").vendor
    with shop.app.app_context():
        with unit_of_work():
            seller = replace(shop, vendor=house())
        save_card(seller, environment, VISA, payer)
        with unit_of_work():
            row = plan.subscribe(vendor, "test", tier="pro", payer_email=payer, by="usr_test")
    work()
    assert kept(shop, row).status == "active"
    if number != VISA:
        with shop.app.app_context():
            save_card(seller, environment, number, payer)
    return row


def kept(shop: Shop, row: KeptSubscription) -> KeptSubscription:
    with unit(shop.app):
        return db.session.get_one(KeptSubscription, (row.vendor_id, row.mode, row.id))


def moved(shop: Shop, row: KeptSubscription, work: Work, goal: str, *, day: date | None = None) -> ClockAdvance:
    """What the workers and the clock do, until it has arrived."""
    with unit(shop.app):
        begin_advance(kept_now(row), goal, by="usr_test", day=day)
    for _ in range(200):
        work()
        with unit(shop.app):
            latest = list_advances(kept_now(row))[0]
            if latest.state != "running":
                return latest
            latest.look_at = now()
        with unit(shop.app):
            plan_midnights()
            ask_for_due()
    raise AssertionError("it never arrives")


def kept_now(row: KeptSubscription) -> KeptSubscription:
    return db.session.get_one(KeptSubscription, (row.vendor_id, row.mode, row.id))


def charges(shop: Shop, row: KeptSubscription) -> list[tuple[str, int]]:
    with unit(shop.app):
        mine = select(BillingCharge).where(BillingCharge.vendor_id == HOUSE, BillingCharge.subscription_id == row.id)
        return [(each.state, each.amount_minor) for each in db.session.scalars(mine.order_by(BillingCharge.event_seq))]


def test_two_months_in_a_moment_and_the_card_really_pays_both(shop: Shop, environment: dict[str, str], work: Work) -> None:
    row = subscribed(shop, environment, work)
    assert moved(shop, row, work, "month").state == "done"
    ended = moved(shop, row, work, "period")
    assert (ended.state, ended.why) == ("done", "")
    assert charges(shop, row) == [("received", 300)] * 3
    moved(shop, row, work, "day")  # within the hour the last one is final, too
    after = kept(shop, row)
    assert clock_of(after) > now() + timedelta(days=50) and after.followed == after.events
    with unit(shop.app):
        paid = list(
            db.session.scalars(
                select(Payment).where(Payment.id.in_(select(BillingCharge.payment_id).where(BillingCharge.subscription_id == row.id)))
            )
        )
        assert [payment.state for payment in paid] == ["succeeded"] * 3
        issued = db.session.scalars(
            select(BillingDocument.issued_on).where(BillingDocument.subscription_id == row.id, BillingDocument.state == "final")
        )
        days = list(issued)
    assert len(set(days)) == 3 and max(days) > date.today() + timedelta(days=25), "each on its own day"
    assert all(len(charges_of(environment, payment)) == 1 for payment in paid), "and each was taken once"


def test_a_card_that_fails_later_leads_through_every_try_to_the_suspension(shop: Shop, environment: dict[str, str], work: Work) -> None:
    row = subscribed(shop, environment, work, FAILS_LATER)
    last = kept(shop, row).period_end + timedelta(days=20)
    assert moved(shop, row, work, "date", day=last).state == "done"
    assert kept(shop, row).status == "suspended"
    assert charges(shop, row) == [("received", 300), *[("refused", 300)] * 5]


def test_a_worker_that_is_killed_on_the_way_is_followed_by_another(
    shop: Shop, environment: dict[str, str], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = subscribed(shop, environment, work)
    real, steps = clock.go_on, []

    def dies(vendor_id: uuid.UUID, mode: str, advance_id: uuid.UUID, **more: object) -> bool:
        steps.append(1)
        if len(steps) == 7:
            real(vendor_id, mode, advance_id, **more)  # type: ignore[arg-type]
            raise SystemExit  # after the work, before it is kept
        return real(vendor_id, mode, advance_id, **more)  # type: ignore[arg-type]

    with unit(shop.app):
        made = begin_advance(kept_now(row), "month", by="usr_test")
        key = made.vendor_id, str(made.id)
    monkeypatch.setattr(clock, "go_on", dies)
    with shop.app.app_context(), pytest.raises(SystemExit):
        clock.advance_clock(key[0], mode="test", advance=key[1])
    with unit(shop.app):
        stood = kept_now(row).ahead_seconds
        assert list_advances(kept_now(row))[0].state == "running" and stood > 0
    for _ in range(60):
        work()
        with unit(shop.app):
            if list_advances(kept_now(row))[0].state != "running":
                break
            list_advances(kept_now(row))[0].look_at = now()
        with unit(shop.app):
            ask_for_due()
    assert charges(shop, row) == [("received", 300)] * 2


def test_an_error_of_ours_stops_it_and_is_said(
    shop: Shop, environment: dict[str, str], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = subscribed(shop, environment, work)

    def broken(*_given: object, **_more: object) -> bool:
        raise ValueError("nobody expected this")

    monkeypatch.setattr(clock, "go_on", broken)
    with unit(shop.app):
        begin_advance(kept_now(row), "day", by="usr_test")
    work()
    with unit(shop.app):
        latest = list_advances(kept_now(row))[0]
        assert (latest.state, latest.why) == ("stopped", "broken")
        assert not db.session.scalars(select(OutboxTask).where(OutboxTask.vendor_id == HOUSE, OutboxTask.job == "advance_clock")).all()
