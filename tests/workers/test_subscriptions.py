"""The midnight job: everybody whose midnight has passed, in small transactions, killed and repeated without harm."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.billing.models import KeptSubscription
from core.kernel.clock import frozen
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask
from tests.core.billing.kept import Kept, at, make_seller
from tests.factories import make_shop
from workers import subscriptions
from workers.subscriptions import plan_midnights, run_midnights

BEGAN, BOUNDARY = date(2020, 1, 1), date(2020, 2, 1)  # long ago: nothing of any other test is due then


@pytest.fixture
def many(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Kept]:
    seller, buyer = make_seller(app), make_shop(app, business="Blue Door Bakery").vendor
    made = [Kept(seller, buyer, BEGAN) for _ in range(7)]
    for kept in made:
        kept.settle(BEGAN)
    monkeypatch.setattr(subscriptions, "AT_ONCE", 3)
    return made


def renewals(kept: Kept) -> list[tuple[date, str]]:
    return [(d.on_day, d.state) for d in kept.documents() if d.origin == "renewal"]


def run(app: Flask, on: date, hour: int) -> None:
    with app.app_context(), frozen(at(on, hour)):
        run_midnights(UUID(int=0))


def test_everybody_is_renewed_once_and_numbered_within_the_hour(app: Flask, many: list[Kept]) -> None:
    run(app, BOUNDARY, 0)
    assert [renewals(kept) for kept in many] == [[(BOUNDARY, "draft")]] * 7
    run(app, BOUNDARY, 1)
    assert [renewals(kept) for kept in many] == [[(BOUNDARY, "final")]] * 7
    run(app, BOUNDARY, 2)
    assert all(len(kept.charges()) == 2 for kept in many)
    numbers = sorted(d.number or 0 for kept in many for d in kept.documents())
    assert numbers == list(range(1, 15)), "no gap and no double"


def test_a_kill_in_the_middle_loses_nothing_and_repeats_nothing(app: Flask, many: list[Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = subscriptions.follow_all, []

    def dies(rows: list[KeptSubscription]) -> None:
        calls.append(rows)
        real(rows)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(subscriptions, "follow_all", dies)
    with pytest.raises(KeyboardInterrupt):
        run(app, BOUNDARY, 0)
    assert sum(len(renewals(kept)) for kept in many) == 3, "the first transaction stands, the second one is gone"
    monkeypatch.setattr(subscriptions, "follow_all", real)
    run(app, BOUNDARY, 0)
    assert [len(renewals(kept)) for kept in many] == [1] * 7


def test_one_that_fails_holds_nobody_up_and_is_tried_again_in_an_hour(
    app: Flask, many: list[Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken = subscriptions.catch_up_all, many[0].row.public_id

    def fails(rows: list[KeptSubscription]) -> object:
        done = real(rows)
        if broken in {row.public_id for row in rows}:
            raise RuntimeError("a fault")
        return done

    monkeypatch.setattr(subscriptions, "catch_up_all", fails)
    run(app, BOUNDARY, 0)
    assert [len(renewals(kept)) for kept in many] == [0] + [1] * 6
    monkeypatch.setattr(subscriptions, "catch_up_all", real)
    run(app, BOUNDARY, 2)
    assert len(renewals(many[0])) == 1


def test_the_clock_asks_once_and_only_when_something_is_due(app: Flask, many: list[Kept]) -> None:
    def asked() -> int:
        query = select(func.count()).select_from(OutboxTask).where(OutboxTask.job == "run_midnights", OutboxTask.state == "waiting")
        return db.session.scalar(query) or 0

    with app.app_context():
        with frozen(at(date(2019, 1, 1))), unit_of_work():
            before = asked()
            plan_midnights()
            assert asked() == before
        with frozen(at(BOUNDARY)), unit_of_work():
            plan_midnights()
            plan_midnights()
            assert asked() == max(before, 1)
            db.session.rollback()
