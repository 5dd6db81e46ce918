"""Pages that are the same for everybody but for a few words: kept as they were written once, with holes where those words stand.

There are two kinds. Of one (`stencilled`) what it says comes from its address and its host, its language, its theme and the rows it is about, and
from nothing else. The rows are compared whole with those it was written from, so a page is never older than its rows. The other
(`from_words`) is written from a list of words that are the same for many, and handed nothing but these: where one of them is another,
it is another page.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, TypeVar

from flask import Flask, Response, current_app
from markupsafe import escape

from core.kernel.recent import Recent
from core.web.forgery import csrf_token
from core.web.framed import framed
from core.web.headers import csp_nonce
from core.web.languages import language
from core.web.pay_host import pay_host
from core.web.theme import forced_scheme
from core.web.this_request import asked, kept

MOST = 256  # pages of each kind kept in a process; a few kilobytes each, for the sheet that they all have stands in none
SHEET = "sheet"
HTML = {"Content-Type": "text/html; charset=utf-8", "Vary": "HX-Request"}
# What no other answer may have: how it is made, and under which name an answer keeps its own.
MAKE: dict[str, Callable[[], str]] = {"csrf": csrf_token, "nonce": csp_nonce}
MADE = {"csrf": "csrf_token", "nonce": "csp_nonce"}

Words = TypeVar("Words", bound=tuple[Any, ...])
Pieces = list[Any]  # text as it is sent, the name of what stands in the hole after it, text, a name, ..., text

_kept: Recent[tuple[list[dict[str, Any]], Pieces]] = Recent(MOST)
_written: Recent[Pieces] = Recent(MOST)


def stencilled(rows: tuple[Any, ...], tokens: dict[str, str], write: Callable[[], Response]) -> Response:
    """The page as `write` writes it, or its kept text with this visitor's tokens in it.

    `tokens` are those that `write` puts into the page beside the two that every page has, the one in its forms and the nonce of
    its policy. Each is unguessable, so where it stands in the text nothing else can stand.
    """
    tokens = {**tokens, "csrf": csrf_token(), "nonce": csp_nonce()}
    key, about = (asked().path, language(), forced_scheme(), pay_host()), [content(row) for row in rows]
    before = _kept.get(key)
    if before is not None and before[0] == about:
        return _filled(before[1], tokens)
    response = write()
    if response.status_code == 200:
        _kept.put(key, (about, _cut(response, {value: name for name, value in tokens.items()})))
    return response


def may_be_kept() -> bool:
    """Whether this request asks for the page itself: nothing in its address is about this visitor, and it stands in nobody else's page."""
    here = asked()
    return not here.query_string and here.method in ("GET", "HEAD") and framed() is None


def from_words(words: Words, own: dict[str, str], write: Callable[[Words, dict[str, str]], Response]) -> Response:
    """The page that `write` makes of these words, kept for all who are to read the same, with what is only this reader's in its holes.

    `write` knows nothing else: it is called with a mark in the place of each text of `own`, which it only passes on. Each mark is
    unguessable, and is never sent to anybody. What stands in a hole is escaped; what is to stand in an address must be fit for one.
    Only for requests that `may_be_kept`.
    """
    key = (write, words, language(), forced_scheme(), kept().get("time_zone"), pay_host())
    pieces = _written.get(key)
    if pieces is None:
        marks = {name: _mark(name) for name in own}
        response = write(words, marks)
        names = {mark: name for name, mark in marks.items()} | {kept()[made]: name for name, made in MADE.items() if made in kept()}
        pieces = _cut(response, names)
        if response.status_code == 200:
            _written.put(key, pieces)
    texts = {name: str(escape(text)) for name, text in own.items()}
    return _filled(pieces, texts | {name: make() for name, make in MAKE.items() if name in pieces[1::2]})


@cache
def _mark(name: str) -> str:
    """What stands in the place of an own word while a page is written."""
    return f"{name}{secrets.token_hex(16)}"


def _cut(response: Response, names: dict[str, str]) -> Pieces:
    """The text of a page, cut wherever one of these stands, which is told by its name."""
    pieces: Pieces = re.split(b"(" + b"|".join(re.escape(word.encode()) for word in names) + b")", response.get_data())
    pieces[1::2] = [names[found.decode()] for found in pieces[1::2]]
    sheet = _sent(current_app.jinja_env.globals.get("inline_sheet") or "")
    place = next((number for number in range(0, len(pieces), 2) if sheet and sheet in pieces[number]), None)
    if place is not None:
        before, _, after = pieces[place].partition(sheet)
        pieces[place : place + 1] = [before, SHEET, after]
    return pieces


@lru_cache(2)
def _sent(sheet: str) -> bytes:
    return sheet.encode()


def _filled(pieces: Pieces, texts: dict[str, str]) -> Response:
    """The whole page, with these texts in its holes."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    whole = pieces.copy()
    sheet = _sent(app.jinja_env.globals.get("inline_sheet") or "")
    whole[1::2] = [texts[name].encode() if name != SHEET else sheet for name in pieces[1::2]]
    return app.response_class(b"".join(whole), 200, HTML)


def content(row: Any) -> dict[str, Any]:
    """Everything that stands in a row."""
    return {name: value for name, value in row.__dict__.items() if name != "_sa_instance_state"}
