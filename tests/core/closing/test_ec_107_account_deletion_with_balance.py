"""EC-107: an account closes with a balance. What was paid goes back first, then people are taken out; invoices and the books stay."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.accounts.house import HOUSE, house
from core.accounts.models import Membership, User, Vendor
from core.accounts.pay_domain_models import PayHost
from core.accounts.pay_domains import list_pay_domains
from core.accounts.sign_in import WrongCredentials, sign_in
from core.billing.models import BillingDocument
from core.billing.wishes import Cancel
from core.closing import close, end
from core.closing.close import SomethingInTheWay, TooLate, ask_to_close, expects_of, take_back
from core.closing.models import Closing
from core.closing.obstacles import left_on_plans, obstacles
from core.customers.models import Customer
from core.kernel.audit import AuditEntry
from core.kernel.db import db
from core.ledger.models import Entry
from core.ledger.proof import look_for_breaks
from core.notifications.models import Message
from core.payments import refund as refunds
from core.payments.models import Payment
from core.payments.refund_models import Refund
from core.providers.contract import RefundOutcome
from core.subscriptions.pay_back import hear_payout
from tests.core.subscriptions.plans import Life, publish
from tests.factories import PASSWORD, again, make_colleague, make_payment, tell, unit
from tests.pay_domains import look as look_at_domain
from tests.pay_domains import name_host

BEGAN, ENDED = date(2019, 11, 1), date(2019, 11, 11)  # long ago: nothing of any other test is due then
DAY = timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app, valid_from=date(2019, 1, 1))


@pytest.fixture
def life(app: Flask) -> Life:
    """Pro for ten days, cancelled: 2.00 of its 3.00 is left; one payer came and paid nothing, one colleague works there."""
    made = Life(app, BEGAN, "pro")
    made.answer(BEGAN)
    with made.unit(BEGAN):
        pass
    made.wish(ENDED - DAY, Cancel(now=True))
    made.to(ENDED)
    make_colleague(made.shop, "support")
    assert made.state().balance.minor == 200
    return made


def ask(life: Life, on: date = ENDED, *, name: str | None = None) -> Closing:
    with life.unit(on, 20):
        vendor = db.session.get_one(Vendor, life.shop.vendor.id)
        owner = db.session.get_one(User, life.shop.user.id)
        expects = expects_of(left_on_plans(vendor, "test"))
        return ask_to_close(vendor, owner, name=vendor.name if name is None else name, expects=expects, mode="test")


def hour(life: Life, on: date, at: int = 3) -> None:
    """One turn of the hourly job, each piece in a unit of its own."""
    for _ in range(20):
        with life.unit(on, at):
            if end.go_on_with_closings(1000) < 1000:
                return


def answer(life: Life, state: str, on: date = ENDED) -> None:
    """The processor's word on the refund of the balance."""
    with life.unit(on, 21):
        paid = select(Payment.id).where(Payment.vendor_id == HOUSE, Payment.id.in_([payment.id for payment in life.payments()]))
        refund = db.session.scalars(select(Refund).where(Refund.vendor_id == HOUSE, Refund.payment_id.in_(paid))).one()
        refunds.begin_sending(refund)
    with life.unit(on, 21):
        outcome = RefundOutcome(
            state=state, provider_reference=f"re_{refund.public_id}", amount=refund.amount, failure_reason="account_closed"
        )
        refunds.settle_refund(house(), again(refund), outcome, cause="evt_1")
    with life.unit(on, 21):
        hear_payout(HOUSE, "test", refund.id, state)


def seen(life: Life) -> Closing:
    with unit(life.app):
        return db.session.scalars(
            select(Closing).where(Closing.vendor_id == life.shop.vendor.id).order_by(Closing.id.desc()).limit(1)
        ).one()


def row(life: Life, model: Any, key: Any) -> Any:
    with unit(life.app):
        return db.session.get_one(model, key)


def letters(life: Life) -> list[str]:
    with unit(life.app):
        mine = select(Message.kind).where(Message.vendor_id == life.shop.vendor.id, Message.kind.in_(("closing_asked", "closing_done")))
        return list(db.session.scalars(mine.order_by(Message.id)))


