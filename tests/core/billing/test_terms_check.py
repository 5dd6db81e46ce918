"""What is said of a price list that cannot work, at the very field; and that whatever passes is Terms, and nothing else is."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.terms import POLICY, Terms, Tier
from core.billing.terms_check import BOUNDS, faults_of
from core.kernel.money import Money
from tests.core.billing.story import gbp

VALUES = {field.name: getattr(POLICY, field.name) for field in fields(Terms) if field.name not in ("version", "tiers")}


def places(tiers: tuple[Tier, ...] = POLICY.tiers, **other: Any) -> list[tuple[str, int | None]]:
    return [(fault.field, fault.row) for fault in faults_of(tiers, {**VALUES, **other})]


def tiers(*limits: int | None) -> tuple[Tier, ...]:
    return tuple(Tier(f"t{n}", Money(100 * (n + 1), "GBP"), limit) for n, limit in enumerate(limits))


def test_nothing_is_wrong_with_the_policy() -> None:
    assert places() == []


@pytest.mark.parametrize(
    ("wrong", "said_at"),
    [
        ({"tiers": ()}, [("tiers", None)]),
        ({"tiers": tiers(10, 5, None)}, [("limit", 1)]),
        ({"tiers": tiers(10, 10, None)}, [("limit", 1)]),
        ({"tiers": tiers(10, 20)}, [("limit", 1)]),
        ({"tiers": tiers(None, 20, None)}, [("limit", 0)]),
        ({"tiers": tiers(0, None)}, [("limit", 0)]),
        ({"tiers": tiers(None, None)}, []),
        ({"tiers": tiers(None)}, []),
        ({"tiers": (Tier("a", gbp("1"), 5), Tier("a", gbp("2"), None))}, [("code", 1)]),
        ({"tiers": (Tier("Pro!", gbp("1"), None),)}, [("code", 0)]),
        ({"tiers": (Tier("a" * 31, gbp("1"), None),)}, [("code", 0)]),
        ({"tiers": (Tier("a", gbp("0.29"), None),)}, [("price", 0)]),
        ({"tiers": (Tier("a", gbp("3"), 5), Tier("b", gbp("2"), None))}, [("price", 1)]),
        ({"retry_days": ()}, [("retry_days", None)]),
        ({"retry_days": (0, 3)}, [("retry_days", None)]),
        ({"retry_days": (1, 16)}, [("retry_days", None)]),
        ({"suspend_after": 28}, [("suspend_after", None)]),
        ({"cancel_after": 16}, [("cancel_after", None)]),
        ({"notice_days": (7, 1)}, [("notice_days", None)]),
        ({"notice_days": ()}, []),
        ({"hibernation_notice_month": 12}, [("hibernation_notice_month", None)]),
        ({"drift_bps": 0}, [("drift_bps", None)]),
        ({"drift_bps": 5001}, [("drift_bps", None)]),
        ({"awaiting_hours": 48}, [("awaiting_hours", None)]),
    ],
)
def test_what_is_wrong_is_said_at_its_field(wrong: dict[str, Any], said_at: list[tuple[str, int | None]]) -> None:
    assert places(**wrong) == said_at


def test_every_bound_is_of_a_field_of_terms() -> None:
    assert set(BOUNDS) <= set(VALUES)


counts = st.fixed_dictionaries({name: st.integers(least - 1, most + 1) for name, (least, most) in BOUNDS.items()})
limits = st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=4)
days = st.lists(st.integers(0, 30), max_size=5).map(lambda found: tuple(sorted(set(found))))


@given(counts, limits, days, days)
def test_whatever_passes_is_a_price_list(counted: dict[str, int], limited: list[int | None], retries: Any, notices: Any) -> None:
    values = {**VALUES, **counted, "retry_days": retries, "notice_days": notices}
    wished = tiers(*limited)
    if not faults_of(wished, values):
        assert replace(POLICY, tiers=wished, **values).tiers == wished


@given(limits, days, st.integers(1, 30), st.integers(1, 60))
def test_whatever_terms_refuse_has_a_fault_at_a_field(limited: list[int | None], retries: Any, suspended: int, cancelled: int) -> None:
    values = {**VALUES, "retry_days": retries, "suspend_after": suspended, "cancel_after": cancelled}
    wished = tiers(*limited)
    try:
        replace(POLICY, tiers=wished, **values)
    except ValueError:
        assert faults_of(wished, values)
