"""Opens the API: brings in every file with routes and hands them to the application."""

from __future__ import annotations

from flask import Flask

from portal.api import events, hooks, payments
from portal.api.blueprint import api

PAGES = (payments, events, hooks)


def register(app: Flask) -> None:
    app.register_blueprint(api)