def books(life: Life) -> tuple[Any, ...]:
    """Everything that must never change: entries of both books, and the invoices as they are."""
    with unit(life.app):
        ids = (HOUSE, life.shop.vendor.id)
        entries = [db.session.scalar(select(func.count()).select_from(Entry).where(Entry.vendor_id == one)) for one in ids]
        documents = db.session.scalars(
            select(BillingDocument).where(BillingDocument.subscription_id == life.row.id).order_by(BillingDocument.ordinal)
        )
        return (*entries, *((each.name, each.state, each.gross.minor, each.on_day) for each in documents))


def send_letters(life: Life) -> None:
    """What the worker does with the last letter, as far as it matters here: it does not wait any more."""
    with unit(life.app):
        for message in db.session.scalars(select(Message).where(Message.vendor_id == life.shop.vendor.id, Message.state == "queued")):
            message.state = "kept"


def test_ec_107_the_paid_part_goes_back_first_then_it_stops_then_people_are_taken_out(app: Flask, life: Life) -> None:
    vendor, owner, email = life.shop.vendor, life.shop.user, life.shop.email
    payer = make_payment(life.shop, email="payer-of-107@example.com")
    domain = look_at_domain(life.shop, name_host(life.shop))
    tell(life.shop, payer, None, "canceled")
    with unit(app):
        again(payer).state = "canceled"
    ask(life)
    assert seen(life).state == "paying_back" and row(life, Vendor, vendor.id).stopped_at is None, "nothing stops before the money is back"
    hour(life, ENDED + DAY)
    assert seen(life).state == "paying_back"
    answer(life, "succeeded", ENDED + DAY)
    before = books(life)
    hour(life, ENDED + 2 * DAY)
    closing = seen(life)
    assert closing.state == "closing" and closing.ends_at is not None
    assert row(life, Vendor, vendor.id).stopped_at is not None
    with unit(app):
        team = list(db.session.scalars(select(Membership.role).where(Membership.vendor_id == vendor.id)))
    assert team == ["owner"]
    hour(life, ENDED + 15 * DAY)
    assert seen(life).state == "closing" and row(life, User, owner.id).email == email, "fourteen days, and not one less"
    hour(life, ENDED + 17 * DAY)
    assert seen(life).state == "erasing" and letters(life) == ["closing_asked", "closing_asked", "closing_done"]
    assert row(life, User, owner.id).email == email, "the last letter still has to find them"
    send_letters(life)
    hour(life, ENDED + 17 * DAY, 5)
    assert seen(life).state == "closed" and seen(life).email == ""
    gone = row(life, User, owner.id)
    assert gone.email.endswith("@closed.invalid") and gone.name == ""
    with unit(app):
        assert list_pay_domains(vendor) == [] and not db.session.get_one(PayHost, domain.host).verified
        assert db.session.scalars(select(Customer).where(Customer.vendor_id == vendor.id)).one().erased_at is not None
        assert db.session.get_one(Payment, (vendor.id, "test", payer.id)).email.endswith("@erased.invalid")
        with pytest.raises(WrongCredentials):
            sign_in(email, password=PASSWORD)
        acts = [
            a for (a,) in db.session.execute(select(AuditEntry.action).where(AuditEntry.vendor_id == vendor.id).order_by(AuditEntry.id))
        ]
        steps = ("vendor.closing_asked", "balance.paid_back", "vendor.stopped", "vendor.erasing", "vendor.closed")
        happened = [each for each in acts if each in steps]
        assert set(happened[:2]) == set(steps[:2]), "both in the same moment"
        assert happened[2:] == list(steps[2:])
        assert look_for_breaks(HOUSE, "test") == [] and look_for_breaks(vendor.id, "test") == []
    assert books(life) == before, "invoices, credit notes and the books are as they were"


