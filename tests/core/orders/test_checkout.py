"""One payer, one card, orders of several sellers: written once, paid each in its own book, and told truthfully when one is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from core.accounts.models import Vendor
from core.customers.block import block_customer
from core.customers.queries import find_customer
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.orders.consent import withdraw
from core.orders.open import CheckoutDiffers, open_checkout
from core.orders.wish import LineWish, OrderWish, WishRefused
from core.payments.saved import list_saved
from core.payments.saved_models import SavedCard
from tests.core.orders.market import Market
from tests.factories import again, unit

KEEP, ALL = "keep", "all_or_nothing"


def test_every_order_is_a_payment_in_its_own_sellers_book(market: Market) -> None:
    sale = market.open(7000, 3000, 1250)
    assert (sale.state, sale.states()) == ("open", ["waiting"] * 3)
    assert sale.payments() == 0
    sale.pay()
    assert (sale.state, sale.states()) == ("paying", ["paying"] * 3)
    for place in (1, 2, 3):
        assert sale.tell(place, "yes") == "settled"
    assert (sale.state, sale.states()) == ("done", ["paid"] * 3)
    assert [market.account(shop, "seller_pending") for shop in market.shops] == [6825, 2925, 1219]  # 2.5 %: 175, 75, 31
    assert [market.account(shop, "platform_fee") for shop in market.shops] == [175, 75, 31]
    assert all(part.is_paid for part in sale.parts())
    assert market.breaks() == []


def test_it_is_not_done_before_the_last_order_is(market: Market) -> None:
    sale = market.open(7000, 3000)
    sale.pay()
    sale.tell(2, "yes")
    assert (sale.state, sale.states()) == ("paying", ["paying", "paid"])
    sale.tell(1, "yes")
    assert sale.state == "done"


def test_the_same_wish_is_the_same_checkout_and_another_is_refused(market: Market) -> None:
    wish = market.wish(7000, 3000)
    first, second = market.open(wish=wish), market.open(wish=wish)
    assert first.checkout.id == second.checkout.id
    other = market.wish(7000, 3001, checkout_id=wish.checkout_id, email=wish.email)
    with pytest.raises(CheckoutDiffers):
        market.open(wish=other)
    assert [order.amount_minor for order in first.orders()] == [7000, 3000]


def test_a_card_told_of_twice_pays_once(market: Market) -> None:
    sale = market.open(7000, 3000)
    card = sale.card()
    assert sale.tell_card(card) is False
    sale.work()
    sale.look()
    assert sale.payments() == 2


def test_one_declined_order_keeps_the_others_and_may_be_tried_again(market: Market) -> None:
    sale = market.open(7000, 3000, rule=KEEP)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "no")
    assert (sale.state, sale.states()) == ("waiting", ["paid", "declined"])
    assert sale.refunds(1) == []
    sale.tell(2, "yes")  # the payer came back to it: late news of money are news
    assert (sale.state, sale.states()) == ("done", ["paid", "paid"])


def test_what_nobody_paid_in_time_is_over_and_the_rest_is_kept(market: Market) -> None:
    sale = market.open(7000, 3000, rule=KEEP, hours=2)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "no")
    with shifted(timedelta(hours=3)):
        assert sale.look() == "waiting"
        assert sale.payment(2).expires_at <= now()
        sale.expire(2)
        assert sale.look() == "partly"
    assert sale.states() == ["paid", "over"]
    assert sale.refunds(1) == []


def test_all_or_nothing_gives_everything_back_when_one_order_is_declined(market: Market) -> None:
    sale = market.open(7000, 3000, 1250, rule=ALL)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "no")
    assert (sale.state, sale.states()) == ("unwinding", ["paid", "declined", "paying"])
    assert [refund.amount_minor for refund in sale.refunds(1)] == [7000]
    sale.tell(3, "yes")  # it was under way: its money came after the decision, and goes back all the same
    assert [refund.amount_minor for refund in sale.refunds(3)] == [1250]
    sale.refunds_arrive()
    assert sale.state == "unwinding"  # the declined one could still be paid by somebody fast
    with shifted(timedelta(minutes=5)):
        sale.expire(2)
        sale.look()
    assert (sale.state, sale.states()) == ("undone", ["paid", "over", "paid"])
    assert [market.account(shop, "seller_pending") for shop in market.shops] == [0, 0, 0]
    assert [market.account(shop, "refund_in_flight") for shop in market.shops] == [0, 0, 0]
    assert market.breaks() == []


def test_all_or_nothing_waits_for_a_payer_whose_bank_wants_them(market: Market) -> None:
    sale = market.open(7000, 3000, rule=ALL)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "ask")
    assert (sale.state, sale.states()) == ("waiting", ["paid", "action"])
    assert sale.refunds(1) == []
    sale.tell(2, "yes")
    assert sale.state == "done"


def test_money_that_comes_after_everything_went_back_goes_back_too(market: Market) -> None:
    sale = market.open(7000, 3000, rule=ALL)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "no")
    sale.refunds_arrive()
    with shifted(timedelta(minutes=5)):
        sale.expire(2)
        assert sale.look() == "undone"
    sale.tell(2, "yes")
    assert sale.state == "unwinding"
    sale.refunds_arrive()
    assert sale.state == "undone"
    assert [len(sale.refunds(place)) for place in (1, 2)] == [1, 1]


def test_a_seller_who_takes_nothing_from_this_payer_is_told_as_not_paid(market: Market) -> None:
    earlier = market.open(500, 500)
    earlier.pay()
    sale = market.open(wish=market.wish(7000, 3000, email=earlier.checkout.email))
    with unit(market.app):
        customer = find_customer(market.shops[1].vendor, "test", earlier.checkout.email)
        assert customer is not None
        block_customer(market.shops[1].vendor, customer, because="Never again", by="usr_x")
    sale.pay()
    sale.tell(1, "yes")
    assert (sale.state, sale.states()) == ("partly", ["paid", "over"])
    assert sale.order(2).why_over == "customer_blocked"


def test_nobody_is_sold_for_who_has_not_agreed(market: Market) -> None:
    with unit(market.app):
        withdraw(market.shops[1].vendor, "test", market.operator.vendor.public_id, by="usr_x")
    with pytest.raises(WishRefused) as refusal:
        market.open(7000, 3000)
    assert refusal.value.field == "orders.1.seller"


def test_a_business_that_closes_is_not_sold_for(market: Market) -> None:
    with unit(market.app):
        vendor = db.session.get_one(Vendor, market.shops[1].vendor.id)
        vendor.stopped_at = vendor.created_at
    with pytest.raises(WishRefused):
        market.open(7000, 3000)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"checkout_id": "no blanks"}, "checkout_id"), ({"checkout_id": ""}, "checkout_id"), ({"email": "ada"}, "payer.email"),
        ({"currency": "XXX"}, "currency"), ({"rule": "maybe"}, "rule"), ({"hours": 0}, "hours"), ({"release_days": 91}, "release_days"),
        ({"orders": ()}, "orders"), ({"card": "crd_" + "0" * 22}, None),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(market: Market, change: dict[str, object], field: str | None) -> None:
    with pytest.raises(Refusal) as refusal:
        market.open(wish=market.wish(7000, 3000, **change))
    assert refusal.value.field == field


def test_lines_are_refused_at_their_field(market: Market) -> None:
    seller = market.operator.vendor.public_id
    for line, field in (
        (LineWish("", 1, 100), "name"), (LineWish("x", 0, 100), "quantity"), (LineWish("x", 1, 0), "unit_amount"),
        (LineWish("x", 1, 100, "No!"), "category"),
    ):  # fmt: skip
        with pytest.raises(WishRefused) as refusal:
            market.open(wish=market.wish(7000, orders=(OrderWish(seller, (LineWish("good", 1, 100), line)),)))
        assert refusal.value.field == f"orders.0.lines.1.{field}"
    with pytest.raises(WishRefused) as refusal:
        market.open(wish=market.wish(7000, orders=(OrderWish(seller, (LineWish("x", 1, 100),)),) * 2))
    assert refusal.value.field == "orders.1.seller"


def test_the_token_belongs_to_this_checkout_alone(market: Market) -> None:
    sale = market.open(7000, 3000)
    card = sale.card()
    sale.work()
    email = sale.checkout.email
    with unit(market.app):
        assert [list_saved(shop.vendor, "test", email) for shop in market.shops] == [[], [], []]
    for place in (1, 2):
        sale.tell(place, "yes")
    with unit(market.app):
        lent = db.session.query(SavedCard).filter_by(only_for=sale.checkout.public_id).all()
        assert len(lent) == 2 and all(one.put_away_at is not None for one in lent)  # the operator's own and the other seller's
        assert again(card).put_away_at is not None


def test_a_card_that_comes_too_late_pays_nothing(market: Market) -> None:
    sale = market.open(7000, 3000, hours=1)
    with shifted(timedelta(hours=2)):
        sale.pay()
        assert (sale.state, sale.payments()) == ("expired", 0)


def test_the_history_can_only_grow(market: Market) -> None:
    market.open(7000, 3000)
    for table in ("order_events", "checkout_parts", "order_lines"):
        with pytest.raises(DBAPIError), unit(market.app):
            db.session.execute(db.text(f"DELETE FROM {table}"))


def test_a_checkout_is_its_callers_own(market: Market) -> None:
    """The same id in another caller's book is another checkout."""
    wish = market.wish(7000)
    market.open(wish=wish)
    other = market.shops[1]
    with unit(market.app):
        theirs = open_checkout(
            other.vendor, "test", market.wish(500, checkout_id=wish.checkout_id, orders=(OrderWish(other.vendor.public_id, (LineWish("x", 1, 500),)),)),
            by="usr_x",
        )  # fmt: skip
        assert theirs.vendor_id == other.vendor.id
