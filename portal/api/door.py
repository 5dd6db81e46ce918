"""Opens the API: brings in every file with routes and hands them to the application."""

from __future__ import annotations

from flask import Flask

from core.web.refusals import API_WORDS
from portal.api import (
    billing,
    directory,
    events,
    hooks,
    keys,
    leaks,
    links,
    listings,
    messages,
    money,
    openapi,
    orders,
    payments,
    people,
    refund_links,
    sessions,
    users,
)
from portal.api.blueprint import api
from portal.api.words import WORDS

PAGES = (
    orders,
    payments,
    refund_links,
    sessions,
    links,
    people,
    money,
    billing,
    listings,
    directory,
    events,
    hooks,
    messages,
    keys,
    leaks,
    users,
    openapi,
)


def register(app: Flask) -> None:
    API_WORDS.update(WORDS)
    app.register_blueprint(api)
