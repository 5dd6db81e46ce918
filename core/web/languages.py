"""Which language an answer is written in: the reader's choice, then what the link or payment says, then their browser's, then English."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, has_request_context, request
from flask_babel import Babel, Domain
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from core.kernel.config import settings
from core.web.framed import framed
from core.web.reader import Reader, written_for
from core.web.this_request import asked, kept
from core.web.words import LANGUAGES, STAFF_LANGUAGES, direction_of, filled, known_language, texts

LONGEST = 200  # of what a browser asks for, no more is read
ASKED_BY = ("lang", "locale")  # ?lang=de on any address
A_YEAR = 365 * 24 * 3600
ALL = tuple(LANGUAGES)
OF_STAFF = frozenset({"portal", "staff"})  # whose pages speak fewer languages


def language() -> str:
    """The language of this answer, one of LANGUAGES."""
    try:
        mine = kept()
    except RuntimeError:  # nobody is asking
        return "en"
    known: str | None = mine.get("language")
    if known is None:
        if not has_request_context():
            return "en"
        known = mine["language"] = _choose()
    return known


def offered() -> tuple[str, ...]:
    """What the reader of this answer may choose from."""
    return STAFF_LANGUAGES if asked().blueprint in OF_STAFF else ALL


def suggest(locale: str) -> None:
    """What is opened has a language: it counts unless the reader has chosen one."""
    if locale:
        mine = kept()
        mine["suggested_language"] = locale
        mine.pop("language", None)


@contextmanager
def reading_in(locale: str) -> Iterator[None]:
    """A part of an answer in another language than the rest: a picture of a page that somebody else will read."""
    before, g.language = language(), known_language(locale) or language()
    try:
        yield
    finally:
        g.language = before


def _choose() -> str:
    may, here = offered(), asked()
    said = _asked_for() if here.query_string else None
    chosen = None if framed() else here.cookies.get(_cookie_name())
    for wish in (said, chosen, kept().get("suggested_language")):
        if wish and (code := known_language(wish)) in may:
            return str(code)
    return _best(here.environ.get("HTTP_ACCEPT_LANGUAGE", "")[:LONGEST], may)


def chosen_now() -> str | None:
    """The language that this request chooses by its address, of those the reader may choose from."""
    said = _asked_for() if request.query_string else None
    return said if said in offered() else None


def _asked_for() -> str | None:
    return next((code for name in ASKED_BY if (code := known_language(request.args.get(name)))), None)


@lru_cache(1024)
def _best(wishes: str, may: tuple[str, ...]) -> str:
    """Of what a browser asks for. There are few different wishes, and reading one takes a while."""
    return parse_accept_header(wishes, LanguageAccept).best_match(may, "en")


# --- the reader, and what is written for them ------------------------------------------------------------------------


@lru_cache(256)
def _reader(language: str, zone: str) -> Reader:
    return Reader(language, zone)


def reader() -> Reader:
    """Who reads this answer: their language, and the time zone of the business it is about."""
    return _reader(language(), str(kept().get("time_zone", "UTC")) if has_request_context() else "UTC")


def written(sentence: str) -> str:
    """What the business has said, in the reader's words; a machine that called is answered in English."""
    return written_for(reader(), sentence)


# --- texts in templates: `{{ _("Pay %(amount)s", amount=x) }}`. Values are escaped; %% is a percent sign. ------------------


@lru_cache(8192)
def _plain(text: str, code: str) -> Markup:
    """A text without values; those in the templates are all there are."""
    return filled(texts(code).ugettext(text), {}, code)


def _text(text: str, /, **values: Any) -> Markup:
    code = language()
    if not values:
        return _plain(text, code)
    return filled(texts(code).ugettext(text), values, code)


@lru_cache(1024)
def _plainly_counted(one: str, more: str, num: int, code: str) -> Markup:
    """The same for the few numbers of which a page speaks every time."""
    return filled(texts(code).ungettext(one, more, num), {"num": num}, code)


def _counted(one: str, more: str, num: int, /, **values: Any) -> Markup:
    code = language()
    if not values and num < 100:
        return _plainly_counted(one, more, num, code)
    return filled(texts(code).ungettext(one, more, num), {"num": num, **values}, code)


# --- the selector ----------------------------------------------------------------------------------------------------


def language_choices() -> list[tuple[str, str, str]]:
    """(code, its own name, the address of this page in it)."""
    said = [(name, value) for name, value in request.args.items(multi=True) if name not in ASKED_BY] if request.args else []
    here = _here() + "?" + (urlencode(said) + "&" if said else "")
    return [(code, LANGUAGES[code], f"{here}lang={code}") for code in offered()]


def _here() -> str:
    """This page's address; of an answer to a form that has no page of its own, the page it belongs to."""
    if request.method == "GET":
        return ""  # the same page; its address is long, and said often enough
    path, adapter = request.path, current_app.url_map.bind("")
    while path.count("/") > 1 and "GET" not in adapter.allowed_methods(path):
        path = path.rpartition("/")[0]
    return request.script_root + path


def _cookie_name() -> str:
    return "__Host-language" if settings().https else "language"


def _remember(response: Response) -> Response:
    """A language asked for by address is this browser's from now on."""
    here = asked()
    said = _asked_for() if here.query_string and not framed() else None
    if said and said != here.cookies.get(_cookie_name()):
        response.set_cookie(_cookie_name(), said, max_age=A_YEAR, secure=settings().https, httponly=True, samesite="Lax", path="/")
    return response


class Catalogues(Domain):
    """Flask-Babel's way to the texts, for `_` in the doors."""

    def get_translations(self) -> Any:
        return texts(language())


class Words(Babel):
    domain_instance = Catalogues()


babel = Words()


def _forget() -> None:
    """Where several requests share one application context, each is asked anew."""
    mine = kept()
    mine.pop("language", None)
    mine.pop("suggested_language", None)


def install(app: Flask) -> None:
    babel.init_app(app, locale_selector=language)
    app.before_request(_forget)
    app.after_request(_remember)
    app.jinja_env.filters["language_name"] = lambda code: LANGUAGES.get(code, code)
    app.jinja_env.globals.update(
        _=_text,
        gettext=_text,
        ngettext=_counted,
        language=language,
        direction=lambda: direction_of(language()),
        language_choices=language_choices,
        written=written,
    )
