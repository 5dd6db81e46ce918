"""Addresses are put together by functions that are written when somebody first asks for one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from werkzeug.routing import Map, Rule

from core.web.application import Address

PATHS = ("/", "/pay/<token>", "/links/<uuid:link>/days/<int:day>", "/a b/<path:rest>", "/pages/<int:page>")
VALUES = {"token": "ä/&?", "link": "1b671a64-40d5-491e-99b0-da01ff1f3341", "day": 7, "rest": "x/y z", "page": 3}


def _both(path: str) -> tuple[Address, Rule]:
    ours, theirs = Address(path, endpoint="view"), Rule(path, endpoint="view")
    for rule in (ours, theirs):
        Map([rule])
    return ours, theirs


def test_addresses_are_spelt_as_werkzeug_spells_them_the_first_time_and_the_second() -> None:
    for path in PATHS:
        ours, theirs = _both(path)
        values = {name: VALUES[name] for name in theirs.arguments}
        for given in (values, {**values, "q": "two words"}):
            for unknown in (True, False):
                expected = theirs.build(given, append_unknown=unknown)
                assert ours.build(given, append_unknown=unknown) == expected
                assert ours.build(given, append_unknown=unknown) == expected


def test_a_default_stands_in_the_address() -> None:
    ours, theirs = (kind("/pages/<int:page>", endpoint="view", defaults={"page": 1}) for kind in (Address, Rule))
    for rule in (ours, theirs):
        Map([rule])
    assert ours.build({}) == theirs.build({})


def test_threads_that_ask_at_once_get_the_same() -> None:
    for _ in range(20):
        ours, theirs = _both("/pay/<token>")
        with ThreadPoolExecutor(8) as pool:
            seen = set(pool.map(lambda _, rule=ours: rule.build({"token": "t", "lang": "de"}), range(8)))
        assert seen == {theirs.build({"token": "t", "lang": "de"})}


def test_every_address_of_the_application_is_of_this_kind(app: Flask) -> None:
    assert all(isinstance(rule, Address) for rule in app.url_map.iter_rules())
