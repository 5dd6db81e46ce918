"""Opens the portal: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from portal import (
    balance,
    discounts,
    domains,
    home,
    links,
    live,
    methods,
    outbox,
    payments,
    qr,
    reset_password,
    settings,
    sign_in,
    sign_up,
    taxes,
    wording,
)
from portal.blueprint import portal

PAGES = (balance, discounts, domains, home, links, live, methods, outbox, payments, qr, reset_password, settings, sign_in, sign_up, taxes)


def register(app: Flask) -> None:
    wording.install(app)
    app.register_blueprint(portal)
