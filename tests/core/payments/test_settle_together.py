"""Settling several at once: batches that name a payment twice, a success that is a unit of work by itself, and two that are told at the same moment."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from core.kernel import together
from core.kernel.clock import now
from core.kernel.db import db, unit_begun
from core.kernel.money import Money
from core.payments.hear import Told
from core.payments.models import Attempt, Payment
from core.payments.queries import list_attempts
from core.payments.settle import CaptureTwisted, _settle_together, settle, settle_at_once, settle_many
from core.providers.contract import Outcome
from tests.core.payments.conftest import AtOnce
from tests.core.payments.settled import again, held, journals, lines, paid, told_of
from tests.factories import Shop, fresh, make_link, make_payment, open_payment, tell, unit

ROUNDS = 40
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"


def test_a_batch_that_names_a_payment_three_times_pays_it_once(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    with unit(shop.app):
        assert sorted(settle_many([told_of(shop, payment, attempt, "ch_1", f"evt_{n}") for n in range(3)])) == [
            "already",
            "already",
            "settled",
        ]
    assert journals(shop, payment) == ["capture"]
    assert lines(shop, payment, "payment.succeeded") == ["payment.succeeded"]
    assert held(shop) == {"psp_clearing": 2_500, "seller_pending": 2_437, "platform_fee": 63}


def test_a_batch_that_brings_two_charges_of_one_payment_takes_one_as_the_sale(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    other = make_payment(shop)
    with unit(shop.app):
        told = [told_of(shop, payment, attempt, "ch_a"), told_of(shop, other, None, "ch_o"), told_of(shop, payment, attempt, "ch_b")]
        assert sorted(settle_many(told)) == ["second_charge", "settled", "settled"]
    assert journals(shop, payment) == ["capture", "unexpected capture"]
    assert held(shop)["psp_clearing"] == 7_500
    assert held(shop)["unapplied_receipts"] == 2_500


def test_one_charge_cannot_pay_two_payments_of_a_batch(shop: Shop, payment: Payment) -> None:
    other = make_payment(shop)
    with pytest.raises(Exception, match="in the books already"), unit(shop.app):
        settle_many([told_of(shop, payment, None, "ch_1"), told_of(shop, other, None, "ch_1")])
    assert [fresh(shop, p).state for p in (payment, other)] == ["created", "created"]
    assert held(shop) == {}


# --- a unit of work by itself --------------------------------------------------------------------------------------------


def at_once(shop: Shop, payment: Payment, attempt: Attempt, **facts: Any) -> str:
    outcome = Outcome(state="succeeded", provider_reference="cs", occurred_at=now(), **paid(payment, **facts))
    return settle_at_once(shop.vendor, payment, attempt, outcome, cause="return")


def test_a_success_by_itself_is_kept_although_nobody_commits(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    with shop.app.app_context():
        assert at_once(shop, payment, attempt) == "settled"
        assert at_once(shop, payment, attempt) == "already"
        assert not unit_begun()
        db.session.rollback()
    assert (fresh(shop, payment).state, fresh(shop, attempt).state) == ("succeeded", "succeeded")
    assert journals(shop, payment) == ["capture"]


def test_inside_a_unit_that_has_begun_it_is_part_of_that_unit(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    with pytest.raises(RuntimeError), unit(shop.app):
        again(payment)
        assert at_once(shop, payment, attempt) == "settled"
        raise RuntimeError
    assert fresh(shop, payment).state == "requires_action"
    assert held(shop) == {}


@pytest.mark.parametrize(("more", "result"), [({"amount": Money(2_499, "GBP")}, "mismatch"), ({"charge": "ch_2"}, "second_charge")])
def test_money_nobody_asked_for_is_booked_apart_by_the_same_way(
    more: dict[str, Any], result: str, shop: Shop, payment: Payment, attempt: Attempt
) -> None:
    if result == "second_charge":
        tell(shop, payment, attempt, "succeeded", **paid(payment))
    with unit(shop.app):
        assert at_once(shop, payment, attempt, **more) == result
    assert journals(shop, payment)[-1] == "unexpected capture"
    assert fresh(shop, attempt).state == "succeeded"


def test_what_the_processor_kept_is_booked_in_the_same_journey(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    outcome = Outcome(
        state="succeeded", provider_reference="cs", occurred_at=now(), fee=Money(55, "GBP"), fee_reference="txn_1", **paid(payment)
    )
    with shop.app.app_context():
        for result in ("settled", "already"):
            assert settle_at_once(shop.vendor, payment, attempt, outcome, cause="return") == result
    assert journals(shop, payment) == ["capture", "processor fee"]
    assert lines(shop, payment)[-2:] == ["payment.succeeded", "fee.recorded"]
    assert fresh(shop, payment).processor_fee_minor == 55
    assert fresh(shop, payment).version == len(lines(shop, payment))
    assert held(shop)["psp_clearing"] == 2_445


def test_a_fee_in_another_currency_than_the_sale_does_not_stop_the_sale(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    outcome = Outcome(
        state="succeeded", provider_reference="cs", occurred_at=now(), fee=Money(61, "EUR"), fee_reference="txn_1", **paid(payment)
    )
    with unit(shop.app):
        assert settle_at_once(shop.vendor, payment, attempt, outcome, cause="return") == "settled"
    assert journals(shop, payment) == ["capture"]
    assert fresh(shop, payment).processor_fee_minor is None
    assert lines(shop, payment)[-2:] == ["payment.succeeded", "fee.other_currency"]


def test_a_replay_writes_nothing_at_all(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    told = told_of(shop, payment, attempt, "ch_1")
    with unit(shop.app):
        settle_many([told])
    with unit(shop.app):
        assert settle_many([told_of(shop, payment, attempt, "ch_1")]) == ["already"]
        assert db.session.scalar(text("SELECT pg_current_xact_id_if_assigned()")) is None


def test_a_card_that_was_not_known_at_first_is_written_down_by_later_news(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    stale = told_of(shop, payment, attempt, "ch_1")
    with unit(shop.app):
        settle_many([stale])
    with unit(shop.app):
        assert at_once(shop, payment, attempt) == "already"
    assert (fresh(shop, payment).card_brand, fresh(shop, payment).card_last4) == ("visa", "4242")


# --- several that come at the same moment go together ----------------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PATIENCE", timedelta(seconds=30))


@contextmanager
def held_up(shop: Shop, payment: Payment, attempt: Attempt) -> Iterator[ThreadPoolExecutor]:
    """Somebody has a payment's row until the end of the block, and the one who settles it waits for them."""
    with ThreadPoolExecutor(8) as crowd:
        with shop.app.app_context(), db.engine.connect() as other:
            other.execute(text("SELECT 1 FROM payments WHERE id = :id FOR UPDATE"), {"id": payment.id})
            first = crowd.submit(in_a_thread, shop, payment, attempt, "ch_first")
            until_waiting(shop, 1)
            yield crowd
        assert first.result(30) == "settled"


