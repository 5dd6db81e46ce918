"""A try that begins without the payment being locked first: the same as one that begins under the lock, and only while nobody has touched it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.payments.attempt import LIVE_ATTEMPT, PaymentOver, Seen, TriedTooOften, begin_attempt
from core.payments.close import record_close
from core.payments.link import edit_link
from core.payments.link_terms import LinkTerms
from core.payments.models import Attempt, Payment, PaymentEvent, PaymentLink
from core.payments.screen import hold_payment
from core.payments.start import open_payment, payment_token
from core.risk.score import Verdict
from tests.factories import fresh, make_link, make_payment, make_shop, unit


@pytest.fixture
def shop(app):
    return make_shop(app)


def read(shop: Any, payment: Payment) -> tuple[Vendor, Payment, Seen, PaymentLink]:
    """As the payer's page reads it and holds it, with nothing locked."""
    vendor, row, attempt, link, written = open_payment(payment_token(shop.vendor, payment))
    assert attempt is None
    assert link is not None
    return vendor, row, Seen(0, written), link


def rows_of(payment: Payment, model: type[Any]) -> list[Any]:
    mine = select(model).where(model.vendor_id == payment.vendor_id, model.payment_id == payment.id)
    return list(db.session.scalars(mine.order_by(model.number if model is Attempt else model.seq)))


def plain(row: Any) -> dict[str, Any]:
    """Everything but whose it is and when."""
    own = {
        "id",
        "public_id",
        "payment_id",
        "at",
        "created_at",
        "updated_at",
        "next_inquiry_at",
        "reference",
        "token_id",
        "form_token",
        "expires_at",
    }
    told = {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in own}
    if "detail" in told:
        told["detail"] = {name: value for name, value in told["detail"].items() if name != "attempt"}
    return told


def test_it_writes_what_a_try_under_the_lock_writes(app, shop):
    link = make_link(shop)
    one, other = make_payment(shop, link), make_payment(shop, link)
    with app.app_context(), unit_of_work():
        vendor, row, seen, _link = read(shop, one)
        attempt = begin_attempt(vendor, row, seen=seen)
        assert fresh(shop, attempt).state == "started"  # it stands already
    with unit(app):
        begin_attempt(shop.vendor, other)
    with unit(app):
        assert [plain(row) for row in rows_of(one, Attempt)] == [plain(row) for row in rows_of(other, Attempt)]
        assert [plain(row) for row in rows_of(one, PaymentEvent)] == [plain(row) for row in rows_of(other, PaymentEvent)]
    assert plain(fresh(shop, one)) == plain(fresh(shop, other))


def test_a_payment_that_was_called_off_meanwhile_is_not_tried(app, shop):
    payment = make_payment(shop)
    with app.app_context():
        vendor, row, seen, _link = read(shop, payment)
        with app.app_context(), unit_of_work():
            record_close(shop.vendor, payment, None, None, to="canceled", actor="payer")
        with pytest.raises(PaymentOver), unit_of_work():
            begin_attempt(vendor, row, seen=seen)
    with unit(app):
        assert rows_of(payment, Attempt) == []


def test_one_that_was_held_meanwhile_is_not_tried(app, shop):
    payment = make_payment(shop)
    with app.app_context():
        vendor, row, seen, _link = read(shop, payment)
        with app.app_context(), unit_of_work():
            hold_payment(payment, Verdict(99))
        with pytest.raises(TriedTooOften), unit_of_work():
            begin_attempt(vendor, row, seen=seen)


def test_another_tabs_try_is_the_one(app, shop):
    payment = make_payment(shop)
    with app.app_context():
        vendor, row, seen, _link = read(shop, payment)
        with app.app_context(), unit_of_work():
            first = begin_attempt(shop.vendor, payment)
        with unit_of_work():
            assert begin_attempt(vendor, row, seen=seen).id == first.id


def test_one_whose_time_has_run_out_is_not_tried(app, shop):
    payment = make_payment(shop)
    with app.app_context():
        vendor, row, seen, _link = read(shop, payment)
        with app.app_context(), unit_of_work():
            db.session.get_one(Payment, (payment.vendor_id, payment.mode, payment.id)).expires_at = now()
        with pytest.raises(PaymentOver), unit_of_work():
            begin_attempt(vendor, row, seen=seen)


def test_a_link_that_was_given_a_limit_meanwhile_counts_it(app, shop):
    link = make_link(shop)
    payment = make_payment(shop, link)
    with app.app_context():
        vendor, row, seen, _link = read(shop, payment)
        with app.app_context(), unit_of_work():
            edit_link(link, by="usr_1", terms=LinkTerms(title="Sourdough course", currency="GBP", amount_minor=2500, max_payments=1))
        with unit_of_work():
            begin_attempt(vendor, row, seen=seen)
    assert fresh(shop, payment).holds_place


def test_of_many_at_once_one_begins(app, shop):
    def press(payment: Payment, together: Barrier) -> Any:
        with app.app_context():
            vendor, row, seen, _link = read(shop, payment)
            together.wait(20)
            with unit_of_work():
                return begin_attempt(vendor, row, seen=seen).id

    for _ in range(40):
        payment, together = make_payment(shop), Barrier(5)
        with ThreadPoolExecutor(5) as crowd:
            begun = set(crowd.map(lambda _: press(payment, together), range(5)))  # noqa: B023
        with unit(app):
            [attempt] = rows_of(payment, Attempt)
            assert begun == {attempt.id}
            assert attempt.state in LIVE_ATTEMPT
            assert [row.seq for row in rows_of(payment, PaymentEvent)] == list(range(1, 1 + fresh(shop, payment).version))
