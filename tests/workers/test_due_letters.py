"""Letters that the clock asks for: one that cannot be written holds back and doubles no other."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy import update

from core.accounts.models import User
from core.disputes.models import Dispute
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.notifications.daily import Manner, choose_manner
from core.notifications.models import Message, NotificationManner
from core.notifications.team import MAILED, Choice, choose
from core.payments.send_link import send_link
from core.payments.sharing_models import LinkReminder
from tests.core.disputes.cases import case_of
from tests.core.payouts.sellers import Seller
from tests.factories import Shop, again, make_link, make_paid, make_shop, unit
from workers.schedule import PARTS

DAY = timedelta(days=1)


def the_clock(app: Flask) -> None:
    with app.app_context():
        next(part for part in PARTS if part.__name__ == "_write_letters")()


def link_reminder(shop: Shop, work: Callable[[], int]) -> None:
    link = make_link(shop, kind="single", expires_at=now() + 10 * DAY)
    with unit(shop.app):
        sender, token = db.session.get_one(User, shop.user.id), secrets.token_urlsafe(18)
        send_link(shop.vendor, again(link), sender=sender, recipients=["ada@example.com"], message="", reminders=[7], form_token=token)


def dispute_due(shop: Shop, work: Callable[[], int]) -> None:
    seller = Seller(shop)
    case_of(seller, seller.sells("100.00"), due_at=now() + 10 * DAY).tell()


def daily_news(shop: Shop, work: Callable[[], int]) -> None:
    with unit(shop.app):
        choose(shop.vendor, "test", shop.user.public_id, {kind: Choice(mailed=True, daily=True) for kind in MAILED})
        choose_manner(shop.vendor, "test", shop.user.public_id, Manner())
    make_paid(shop)
    work()


@pytest.fixture
def nothing_else(app: Flask) -> Iterator[None]:
    """What other tests have planned is not this test's to send."""
    with unit(app):
        db.session.execute(update(LinkReminder).where(LinkReminder.state == "planned").values(state="dropped", reason="another test's"))
        db.session.execute(update(Dispute).values(remind_at=None))
        db.session.query(NotificationManner).delete()
    yield


def letters(shop: Shop, kind: str) -> int:
    with unit(shop.app):
        return db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind=kind).count()


@pytest.mark.usefixtures("nothing_else")
@pytest.mark.parametrize("plan", [link_reminder, dispute_due, daily_news])
def test_one_that_cannot_be_written_holds_back_and_doubles_no_other(
    app: Flask, environment: dict[str, str], work: Callable[[], int], plan: Callable[[Shop, Callable[[], int]], None]
) -> None:
    broken, whole, kind = make_shop(app), make_shop(app), plan.__name__
    for shop in (broken, whole):
        plan(shop, work)
    with psycopg.connect(environment["MIGRATION_DATABASE_URL"].replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute(f"ALTER TABLE messages ADD CONSTRAINT none_of_theirs CHECK (vendor_id <> '{broken.vendor.id}') NOT VALID")
        try:
            with shifted(4 * DAY):
                the_clock(app)
                the_clock(app)
        finally:
            owner.execute("ALTER TABLE messages DROP CONSTRAINT none_of_theirs")
    assert (letters(broken, kind), letters(whole, kind)) == (0, 1)
    with shifted(4 * DAY + timedelta(minutes=59)):
        the_clock(app)
    assert letters(broken, kind) == 0, "what cannot be written is not at the head of the queue for ever"
    with shifted(4 * DAY + timedelta(minutes=62)):
        the_clock(app)
        the_clock(app)
    assert (letters(broken, kind), letters(whole, kind)) == (1, 1)
