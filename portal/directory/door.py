"""Opens the public directory: brings in every file with pages and hands their routes to the application."""

from __future__ import annotations

from flask import Flask

from portal.directory import for_engines, pages, pictures, reports, search_page
from portal.directory.blueprint import directory

PAGES = (for_engines, pages, pictures, reports, search_page)


def register(app: Flask) -> None:
    app.register_blueprint(directory)
