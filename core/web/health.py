"""Two addresses for whoever watches the process: is it alive, and can it do its work."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, jsonify

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.outbox import count_dead
from core.ledger.proof import standing
from core.web.guard import public
from core.web.metrics import brings_token

log = structlog.get_logger()


@public
def healthz() -> Response:
    """The process answers. It asks nobody else, so a database that is away does not get us restarted."""
    return jsonify(status="ok")


@public
def readyz() -> tuple[Response, int]:
    """The database answers too. Redis is not asked: without it everything still works, only later.

    Whoever brings HEALTH_TOKEN also reads what an operator must act on. That is no reason to take the process out of service.
    """
    ready = _database_answers()
    told: dict[str, Any] = {"status": "ready" if ready else "not ready", "database": "up" if ready else "down"}
    if ready and brings_token():
        told |= _concerns()
    return jsonify(told), 200 if ready else 503


def _concerns() -> dict[str, Any]:
    """The books' alarm and how old the oldest proof is; work that gave up. Numbers only: what is broken is said by `flask audit`."""
    books = standing()
    age = None if books.oldest_at is None else int((now() - books.oldest_at).total_seconds())
    return {
        "books": {"alarm": bool(books.broken), "broken": len(books.broken), "proved": books.books, "oldest_proof_seconds": age},
        "dead_tasks": count_dead(),
    }


def _database_answers() -> bool:
    try:
        db.session.connection().exec_driver_sql("SELECT 1")
    except Exception as problem:  # whatever is wrong, the answer to the question is no
        log.warning("database_unreachable", problem=type(problem).__name__)
        return False
    return True


def install(app: Flask) -> None:
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)
