"""Journeys of several captures against everybody else who writes the same payments, and against a line that breaks on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core.kernel import together
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.kernel.together import Together
from core.payments import settle as settling
from core.payments.close import record_close
from core.payments.history import move, note
from core.payments.models import Attempt, Payment
from core.payments.queries import timeline
from core.payments.settle import settle_at_once, settle_many
from core.payments.start import lock_payment
from core.providers.contract import Outcome
from tests.core.payments.conftest import AtOnce
from tests.core.payments.settled import again, held, journals, told_of
from tests.core.payments.test_settle_together import held_up, in_a_thread, until_queued, until_waiting
from tests.factories import Shop, fresh, make_link, make_payment, open_payment, unit

ROUNDS = 40


def success(payment: Payment, charge: str) -> Outcome:
    return Outcome(state="succeeded", provider_reference="cs", charge=charge, captured=payment.amount, occurred_at=now())


def others(shop: Shop, made: list[tuple[Payment, Attempt, str]]) -> list[Callable[[], Any]]:
    """A worker with the same news of all of them in another order, a payer who calls off, and a card that is declined."""

    def work() -> list[str]:
        told = [told_of(shop, again(payment), again(attempt), charge) for payment, attempt, charge in reversed(made)]
        return settle_many(told)

    def call_off() -> str:
        payment, attempt, _ = made[1]
        return record_close(
            shop.vendor,
            again(payment),
            again(attempt),
            Outcome(state="canceled", provider_reference=attempt.provider_reference or "cs"),
            to="canceled",
            actor="payer",
        )

    def decline() -> str:
        payment, attempt, _ = made[2]
        outcome = Outcome(state="declined", provider_reference=attempt.provider_reference or "cs", decline_code="card_declined")
        return settling.settle(shop.vendor, again(payment), again(attempt), outcome, cause="evt")

    return [work, call_off, decline]


def test_whoever_else_writes_them_each_is_paid_once_and_its_history_has_no_gap(shop: Shop) -> None:
    link = make_link(shop)
    for n in range(ROUNDS):
        payments = [make_payment(shop, link) for _ in range(4)]
        made = [(payment, open_payment(shop, payment), f"ch_{n}_{m}") for m, payment in enumerate(payments)]
        acts = [partial(in_a_thread, shop, *one) for one in made]
        gun = threading.Barrier(len(acts) + 3)

        def fire(act: Callable[[], Any], gun: threading.Barrier = gun) -> Any:
            gun.wait(60)
            with unit(shop.app):
                return act()

        with ThreadPoolExecutor(len(acts) + 3) as crowd:
            told = [crowd.submit(fire, act) for act in [*acts, *others(shop, made)]]
        answers = [one.result(60) for one in told]
        for at, payment in enumerate(payments):
            assert sorted([answers[at], answers[4][3 - at]]) == ["already", "settled"]
            assert fresh(shop, payment).state == "succeeded"
            assert journals(shop, payment) == ["capture"]
            assert_whole(shop, payment)
    assert held(shop)["psp_clearing"] == 4 * ROUNDS * 2_500


def test_a_payment_that_moves_while_a_batch_waits_for_it_is_settled_as_it_is_then(shop: Shop) -> None:
    payments = [make_payment(shop) for _ in range(3)]
    made = [(payment, open_payment(shop, payment)) for payment in payments]

    def batch() -> list[str]:
        with unit(shop.app):
            return settle_many([told_of(shop, again(payment), again(attempt), f"ch_{payment.public_id}") for payment, attempt in made])

    with ThreadPoolExecutor(1) as crowd:
        with unit(shop.app):
            moving = lock_payment(payments[1])
            move(moving, "processing", "payment.processing", actor="provider")
            note(moving, "payment.noted", actor="system")
            db.session.flush()
            waits = crowd.submit(batch)
            until_waiting(shop, 1)
        assert waits.result(30) == ["settled"] * 3
    for payment in payments:
        assert journals(shop, payment) == ["capture"]
        assert_whole(shop, payment)
    with shop.app.app_context():
        [paid] = [line for line in timeline(shop.vendor, payments[1]) if line.kind == "payment.succeeded"]
    assert paid.from_state == "processing"


def test_two_batches_of_money_nobody_asked_for_never_wait_in_a_circle(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for n in range(ROUNDS // 4):
        payments = [make_payment(shop, link) for _ in range(6)]
        with unit(shop.app):
            settle_many([told_of(shop, payment, None, f"ch_{n}_{at}") for at, payment in enumerate(payments)])

        def work(which: str, order: list[Payment]) -> list[str]:
            return settle_many([told_of(shop, again(payment), None, f"ch_{which}_{payment.public_id}") for payment in order])

        done = at_once(partial(work, "a", payments), partial(work, "b", payments[::-1]))
        assert done == [["second_charge"] * 6] * 2
        assert [journals(shop, one) for one in payments] == [["capture", "unexpected capture", "unexpected capture"]] * 6


def assert_whole(shop: Shop, payment: Payment) -> None:
    """Its lines are numbered without a gap up to its version, and each begins where the one before it ended."""
    with shop.app.app_context():
        history = sorted(timeline(shop.vendor, payment), key=lambda line: line.seq)
    assert [line.seq for line in history] == list(range(1, fresh(shop, payment).version + 1))
    moves = [(line.from_state, line.to_state) for line in history if line.to_state]
    assert [begin for begin, _ in moves[1:]] == [end for _, end in moves[:-1]]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PATIENCE", timedelta(seconds=30))
    monkeypatch.setattr(settling, "SETTLE_TOGETHER", settling.SETTLE_TOGETHER.replace("250ms", "30s"))


@pytest.mark.usefixtures("patient")
def test_when_the_line_breaks_before_it_is_kept_each_is_settled_alone(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    stuck, good = make_payment(shop), make_payment(shop)
    with ThreadPoolExecutor(2) as crowd:
        with shop.app.app_context(), db.engine.connect() as other:
            other.execute(text("SELECT 1 FROM payments WHERE id = :id FOR UPDATE"), {"id": stuck.id})
            with held_up(shop, payment, attempt):
                told = [crowd.submit(in_a_thread, shop, one, None, f"ch_{one.public_id}") for one in (stuck, good)]
                until_queued(shop, 2)
            until_waiting(shop, 1)
            ended = "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()"
            other.execute(text(ended))
            assert told[1].result(20) == "settled"
        assert told[0].result(20) == "settled"
    assert [journals(shop, one) for one in (stuck, good)] == [["capture"], ["capture"]]


@pytest.mark.usefixtures("patient")
def test_when_the_line_breaks_after_it_is_kept_each_hears_that_it_is_done_already(
    shop: Shop, payment: Payment, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go(items: list[dict[str, Any]]) -> list[str]:
        answers = settling._settle_by_themselves(items)
        if len(items) > 1:
            raise OperationalError("", None, ConnectionError())
        return answers

    monkeypatch.setattr(settling, "_settle_together", Together(go))
    made = [make_payment(shop) for _ in range(3)]
    with ThreadPoolExecutor(3) as crowd:
        with held_up(shop, payment, attempt):
            told = [crowd.submit(in_a_thread, shop, one, None, f"ch_{one.public_id}") for one in made]
            while waiting(shop) < 3:
                time.sleep(0.01)
        assert [one.result(20) for one in told] == ["already"] * 3
    assert [journals(shop, one) for one in made] == [["capture"]] * 3


def waiting(shop: Shop) -> int:
    with shop.app.app_context():
        return len(settling._settle_together._queue().waiting)


@pytest.mark.usefixtures("patient")
def test_each_is_booked_at_its_own_time_and_answered_with_its_own_word(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    """Of those who go together one lives a day ahead, one brings another sum, one a second charge, and one is known already."""
    made = [make_payment(shop) for _ in range(4)]
    ahead, short, second, known = made
    with unit(shop.app):
        settle_many([told_of(shop, second, None, "ch_first_of_two"), told_of(shop, known, None, "ch_known")])
    tomorrow = now().replace(microsecond=0) + timedelta(days=1)

    def tell(one: Payment, charge: str, more: dict[str, Any]) -> str:
        with unit(shop.app):
            outcome = success(one, charge)
            return settle_at_once(shop.vendor, one, None, replace(outcome, **more), cause="return")

    def a_day_ahead() -> str:
        with frozen(tomorrow):
            return tell(ahead, "ch_ahead", {})

    with ThreadPoolExecutor(4) as crowd:
        with held_up(shop, payment, attempt):
            told = [crowd.submit(a_day_ahead)]
            told.append(crowd.submit(tell, short, "ch_short", {"captured": short.amount.share(5_000)}))
            told += [crowd.submit(tell, one, f"ch_{name}", {}) for one, name in ((second, "second"), (known, "known"))]
            until_queued(shop, 4)
        assert [one.result(20) for one in told] == ["settled", "mismatch", "second_charge", "already"]
    assert fresh(shop, ahead).captured_at == tomorrow
    captured = fresh(shop, payment).captured_at
    assert captured is not None and captured < tomorrow - timedelta(hours=23)
    assert [journals(shop, one) for one in made] == [["capture"], ["unexpected capture"], ["capture", "unexpected capture"], ["capture"]]
