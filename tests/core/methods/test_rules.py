"""A vendor's own rules: the start, the switch, the order, the bounds, each recorded, each vendor and mode apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from core.kernel.audit import AuditEntry
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound
from core.methods.rules import BadBounds, Bounds, bound_method, list_rules, move_method, switch_method
from core.providers.contract import METHODS
from tests.factories import make_shop, unit


@pytest.fixture
def shop(app):
    return make_shop(app)


def rules(shop, mode="test"):
    with shop.app.app_context():
        return list_rules(shop.vendor.id, mode)


def order(shop):
    return [rule.method for rule in rules(shop)]


def act(shop, do, method, mode="test", **what):
    with unit(shop.app):
        do(shop.vendor, mode, method, by=shop.user.public_id, **what)


def test_at_the_start_cards_are_on_and_nothing_else(shop):
    assert [(rule.method, rule.enabled, rule.bounds) for rule in rules(shop)] == [
        (method, method == "card", Bounds()) for method in METHODS
    ]


def test_a_switch_changes_one_way_in_one_mode_of_one_vendor(app, shop):
    other = make_shop(app)
    act(shop, switch_method, "qr", on=True)
    assert [rule.method for rule in rules(shop) if rule.enabled] == ["card", "qr"]
    for untouched in (rules(shop, "live"), rules(other)):
        assert [rule.method for rule in untouched if rule.enabled] == ["card"]


def test_the_last_way_that_is_on_stays_on(shop):
    with pytest.raises(Conflict):
        act(shop, switch_method, "card", on=False)
    act(shop, switch_method, "qr", on=True)
    act(shop, switch_method, "card", on=False)
    assert [rule.method for rule in rules(shop) if rule.enabled] == ["qr"]


def test_two_people_cannot_switch_the_last_two_off_at_once(app):
    for _ in range(5):
        shop = make_shop(app)
        act(shop, switch_method, "qr", on=True)

        def off(method, shop=shop):
            try:
                act(shop, switch_method, method, on=False)
            except Conflict:
                return "refused"
            return "off"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(off, ("card", "qr"))) == ["off", "refused"]


def test_moving_swaps_neighbours_and_stops_at_the_ends(shop):
    first, second, *rest = METHODS
    act(shop, move_method, second, up=True)
    assert order(shop) == [second, first, *rest]
    act(shop, move_method, second, up=True)
    assert order(shop) == [second, first, *rest]
    act(shop, move_method, second, up=False)
    assert order(shop) == list(METHODS)
    act(shop, move_method, METHODS[-1], up=False)
    assert order(shop) == list(METHODS)


def test_bounds_are_kept_and_limits_without_amounts_keep_no_currency(shop):
    act(shop, bound_method, "card", bounds=Bounds("GBP", 100, 5000, ("GBP", "EUR"), ("GB", "IE")))
    assert next(rule for rule in rules(shop) if rule.method == "card").bounds == Bounds("GBP", 100, 5000, ("GBP", "EUR"), ("GB", "IE"))
    act(shop, bound_method, "card", bounds=Bounds("GBP"))
    assert next(rule for rule in rules(shop) if rule.method == "card").bounds == Bounds()


@pytest.mark.parametrize(
    ("bounds", "field"),
    [
        (Bounds(None, 100, None), "currency"),
        (Bounds("XXX", 100, None), "currency"),
        (Bounds("GBP", 0, None), "minimum"),
        (Bounds("GBP", None, -1), "maximum"),
        (Bounds("GBP", 200, 100), "maximum"),
        (Bounds(currencies=("GBP", "ABC")), "currencies"),
        (Bounds(countries=("GB", "XX")), "countries"),
        (Bounds(countries=tuple(f"{a}{b}" for a in "ABCDEFGH" for b in "ABCDEFGH")), "countries"),
    ],
)
def test_bounds_that_make_no_sense_are_refused_at_their_field(shop, bounds, field):
    with pytest.raises(BadBounds) as refusal:
        act(shop, bound_method, "card", bounds=bounds)
    assert refusal.value.field == field
    assert rules(shop)[0].bounds == Bounds()


def test_a_way_that_does_not_exist_is_not_found(shop):
    with pytest.raises(NotFound):
        act(shop, switch_method, "barter", on=True)


def test_every_change_says_who_made_it(shop):
    act(shop, switch_method, "qr", on=True)
    act(shop, switch_method, "qr", on=True)
    act(shop, move_method, "qr", up=True)
    act(shop, bound_method, "qr", bounds=Bounds(countries=("CH",)))
    with shop.app.app_context():
        told = db.session.scalars(
            select(AuditEntry).where(AuditEntry.vendor_id == shop.vendor.id, AuditEntry.subject == "qr").order_by(AuditEntry.at)
        )
        assert [(entry.action, entry.actor) for entry in told] == [
            ("method.switched", shop.user.public_id), ("method.moved", shop.user.public_id), ("method.bounded", shop.user.public_id)
        ]  # fmt: skip