def test_what_does_not_arrive_keeps_the_account_open(app: Flask, life: Life) -> None:
    ask(life)
    answer(life, "failed")
    hour(life, ENDED + DAY)
    assert seen(life).state == "failed" and row(life, Vendor, life.shop.vendor.id).stopped_at is None
    assert life.state().balance.minor == 200
    assert ask(life, ENDED + 2 * DAY).state == "paying_back", "and may be asked for again"


def test_it_is_taken_back_with_the_team_and_later_it_is_too_late(app: Flask, life: Life) -> None:
    ask(life)
    answer(life, "succeeded")
    hour(life, ENDED + DAY)
    for _ in range(2):
        with life.unit(ENDED + 5 * DAY):
            vendor = db.session.get_one(Vendor, life.shop.vendor.id)
            last = close.find_last(vendor)
            assert last is not None
            take_back(vendor, last, by=life.shop.user.public_id)
    assert seen(life).state == "taken_back" and row(life, Vendor, life.shop.vendor.id).stopped_at is None
    with unit(app):
        roles = set(db.session.scalars(select(Membership.role).where(Membership.vendor_id == life.shop.vendor.id)))
    assert roles == {"owner", "support"}
    hour(life, ENDED + 30 * DAY)
    assert seen(life).state == "taken_back" and row(life, User, life.shop.user.id).email == life.shop.email
    ask(life, ENDED + 31 * DAY)
    hour(life, ENDED + 46 * DAY)
    with life.unit(ENDED + 46 * DAY):
        vendor = db.session.get_one(Vendor, life.shop.vendor.id)
        last = close.find_last(vendor)
        assert last is not None
        with pytest.raises(TooLate):
            take_back(vendor, last, by=life.shop.user.public_id)


def test_whoever_works_elsewhere_too_stays_who_they_are(app: Flask, life: Life) -> None:
    with unit(app):
        people = dict(db.session.execute(select(User.id, User.email).join(Membership, Membership.user_id == User.id).where(Membership.vendor_id == life.shop.vendor.id, Membership.role == "support")).all())  # fmt: skip
    ask(life)
    answer(life, "succeeded")
    hour(life, ENDED + DAY)
    hour(life, ENDED + 20 * DAY)
    send_letters(life)
    hour(life, ENDED + 20 * DAY, 5)
    assert seen(life).state == "closed"
    for person, email in people.items():  # a colleague of the factory's owns a shop of their own
        assert row(life, User, person).email == email


def test_a_job_that_is_killed_after_any_piece_goes_on_where_it_ended(app: Flask, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        payment = make_payment(life.shop, email=f"killed-{number}@example.com")
        with unit(app):
            again(payment).state = "canceled"
    ask(life)
    answer(life, "succeeded")
    hour(life, ENDED + DAY)
    monkeypatch.setattr(end, "PAYERS_AT_ONCE", 1)
    left = []
    for _ in range(12):
        with pytest.raises(KeyboardInterrupt), life.unit(ENDED + 20 * DAY):
            end.go_on_with_closings(1000)
            db.session.flush()
            raise KeyboardInterrupt  # killed before it was kept: nothing of the piece counts
        with life.unit(ENDED + 20 * DAY):
            more = end.go_on_with_closings(1000)
        with unit(app):
            mine = select(func.count()).select_from(Customer).where(Customer.vendor_id == life.shop.vendor.id, Customer.erased_at.is_(None))
            left.append(db.session.scalar(mine))
        if more < 1000:
            break
    assert sorted(left, reverse=True) == left and left[-1] == 0 and {3, 2, 1, 0} <= set(left)
    assert letters(life).count("closing_done") == 1
    send_letters(life)
    hour(life, ENDED + 21 * DAY)
    assert seen(life).state == "closed"


def test_a_running_plan_and_a_wrong_name_are_refused(app: Flask) -> None:
    life = Life(app, BEGAN, "pro")
    life.answer(BEGAN)
    with life.unit(BEGAN):
        assert [each.kind for each in obstacles(life.shop.vendor, "test")] == ["plan"]
    with pytest.raises(SomethingInTheWay):
        ask(life, BEGAN)
    with pytest.raises(close.WrongName):
        ask(life, BEGAN, name="Somebody else")
