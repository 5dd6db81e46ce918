"""The clock's look at the feed: the history once, then what the sandbox's bank publishes; and a feed that is none changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.fx.models import ReferenceRate
from core.fx.rates import get_rate
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import OutboxTask
from workers import rates
from workers.rates import plan_rates, refresh_rates


def count(source: str) -> int:
    return db.session.scalar(select(func.count()).select_from(ReferenceRate).where(ReferenceRate.source == source)) or 0


def test_the_feed_is_fetched_and_kept_and_a_second_look_finds_nothing_new(app: Flask) -> None:
    with app.app_context():
        refresh_rates(UUID(int=0))
        with unit_of_work():
            kept = count("sandbox")
            assert kept >= 29 * 10, "what came after the history that was taken over first"
            newest = get_rate("EUR", "USD").published_on
            assert (datetime.now(UTC).date() - newest).days <= 3
        refresh_rates(UUID(int=0))
        with unit_of_work():
            assert count("sandbox") == kept


def test_a_feed_that_is_none_changes_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = type("Wrong", (), {"rates_url": rates.settings().sandbox_url + "/_sandbox/health", "rates_source": "sandbox"})
    with app.app_context():
        with unit_of_work():
            before = count("sandbox")
        monkeypatch.setattr(rates, "settings", lambda: wrong)
        refresh_rates(UUID(int=0))
        with unit_of_work():
            assert count("sandbox") == before


def test_there_is_always_one_look_waiting(app: Flask) -> None:
    with app.app_context():
        for _ in range(3):
            with unit_of_work():
                plan_rates()
        with unit_of_work():
            waiting = select(func.count()).select_from(OutboxTask).where(OutboxTask.job == "refresh_rates", OutboxTask.state == "waiting")
            assert db.session.scalar(waiting) == 1
