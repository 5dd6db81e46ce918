"""create_app(): the one file that sees everything and puts it together."""

from __future__ import annotations

from core.kernel import lean_start  # first: it says what the others need not load

# isort: split
import os
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from checkout import door as checkout_door
from core.kernel import logs
from core.kernel.config import settings
from core.kernel.db import db, on_commit
from core.kernel.lines import LendingPool
from core.providers.bank_accounts import accounts
from core.web import (
    filters,
    framed,
    guard,
    headers,
    health,
    languages,
    logos,
    looking,
    metrics,
    numbered,
    once_more,
    page,
    pay_host,
    refusals,
    staff_guard,
    statement_keys,
    statics,
    theme,
    throttle,
)
from core.web.application import Application
from portal import door as portal_door
from workers import commands
from workers.wake import wake_soon

lean_start.over()
HERE = Path(__file__).parent
LARGEST_BODY = 1_000_000  # bytes; nobody types more, and hooks stay far below


def create_app(**config: Any) -> Flask:
    """The web process: every door on one application. `config` lets a test say what differs."""
    logs.configure(number=numbered.with_number)
    for accounts_of_a_mode in settings().bank_accounts.values():
        accounts(accounts_of_a_mode)  # a mistyped IBAN is found now, not by a payer
    app = Application(__name__, template_folder=str(HERE / "templates"), static_folder=str(HERE / "static"))
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings().database_url,
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        MAX_FORM_PARTS=500,
        **config,
    )
    # Redirects to a tidier spelling would be whole addresses, made from whatever host the asker named.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    db.init_app(app)
    if os.environ.get("FLASK_RUN_FROM_CLI"):
        _add_migrations(app)
    for part in (
        page,
        headers,
        framed,
        pay_host,
        looking,
        guard,
        numbered,
        staff_guard,
        throttle,
        filters,
        languages,
        refusals,
        statics,
        health,
        metrics,
        logos,
        statement_keys,
        once_more,
        theme,
    ):
        part.install(app)
    portal_door.register(app)
    checkout_door.register(app)
    commands.install(app)
    if settings().redis_url:
        on_commit(wake_soon)
    if settings().proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings().proxies, x_proto=settings().proxies)  # type: ignore[method-assign]
    if missing := guard.unguarded(app):
        raise RuntimeError(f"these routes say nothing about access: {', '.join(missing)}")
    return app


def _add_migrations(app: Flask) -> None:
    """`flask db upgrade`. Only for the command line: no web process or worker waits for what it has to load."""
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(HERE / "migrations"))


# A silent network partition fails a query within seconds instead of hanging for minutes.
ENGINE: dict[str, Any] = {
    "poolclass": LendingPool,
    "pool_size": 8,
    "max_overflow": 4,
    "pool_timeout": 5,
    "hide_parameters": True,  # a failed statement is logged without the values in it: they may name people
    "connect_args": {
        "connect_timeout": 3,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 5000,
        "application_name": "portal-web",
    },
}
