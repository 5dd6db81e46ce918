"""What is not loaded while the program starts can be loaded afterwards, whole."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column
from sqlalchemy.sql.annotation import Annotated

from core.accounts.models import Vendor
from core.kernel.lean import leave_empty, load_whole

NAMES = ("bread", "bread.rye", "bread.rye.flour", "bread.rye.oven")


@pytest.fixture
def bread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A library that loads the second half of itself unasked, and that of it needs one file."""
    rye = tmp_path / "bread" / "rye"
    rye.mkdir(parents=True)
    (tmp_path / "bread" / "__init__.py").write_text("from bread import rye\nfrom bread.rye.flour import GRAMS\n")
    (rye / "__init__.py").write_text("from bread.rye import oven\nDEGREES = oven.DEGREES\n")
    (rye / "flour.py").write_text("GRAMS = 500\n")
    (rye / "oven.py").write_text("DEGREES = 250\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("bread")
def test_a_package_left_empty_loads_what_is_asked_of_it_and_nothing_by_itself() -> None:
    leave_empty("bread.rye", "bread")
    assert importlib.import_module("bread").GRAMS == 500
    assert "bread.rye.oven" not in sys.modules


@pytest.mark.usefixtures("bread")
def test_a_package_left_empty_is_whole_for_whoever_asks_afterwards() -> None:
    leave_empty("bread.rye", "bread")
    importlib.import_module("bread")
    load_whole("bread.rye")
    assert importlib.import_module("bread.rye").DEGREES == 250


@pytest.mark.usefixtures("bread")
def test_a_package_that_is_loaded_already_stays_as_it_is() -> None:
    loaded = importlib.import_module("bread.rye")
    leave_empty("bread.rye", "bread")
    load_whole("bread.rye")
    assert sys.modules["bread.rye"] is loaded


def test_what_is_known_of_a_column_takes_no_more_room_than_it_needs() -> None:
    column = Vendor.__table__.c.name
    assert sys.getsizeof(vars(column)) <= sys.getsizeof(dict(vars(column)))


def test_a_packed_column_is_still_the_one_that_queries_name() -> None:
    asked = Vendor.name.expression
    assert isinstance(asked, Annotated)
    assert isinstance(asked, Column)
    assert asked.table is not None
    assert str(asked == "x") == "vendors.name = :name_1"
