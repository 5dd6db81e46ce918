"""What is kept from one request to the next is never as much as somebody cares to send."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest
from flask import Flask

from checkout.places_form import address_fields
from core.accounts.places import is_country
from core.kernel.currency import is_currency
from core.web.fields import Form

LONG = 200_000  # signs


def kept_after(ask: Callable[[str], object], rounds: int = 50) -> int:
    """Bytes that are still there after asking with as many different long texts."""
    ask("x")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(rounds):
            ask(f"{number:x}" + "x" * LONG)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


@pytest.mark.parametrize("ask", [is_country, is_currency])
def test_a_wrong_code_is_answered_and_forgotten(ask: Callable[[str], bool]) -> None:
    assert not ask("x" * LONG) and kept_after(ask) < LONG


def test_a_wrong_country_in_an_address_is_drawn_and_forgotten(app: Flask) -> None:
    form = type("AddressForm", (Form,), address_fields("billing"))

    def draw(text: str) -> None:
        with app.test_request_context("/", method="POST", data={"billing_country": text}):
            str(form().billing_country())

    assert kept_after(draw) < 5 * LONG
