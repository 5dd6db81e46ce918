"""A link's report: counted exactly, by the vendor's days, and gathered without a write for every look."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import OperationalError

from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.payments.funnel import Funnel, Step, add_openings, funnel_of, today_of
from core.payments.models import PaymentLink
from core.payments.origin import Origin, read_attribution
from core.payments.sharing_models import LinkOpening
from core.payments.start import start_payment
from core.web.tally import Tally
from tests.core.payments.conftest import AtOnce, another_shop
from tests.factories import Shop, again, make_declined, make_link, make_paid, make_payment, unit

ROUNDS = 20


def opened(shop: Shop, link: PaymentLink, number: int = 1, source: str = "other", days_ago: int = 0) -> None:
    with unit(shop.app):
        add_openings({(shop.vendor.id, "test", link.id, today_of(shop.vendor) - timedelta(days=days_ago), source): number})


def report(shop: Shop, link: PaymentLink, days: int = 30) -> Funnel:
    with unit(shop.app):
        return funnel_of(shop.vendor, again(link), days=days)


def test_every_step_is_counted_and_every_reason_told(shop: Shop) -> None:
    link = make_link(shop)
    opened(shop, link, 7)
    opened(shop, link, 3, "poster", days_ago=2)
    make_paid(shop, link)
    make_payment(shop, link)
    make_declined(shop, link, code="insufficient_funds")
    make_declined(shop, link, code="expired_card")
    found = report(shop, link)
    assert found.total == Step(opened=10, started=4, attempted=3, paid=1)
    assert dict(found.stopped) == {"created": 1, "insufficient_funds": 1, "expired_card": 1}
    assert dict(found.declines) == {"insufficient_funds": 1, "expired_card": 1}
    assert dict(found.sources) == {"other": 7, "poster": 3}
    assert len(found.days) == 30 and found.days[today_of(shop.vendor)].opened == 7


def test_only_the_days_asked_for_and_only_this_link_of_this_vendor(shop: Shop, first_shop: Shop) -> None:
    link, other, theirs = make_link(shop), make_link(shop), make_link(another_shop(first_shop))
    opened(shop, link, days_ago=8)
    opened(shop, other)
    with frozen(now() - timedelta(days=8)):
        make_paid(shop, link)
    make_paid(shop, other)
    assert report(shop, link, 7).total == Step()
    assert report(shop, link, 30).total == Step(opened=1, started=1, attempted=1, paid=1)
    with unit(shop.app):
        assert funnel_of(shop.vendor, again(theirs), days=30).total == Step()


def test_a_payment_belongs_to_the_day_it_was_where_the_vendor_lives(shop: Shop) -> None:
    with unit(shop.app):
        db.session.merge(shop.vendor).time_zone = "Pacific/Auckland"
    shop.vendor.time_zone = "Pacific/Auckland"
    link = make_link(shop)
    at = now().astimezone(UTC).replace(hour=13, minute=0) - timedelta(days=2)  # after midnight in Auckland, in winter and in summer
    with frozen(at):
        make_payment(shop, link)
    found = report(shop, link)
    (day,) = [day for day, step in found.days.items() if step.started]
    assert day == (at + timedelta(days=1)).date()


def test_what_an_address_says_of_itself_is_kept_short_and_known(shop: Shop) -> None:
    given = {
        "utm_source": " news  letter ",
        "utm_medium": "x" * 500,
        "ref": "poster",
        "evil": "1",
        "utm_term": "a\x00b",
        "utm_content": "\ud800",
    }
    kept = read_attribution(given)
    assert kept == {"ref": "poster", "utm_source": "news letter", "utm_medium": "x" * 80}
    link = make_link(shop)
    for n, told in enumerate((kept, {"ref": "poster"})):
        with unit(shop.app):
            start_payment(
                shop.vendor, again(link), amount=link.amount, email="a@b.example", name="", form_token=f"{n}" * 20, origin=Origin(attribution=told)
            )  # fmt: skip
    assert report(shop, link).campaigns[0] == ("ref", "poster", 2, 0)


def test_adding_at_once_loses_nothing(shop: Shop, at_once: AtOnce) -> None:
    links = sorted((make_link(shop) for _ in range(3)), key=lambda link: link.id)
    day = today_of(shop.vendor)

    def add(order: int) -> None:
        keys = [(shop.vendor.id, "test", link.id, day, "other") for link in (links if order else reversed(links))]
        add_openings(dict.fromkeys(keys, 1))

    for _ in range(ROUNDS):
        assert at_once(partial(add, 0), partial(add, 1)) == [None, None]
    assert [report(shop, link).total.opened for link in links] == [2 * ROUNDS] * 3


def test_a_tally_writes_many_at_once_and_one_that_cannot_be_written_keeps_no_other_from_it(shop: Shop) -> None:
    link, day = make_link(shop), datetime.now(UTC).date()
    key, nobodys = (shop.vendor.id, "test", link.id, day, "other"), (shop.vendor.id, "test", uuid.uuid4(), day, "other")
    tally = Tally(add_openings, seconds=3600)
    for _ in range(5):
        tally.add(shop.app, key)
    tally.flush(shop.app)
    tally.flush(shop.app)
    assert _written(shop, link) == 5
    tally.add(shop.app, key)
    tally.add(shop.app, nobodys)  # names a link that is not there: the statement fails as a whole
    tally.flush(shop.app)
    assert _written(shop, link) == 6 and not tally._counts


def test_while_the_database_is_away_a_tally_keeps_what_it_has(shop: Shop) -> None:
    link, away = make_link(shop), [True]

    def write(counts: Mapping[Any, int]) -> None:
        if away[0]:
            raise OperationalError("", None, Exception("gone"))
        add_openings(counts)

    tally = Tally(write, seconds=3600)
    tally.add(shop.app, (shop.vendor.id, "test", link.id, datetime.now(UTC).date(), "other"))
    tally.flush(shop.app)
    assert _written(shop, link) == 0
    away.clear()
    away.append(False)
    tally.flush(shop.app)
    assert _written(shop, link) == 1


def _written(shop: Shop, link: PaymentLink) -> int:
    with unit(shop.app):
        mine = db.select(db.func.coalesce(db.func.sum(LinkOpening.openings), 0)).where(
            LinkOpening.vendor_id == shop.vendor.id, LinkOpening.link_id == link.id
        )
        return int(db.session.scalar(mine))
