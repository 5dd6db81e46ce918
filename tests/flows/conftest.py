"""What a story begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from tests.factories import Shop
    from tests.flows.site import Site
    from tests.flows.visit import Processor, Visit


@pytest.fixture
def shop(app: Flask) -> Shop:
    from tests.factories import make_shop

    return make_shop(app)


@pytest.fixture
def processor(environment: dict[str, str], live_server: str) -> Iterator[Processor]:
    """The sandbox as its owner sees it; every story ends with the test."""
    from tests.flows.visit import Processor

    made = Processor(environment)
    yield made
    made.call("DELETE", "/_sandbox/stories")


@pytest.fixture
def visit(shop: Shop, processor: Processor, work: Callable[[], int]) -> Visit:
    """A payer who has begun to pay 25 pounds."""
    from tests.flows.visit import Visit

    return Visit(shop, processor, work)


@pytest.fixture
def site(shop: Shop, live_server: str) -> Iterator[Callable[..., Site]]:
    """Opens the demo shop on an origin of its own."""
    from tests.flows.site import opening_sites

    yield from opening_sites(shop, live_server)
