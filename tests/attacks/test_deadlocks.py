"""Two connections that wait for each other: PostgreSQL ends one of them, and nobody who pays or refunds is shown a fault for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from structlog.testing import capture_logs

from core.kernel.db import db
from core.payments.attempt import live_attempt
from core.payments.queries import list_refunds
from tests.browser import Browser
from tests.factories import fresh, link_address, make_link, make_paid, make_shop, out_of_sight, unit
from tests.sandbox.running import pay

PAYMENT = "SELECT 1 FROM payments WHERE vendor_id = %s AND id = %s FOR UPDATE"
BALANCES = "SELECT 1 FROM balances WHERE vendor_id = %s FOR UPDATE"
ATTEMPTS = "SELECT 1 FROM attempts WHERE vendor_id = %s AND payment_id = %s FOR UPDATE"


@pytest.fixture
def shop(app):
    return make_shop(app)


class Other:
    """Somebody else's transaction, which locks in the order nobody should, and always second: so it is never the one that is ended."""

    def __init__(self, address: str, first: tuple[str, tuple[Any, ...]], then: tuple[str, tuple[Any, ...]]) -> None:
        self.line, self.watcher = psycopg.connect(address), psycopg.connect(address, autocommit=True)
        self.first, self.then, self.crossed = first, then, 0

    def hold(self) -> None:
        self.line.execute(*self.first)

    def cross(self) -> None:
        """Waits until somebody waits for us, then asks for what they hold; gets it when they are ended, and lets all go."""
        until = time.monotonic() + 90
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        while self.watcher.execute(waiting, (self.line.info.backend_pid,)).fetchone() == (0,):
            assert time.monotonic() < until, "nobody came"
            time.sleep(0.01)
        self.line.execute(*self.then)
        self.crossed += 1
        self.line.rollback()

    def close(self) -> None:
        self.line.close()
        self.watcher.close()


@contextmanager
def crossing(environment: dict[str, str], first: tuple[str, tuple[Any, ...]], then: tuple[str, tuple[Any, ...]]) -> Iterator[Other]:
    """For the block, the other transaction is in the way of the first who comes."""
    other = Other(environment["MIGRATION_DATABASE_URL"].replace("+psycopg", ""), first, then)
    other.hold()
    thread = threading.Thread(target=other.cross, daemon=True)
    thread.start()
    try:
        yield other
        thread.join(100)
        assert other.crossed == 1, "there was no deadlock"
    finally:
        other.close()


def test_a_request_that_gave_way_is_run_again_and_the_person_sees_nothing_of_it(app, environment, shop):
    payment, seller = make_paid(shop), shop.browser()
    show = f"/portal/payments/{payment.public_id}"
    form = seller.get(show).form(f"{show}/refunds")
    with crossing(environment, (BALANCES, (shop.vendor.id,)), (PAYMENT, (shop.vendor.id, payment.id))), capture_logs() as said:
        page = seller.submit(form, amount="10.00")
    assert [line["event"] for line in said if line["event"] == "request_again"] == ["request_again"]
    assert page.text.count("The refund is asked for.") == 1
    with app.app_context():
        assert [refund.amount_minor for refund in list_refunds(shop.vendor, payment)] == [1000]
    assert fresh(shop, payment).refunding_minor == 1000


@pytest.fixture
def came_back(shop, environment, live_server) -> Callable[[], tuple[Any, Browser, str]]:
    """A payer who has paid at the processor and is on the way back, with no message from there."""
    from tests.flows.visit import Processor

    processor = Processor(environment)
    processor.story("webhook_lost")

    def go() -> tuple[Any, Browser, str]:
        payer = Browser(shop.app)
        page = payer.submit(payer.get(link_address(shop, make_link(shop))).form(), email="sam@example.com")
        sent = payer.submit(page.form(f"{page.address}/attempts"), status=303, follow=False)
        assert pay(sent.response.headers["Location"])[0] == 303
        from tests.checkout.desk import payments_of

        return payments_of(shop)[0], payer, page.address

    yield go
    processor.call("DELETE", "/_sandbox/stories")


def test_one_that_had_asked_the_processor_is_not_run_again_but_says_so_calmly(environment, shop, came_back):
    payment, payer, address = came_back()
    mine = (shop.vendor.id, payment.id)
    with crossing(environment, (ATTEMPTS, mine), (PAYMENT, mine)), capture_logs() as said:
        page = payer.get(f"{address}/return", status=409)
    assert "request_again" not in [line["event"] for line in said]
    assert "Please try again" in page.text and "Nothing was done twice" in page.text
    assert payer.get(f"{address}/return").heading == "Paid"
    assert fresh(shop, payment).captured_minor == payment.amount_minor


def test_a_job_that_gave_way_is_done_a_moment_later(app, environment, shop, came_back):
    from datetime import timedelta

    from core.kernel.clock import frozen, now, shifted
    from core.payments.hear import ask_again
    from workers.runner import drain

    payment, _, _ = came_back()
    with unit(app):
        out_of_sight(keep=shop.vendor)
    with unit(app):
        attempt = live_attempt(payment)
        ask_again(shop.vendor.id, payment.mode, db.session.merge(attempt))
    mine = (shop.vendor.id, payment.id)
    with (
        crossing(environment, (ATTEMPTS, mine), (PAYMENT, mine)),
        frozen(now()),
        app.app_context(),
    ):  # so that the moment is not over within it
        drain("money")
    assert fresh(shop, payment).state != "succeeded"
    with shifted(timedelta(seconds=5)), app.app_context():
        drain("money")
    assert fresh(shop, payment).state == "succeeded"


def test_two_that_cannot_be_put_in_line_are_told_apart_from_a_database_that_is_away():
    from core.kernel.db import gave_way

    assert gave_way(psycopg.errors.DeadlockDetected()) and gave_way(psycopg.errors.SerializationFailure())
    assert not gave_way(psycopg.errors.AdminShutdown()) and not gave_way(psycopg.OperationalError()) and not gave_way(ValueError())


def test_a_unit_that_cannot_be_committed_at_the_very_end_is_no_fault_either(app, client, monkeypatch):
    """What a handler did is committed after it; that is no place where error pages are looked for."""
    from core.web import page

    def gives_way(*, keep: bool) -> None:
        db.session.rollback()
        if keep:
            raise psycopg.errors.SerializationFailure("could not serialize access")

    with monkeypatch.context() as patch:
        patch.setattr(page, "finish_unit", gives_way)
        told = client.get("/")
    assert told.status_code == 409 and "Please try again" in told.get_data(as_text=True)
    assert told.headers["Content-Security-Policy"]
