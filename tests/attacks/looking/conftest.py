"""A vendor, somebody of the staff who may look, and nobody who counts how often they ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from core.web.throttle import limiter
from tests.factories import Shop, make_shop
from tests.portal.admin.people import Colleague, make_staff


@pytest.fixture(autouse=True)
def unthrottled() -> Iterator[None]:
    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def colleague(app: Flask) -> Colleague:
    return make_staff(app, "finance")
