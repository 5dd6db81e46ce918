"""Rules and lists of the test world for one test: put in force through the real acts, and gone afterwards, for tests share a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import update

from core.kernel.clock import now
from core.kernel.db import db
from core.risk.rule_models import ListEntry
from core.risk.rule_sets import draft, drop_draft, forget, keep_trial, publish, write_draft
from core.risk.rules import Rule
from tests.factories import unit

BY = "stf_test"


def put_in_force(app: Flask, *rules: Rule) -> None:
    """They count from now on, in test mode."""
    with unit(app):
        if (left := draft("test")) is not None:
            drop_draft("test", revision=left.revision)
        row = write_draft("test", rules, revision=0, by=BY)
        keep_trial("test", row.revision, {"payments": 0})
        publish("test", revision=row.revision, reason="A test", by=BY)
    forget()


@contextmanager
def ruled(app: Flask, *rules: Rule) -> Iterator[None]:
    """These rules count inside the block; afterwards none does, and nobody is on a list."""
    put_in_force(app, *rules)
    try:
        yield
    finally:
        put_in_force(app)
        with unit(app):
            db.session.execute(update(ListEntry).where(ListEntry.mode == "test", ListEntry.removed_at.is_(None)).values(removed_at=now()))
        forget()
