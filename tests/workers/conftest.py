"""What stories of jobs begin with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.kernel.db import db, unit_of_work
from tests.cards import processor
from tests.factories import out_of_sight


@pytest.fixture
def nobody_elses(unit: None) -> Iterator[None]:
    """Without anybody else's tasks, and with nobody else's payments to look after."""
    with unit_of_work():
        out_of_sight()
    yield
    db.session.rollback()


@pytest.fixture
def story(environment: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Lets the processor play one of its stories from now on; none of them when the test is over."""

    def choose(name: str, **more: Any) -> None:
        processor(environment, "POST", "_sandbox/stories", json.dumps({"story": name, **more}))

    yield choose
    processor(environment, "DELETE", "_sandbox/stories")
