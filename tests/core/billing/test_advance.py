"""The time machine: a month that is moved through is a month that was lived, whoever is killed on the way, and live time is nobody's to move."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError

from core.accounts.models import Vendor
from core.billing import store
from core.billing.advance import (
    GIVE_UP,
    NoSuchMoment,
    ask_for_due,
    begin_advance,
    find_running,
    go_on,
    list_advances,
    record_broken,
    stop_advance,
)
from core.billing.calendar import DAY
from core.billing.carry_out import finalise_due
from core.billing.clock import LiveClock, clock_of
from core.billing.clock_models import ClockAdvance
from core.billing.models import BillingCharge, KeptSubscription
from core.billing.price_list import publish_terms
from core.billing.terms import POLICY
from core.billing.wishes import AddBranches, AddProducts, ChooseTier
from core.kernel.clock import frozen
from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from tests.core.billing.kept import Kept, at, make_seller
from tests.core.billing.test_clock import fresh, what
from tests.core.payments.conftest import AtOnce, at_once  # noqa: F401
from tests.factories import Shop, make_shop, unit

NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def seller(app: Flask) -> Shop:
    return make_seller(app)


@pytest.fixture(scope="module")
def buyer(app: Flask) -> Vendor:
    return make_shop(app, business="Blue Door Bakery").vendor


class Machine:
    """The journey of one subscription's clock, while the house's own stands at noon of a day; the card answers when it is asked."""

    def __init__(self, kept: Kept, goal: str, *, day: date | None = None, pays: bool = True, on: date = NOVEMBER) -> None:
        self.kept, self.pays, self.on = kept, pays, on
        with kept.unit(on):
            self.id = begin_advance(fresh(kept), goal, by="usr_test", day=day).id

    def step(self) -> bool:
        with self.kept.unit(self.on):
            return go_on(self.kept.row.vendor_id, "test", self.id, after=lambda row: None)

    def ride(self) -> ClockAdvance:
        """To the end, with every charge answered as soon as it is waited for."""
        for _ in range(2000):
            if not self.step() and self.advance().state == "running":
                self.answer()
            if self.advance().state != "running":
                break
        return self.advance()

    def answer(self) -> None:
        with self.kept.unit(self.on):
            charge = next(c for c in charges(self.kept) if c.state == "wanted" and c.id == self.advance_now().waits_for)
            charge.state, charge.ended_at = ("received" if self.pays else "refused"), at(self.on)
            given = tuple(charge.documents)
            if self.pays:
                store.receive(fresh(self.kept), given, Money(charge.amount_minor, charge.currency))
            else:
                store.refuse(fresh(self.kept), given, hard=False)

    def advance_now(self) -> ClockAdvance:
        return db.session.get_one(ClockAdvance, (self.kept.row.vendor_id, "test", self.id))

    def advance(self) -> ClockAdvance:
        with unit(self.kept.app):
            return self.advance_now()


def charges(kept: Kept) -> list[BillingCharge]:
    mine = select(BillingCharge).where(BillingCharge.vendor_id == kept.row.vendor_id, BillingCharge.subscription_id == kept.row.id)
    return list(db.session.scalars(mine.order_by(BillingCharge.event_seq)))


def lively(seller: Shop, buyer: Vendor) -> Kept:
    """Branches of today, a smaller plan at the period's end, and more products than it will hold."""
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    with kept.unit(NOVEMBER):
        row = fresh(kept)
        row.state = {**row.state, "key": "sub_same"}  # the hours of retries hang on it
    kept.wish(NOVEMBER, AddBranches(2))
    kept.wish(NOVEMBER, AddProducts(7))
    kept.wish(NOVEMBER, ChooseTier("starter"))
    return kept


def lived(kept: Kept, until: date, *, pays: bool = True) -> None:
    """The same days by a clock that really stands there: each midnight, each hour at which something falls due."""
    day = NOVEMBER
    while day < until:
        day += DAY
        for hour in range(24):
            with kept.unit(day, hour):
                store.catch_up(fresh(kept))
                finalise_due()
            due = [c for c in kept.charges() if c.state == "wanted" and c.due_at <= at(day, hour)]
            if due:
                kept.settle(day, pays=pays)


@pytest.mark.parametrize("pays", [True, False])
def test_a_month_that_is_moved_through_is_a_month_that_was_lived(seller: Shop, buyer: Vendor, pays: bool) -> None:
    moved, real = lively(seller, buyer), lively(make_seller(seller.app), buyer)
    until = date(2026, 12, 1) if pays else date(2026, 12, 20)
    ended = Machine(moved, "date", day=until, pays=pays).ride()
    assert (ended.state, ended.why) == ("done", "")
    lived(real, until, pays=pays)
    with moved.unit(NOVEMBER):
        assert clock_of(fresh(moved)) >= at(until, 0)
    assert [what(document) for document in moved.documents()] == [what(document) for document in real.documents()]
    assert [(e.kind, e.on_day, e.effects) for e in moved.events()] == [(e.kind, e.on_day, e.effects) for e in real.events()]
    assert moved.state() == real.state()


