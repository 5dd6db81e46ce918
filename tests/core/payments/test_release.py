"""Money becomes available after the vendor's waiting time: once, and whatever stands in the way of others."""

from __future__ import annotations

from datetime import timedelta

from core.kernel.clock import frozen, now, shifted
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import post
from tests.core.payments.conftest import AtOnce, another_shop
from tests.core.payments.settled import held
from tests.factories import Shop, fresh, make_paid, release_all, release_here, unit


def test_money_is_released_after_the_vendors_waiting_time_once(shop: Shop) -> None:
    make_paid(shop)
    release_all(shop.app)
    assert held(shop)["seller_pending"] == 2_437
    for _ in range(2):
        with shifted(timedelta(days=2, seconds=1)):
            release_all(shop.app)
    assert held(shop)["seller_available"] == 2_437


def test_a_book_that_does_not_hold_what_is_due_holds_nobody_else_back(shop: Shop) -> None:
    poor, other = make_paid(shop), another_shop(shop)
    paid = make_paid(other)
    with unit(shop.app):
        post(
            [
                book.refund_requested(
                    poor, refund="ref_all", amount=poor.net, fee_returned=Money(0, "GBP"), taken_from="seller_pending", at=now()
                )
            ]
        )
    with shifted(timedelta(days=3)):
        release_all(shop.app)
    assert (fresh(shop, poor).released_at, held(other)["seller_available"]) == (None, paid.net.minor)


def test_two_clocks_at_once_release_each_payment_once(shop: Shop, at_once: AtOnce) -> None:
    for _ in range(6):
        make_paid(shop)
    with frozen(now() + timedelta(days=3)):
        late = now()

    def release() -> int:
        with frozen(late):
            return release_here()

    at_once(release, release)
    assert held(shop)["seller_available"] == 6 * 2_437
