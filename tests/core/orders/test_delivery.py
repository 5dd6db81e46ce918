"""Money of an order waits for its delivery, or for the days the checkout gave it; what the processor kept may be the seller's to bear."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest

from core.accounts.models import Vendor
from core.kernel.clock import shifted
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.orders.deliver import NotToDeliver, deliver_order
from core.orders.models import Order
from core.orders.queries import lines_of
from core.orders.refund import LineRefundRefused, refund_lines
from core.orders.terms import Terms
from core.orders.wish import LineWish, OrderWish
from core.payments.refund_models import Refund
from tests.core.orders.market import Market, Sale
from tests.core.payments.claims import approved, named, opened
from tests.core.payments.transfers import euros_at_another_bank
from tests.factories import again, fresh, release_all, tell_refund, unit


def paid(market: Market, *amounts: int, **more: Any) -> Sale:
    sale = market.open(*amounts, **more)
    sale.pay()
    for place in range(1, len(amounts) + 1):
        sale.tell(place, "yes")
    return sale


def deliver(market: Market, sale: Sale, place: int) -> Order:
    with unit(market.app):
        return deliver_order(sale.seller(place).vendor, sale.order(place), by="usr_x")


def test_what_is_not_delivered_is_not_released_before_its_days_are_over(market: Market) -> None:
    paid(market, 7000, release_days=14)
    seller = market.shops[0]
    with shifted(timedelta(days=13, hours=23)):  # the vendor's own two days are long over
        release_all(market.app)
        assert (market.account(seller, "seller_pending"), market.account(seller, "seller_available")) == (6825, 0)
    with shifted(timedelta(days=14, minutes=1)):
        release_all(market.app)
        assert (market.account(seller, "seller_pending"), market.account(seller, "seller_available")) == (0, 6825)


def test_a_delivered_order_is_released_at_once_and_only_that_one(market: Market) -> None:
    sale = paid(market, 7000, 3000)
    deliver(market, sale, 2)
    release_all(market.app)
    assert [market.account(shop, "seller_available") for shop in market.shops[:2]] == [0, 2925]
    first = sale.order(2).delivered_at
    with shifted(timedelta(hours=1)):
        assert deliver(market, sale, 2).delivered_at == first  # said again, the first time counts


def test_what_is_not_paid_is_not_delivered(market: Market) -> None:
    sale = market.open(7000)
    sale.pay()
    with pytest.raises(NotToDeliver):
        deliver(market, sale, 1)
    sale.tell(1, "yes")
    with unit(market.app):
        refund_lines(
            market.shops[0].vendor, sale.order(1), {1: Money(7000, "GBP")}, reason="other", by="usr_x", form_token=sale.checkout.token_id
        )
    with pytest.raises(NotToDeliver):
        deliver(market, sale, 1)


def bears(market: Market, sale: Sale, *, fee: int | None) -> None:
    """As if the terms had said that the seller bears what the processor keeps."""
    payment = sale.payment(1)
    with unit(market.app):
        row = again(payment)
        row.seller_bears, row.processor_fee_minor = True, fee


def test_the_seller_bears_the_processors_fee_when_the_terms_say_so(market: Market) -> None:
    sale = paid(market, 7000)
    seller = market.shops[0]
    bears(market, sale, fee=20)
    deliver(market, sale, 1)
    release_all(market.app)
    assert market.account(seller, "seller_available") == 6805
    assert market.account(seller, "seller_pending") == 0
    assert market.account(seller, "psp_fee_expense") == 0  # it was ours, and is made up
    kept = fresh(seller, sale.payment(1))
    assert (kept.borne_minor, kept.net.minor) == (20, 6805)
    assert market.breaks() == []


def test_nothing_is_released_before_it_is_known_what_the_seller_bears(market: Market) -> None:
    sale = paid(market, 7000)
    bears(market, sale, fee=None)
    deliver(market, sale, 1)
    release_all(market.app)
    assert market.account(market.shops[0], "seller_available") == 0
    bears(market, sale, fee=20)
    release_all(market.app)
    assert market.account(market.shops[0], "seller_available") == 6805


def test_a_fee_that_is_never_said_holds_nobodys_money_for_ever(market: Market) -> None:
    """A processor that charges in another currency is asked in vain: the books do not know its rate."""
    sale = paid(market, 7000)
    bears(market, sale, fee=None)
    deliver(market, sale, 1)
    with shifted(timedelta(days=13)):
        release_all(market.app)
        assert market.account(market.shops[0], "seller_available") == 0
    with shifted(timedelta(days=15)):
        release_all(market.app)
        assert market.account(market.shops[0], "seller_available") == 6825
    assert market.breaks() == []


def test_a_seller_bears_no_more_than_is_left(market: Market) -> None:
    sale = paid(market, 100)
    with unit(market.app):
        refund_lines(
            market.shops[0].vendor, sale.order(1), {1: Money(95, "GBP")}, reason="other", by="usr_x", form_token=sale.checkout.token_id
        )
    sale.refunds_arrive()
    bears(market, sale, fee=20)
    with shifted(timedelta(days=15)):
        release_all(market.app)
    assert market.account(market.shops[0], "seller_pending") == 0
    assert market.account(market.shops[0], "seller_available") == 0
    assert market.breaks() == []


# --- lines given back ---------------------------------------------------------------------------------------------------------


def two_lines(market: Market) -> Sale:
    seller = market.operator.vendor.public_id
    order = OrderWish(seller, (LineWish("Bread", 2, 500), LineWish("Cake", 1, 2500)))
    sale = market.open(wish=market.wish(3500, orders=(order,)))
    sale.pay()
    sale.tell(1, "yes")
    return sale


def give_back(market: Market, sale: Sale, token: str, **amounts: int) -> Refund:
    with unit(market.app):
        return refund_lines(
            market.operator.vendor, sale.order(1), {int(k[1:]): Money(v, "GBP") for k, v in amounts.items()}, reason="other", by="usr_x",
            form_token=sale.checkout.public_id + token,
        )  # fmt: skip


def left(market: Market, sale: Sale) -> list[int]:
    with unit(market.app):
        return [one.left.minor for one in lines_of(market.operator.vendor, sale.order(1))]


def test_a_line_that_is_paid_by_a_refund_link_is_not_given_back_again(market: Market) -> None:
    """The refund of the line failed, and counts no more; the transfer to the account that its payer named does."""
    with euros_at_another_bank():
        seller, token = market.operator, secrets.token_hex(8)
        order = OrderWish(seller.vendor.public_id, (LineWish("Bread", 2, 5000), LineWish("Cake", 1, 2500)))
        sale = market.open(wish=market.wish(12500, orders=(order,), currency="EUR"))
        sale.pay()
        sale.tell(1, "yes")

        def cake(token: str) -> Refund:
            with unit(market.app):
                return refund_lines(seller.vendor, sale.order(1), {2: Money(2500, "EUR")}, reason="other", by="usr_x", form_token=token)

        refund = cake(token)
        tell_refund(seller, refund, "failed", failure_reason="expired_or_canceled_card")
        assert left(market, sale) == [10000, 2500]
        approved(seller, named(seller, opened(seller, sale.payment(1), refund)))
        assert left(market, sale) == [10000, 0]
        with pytest.raises(LineRefundRefused):
            cake(f"{token}-again")


def test_lines_are_given_back_once_and_never_more_than_they_are(market: Market) -> None:
    sale = two_lines(market)
    first = give_back(market, sale, "a", l1=500)
    assert give_back(market, sale, "a", l1=500).id == first.id
    assert left(market, sale) == [500, 2500]
    with pytest.raises(LineRefundRefused) as refusal:
        give_back(market, sale, "b", l1=501)
    assert refusal.value.field == "line_1"
    both = give_back(market, sale, "c", l1=500, l2=2500)
    assert both.amount_minor == 3000 and left(market, sale) == [0, 0]
    assert fresh(market.operator, sale.payment(1)).refundable.minor == 0


def test_a_refund_that_did_not_arrive_leaves_its_line_to_be_given_back(market: Market) -> None:
    sale = two_lines(market)
    give_back(market, sale, "a", l2=2500)
    sale.refunds_arrive("failed")
    assert left(market, sale) == [1000, 2500]
    assert give_back(market, sale, "b", l2=2500).amount_minor == 2500


@pytest.mark.parametrize("amounts", [{}, {"l3": 100}, {"l1": 0}, {"l1": -5}])
def test_what_is_no_line_or_no_amount_is_refused(market: Market, amounts: dict[str, int]) -> None:
    sale = two_lines(market)
    with pytest.raises(Refusal):
        give_back(market, sale, "x", **amounts)
    assert left(market, sale) == [1000, 2500]


def waits(market: Market, days: int) -> None:
    """How long the money of the operator's ordinary sales waits."""
    with unit(market.app):
        db.session.get_one(Vendor, market.operator.vendor.id).release_days = days


