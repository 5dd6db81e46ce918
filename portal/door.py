"""Opens the portal: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from portal import (
    balance,
    customers,
    discounts,
    domains,
    home,
    links,
    live,
    methods,
    notices,
    outbox,
    payment_list,
    payments,
    preferences,
    qr,
    refunds,
    reset_password,
    search,
    settings,
    sign_in,
    sign_up,
    statements,
    taxes,
    team,
    transfers,
    why,
    wording,
)
from portal.blueprint import portal

PAGES = (
    balance, customers, discounts, domains, home, links, live, methods, notices, outbox, payment_list, payments, preferences, qr, refunds,
    reset_password, search, settings, sign_in, sign_up, statements, taxes, team, transfers, why,
)  # fmt: skip


def register(app: Flask) -> None:
    wording.install(app)
    notices.install(app)
    app.register_blueprint(portal)
