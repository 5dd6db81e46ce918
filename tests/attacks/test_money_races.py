"""Many at once, forty times over: what is paid, given back or sold must come out exactly, whoever was first."""

from __future__ import annotations

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.payments.models import Payment, PaymentLink
from core.payments.queries import list_refunds
from core.payments.refund import request_refund
from core.payments.start import start_payment
from tests.factories import fresh, make_link, make_paid, make_payment, make_shop, unit

AT_ONCE, ROUNDS = 6, 40


@pytest.fixture
def shop(app):
    return make_shop(app)


def together(app, act):
    """The same act from several threads at the same moment; what each came to (a refusal by its code)."""
    start = Barrier(AT_ONCE)

    def one(number):
        start.wait(60)
        try:
            with unit(app):
                return act(number)
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def again(row):
    return db.session.get_one(type(row), (row.vendor_id, row.mode, row.id))


def test_the_whole_is_given_back_once_however_many_ask(app, shop):
    for _ in range(ROUNDS):
        payment = make_paid(shop)

        def ask(_number, payment=payment):
            return request_refund(
                shop.vendor,
                again(payment),
                amount=payment.captured,
                reason="other",
                by=shop.user.public_id,
                form_token=secrets.token_urlsafe(18),
            ).public_id

        told = Counter(what[:4] for what in together(app, ask))
        assert told["ref_"] == 1, told
        assert fresh(shop, payment).refunding_minor == payment.captured_minor


def test_parts_given_back_at_once_never_exceed_the_whole(app, shop):
    for _ in range(ROUNDS):
        payment = make_paid(shop)

        def ask(_number, payment=payment):
            amount = Money(1_000, payment.currency)  # of 2 500: two fit
            token = secrets.token_urlsafe(18)
            return request_refund(
                shop.vendor, again(payment), amount=amount, reason="other", by=shop.user.public_id, form_token=token
            ).public_id

        together(app, ask)
        with app.app_context():
            assert sum(r.amount_minor for r in list_refunds(shop.vendor, payment)) == 2_000
        assert fresh(shop, payment).refunding_minor == 2_000


def test_one_form_sent_many_times_at_once_is_one_refund(app, shop):
    for _ in range(ROUNDS):
        payment, token = make_paid(shop), secrets.token_urlsafe(18)

        def ask(_number, payment=payment, token=token):
            amount = Money(100, payment.currency)
            return request_refund(
                shop.vendor, again(payment), amount=amount, reason="other", by=shop.user.public_id, form_token=token
            ).public_id

        assert len(set(together(app, ask))) == 1
        assert fresh(shop, payment).refunding_minor == 100


def test_the_last_places_are_sold_exactly(app, shop):
    for places in (1, 2, 1, 3, 1, 2, 1, 4) * (ROUNDS // 8):
        link = make_link(shop, kind="reusable", max_payments=places)

        def buy(_number, link=link):
            found = db.session.get_one(PaymentLink, (link.vendor_id, link.mode, link.id))
            return start_payment(
                shop.vendor, found, amount=link.amount, email="a@example.com", name="", form_token=secrets.token_urlsafe(18)
            ).public_id

        told = Counter(what[:4] for what in together(app, buy))
        assert told["pay_"] == places, told
        with app.app_context():
            mine = db.select(db.func.count()).select_from(Payment).where(Payment.link_id == link.id, Payment.vendor_id == link.vendor_id)
            assert db.session.scalar(mine.where(Payment.mode == link.mode)) == places


def test_a_form_of_one_payment_refunds_no_other(app, shop):
    """The number of a form belongs to the payment it was shown for."""
    first, second, token = make_paid(shop), make_paid(shop), secrets.token_urlsafe(18)
    with unit(app):
        request_refund(shop.vendor, again(first), amount=Money(100, "GBP"), reason="other", by="usr_x", form_token=token)
    with pytest.raises(Refusal, match="another payment"), unit(app):
        request_refund(shop.vendor, again(second), amount=Money(100, "GBP"), reason="other", by="usr_x", form_token=token)
    assert fresh(shop, second).refunding_minor == 0


def test_a_payment_that_took_no_money_gives_none_back(app, shop):
    payment = make_payment(shop)
    with pytest.raises(Refusal), unit(app):
        request_refund(
            shop.vendor, again(payment), amount=Money(100, "GBP"), reason="other", by="usr_x", form_token=secrets.token_urlsafe(18)
        )
