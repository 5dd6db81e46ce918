"""What a story begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from tests.factories import Shop


@pytest.fixture
def shop(app: Flask) -> Shop:
    from tests.factories import make_shop

    return make_shop(app)
