"""Answers with a whole page, or with the part of it that htmx asked for, inside one unit of work per request."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request

from core.kernel.db import finish_unit
from core.kernel.errors import NotAllowed, NotFound
from core.kernel.reads import only_reading
from core.kernel.sentence import said
from core.web.queue_outside import QueueOutside
from core.web.this_request import asked

CURSOR = re.compile(r"[A-Za-z0-9_~:.+-]{1,120}")
# Of the eight threads that serve, three always stay for everybody who is not waiting for a provider.
_outside = QueueOutside(5)


def page(template: str, *, fragment: str | None = None, status: int = 200, **values: Any) -> Response:
    """The page; or only `fragment` when htmx wants that part. Both carry `Vary: HX-Request`, so no cache mixes them up."""
    html = render_template(fragment if fragment and wants_part() else template, **values)
    return current_app.response_class(html, status, {"Vary": "HX-Request"})


def wants_part() -> bool:
    """True when htmx will put the answer into an existing page (a boosted or restored page needs all of it)."""
    here: Any = asked()
    if "HTTP_HX_REQUEST" not in here.environ:
        return False
    return bool(here.htmx) and not here.htmx.boosted and not here.htmx.history_restore_request


def see_other(url: str) -> Response:
    """Redirect after a POST (303). An htmx part cannot follow one to another page by itself, so it is told to go there."""
    if wants_part():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    return make_response(redirect(url, 303))


def send_kept(data: bytes, name: str, *, kind: str = "application/pdf", how: str = "inline") -> Response:
    """Exactly these bytes, to be looked at or, as an `attachment`, to be put away; under this name in either case."""
    answer = make_response(data)
    answer.content_type = kind
    answer.headers["Content-Disposition"] = f'{how}; filename="{name}"'
    return answer


def cursor() -> str | None:
    """Where the next page of a list begins, as an earlier page of it said (`?after=`). Anything else is no page of ours."""
    text = request.args.get("after")
    if not text:
        return None
    if not CURSOR.fullmatch(text):
        raise NotFound("That page of the list does not exist.")
    return text


def moment_and_row(text: str) -> tuple[datetime, uuid.UUID]:
    """The place in a list that is ordered by a moment and then by a row's id, as `moment~id` in `?after=`."""
    at, _tilde, row = text.partition("~")
    try:
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError("an instant has a zone")
        return instant, uuid.UUID(row)
    except ValueError:
        raise NotFound("That page of the list does not exist.") from None


@contextmanager
def step_outside() -> Iterator[None]:
    """Commits what was written so far and runs the block with no transaction open, for a call to a provider.

    What the block learns is written down after it, in a new unit of work that begins by itself. If the block raises,
    the first unit stays committed, because the outside may already have acted on it. Raises ProviderBusy when too many
    are outside already.
    """
    if only_reading():
        raise NotAllowed(said("This page asks somebody outside, and whoever only looks asks nobody."))
    g.stepped_outside = True  # from here on a part of this request stands, and it is not run again by itself
    finish_unit(keep=True)
    with _outside.place():
        yield


def keep_so_far() -> None:
    """Commits what was written so far: it stands whatever becomes of the rest of this request, which begins a new unit of work."""
    finish_unit(keep=True)


def _settle(response: Response) -> Response:
    """An answer below 400 commits; anything else leaves no trace in the database."""
    finish_unit(keep=response.status_code < 400)
    return response


def _drop(_problem: BaseException | None) -> None:
    """Whatever an unexpected end left open is thrown away."""
    finish_unit(keep=False)


def install(app: Flask) -> None:
    """Installed before the rest of the web kit: what the others read or write then belongs to the same unit of work."""
    app.after_request(_settle)
    app.teardown_request(_drop)
