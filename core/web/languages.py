"""Which language an answer is written in: the reader's choice, then their browser's, then English."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Flask, request
from flask_babel import Babel, get_locale, get_translations
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

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
LONGEST = 200  # of what a browser asks for, no more is read
babel = Babel()


def language() -> str:
    """The language of this answer, one of LANGUAGES."""
    return _best(request.headers.get("Accept-Language", "")[:LONGEST]) if request else "en"


@lru_cache(1024)
def _best(wishes: str) -> str:
    """Of what a browser asks for. There are few different wishes, and reading one takes a while."""
    return parse_accept_header(wishes, LanguageAccept).best_match(list(LANGUAGES), "en")


# --- texts in templates: `{{ _("Pay %(amount)s", amount=x) }}`. Values are escaped; %% is a percent sign. ------------------

_catalogues: dict[Any, Any] = {}  # locale -> its texts; Flask-Babel spells the locale out to find them, for every text


def _catalogue() -> Any:
    locale = get_locale()
    if locale not in _catalogues:
        _catalogues[locale] = get_translations()
    return _catalogues[locale]


def _text(text: str, /, **values: Any) -> Markup:
    return _filled(_catalogue().ugettext(text), values)


def _counted(one: str, more: str, num: int, /, **values: Any) -> Markup:
    return _filled(_catalogue().ungettext(one, more, num), {"num": num, **values})


def _filled(text: str, values: dict[str, Any]) -> Markup:
    return Markup(text) % values if "%" in text else Markup(text)


def install(app: Flask) -> None:
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    babel.init_app(app, locale_selector=language)
    app.jinja_env.globals.update(_=_text, gettext=_text, ngettext=_counted)
