"""Lists: what may stand there, what of a payment is found, and that everything ends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.kernel.clock import now, shifted
from core.kernel.errors import Conflict
from core.risk.lists import EntryRefused, OnListAlready, add_entry, domains_of, ensure_entry, find_hits, get_entry, remove_entry
from core.risk.rule_sets import standing
from core.risk.rules import Hit
from tests.factories import unit
from tests.ruled import BY, ruled


@pytest.fixture(autouse=True)
def alone(app: Flask) -> Iterator[None]:
    with ruled(app):
        yield


def listed(app: Flask, which: str, kind: str, value: str, **more: Any) -> str:
    with unit(app):
        return add_entry("test", which, kind, value, reason="Seen before", by=BY, **more).public_id


def hits(app: Flask, **known: Any) -> tuple[Hit, ...]:
    with app.app_context():
        return find_hits("test", **known)


FOUND = [
    ("email", "Ada@Example.com", {"email": "ada@example.com"}, {"email": "bea@example.com"}),
    ("domain", "@example.com", {"email": "ada@shop.example.com"}, {"email": "ada@notexample.com"}),
    ("address", "192.0.2.0/24", {"address": "192.0.2.77"}, {"address": "192.0.3.1"}),
    ("address", "2001:db8:1::/48", {"address": "2001:db8:1::5"}, {"address": "2001:db8:2::5"}),
    ("address", "192.0.2.7", {"address": "::ffff:192.0.2.7"}, {"address": "nonsense"}),
    ("card", "fp_9aZ-3", {"card": "fp_9aZ-3"}, {"card": "fp_9aZ-4"}),
    ("country", "us", {"countries": ("US", None)}, {"countries": ("GB", None)}),
]


@pytest.mark.parametrize(("kind", "value", "theirs", "others"), FOUND)
def test_what_stands_on_a_list_is_found_and_nobody_else(app: Flask, kind: str, value: str, theirs: dict, others: dict) -> None:
    listed(app, "block", kind, value)
    assert hits(app, **theirs) == (Hit("block", kind),) and hits(app, **others) == ()


def test_live_payments_never_meet_entries_of_the_test_world(app: Flask) -> None:
    listed(app, "block", "email", "ada@example.com")
    with app.app_context():
        assert find_hits("live", email="ada@example.com") == ()


def test_an_entry_ends_on_its_day_and_may_be_put_there_anew(app: Flask) -> None:
    listed(app, "watch", "domain", "mail.example", expires_at=now() + timedelta(days=2))
    assert hits(app, email="x@mail.example") == (Hit("watch", "domain"),)
    with shifted(timedelta(days=3)):
        assert hits(app, email="x@mail.example") == ()
        listed(app, "watch", "domain", "mail.example")
        assert hits(app, email="x@mail.example") == (Hit("watch", "domain"),)


def test_who_is_taken_off_is_off_and_twice_is_once(app: Flask) -> None:
    number = listed(app, "block", "email", "ada@example.com")
    with app.app_context():
        assert ("block", "email") in standing("test").listed and not standing("test").empty
    for by in (BY, "stf_other"):
        with unit(app):
            remove_entry(get_entry("test", number), by=by)
    with app.app_context():
        assert get_entry("test", number).removed_by == BY and standing("test").empty
    assert hits(app, email="ada@example.com") == ()


def test_the_same_twice_is_refused_and_a_refund_as_fraud_does_not_mind(app: Flask) -> None:
    listed(app, "block", "email", "ada@example.com")
    with pytest.raises(OnListAlready):
        listed(app, "block", "email", "ADA@example.com ")
    with unit(app):
        assert ensure_entry("test", "block", "email", "ada@example.com", reason="x", by=BY, origin="pay_x") is None
    assert issubclass(OnListAlready, Conflict)


BAD = [
    ("email", "nobody", "value"), ("domain", "localhost", "value"), ("address", "10.0.0.0/4", "value"), ("address", "::/0", "value"),
    ("address", "fe80::1%eth0", "value"), ("address", "x", "value"), ("card", "4242424242424242", "value"), ("country", "XX", "value"),
    ("shoe", "42", "kind"), ("email", "a" * 65 + "@example.com", "value"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "field"), BAD)
def test_what_can_never_be_met_or_would_meet_everybody_is_refused_at_its_field(app: Flask, kind: str, value: str, field: str) -> None:
    with pytest.raises(EntryRefused) as refused:
        listed(app, "block", kind, value)
    assert refused.value.field == field


def test_an_entry_needs_a_reason_and_a_day_to_come(app: Flask) -> None:
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 301}, "reason"),
        ({"reason": "x", "expires_at": now()}, "expires_at"),
    )
    for more, field in wrong:
        with pytest.raises(EntryRefused) as refused, unit(app):
            add_entry("test", "block", "email", f"{secrets.token_hex(4)}@example.com", by=BY, **more)
        assert refused.value.field == field


def test_of_an_address_every_domain_above_it_counts_but_no_bare_ending() -> None:
    assert domains_of("ada@a.b.example.com") == ["a.b.example.com", "b.example.com", "example.com"] and domains_of("ada@com") == []
