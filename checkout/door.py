"""Opens the checkout: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from checkout import country, history, hooks, pay, practice, receipt, result, save_card, transfer, try_card, verify
from checkout.blueprint import door

PAGES = (country, history, hooks, pay, practice, receipt, result, save_card, transfer, try_card, verify)


def register(app: Flask) -> None:
    result.PAGES["transfer"] = transfer.transfer_page
    app.register_blueprint(door)
