"""A fault is logged whole, but never the values that were being stored."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.kernel.db import db


def test_a_failed_statement_says_nothing_about_the_people_in_it(unit: None) -> None:
    with pytest.raises(SQLAlchemyError) as fault:
        db.session.execute(text("SELECT 1 FROM no_such_table WHERE email = :email"), {"email": "ada@example.com"})
    assert "no_such_table" in str(fault.value) and "ada@example.com" not in str(fault.value)
