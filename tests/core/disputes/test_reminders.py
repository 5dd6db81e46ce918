"""Letters before it is too late, each once, and asking the processor again when nobody told us."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from core.disputes.models import Dispute
from core.disputes.remind import claim_due, next_reminder
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.notifications.models import Message
from core.payments.models import Payment
from tests.core.disputes.cases import Case, case_of
from tests.core.payouts.sellers import Seller
from tests.factories import unit
from workers.due_letters import send_due


def letters(case: Case) -> int:
    with unit(case.seller.shop.app):
        mine = select(Message.id).where(Message.vendor_id == case.seller.shop.vendor.id, Message.kind == "dispute_due")
        return len(list(db.session.scalars(mine)))


def clock(case: Case, *, hours: float) -> int:
    """So many hours from now the clock looks, twice."""
    with shifted(timedelta(days=30, hours=hours)):
        for _twice in range(2):
            with case.seller.shop.app.app_context():
                send_due("dispute_due")
    return letters(case)


@pytest.fixture
def case(seller: Seller, released: Payment) -> Case:
    with unit(seller.shop.app):
        db.session.execute(update(Dispute).values(remind_at=None))
    made = case_of(seller, released, due_at=now() + timedelta(days=10))
    made.tell()
    return made


def test_seven_days_two_days_and_twelve_hours_before(case: Case) -> None:
    told = [clock(case, hours=24 * days) for days in (0.1, 2.9, 3.1, 5, 7.9, 8.1, 9.4, 9.6, 9.9, 10.1)]
    assert told == [0, 0, 1, 1, 1, 2, 2, 3, 3, 3]


def test_after_a_long_absence_one_letter_and_not_three(case: Case) -> None:
    assert clock(case, hours=24 * 9.7) == 1 and clock(case, hours=24 * 9.8) == 1


def test_who_has_answered_is_not_reminded(case: Case) -> None:
    case.now("under_review", submissions=1).tell()
    assert clock(case, hours=24 * 9) == 0


def test_opened_late_the_first_letter_is_the_one_that_is_still_to_come() -> None:
    at = now()
    assert next_reminder(at + timedelta(days=3), at) == at + timedelta(days=1)
    assert next_reminder(at + timedelta(hours=5), at) is None and next_reminder(None, at) is None


def test_it_is_asked_about_again_and_soon_after_its_day(case: Case) -> None:
    with unit(case.seller.shop.app):
        mine = {reference for _, _, _, reference in claim_due(1000)}
        assert case.outcome.provider_reference not in mine
    with shifted(timedelta(days=30, hours=7)), unit(case.seller.shop.app):
        assert case.outcome.provider_reference in {reference for _, _, _, reference in claim_due(1000)}
    with shifted(timedelta(days=30, hours=24 * 10 - 1)), unit(case.seller.shop.app):
        claim_due(1000)
        fresh = db.session.get_one(Dispute, (case.here.vendor_id, "test", case.here.id), populate_existing=True)
        assert fresh.next_inquiry_at == case.here.due_at + timedelta(minutes=10) if case.here.due_at else False
