"""A request that PostgreSQL ended for another's sake is answered once more from the beginning, when that can do no harm."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, g, request, session

from core.kernel.db import DATABASE_AWAY, finish_unit, gave_way
from core.web.this_request import opened

log = structlog.get_logger()


def install(app: Flask) -> None:
    """Two people who change the same things in another order wait for each other, and PostgreSQL lets one of them go on.

    The other's unit of work has left no trace, so its request is simply run again: unless a provider was asked meanwhile
    (`step_outside`), for then a part of it stands. A second time, or then, the visitor is asked to try again.
    """
    dispatch, whole = app.dispatch_request, app.full_dispatch_request

    def dispatch_request() -> Any:
        kept = dict(opened())
        try:
            return dispatch()
        except Exception as problem:
            if not gave_way(problem) or g.get("stepped_outside"):
                raise
            log.info("request_again", method=request.method, route=str(request.url_rule))
            finish_unit(keep=False)
            session.clear()
            session.update(kept)
            return dispatch()

    def full_dispatch_request() -> Response:
        try:
            return whole()
        except DATABASE_AWAY as problem:  # at the very end, when the unit is committed: no error handler is asked there
            return app.finalize_request(app.handle_user_exception(problem), from_error_handler=True)

    app.dispatch_request = dispatch_request  # type: ignore[method-assign]
    app.full_dispatch_request = full_dispatch_request  # type: ignore[method-assign]
