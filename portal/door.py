"""Opens the portal: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from portal import balance, home, links, live, outbox, payments, qr, reset_password, settings, sign_in, sign_up, transfers, wording
from portal.blueprint import portal

PAGES = (balance, home, links, live, outbox, payments, qr, reset_password, settings, sign_in, sign_up, transfers)


def register(app: Flask) -> None:
    wording.install(app)
    app.register_blueprint(portal)
