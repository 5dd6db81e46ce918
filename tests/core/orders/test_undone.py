"""All or nothing to its end: whatever was under way, disputed or out of time when it was decided, the payer has the money again or nothing was
taken, and no seller has it before that is certain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.notifications.models import Message
from core.orders.deliver import NotToDeliver
from tests.core.orders.disputed import dispute_of
from tests.core.orders.market import Market, Sale
from tests.core.orders.test_delivery import deliver
from tests.factories import release_all, unit
from workers.order_letters import not_paid

ALL = "all_or_nothing"


@pytest.mark.parametrize("word", ["no", "ask"])
def test_what_was_under_way_when_it_was_undone_is_let_run_out(market: Market, word: str) -> None:
    sale = market.open(7000, 3000, 1250, rule=ALL)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "no")
    sale.tell(3, word)
    assert sale.state == "unwinding"
    assert sale.payment(3).expires_at <= now(), "nobody is asked for money any more that would only go back"
    sale.refunds_arrive()
    with shifted(timedelta(minutes=2)):
        for place in (2, 3):
            sale.expire(place)
        assert sale.look() == "undone"
    assert market.breaks() == []


def test_what_was_under_way_when_the_time_was_up_runs_out_too(market: Market) -> None:
    sale = market.open(7000, 3000, hours=1)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "ask")
    with shifted(timedelta(hours=2)):
        sale.look()
        sale.tell(2, "no")
        assert sale.payment(2).expires_at <= now()


def test_nothing_is_delivered_before_all_of_it_is_paid(market: Market) -> None:
    sale = market.open(7000, 3000, rule=ALL)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "ask")
    with pytest.raises(NotToDeliver):
        deliver(market, sale, 1)
    release_all(market.app)
    assert market.account(market.shops[0], "seller_available") == 0
    sale.tell(2, "yes")
    assert sale.state == "done"
    deliver(market, sale, 1)
    release_all(market.app)
    assert market.account(market.shops[0], "seller_available") == 6825


def test_nothing_is_released_while_another_order_may_undo_it(market: Market) -> None:
    """A day of waiting for delivery, and a week for the payer."""
    sale = market.open(7000, 3000, rule=ALL, release_days=1, hours=168)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "ask")
    with shifted(timedelta(days=3)):
        release_all(market.app)
        assert market.account(market.shops[0], "seller_available") == 0
    with shifted(timedelta(days=7, hours=1)):
        sale.look()
        release_all(market.app)
        assert (sale.state, market.account(market.shops[0], "seller_available")) == ("unwinding", 0)
        assert [refund.taken_from for refund in sale.refunds(1)] == ["seller_pending"]


def test_with_every_order_kept_the_days_stay_as_they_were_given(market: Market) -> None:
    sale = market.open(7000, 3000, release_days=1, hours=168)
    sale.pay()
    sale.tell(1, "yes")
    with shifted(timedelta(days=1, minutes=1)):
        release_all(market.app)
        assert market.account(market.shops[0], "seller_available") == 6825


@pytest.mark.parametrize("end", ["won", "lost"])
@pytest.mark.parametrize("opened", ["before", "after"])
def test_a_dispute_beside_what_goes_back(market: Market, opened: str, end: str) -> None:
    """Opened before it was decided to undo, or after the refund was written down: the payer has the money once, whoever wins."""
    sale = market.open(7000, 3000, rule=ALL)
    sale.pay()
    sale.tell(1, "yes")
    case = dispute_of(market, sale, 1)
    if opened == "before":
        case.tell()
        sale.tell(2, "no")
        assert sale.refunds(1) == []
    else:
        sale.tell(2, "no")
        assert [refund.state for refund in sale.refunds(1)] == ["requested"]
        case.tell()
        assert [refund.state for refund in sale.refunds(1)] == ["canceled"]
    assert (sale.state, sale.states()) == ("unwinding", ["paid", "declined"])
    with shifted(timedelta(minutes=2)):
        sale.expire(2)
        assert sale.look() == "unwinding"
        (case.won() if end == "won" else case.now("lost")).tell()
        sale.look()
        sale.refunds_arrive()
        sale.look()
    assert sale.state == "undone"
    assert sale.payment(1).refunded_minor == 7000
    gone = [refund.amount_minor for refund in sale.refunds(1) if refund.state == "succeeded"]
    assert gone == [7000], "once"
    assert market.account(market.shops[0], "seller_pending") == 0 and market.breaks() == []


def test_a_refund_that_the_bank_does_not_take_is_not_asked_for_again_and_again(market: Market) -> None:
    sale = market.open(7000, 3000, rule=ALL)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "no")
    sale.refunds_arrive("failed")
    for _ in range(3):
        assert sale.look() == "unwinding"
    assert [refund.state for refund in sale.refunds(1)] == ["failed"], "the team was told, and a person has to"


def test_a_disputed_order_can_be_said_to_be_delivered(market: Market) -> None:
    sale = market.open(7000)
    sale.pay()
    sale.tell(1, "yes")
    dispute_of(market, sale, 1).tell()
    assert deliver(market, sale, 1).delivered_at is not None
    release_all(market.app)
    assert market.account(market.shops[0], "seller_available") == 0
    assert market.breaks() == []


def letters(market: Market, sale: Sale) -> list[Message]:
    with unit(market.app):
        mine = select(Message).where(Message.vendor_id == market.operator.vendor.id, Message.kind == "order_declined")
        return [one for one in db.session.scalars(mine) if one.params["checkout"] == sale.checkout.public_id]


def test_the_payer_is_written_to_once_when_an_order_is_declined(market: Market) -> None:
    sale = market.open(7000, 3000)
    sale.pay()
    sale.tell(1, "yes")
    assert letters(market, sale) == []
    sale.tell(2, "no")
    (letter,) = letters(market, sale)
    assert letter.recipient == sale.checkout.email and sale.state == "waiting"
    with unit(market.app):
        facts = not_paid(market.operator.vendor, letter)
        assert ([p.place for p in facts["not_paid"]], [p.place for p in facts["paid"]], facts["can_try"]) == ([2], [1], True)
    sale.work()
    assert len(letters(market, sale)) == 1
    assert market.breaks() == []


def test_all_or_nothing_the_payer_reads_that_it_goes_back(market: Market) -> None:
    sale = market.open(7000, 3000, rule=ALL)
    sale.pay()
    sale.tell(1, "yes")
    sale.tell(2, "no")
    (letter,) = letters(market, sale)
    with unit(market.app):
        facts = not_paid(market.operator.vendor, letter)
        assert (facts["undone"], facts["can_try"]) == (True, False)


def test_what_is_paid_in_full_is_written_about_to_nobody(market: Market) -> None:
    sale = market.open(7000, 3000)
    sale.pay()
    for place in (1, 2):
        sale.tell(place, "yes")
    assert letters(market, sale) == []