def test_a_day_a_period_and_a_charge(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    Machine(kept, "day").ride()
    assert kept.state().today == date(2026, 11, 2) and len(kept.charges()) == 1
    Machine(kept, "period").ride()
    assert kept.state().today == date(2026, 12, 1) and [c.state for c in kept.charges()] == ["received", "received"]
    ended = Machine(kept, "charge").ride()
    assert ended.state == "done" and kept.state().today == date(2027, 1, 1) and len(kept.charges()) == 3
    Machine(kept, "month").ride()
    assert kept.state().today == date(2027, 2, 1) and len(kept.charges()) == 4
    with kept.unit(NOVEMBER):
        assert {each.goal for each in list_advances(fresh(kept))} == {"month", "charge", "period", "day"}


def test_declines_and_what_follows_are_met_on_their_days(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    Machine(kept, "date", day=date(2027, 1, 20), pays=False).ride()
    moves = [(event.on_day, effect["new"]) for event in kept.events() for effect in event.effects if effect["is"] == "StateChanged"]
    assert moves == [(date(2026, 12, 1), "past_due"), (date(2026, 12, 17), "suspended"), (date(2027, 1, 15), "cancelled")]
    assert [c.state for c in kept.charges()] == ["received"] + ["refused"] * 5
    ended = Machine(kept, "month").ride()
    assert ended.state == "done", "where nothing falls due any more the clock simply goes there"


def test_it_waits_for_the_answer_and_gives_up_honestly(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    machine = Machine(kept, "date", day=date(2026, 12, 5))
    while machine.step():
        pass
    assert machine.advance().waits_for == kept.charges()[-1].id and kept.state().today == date(2026, 12, 1)
    with frozen(at(NOVEMBER) + GIVE_UP / 2), unit(kept.app):
        go_on(seller.vendor.id, "test", machine.id, after=lambda row: None)
    assert machine.advance().state == "running"
    with frozen(at(NOVEMBER) + GIVE_UP), unit(kept.app):
        assert not go_on(seller.vendor.id, "test", machine.id, after=lambda row: None)
    assert (machine.advance().state, machine.advance().why) == ("stopped", "no_answer")
    assert kept.state().today == date(2026, 12, 1), "nothing was passed over"


def test_killed_in_a_step_nothing_of_it_is_left_and_it_is_made_again(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    machine = Machine(kept, "month")
    machine.step()
    before = kept.state(), len(kept.events())

    def killed(row: KeptSubscription) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), kept.unit(NOVEMBER):
        go_on(seller.vendor.id, "test", machine.id, after=killed)
    assert (kept.state(), len(kept.events())) == before and machine.advance().state == "running"
    assert machine.ride().state == "done" and len(kept.documents()) == 2


def test_two_workers_at_once_make_each_step_once(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    machine = Machine(kept, "date", day=date(2026, 11, 30))
    problems: list[BaseException] = []

    def work() -> None:
        try:
            while machine.step():
                pass
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems and machine.advance().state == "done" and kept.state().today == date(2026, 11, 30)
    days = [event.on_day for event in kept.events() if event.kind == "midnight"]
    assert len(days) == len(set(days))


def test_one_journey_at_a_time(seller: Shop, buyer: Vendor, at_once: AtOnce) -> None:  # noqa: F811
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)

    def begin() -> object:
        with frozen(at(NOVEMBER)):
            return begin_advance(fresh(kept), "month", by="usr_test")

    answers = at_once(begin, begin)
    assert sorted(type(answer).__name__ for answer in answers) == ["ClockAdvance", "ClockRuns"]
    with kept.unit(NOVEMBER):
        stop_advance(fresh(kept), by="usr_test")
        stop_advance(fresh(kept), by="usr_test")
        assert find_running(fresh(kept)) is None and list_advances(fresh(kept))[0].why == "asked"


def test_who_left_it_on_the_way_the_clock_asks_for_again_and_once(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    machine = Machine(kept, "month")
    mine = delete(OutboxTask).where(OutboxTask.vendor_id == seller.vendor.id, OutboxTask.job == "advance_clock")
    with kept.unit(NOVEMBER):
        ask_for_due()
        assert db.session.execute(mine).rowcount == 1, "the first one is still there"
    with kept.unit(NOVEMBER):
        ask_for_due()
        ask_for_due()
        found = db.session.scalars(
            select(OutboxTask).where(OutboxTask.vendor_id == seller.vendor.id, OutboxTask.job == "advance_clock")
        ).all()
        assert [task.args["advance"] for task in found] == [str(machine.id)]
        db.session.execute(mine)


@pytest.mark.parametrize("day", [None, date(2020, 1, 1), NOVEMBER, date(2028, 11, 2), date(9999, 12, 31)])
def test_a_day_that_it_cannot_go_to_is_refused(seller: Shop, buyer: Vendor, day: date | None) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    with pytest.raises(NoSuchMoment), kept.unit(NOVEMBER):
        begin_advance(fresh(kept), "date", by="usr_test", day=day)


def test_ten_years_ahead_is_the_end(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    with kept.unit(NOVEMBER):
        fresh(kept).ahead_seconds = 3650 * 86_400
    with pytest.raises(NoSuchMoment), kept.unit(NOVEMBER):
        begin_advance(fresh(kept), "day", by="usr_test")


def test_live_time_is_nobodys_to_move(app: Flask, seller: Shop, buyer: Vendor) -> None:
    with unit(app):
        publish_terms(seller.vendor, "live", POLICY, valid_from=date(2020, 1, 1), by="system")
        wish = store.Beginning("pro", "Europe/London")
        row = store.begin_subscription(seller.vendor, "live", subscriber=buyer.public_id, wish=wish, by="usr_test")
    with pytest.raises(LiveClock), unit(app):
        begin_advance(row, "day", by="usr_test")
    kept = Kept(seller, buyer, NOVEMBER)
    machine = Machine(kept, "day")
    with pytest.raises(IntegrityError, match="ck_clock_advances_test_only"), unit(app):
        db.session.execute(text("UPDATE clock_advances SET mode = 'live' WHERE id = :id"), {"id": machine.id})


def test_a_step_that_breaks_says_so_and_the_clock_stands(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    machine = Machine(kept, "month")
    with kept.unit(NOVEMBER):
        record_broken(seller.vendor.id, "test", machine.id)
    assert (machine.advance().state, machine.advance().why) == ("stopped", "broken") and not machine.step()
