"""What a vendor had in the directory, after its plan has ended: kept for the days that were promised, told before, then deleted in pieces, and nothing of the books."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.billing.models import KeptSubscription
from core.billing.wishes import Cancel
from core.directory.models import Branch, Listing, ListingImage, Product
from core.directory.standing import find_standing
from core.kernel.audit import AuditEntry
from core.kernel.clock import frozen
from core.kernel.db import db
from core.notifications.models import Message, Notice
from core.subscriptions import plan
from core.subscriptions.data_ends import end_data
from core.subscriptions.follow import follow
from tests.core.directory.stalls import make_branch, make_image, make_listing, make_product
from tests.core.subscriptions.plans import Life, publish
from tests.factories import again, unit

BEGAN, ENDED = date(2021, 11, 1), date(2021, 11, 11)  # long ago: nothing of any other test is due then
UNTIL = ENDED + timedelta(days=90)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


@pytest.fixture
def life(app: Flask) -> Life:
    """A bakery with everything, whose plan has ended."""
    made = Life(app, BEGAN, "pro")
    made.answer(BEGAN)
    listing = make_listing(made.shop)
    make_branch(made.shop, listing)
    make_image(made.shop, listing)
    for n in range(4):
        make_product(made.shop, listing, name=f"Loaf {n}")
    made.wish(ENDED - timedelta(days=1), Cancel(now=True))
    made.to(ENDED)
    return made


def look(life: Life, on: date, *, limit: int = 1000) -> int:
    """The hourly turn, on that day."""
    with frozen(datetime(on.year, on.month, on.day, 3, tzinfo=UTC)), unit(life.app):
        return end_data(limit)


def left(life: Life) -> tuple[int, ...]:
    with unit(life.app):
        return tuple(
            db.session.scalar(select(func.count()).select_from(kind).where(kind.vendor_id == life.shop.vendor.id)) or 0
            for kind in (Listing, Branch, Product, ListingImage)
        )


def warnings(life: Life) -> list[dict[str, object]]:
    with unit(life.app):
        found = db.session.scalars(select(Notice).where(Notice.about == life.row.public_id).order_by(Notice.id))
        return [notice.detail for notice in found if notice.detail["kind"] == "deletion_ahead"]


def entries(life: Life) -> list[AuditEntry]:
    with unit(life.app):
        mine = select(AuditEntry).where(AuditEntry.vendor_id == life.shop.vendor.id, AuditEntry.action == "directory.erased")
        return list(db.session.scalars(mine.order_by(AuditEntry.id)))


def test_it_is_kept_for_the_promised_days_told_a_fortnight_before_and_then_deleted(life: Life) -> None:
    assert life.kept().data_until == UNTIL
    for day in (ENDED, UNTIL - timedelta(days=15)):
        look(life, day)
        assert warnings(life) == [] and left(life) == (1, 1, 4, 1)
    for _ in range(2):
        look(life, UNTIL - timedelta(days=14))
    assert [note["on"] for note in warnings(life)] == [UNTIL.isoformat()]
    with unit(life.app):
        kinds = list(db.session.scalars(select(Message.kind).where(Message.about == life.row.public_id)))
    assert "plan_urgent" in kinds, "nobody can choose not to hear it"
    look(life, UNTIL)
    assert left(life) == (1, 1, 4, 1), "that day is still theirs"
    look(life, UNTIL + timedelta(days=1))
    look(life, UNTIL + timedelta(days=1))
    assert left(life) == (0, 0, 0, 0)
    (entry,) = entries(life)
    assert entry.detail | {"listings": 1, "branches": 1, "products": 4, "pictures": 1} == entry.detail
    row = life.kept()
    assert row.data_deleted_at is not None and row.data_due_at is None
    with unit(life.app):
        standing = find_standing(life.shop.vendor.id, "test")
        assert standing is not None
        assert (standing.published_products, standing.branches, standing.reason) == (0, 0, "no_plan")
    assert [document.state for document in life.documents()] == ["final", "final"] and len(life.payments()) == 1, "the books are kept"
    make_listing(life.shop, title="A new beginning")


def test_a_worker_that_dies_in_between_goes_on_where_it_was(life: Life) -> None:
    look(life, UNTIL - timedelta(days=14))
    after = UNTIL + timedelta(days=1)
    assert look(life, after, limit=3) == 3 and left(life) == (1, 1, 2, 0)
    while sum(left(life)):
        look(life, after, limit=3)
    assert sum(entry.detail.get("products", 0) for entry in entries(life)) == 4 and life.kept().data_deleted_at is not None


def test_a_new_plan_keeps_everything(life: Life) -> None:
    look(life, UNTIL - timedelta(days=14))
    with life.unit(UNTIL - timedelta(days=3)):
        fresh = plan.subscribe(life.shop.vendor, "test", tier="pro", payer_email=life.email, by=life.shop.user.public_id)
        follow(fresh)
    look(life, UNTIL + timedelta(days=1))
    assert left(life) == (1, 1, 4, 1) and life.kept().data_deleted_at is None


def test_nobody_loses_anything_without_having_been_told_a_week_before(life: Life) -> None:
    late = UNTIL + timedelta(days=200)  # no worker ran for half a year
    look(life, late)
    assert left(life) == (1, 1, 4, 1) and [note["on"] for note in warnings(life)] == [(late + timedelta(days=7)).isoformat()]
    look(life, late + timedelta(days=7))
    assert left(life) == (1, 1, 4, 1)
    look(life, late + timedelta(days=8))
    assert left(life) == (0, 0, 0, 0)


def test_a_plan_that_never_began_promises_and_deletes_nothing(app: Flask) -> None:
    life = Life(app, BEGAN)
    listing = make_listing(life.shop, publish=False)
    life.answer(BEGAN, "no")
    assert life.state().status == "cancelled"
    with unit(app):
        row = db.session.get_one(KeptSubscription, (life.row.vendor_id, "test", life.row.id))
        assert (row.data_until, row.data_due_at) == (None, None)
        standing = find_standing(life.shop.vendor.id, "test")
        assert standing is not None and standing.reason == "no_plan" and again(listing).state == "draft"