def test_who_opened_the_checkout_and_delivers_itself_waits_as_for_its_other_sales(market: Market) -> None:
    waits(market, 5)
    sale = paid(market, 7000, 3000, release_days=1)
    for place in (1, 2):
        deliver(market, sale, place)
    assert sale.order(1).release_days == 5, "what the checkout asked for was less"
    release_all(market.app)
    assert [market.account(shop, "seller_available") for shop in market.shops[:2]] == [0, 2925], (
        "of another seller it was the operator’s sale"
    )
    with shifted(timedelta(days=4, hours=23)):
        release_all(market.app)
        assert market.account(market.operator, "seller_available") == 0
    with shifted(timedelta(days=5, minutes=1)):
        release_all(market.app)
        assert market.account(market.operator, "seller_available") == 6825
    assert market.breaks() == []


@pytest.mark.parametrize(("asked", "least", "waiting", "own", "expected"), [
    (None, 0, 14, 0, (14, 0)), (None, 3, 10, 0, (10, 3)), (1, 3, 10, 0, (3, 3)), (30, 3, 10, 7, (30, 7)), (None, 0, 3, 7, (7, 7)), (1, 0, 14, 0, (1, 0)),
])  # fmt: skip
def test_an_order_waits_as_its_checkout_asked_and_never_less_than_the_terms(
    asked: int | None, least: int, waiting: int, own: int, expected: tuple[int, int]
) -> None:
    terms = Terms(1, waiting_days=waiting, least_days=least)
    assert terms.waits(asked, Vendor(release_days=own), opened_itself=True) == expected
    assert terms.waits(asked, Vendor(release_days=99), opened_itself=False) == terms.waits(
        asked, Vendor(release_days=0), opened_itself=True
    )
