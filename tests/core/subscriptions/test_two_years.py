"""Two years of a lively vendor, day by day: every kind of wish, a card that fails and comes back, and the books after every month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask

from core.accounts.house import HOUSE
from core.billing.models import BillingDocument
from core.billing.wishes import AddBranches, AddProducts, Cancel, ChooseTier, ConfirmResume, Hibernate, Keep, Reactivate, Resume, Wish
from core.ledger.proof import look_for_breaks
from tests.core.subscriptions.plans import Life, publish, save_card
from tests.core.subscriptions.test_plan import check_books
from tests.factories import unit

BEGAN, ENDS = date(2026, 10, 31), date(2028, 10, 31)  # the 31st, which many months do not have; over both changes of the clocks, twice
# On which day what is wished, and from which day on the card says what.
WISHES: list[tuple[date, Wish]] = [
    (date(2026, 11, 9), AddProducts(7)),
    (date(2026, 11, 20), ChooseTier("pro")),
    (date(2026, 12, 3), AddBranches(3)),
    (date(2026, 12, 3), AddBranches(-1)),
    (date(2027, 1, 15), AddProducts(40)),
    (date(2027, 2, 10), ChooseTier("starter")),  # 47 products: dropped at the boundary, with notice
    (date(2027, 3, 28), AddProducts(70)),  # 117 products: grace, then enterprise by itself
    (date(2027, 5, 2), AddProducts(-60)),
    (date(2027, 5, 20), ChooseTier("pro", now=True)),
    (date(2027, 7, 6), Hibernate()),
    (date(2027, 7, 8), Keep()),
    (date(2027, 7, 9), Hibernate()),
    (date(2027, 9, 20), ConfirmResume()),
    (date(2027, 10, 14), Resume()),
    (date(2028, 3, 12), Reactivate()),
    (date(2028, 4, 2), Hibernate(now=True)),
    (date(2028, 4, 20), Resume()),
    (date(2028, 6, 1), AddBranches(5)),
    (date(2028, 6, 20), AddBranches(-7)),
    (date(2028, 9, 5), Cancel()),
]
CARD = [(BEGAN, "yes"), (date(2027, 11, 20), "no"), (date(2027, 12, 3), "yes"), (date(2028, 1, 25), "no"), (date(2028, 2, 29), "yes")]


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


def days() -> Iterator[tuple[date, str]]:
    on = BEGAN
    while on < ENDS:
        on += timedelta(days=1)
        yield on, [says for since, says in CARD if since <= on][-1]


def test_two_years_of_a_lively_vendor(app: Flask) -> None:
    life, wishes, seen = Life(app, BEGAN), list(WISHES), []
    life.answer(BEGAN)
    for on, card in days():
        life.to(on, pays=card)
        if on == date(2028, 2, 29):
            save_card(app, life.email, "1111")
        while wishes and wishes[0][0] == on:
            life.wish(on, wishes.pop(0)[1], pays=card)
        seen.append(life.state().status)
        if on.day == 15:
            check_books(life)
    assert [status for status, before in zip(seen, ["", *seen], strict=False) if status != before] == [
        "active", "hibernating", "active", "past_due", "active", "past_due", "suspended", "active", "hibernating", "active", "cancelled",
    ]  # fmt: skip
    final = [document for document in life.documents() if document.state == "final"]
    assert_invoices(final)
    paid = sum(charge.amount_minor for charge in life.charges() if charge.state == "received")
    billed = sum(document.gross_minor for document in final)
    assert paid == billed + life.state().balance.minor, "what was paid is what was billed, and what is left of it"
    check_books(life)
    with unit(app):
        assert look_for_breaks(HOUSE, "test") == []


def assert_invoices(final: list[BillingDocument]) -> None:
    """Dated in order, each with its own number, no credit above what was billed, and no more than 24 renewals."""
    assert [d.on_day for d in final] == sorted(d.on_day for d in final)
    assert len({(d.series, d.number) for d in final}) == len(final)
    assert all((d.gross_minor < 0) == (d.kind == "credit_note") for d in final)
    renewals = [d.on_day for d in final if d.origin == "renewal"]
    assert len(renewals) == len(set(renewals)) == 21, "but for the one that fell into the suspension, and none after the end"