def in_a_thread(shop: Shop, payment: Payment, attempt: Attempt | None, charge: str) -> str:
    outcome = Outcome(state="succeeded", provider_reference="cs", charge=charge, captured=payment.amount, occurred_at=now())
    with unit(shop.app):
        return settle_at_once(shop.vendor, payment, attempt, outcome, cause="return")


def until_waiting(shop: Shop, count: int) -> None:
    """So many wait in PostgreSQL for somebody's lock."""
    for _ in range(3000):
        with db.engine.connect() as other:
            if (
                other.scalar(
                    text(
                        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND datname = current_database()"
                    )
                )
                >= count
            ):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def until_queued(shop: Shop, count: int) -> None:
    for _ in range(3000):
        with shop.app.app_context():
            if len(_settle_together._queue().waiting) == count:
                return
        time.sleep(0.01)
    raise AssertionError("they did not come")


@pytest.mark.usefixtures("patient")
def test_all_who_came_while_one_was_on_its_way_are_one_journey_and_each_is_booked_once(
    shop: Shop, payment: Payment, attempt: Attempt
) -> None:
    others = [make_payment(shop) for _ in range(4)]
    with held_up(shop, payment, attempt) as crowd:
        told = [(other, f"ch_{n}") for n, other in enumerate(others)] + [(others[0], "ch_0"), (others[1], "ch_other")]
        later = [crowd.submit(in_a_thread, shop, other, None, charge) for other, charge in told]
        until_queued(shop, len(told))
    results = [one.result(30) for one in later]
    assert results[2:4] == ["settled", "settled"]
    assert sorted((results[0], results[4])) == ["already", "settled"]
    assert sorted((results[1], results[5])) == ["second_charge", "settled"]
    assert [journals(shop, other) for other in others] == [["capture"], ["capture", "unexpected capture"], ["capture"], ["capture"]]
    with unit(shop.app):
        kept = db.session.execute(
            text("SELECT DISTINCT xmin FROM payments WHERE id = ANY (:ids)"), {"ids": [other.id for other in others[2:]]}
        )
        assert len(kept.all()) == 1  # by one transaction


