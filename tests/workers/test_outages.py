"""EC-57 and EC-58: a processor that does not answer about a plan's charge is asked again by the schedule, with one key, and the vendor hears of it once."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.house import HOUSE, house
from core.billing.models import BillingCharge
from core.kernel.clock import frozen, now
from core.kernel.db import db, unit_of_work
from core.notifications.models import Notice
from core.payments.charge_news import UNREACHABLE
from core.payments.models import Attempt, Payment
from core.payments.outage import TRIES, varied_wait, wait_before
from core.payments.poll import claim_due_attempts
from core.subscriptions import charges, plan
from tests.cards import charges_of, processor, save_card
from tests.core.subscriptions.plans import publish
from tests.factories import Shop, again, fresh, make_shop
from workers import payments as money
from workers.runner import drain

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.usefixtures("nobody_elses")


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    publish(app)
    return make_shop(app)


class Out:
    """A plan whose first charge is sent into an outage, and the clock from then on."""

    def __init__(self, shop: Shop, environment: dict[str, str]) -> None:
        card = save_card(dataclasses.replace(shop, vendor=house()), environment)
        with unit_of_work():
            self.row = plan.subscribe(shop.vendor, "test", tier="pro", payer_email=card.email, by=shop.user.public_id)
        drain("money")
        with unit_of_work():
            mine = select(BillingCharge).where(BillingCharge.vendor_id == HOUSE, BillingCharge.subscription_id == self.row.id)
            self.charge = db.session.scalars(mine).one()
            self.payment = db.session.get_one(Payment, (HOUSE, "test", self.charge.payment_id))
            self.attempt = db.session.scalars(
                select(Attempt).where(Attempt.vendor_id == HOUSE, Attempt.payment_id == self.payment.id)
            ).one()
        self.shop, self.began, self.ahead = shop, now(), timedelta(0)

    def to_next(self) -> timedelta:
        """On to the moment at which it is asked about again, which happens; answers how long that was after it began."""
        due = fresh(self.shop, self.attempt).next_inquiry_at
        assert due is not None
        self.ahead = due - self.began + SECOND
        with frozen(self.began + self.ahead):  # however long a busy machine takes for it
            with unit_of_work():
                claimed = claim_due_attempts()
            assert (HOUSE, "test", self.attempt.id) in claimed
            money.settle_attempt(HOUSE, mode="test", attempt=str(self.attempt.id))
            drain("money")
        return self.ahead

    def told(self) -> int:
        with unit_of_work():
            mine = select(Notice).where(Notice.about == self.row.public_id)
            return sum(notice.detail.get("kind") == "bank_unreachable" for notice in db.session.scalars(mine))


def test_ec_57_each_wait_is_twice_the_last_and_varied_by_a_fifth_at_most() -> None:
    assert [wait_before(n) // 60 for n in range(1, TRIES + 1)] == [5, 10, 20, 40, 80, 160, 320, 640]
    for n in range(1, TRIES + 1):
        assert all(abs(varied_wait(n) - wait_before(n)) * 5 <= wait_before(n) for _ in range(50))


@pytest.mark.parametrize("misfortune", ["busy", "error_before"])
def test_ec_57_an_outage_is_asked_through_by_the_schedule_told_once_and_charged_once(
    shop: Shop, environment: dict[str, str], story: Callable[..., None], misfortune: str
) -> None:
    shop = make_shop(shop.app)
    story(misfortune, path="/v1/payment_intents")
    out = Out(shop, environment)
    at = [out.to_next()]
    for n in range(1, 5):  # far from a day: after one it is given up, however the waits were varied
        assert out.told() == 0, "nobody is told before two hours"
        at.append(out.to_next())
        wait, planned = (at[-1] - at[-2]).total_seconds(), wait_before(n)
        assert planned * 0.79 <= wait <= planned * 1.21 + 2
    out.to_next()  # two hours are over by now
    out.to_next()
    assert out.told() == 1
    with unit_of_work():
        assert (again(out.row).status, again(out.charge).state) == ("active", "sent"), "an outage is no decline"
    assert fresh(shop, out.payment).state == "processing"
    processor(environment, "DELETE", "_sandbox/stories")
    out.to_next()
    drain("money")
    if misfortune == "busy":
        assert fresh(shop, out.payment).state == "succeeded" and len(charges_of(environment, out.payment)) == 1
        with unit_of_work():
            assert again(out.charge).state == "received"


def test_ec_58_a_charge_whose_answer_was_lost_is_found_by_its_key_and_never_made_twice(
    shop: Shop, environment: dict[str, str], story: Callable[..., None]
) -> None:
    shop = make_shop(shop.app)
    story("webhook_lost")
    story("timeout_after", seconds=0.1, times=1, path="/v1/payment_intents")
    out = Out(shop, environment)
    if fresh(shop, out.payment).state != "succeeded":
        assert out.to_next() < timedelta(seconds=30)
    drain("money")
    assert fresh(shop, out.payment).state == "succeeded" and len(charges_of(environment, out.payment)) == 1 and out.told() == 0


def test_two_charges_in_one_outage_are_one_piece_of_news(shop: Shop, environment: dict[str, str], story: Callable[..., None]) -> None:
    shop = make_shop(shop.app)
    story("busy", path="/v1/payment_intents")
    out = Out(shop, environment)
    with unit_of_work():
        first, row = again(out.charge), again(out.row)
        second = BillingCharge(
            **{name: getattr(first, name) for name in ("vendor_id", "mode", "subscription_id", "event_seq", "currency", "amount_minor", "attempt", "due_at", "made_at")},
            id=first.id.__class__(int=first.id.int + 1), public_id=f"chg_{secrets.token_hex(8)}", place=99, documents=[99], state="wanted", payment_id=None,
        )  # fmt: skip
        db.session.add(second)
        db.session.flush()
        card = charges.find_card_of(house(), row)
        assert card is not None
        second.payment_id, second.state = charges.charge_saved(
            house(), card, amount=out.payment.amount, description="More", reference=second.public_id, on_settled="hear_charge"
        ).id, "sent"  # fmt: skip
        db.session.query(charges.SavedCharge).filter_by(vendor_id=HOUSE, payment_id=first.payment_id).update({"told": UNREACHABLE})
    for charge in (first, second, first):
        with unit_of_work():
            assert charge.payment_id is not None
            charges.hear_charge(HOUSE, "test", charge.payment_id, UNREACHABLE)
    assert out.told() == 1
