"""Which language an answer is written in: the reader's choice, then their browser's, then English."""

from __future__ import annotations

from flask import Flask, request
from flask_babel import Babel

# code -> its own name, as the selector shows it
LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pl": "Polski",
    "ar": "العربية",
    "ja": "日本語",
}
babel = Babel()


def language() -> str:
    """The language of this answer, one of LANGUAGES."""
    return request.accept_languages.best_match(list(LANGUAGES), "en") if request else "en"


def install(app: Flask) -> None:
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    babel.init_app(app, locale_selector=language)