@pytest.mark.usefixtures("patient")
def test_a_charge_that_twists_the_books_stops_its_own_payment_and_nobody_elses(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    known, twisted, good = (make_payment(shop) for _ in range(3))
    with unit(shop.app):
        settle_many([told_of(shop, known, None, "ch_known")])
    with held_up(shop, payment, attempt) as crowd:
        bad, fine = crowd.submit(in_a_thread, shop, twisted, None, "ch_known"), crowd.submit(in_a_thread, shop, good, None, "ch_good")
        until_queued(shop, 2)
    with pytest.raises(CaptureTwisted):
        bad.result(30)
    assert fine.result(30) == "settled"
    assert [journals(shop, one) for one in (twisted, good)] == [[], ["capture"]]


def test_a_payment_whose_row_somebody_holds_holds_up_nobody_who_comes_later(shop: Shop, payment: Payment, attempt: Attempt) -> None:
    good = make_payment(shop)
    with held_up(shop, payment, attempt) as crowd:
        assert crowd.submit(in_a_thread, shop, good, None, "ch_good").result(30) == "settled"
        assert fresh(shop, payment).state == "requires_action"


@pytest.mark.usefixtures("patient")
def test_who_goes_together_with_a_payment_whose_row_somebody_holds_waits_a_moment_and_no_longer(
    shop: Shop, payment: Payment, attempt: Attempt
) -> None:
    stuck, good = make_payment(shop), make_payment(shop)
    with ThreadPoolExecutor(2) as crowd:
        with shop.app.app_context(), db.engine.connect() as other:
            other.execute(text("SELECT 1 FROM payments WHERE id = :id FOR UPDATE"), {"id": stuck.id})
            with held_up(shop, payment, attempt):
                late = crowd.submit(in_a_thread, shop, stuck, None, "ch_stuck")
                until_queued(shop, 1)
                fine = crowd.submit(in_a_thread, shop, good, None, "ch_good")
                until_queued(shop, 2)
            assert fine.result(20) == "settled"
            assert not late.done()
        assert late.result(30) == "settled"


# --- two at once ---------------------------------------------------------------------------------------------------------


def told_now(shop: Shop, payment: Payment, attempt: Attempt, charge: str) -> str:
    payment, attempt = again(payment), again(attempt)
    outcome = Outcome(state="succeeded", provider_reference="cs", charge=charge, captured=payment.amount, occurred_at=now())
    return settle(shop.vendor, payment, attempt, outcome, cause=f"evt_{secrets.token_hex(4)}")


def test_the_same_success_told_twice_at_once_is_booked_once(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for n in range(ROUNDS):
        payment = make_payment(shop, link)
        attempt = open_payment(shop, payment)
        act = partial(told_now, shop, payment, attempt, f"ch_{n}")
        assert sorted(at_once(act, act)) == ["already", "settled"]
        assert journals(shop, payment) == ["capture"]
    assert held(shop)["psp_clearing"] == ROUNDS * 2_500


def test_two_charges_told_at_once_are_one_sale_and_one_found_sum(shop: Shop, at_once: AtOnce) -> None:
    link = make_link(shop)
    for n in range(ROUNDS // 4):
        payment = make_payment(shop, link)
        attempt = open_payment(shop, payment)
        done = at_once(*(partial(told_now, shop, payment, attempt, f"ch_{n}_{which}") for which in "ab"))
        assert sorted(done) == ["second_charge", "settled"]
        assert journals(shop, payment) == ["capture", "unexpected capture"]
    with shop.app.app_context():
        assert len(list_attempts(shop.vendor, payment)) == 1


@pytest.mark.parametrize("news", ["declined", "fee"])
def test_what_a_batch_says_beside_the_money_locks_in_the_order_in_which_everybody_locks(
    news: str, shop: Shop, environment: dict[str, str]
) -> None:
    first, second = sorted((make_payment(shop), make_payment(shop)), key=lambda payment: payment.id)

    def told(payment: Payment) -> Told:
        if news == "declined":
            return Told(shop.vendor, payment, None, Outcome(state="declined", provider_reference="cs"), "evt")
        later = {"fee": Money(55, "GBP"), "fee_reference": f"txn_{payment.id.hex}", **paid(payment, f"ch_{payment.id.hex}")}
        return Told(shop.vendor, payment, None, Outcome(state="succeeded", provider_reference="cs", occurred_at=now(), **later), "evt")

    def hear_both() -> list[str]:
        with unit(shop.app):
            return settle_many([told(second), told(first)])

    if news == "fee":
        for payment in (first, second):
            tell(shop, payment, None, "succeeded", **paid(payment, f"ch_{payment.id.hex}"))
    address = environment["MIGRATION_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(address) as other, psycopg.connect(address, autocommit=True) as watcher, ThreadPoolExecutor(1) as aside:
        other.execute("SELECT 1 FROM payments WHERE vendor_id = %s AND id = %s FOR UPDATE", (shop.vendor.id, first.id))
        done = aside.submit(hear_both)
        until = time.monotonic() + 30
        while watcher.execute(WAITING, (other.info.backend_pid,)).fetchone() == (0,):
            assert time.monotonic() < until and not done.done(), "nobody waits for the first"
            time.sleep(0.01)
        try:
            other.execute("SELECT 1 FROM payments WHERE vendor_id = %s AND id = %s FOR UPDATE NOWAIT", (shop.vendor.id, second.id))
        finally:
            other.rollback()
        assert len(done.result(30)) == 2
