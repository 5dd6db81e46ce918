"""A shop for the tests of closings."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import Shop, make_shop


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)
