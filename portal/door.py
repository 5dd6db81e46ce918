"""Opens the portal: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from portal import (
    address,
    balance,
    home,
    link_list,
    link_poster,
    link_prefill,
    link_report,
    link_send,
    links,
    live,
    outbox,
    payments,
    qr,
    reset_password,
    settings,
    sign_in,
    sign_up,
    wording,
)
from portal.blueprint import portal

PAGES = (
    address, balance, home, link_list, link_poster, link_prefill, link_report, link_send, links, live, outbox, payments, qr, reset_password,
    settings, sign_in, sign_up,
)  # fmt: skip


def register(app: Flask) -> None:
    wording.install(app)
    app.register_blueprint(portal)
