"""Pages that are the same for everybody but for a few tokens: kept as they were written once, with holes where the tokens stand.

What such a page says must come from its address, its language, its theme and the rows it is about, and from nothing else. The rows are
compared whole with those it was written from, so a page is never older than its rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, request

from core.kernel.recent import Recent
from core.web.forgery import csrf_token
from core.web.headers import csp_nonce
from core.web.languages import language
from core.web.theme import forced_scheme

MOST = 256  # pages kept in a process; a few kilobytes each

_kept: Recent[tuple[list[dict[str, Any]], list[str]]] = Recent(MOST)


def stencilled(rows: tuple[Any, ...], tokens: dict[str, str], write: Callable[[], Response]) -> Response:
    """The page as `write` writes it, or its kept text with this visitor's tokens in it.

    `tokens` are those that `write` puts into the page beside the two that every page has, the one in its forms and the nonce of
    its policy. Each is unguessable, so where it stands in the text nothing else can stand.
    """
    tokens = {**tokens, "csrf": csrf_token(), "nonce": csp_nonce()}
    key, about = (request.path, language(), forced_scheme()), [content(row) for row in rows]
    kept = _kept.get(key)
    if kept is not None and kept[0] == about:
        text = "".join([tokens[piece] if number % 2 else piece for number, piece in enumerate(kept[1])])
        return current_app.response_class(text, 200, {"Vary": "HX-Request"})
    response = write()
    if response.status_code == 200:
        names = {value: name for name, value in tokens.items()}
        pieces = re.split("(" + "|".join(map(re.escape, names)) + ")", response.get_data(as_text=True))
        _kept.put(key, (about, [names.get(piece, piece) for piece in pieces]))
    return response


def content(row: Any) -> dict[str, Any]:
    """Everything that stands in a row."""
    return {name: value for name, value in row.__dict__.items() if name != "_sa_instance_state"}
