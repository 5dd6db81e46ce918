"""Two addresses for whoever watches the process: is it alive, and can it do its work."""

from __future__ import annotations

import structlog
from flask import Flask, Response, jsonify

from core.kernel.db import db
from core.web.guard import public

log = structlog.get_logger()


@public
def healthz() -> Response:
    """The process answers. It asks nobody else, so a database that is away does not get us restarted."""
    return jsonify(status="ok")


@public
def readyz() -> tuple[Response, int]:
    """The database answers too. Redis is not asked: without it everything still works, only later."""
    ready = _database_answers()
    return jsonify(status="ready" if ready else "not ready", database="up" if ready else "down"), 200 if ready else 503


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
