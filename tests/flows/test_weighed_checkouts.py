"""Rules weigh a checkout of several sellers once, as a whole: its sum, its payer, its card; and what a person decides counts for all its orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.kernel.db import db
from core.notifications.models import Message
from core.orders.models import Checkout
from core.orders.queries import parts_of
from core.payments.review import DecidedAlready, approve, decline, list_reviews
from core.payments.review_models import Screening
from core.payments.reviews_everywhere import list_waiting
from core.risk.lists import add_entry
from core.risk.rules import Condition, Rule
from tests.cards import new_address
from tests.factories import Shop, make_paid, make_shop, unit
from tests.flows.test_several_sellers import Buyer
from tests.flows.visit import Processor
from tests.portal.admin.people import make_staff
from tests.ruled import BY, ruled

# The orders are 7.00, 14.00 and 21.00: each is less than this, and all together are more.
LARGE = Condition("amount", currency="GBP", minor=4_000)


@pytest.fixture(autouse=True)
def alone(app: Any) -> Iterator[None]:
    with ruled(app):
        yield


@pytest.fixture(scope="module")
def shops(app: Any) -> list[Shop]:
    return [make_shop(app, business=name) for name in ("Blue Door Bakery", "Lumen Studio", "Kobo Ceramics")]


def rows_of(buyer: Buyer) -> list[Screening]:
    with unit(buyer.app):
        parts = parts_of(buyer.checkout)
        return [row for part in parts if part.payment is not None for row in list_reviews(part.seller, part.payment)]


def decision_of(buyer: Buyer) -> Any:
    with unit(buyer.app):
        return db.session.get_one(Checkout, (buyer.checkout.vendor_id, "test", buyer.checkout.id), populate_existing=True).decision


def decide(buyer: Buyer, act: Callable[..., str], place: int = 0, **more: Any) -> str:
    row = rows_of(buyer)[place]
    with unit(buyer.app):
        vendor = next(shop.vendor for shop in buyer.shops if shop.vendor.id == row.vendor_id)
        state = act(vendor, db.session.get_one(Screening, (row.vendor_id, row.mode, row.id)), by=BY, **more)
    buyer.work()
    return state


def test_without_rules_nothing_is_decided(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    buyer = Buyer(shops, processor, work)
    assert buyer.pays() == "Paid"
    assert (decision_of(buyer), rows_of(buyer)) == (None, [])


def test_the_sum_of_all_orders_counts_and_nothing_is_asked_of_the_processor(
    shops: list[Shop], processor: Processor, work: Callable[[], int]
) -> None:
    with ruled(shops[0].app, Rule("Too much", (LARGE,), "block")):
        buyer = Buyer(shops, processor, work)
        buyer.pays()
        assert (buyer.states(), buyer.charged(), rows_of(buyer)) == (["over"] * 3, [0, 0, 0], [])
        assert decision_of(buyer)["action"] == "block" and decision_of(buyer)["reason"] == {"rule": "Too much"}
        page = buyer.look()
        assert page.text.count("Not paid, nothing taken") == 3 and "Too much" not in page.text
        with unit(buyer.app):
            assert db.session.query(Message).filter_by(recipient=buyer.email, kind="order_declined").count() == 1


def test_an_order_by_itself_is_not_weighed_again(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    """What its seller alone knows of the payer takes no order out of the three."""
    email = new_address()
    for _ in range(2):
        make_paid(shops[1], email=email)
    with ruled(shops[0].app, Rule("Again and again", (Condition("often", of="email", most=2, hours=24),), "block")):
        buyer = Buyer(shops, processor, work, email=email)
        assert buyer.pays() == "Paid"
        assert [row.action for row in rows_of(buyer)] == ["allow"] * 3


def test_one_review_decides_all_orders_and_each_is_taken_once(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    with ruled(shops[0].app, Rule("Look at it", (LARGE,), "review")):
        buyer = Buyer(shops, processor, work)
        buyer.pays()
        rows = rows_of(buyer)
        assert [(row.state, row.held, row.together) for row in rows] == [("waiting", True, buyer.checkout.public_id)] * 3
        assert buyer.states() == ["paying"] * 3 and buyer.look().text.count("Being checked") == 3
        with unit(buyer.app):
            mine = [row for _, _, row in list_waiting("test") if row.together == buyer.checkout.public_id]
            assert [row.id for row in mine] == [rows[0].id], "a checkout waits once"
        shown = make_staff(buyer.app, "reviewer").browser().get(f"/staff/reviews/{rows[0].public_id}")
        assert "What you decide counts for all of them" in shown.text
        assert all(shop.vendor.name in shown.text for shop in shops[1:])
        assert decide(buyer, approve) == "approved"
        assert [row.state for row in rows_of(buyer)] == ["approved"] * 3
        assert (buyer.states(), buyer.charged()) == (["paid"] * 3, [1, 1, 1])
        with pytest.raises(DecidedAlready):
            decide(buyer, decline, 1)
        assert buyer.proven() and buyer.look().heading == "Paid"


def test_what_is_not_accepted_is_let_go_for_all_of_them(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    with ruled(shops[0].app, Rule("Look at it", (LARGE,), "review")):
        buyer = Buyer(shops, processor, work)
        buyer.pays()
        assert decide(buyer, decline, 1, fraud=True, lists=["email"]) == "fraud"
        assert [row.state for row in rows_of(buyer)] == ["fraud"] * 3
        assert buyer.states() == ["declined"] * 3
        with unit(buyer.app):
            payments = [part.payment for part in parts_of(buyer.checkout)]
            assert [payment.captured_minor for payment in payments if payment] == [0, 0, 0]
        assert buyer.proven()
        again = Buyer(shops, processor, work, email=buyer.email)
        again.pays()
        assert again.states() == ["over"] * 3 and decision_of(again)["reason"] == {"list": "block", "kind": "email"}


def test_a_card_on_the_block_list_pays_no_order(shops: list[Shop], processor: Processor, work: Callable[[], int]) -> None:
    with ruled(shops[0].app):
        with unit(shops[0].app):
            add_entry("test", "block", "country", "US", reason="Not now", by=BY)
        buyer = Buyer(shops, processor, work)
        buyer.pays()
        assert (buyer.states(), buyer.charged()) == (["over"] * 3, [0, 0, 0])


def test_their_bank_asks_the_payer_for_each_order_before_anything_is_taken(
    shops: list[Shop], processor: Processor, work: Callable[[], int]
) -> None:
    with ruled(shops[0].app, Rule("Ask the bank", (LARGE,), "authenticate")):
        buyer = Buyer(shops, processor, work)
        buyer.pays()
        assert (buyer.states(), buyer.charged()) == (["action"] * 3, [0, 0, 0])
        assert "Your bank wants you to confirm" in buyer.look().text


def test_a_new_payer_and_many_checkouts_are_counted_at_whoever_opened_them(
    shops: list[Shop], processor: Processor, work: Callable[[], int]
) -> None:
    email = new_address()
    with ruled(shops[0].app, Rule("New and large", (LARGE, Condition("new_payer")), "block")):
        first = Buyer(shops, processor, work, email=email)
        first.pays()
        assert first.states() == ["over"] * 3
    assert Buyer(shops, processor, work, email=email).pays() == "Paid"
    with ruled(shops[0].app, Rule("New and large", (LARGE, Condition("new_payer")), "block")):
        assert Buyer(shops, processor, work, email=email).pays() == "Paid"
    with ruled(shops[0].app, Rule("Three a day", (Condition("often", of="email", most=3, hours=24),), "block")):
        fourth = Buyer(shops, processor, work, email=email)
        fourth.pays()
        assert fourth.states() == ["over"] * 3


def test_the_payers_address_is_kept_only_while_it_may_be_asked_for(
    shops: list[Shop], processor: Processor, work: Callable[[], int]
) -> None:
    def address(buyer: Buyer) -> str:
        with unit(buyer.app):
            return db.session.get_one(Checkout, (buyer.checkout.vendor_id, "test", buyer.checkout.id), populate_existing=True).address

    buyer = Buyer(shops, processor, work)
    buyer.enter()
    assert address(buyer) == "", "no rule asks"
    with ruled(shops[0].app, Rule("Look at it", (LARGE,), "review")):
        buyer = Buyer(shops, processor, work)
        buyer.browser.client.environ_base["REMOTE_ADDR"] = "2001:db8::77:1"
        buyer.pays()
        assert address(buyer) == "2001:db8::77:1" and {row.address for row in rows_of(buyer)} == {"2001:db8::77:1"}
        decide(buyer, approve)
        assert (buyer.states(), address(buyer)) == (["paid"] * 3, "")
