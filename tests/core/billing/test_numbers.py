"""Documents: numbers without gap or double, whoever asks at once; and what is final stays as it is, whatever anybody writes."""

from __future__ import annotations

import threading
import uuid
from datetime import date, timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.accounts.models import Vendor
from core.billing import store
from core.billing.carry_out import finalise, finalise_due
from core.billing.models import BillingDocument, DocumentSeries
from core.billing.number import series_of, take_number
from core.billing.wishes import AddBranches, ChooseTier
from core.kernel.clock import frozen
from core.kernel.db import db
from tests.core.billing.kept import Kept, at, make_seller
from tests.factories import Shop, make_shop, unit

NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def seller(app: Flask) -> Shop:
    return make_seller(app)


@pytest.fixture(scope="module")
def buyer(app: Flask) -> Vendor:
    return make_shop(app, business="Blue Door Bakery").vendor


def test_ec_82_two_hundred_at_once_take_the_numbers_one_to_two_hundred(app: Flask, seller: Shop) -> None:
    taken: list[tuple[int, date]] = []
    problems: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for n in range(start, 200, 8):
                with unit(app):
                    number = take_number(seller.vendor.id, "test", "TEST-INV-", date(2026, 11, 1 + n % 28))
                taken.append(number)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not problems
    assert sorted(number for number, _ in taken) == list(range(1, 201))
    by_number = [on for _, on in sorted(taken)]
    assert by_number == sorted(by_number), "days of issue do not decrease"


def test_ec_82_two_hundred_workers_finalise_two_hundred_invoices_at_once(app: Flask, seller: Shop, buyer: Vendor) -> None:
    with frozen(at(NOVEMBER)), unit(app):
        wish = store.Beginning("starter", "Europe/London")
        for _ in range(200):
            store.begin_subscription(seller.vendor, "test", subscriber=buyer.public_id, wish=wish, by="usr_test")
    with unit(app):
        drafts = list(db.session.scalars(select(BillingDocument.id).where(BillingDocument.vendor_id == seller.vendor.id)))
    problems: list[BaseException] = []
    gun = threading.Barrier(200)

    def work(draft: uuid.UUID) -> None:
        try:
            gun.wait(60)
            with unit(app):
                finalise(db.session.get_one(BillingDocument, (seller.vendor.id, "test", draft)))
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(draft,)) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not problems
    with unit(app):
        found = select(BillingDocument.number, BillingDocument.series, BillingDocument.issued_on)
        finals = db.session.execute(found.where(BillingDocument.vendor_id == seller.vendor.id).order_by(BillingDocument.number)).all()
    assert [(number, series) for number, series, _ in finals] == [(n, "TEST-INV-") for n in range(1, 201)]
    assert [on for *_, on in finals] == sorted(on for *_, on in finals)


def test_ec_83_a_number_that_was_rolled_back_is_the_next_ones(app: Flask, seller: Shop) -> None:
    with pytest.raises(RuntimeError), unit(app):
        assert take_number(seller.vendor.id, "test", "TEST-INV-", NOVEMBER)[0] == 1
        raise RuntimeError("after the number, before the end")
    with unit(app):
        assert take_number(seller.vendor.id, "test", "TEST-INV-", NOVEMBER)[0] == 1


