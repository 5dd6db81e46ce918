"""How a vendor's payments go: what is counted, from where on it is too much, and that few payments say nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.disputes.health import LEAST, LIMITS, Part, Share, above_limits, health_of
from core.kernel.clock import shifted
from tests.core.disputes.cases import case_of
from tests.core.payouts.sellers import Seller
from tests.factories import ask_refund, make_declined, make_link, tell_refund, unit
from tests.portal.admin.people import look_into, make_staff
from tests.valid_html import problems_of_html


def share(what: str, count: int, of: int) -> Share:
    return Share(what, Part(count, of), Part(0, 0))


@pytest.mark.parametrize(
    ("what", "count", "of", "level"),
    [
        ("disputed", 5, 1000, ""), ("disputed", 51, 10_000, "warn"), ("disputed", 75, 10_000, "warn"), ("disputed", 76, 10_000, "critical"),
        ("lost", 15, 10_000, ""), ("lost", 16, 10_000, "warn"), ("lost", 31, 10_000, "critical"), ("refunded", 10, 100, ""), ("refunded", 11, 100, "warn"),
        ("refunded", 16, 100, "critical"), ("succeeded", 90, 100, ""), ("succeeded", 89, 100, "warn"), ("succeeded", 75, 100, "warn"),
        ("succeeded", 74, 100, "critical"), ("disputed", LEAST - 1, LEAST - 1, ""), ("succeeded", 0, LEAST - 1, ""), ("succeeded", 0, LEAST, "critical"),
    ],
)  # fmt: skip
def test_from_where_on_it_is_too_much(what: str, count: int, of: int, level: str) -> None:
    assert share(what, count, of).level == level


def test_what_is_shown_is_rounded_and_of_few_nothing() -> None:
    assert (Part(1, 1999).bps, Part(1, 2001).bps, Part(1, LEAST - 1).bps) == (5, 5, None)


def counted(seller: Seller) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    with unit(seller.shop.app):
        found = health_of(seller.shop.vendor.id, "test")
    assert [one.what for one in found] == list(LIMITS)
    return {one.what: ((one.recent.count, one.recent.of), (one.before.count, one.before.of)) for one in found}


def test_each_counts_its_own_in_its_thirty_days(seller: Seller) -> None:
    with shifted(timedelta(days=-40)):
        seller.sells("20.00")
    paid = [seller.sells("20.00") for _ in range(4)]
    make_declined(seller.shop, make_link(seller.shop, amount="20.00", currency="USD"))
    for half in ("5.00", "5.00"):
        tell_refund(seller.shop, ask_refund(seller.shop, paid[0], half), "succeeded")
    tell_refund(seller.shop, ask_refund(seller.shop, paid[1]), "failed", failure_reason="expired_card")
    case_of(seller, paid[2]).now("lost").tell()
    case_of(seller, paid[3]).tell()
    assert counted(seller) == {
        "succeeded": ((4, 5), (1, 1)), "refunded": ((1, 4), (0, 1)), "disputed": ((2, 4), (0, 1)), "lost": ((1, 4), (0, 1)),
    }  # fmt: skip
    with shifted(timedelta(days=31)):
        assert counted(seller)["disputed"] == ((0, 0), (2, 4))


def test_the_staff_see_it_where_disputes_are_and_at_the_vendor(app: Flask, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.disputes.health.LEAST", 2)
    monkeypatch.setattr("core.disputes.health.MOST_LOOKED_AT", 10_000)  # the other tests' sellers have more disputes than this one
    case_of(seller, seller.sells("20.00")).tell()
    seller.sells("20.00")
    with unit(app):
        assert [(mode, [one.what for one in shares]) for vendor, mode, shares in above_limits() if vendor.id == seller.shop.vendor.id] == [
            ("test", ["disputed"])
        ]
    desk = make_staff(app).browser()
    page = desk.get("/staff/disputes")
    assert "More disputes than there should be" in page.text and "50% of its payments disputed" in page.text
    assert problems_of_html(page.html) == []
    page = look_into(desk, f"/staff/vendors/{seller.shop.vendor.public_id}")
    assert "Payments disputed act 50%" in page.text and "1 of 2" in page.text and problems_of_html(page.html) == []