def test_ec_84_a_draft_that_goes_leaves_the_series_alone(app: Flask, seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    kept.wish(date(2026, 11, 5), ChooseTier("pro"))
    held = kept.documents()[-1]
    assert (held.state, held.number) == ("draft", None)
    kept.wish(date(2026, 11, 5), ChooseTier("enterprise"))  # another wish: the first draft is dropped
    kept.settle(date(2026, 11, 5))
    found = kept.documents()
    assert [d.state for d in found] == ["final", "dropped", "final"] and [d.name for d in found] == [
        "TEST-INV-000001",
        None,
        "TEST-INV-000002",
    ]


def test_a_renewal_is_a_draft_for_less_than_an_hour(app: Flask, seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    with kept.unit(date(2026, 12, 1), 0):
        store.catch_up(kept.row)
        finalise_due()
    assert kept.documents()[-1].state == "draft"
    with kept.unit(date(2026, 12, 1), 1):
        finalise_due()
    assert kept.documents()[-1].name == "TEST-INV-000002"


def test_a_document_is_issued_on_the_sellers_own_day(app: Flask, seller: Shop, buyer: Vendor) -> None:
    """The hour after midnight in a London summer is still the day before by the clock of Greenwich."""
    kept = Kept(seller, buyer, date(2027, 5, 8))
    kept.settle(date(2027, 5, 8))
    kept.to(date(2027, 6, 7))
    night = at(date(2027, 6, 8), 0)
    for minutes in (0, 51):
        with frozen(night + timedelta(minutes=minutes)), unit(app):
            store.catch_up(kept.row)
            finalise_due()
    renewal = kept.documents()[-1]
    assert (renewal.on_day, renewal.issued_on, night.date()) == (date(2027, 6, 8), date(2027, 6, 8), date(2027, 6, 7))


def test_what_is_corrected_has_its_number_before_what_corrects_it(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    kept.wish(date(2026, 12, 1), ChooseTier("starter", now=True))
    renewal, note = kept.documents()[-2:]
    assert (renewal.name, note.name) == ("TEST-INV-000002", "TEST-CN-000001") and note.kind == "credit_note"


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE billing_documents SET gross_minor = gross_minor + 1, net_minor = net_minor + 1 WHERE id = :id",
        "UPDATE billing_documents SET buyer = '{}' WHERE id = :id",
        "UPDATE billing_documents SET body = '{}' WHERE id = :id",
        "UPDATE billing_documents SET state = 'draft', number = NULL, series = NULL, issued_on = NULL WHERE id = :id",
        "DELETE FROM billing_documents WHERE id = :id",
        "TRUNCATE billing_documents",
        "UPDATE subscription_events SET given = '{}'",
        "DELETE FROM subscription_events",
        "UPDATE price_lists SET terms = '{}'",
        "DELETE FROM price_lists",
    ],
)
def test_ec_85_the_database_refuses_to_change_what_is_final(app: Flask, seller: Shop, buyer: Vendor, attack: str) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    final = kept.documents()[0]
    assert final.state == "final"
    with pytest.raises(DBAPIError) as refused, unit(app):
        db.session.execute(text(attack), {"id": final.id} if ":id" in attack else {})
    assert isinstance(refused.value.orig, psycopg.errors.IntegrityConstraintViolation | psycopg.errors.InsufficientPrivilege)


def test_a_number_is_no_ones_twice(app: Flask, seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    with unit(app):
        db.session.get_one(DocumentSeries, (seller.vendor.id, "test", "TEST-INV-")).last_number = 0
    kept.wish(date(2026, 11, 16), ChooseTier("pro"))
    with pytest.raises(DBAPIError), kept.unit(date(2026, 11, 16)):
        finalise(db.session.scalars(select(BillingDocument).where(BillingDocument.id == kept.documents()[-1].id)).one())


def test_ec_90_test_documents_have_series_of_their_own(seller: Shop) -> None:
    assert [series_of(kind, mode) for mode in ("live", "test") for kind in ("invoice", "credit_note")] == [
        "INV-", "CN-", "TEST-INV-", "TEST-CN-",
    ]  # fmt: skip


def test_ec_91_a_document_keeps_the_parties_as_they_were(app: Flask, seller: Shop) -> None:
    buyer = make_shop(app, business="Before").vendor
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    with unit(app):
        db.session.get_one(Vendor, buyer.id).name = "After"
    kept.wish(date(2026, 11, 11), AddBranches(3))
    kept.to(date(2026, 11, 12))
    assert [d.buyer["name"] for d in kept.documents()] == ["Before", "After"]
