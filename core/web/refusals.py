"""Turns every no, expected or not, into one clear answer: a page, a part of a page for htmx, or a JSON problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

import structlog
from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.exceptions import HTTPException

from core.kernel.config import settings
from core.kernel.db import DATABASE_AWAY, gave_way, would_have_written
from core.kernel.errors import Refusal
from core.kernel.signing import TokenRefused
from core.web.guard import safe_path
from core.web.languages import written
from core.web.page import wants_part
from core.web.this_request import came_from, request_number
from core.web.throttle import TooMany

log = structlog.get_logger()

WORDS: dict[int, tuple[Any, Any]] = {
    400: (
        _l("That did not come through properly"),
        _l("Go back, reload the page and send it again. What you typed should still be there."),
    ),
    401: (_l("Who is asking?"), _l("Send a key that counts.")),
    403: (_l("You may not do that"), _l("Your role does not permit it. An owner of the account can change your role.")),
    404: (_l("There is nothing here"), _l("The address may be mistyped, or the page may have moved.")),
    405: (_l("That does not work here"), _l("This page does not accept that kind of request.")),
    408: (_l("That took too long to arrive"), _l("Your connection may be slow. Please try again.")),
    410: (_l("This is gone"), _l("What was here is no longer available.")),
    413: (_l("That is too large"), _l("What you sent is larger than we accept. Nothing was saved.")),
    414: (_l("That address is too long"), _l("Shorten the search or the filter and try again.")),
    415: (_l("We cannot read that"), _l("The content was sent in a form that this page does not understand.")),
    429: (_l("Too many attempts"), _l("For safety we ask you to wait a little before you try again.")),
    500: (
        _l("Something broke on our side"),
        _l("Nothing you did was wrong, and nothing was half-saved. The fault is recorded; please try again."),
    ),
    503: (_l("We will be right back"), _l("The service is starting up or short of something it needs. Please try again in a moment.")),
}

READING = ("GET", "HEAD", "OPTIONS")

# The same for software that calls the API: a stable code, a title, and what whoever reads its log can do. The API's door fills it.
API = "/api/"
API_WORDS: dict[int, tuple[str, Any, Any]] = {}
# By the view that opens a link of a letter: the view where a new one is asked for, and what the way there is called. The doors fill it.
NEW_LINKS: dict[str, tuple[str, Any]] = {}


def answer(
    status: int,
    *,
    title: str | None = None,
    message: str | None = None,
    code: str | None = None,
    field: str | None = None,
    each: Sequence[Refusal] = (),
) -> Response:
    """The one place where an error is put into words and form. It reads no row: the database may be the trouble."""
    if request.path.startswith(API):
        return _api_problem(status, title, message, code, field, each)
    known = WORDS.get(status, WORDS[400 if status < 500 else 500])
    shown = {"status": status, "title": title or str(known[0]), "message": message or str(known[1])}
    if wants_json():
        about = {"field": field} if field else {}
        return _problem(
            type="about:blank", code=code or f"http_{status}", title=shown["title"], detail=shown["message"], status=status, **about
        )
    template = "layouts/_refused.html" if wants_part() else "layouts/refused.html"
    again, onward = _again() if status == 503 else None, NEW_LINKS.get(request.endpoint or "") if status == 404 else None
    response = make_response(render_template(template, again=again, onward=onward, **shown), status)
    if wants_part():
        response.headers["HX-Retarget"] = "#notices"
        response.headers["HX-Reswap"] = "innerHTML"
    response.vary.add("HX-Request")
    return response


def _again() -> str | None:
    """The page to open once more: the one that was asked for, or the one of ours from which something was sent.

    A payer's browser does not say from which (Referrer-Policy: no-referrer): there it is the address itself or the one above it.
    """
    here = quote(request.path)
    if request.method in READING:
        return safe_path(f"{here}?{request.query_string.decode('latin-1')}".rstrip("?"))
    came, pages = came_from(), current_app.create_url_adapter(request)
    if came.netloc == request.host:
        return safe_path(came.path)
    return next((safe_path(path) for path in (here, here.rpartition("/")[0]) if pages and pages.test(unquote(path), "GET")), None)


def _api_problem(
    status: int, title: str | None, message: str | None, code: str | None, field: str | None, each: Sequence[Refusal]
) -> Response:
    """What the API says: with the number of the request, and where the code is explained; of several things, each at its field."""
    usual, known = API_WORDS.get(status), WORDS.get(status, WORDS[400 if status < 500 else 500])
    name = code or (usual[0] if usual else f"http_{status}")
    about: dict[str, Any] = {"field": field} if field else {}
    if each:
        about["errors"] = [{"field": one.field, "detail": written(one.message)} for one in each]
    response = _problem(
        type=f"{settings().public_url}/portal/api#error-{name}", code=name, title=title or str(usual[1] if usual else known[0]),
        detail=message or str(usual[2] if usual else known[1]), status=status, request_id=request_number(), **about,
    )  # fmt: skip
    response.headers["Request-Id"] = request_number()
    return response


def _problem(**said: Any) -> Response:
    response = jsonify(**said)
    response.content_type = "application/problem+json"
    response.status_code = said["status"]
    return response


def wants_json() -> bool:
    """A machine: it called a hook or said that it reads JSON and not HTML."""
    if request.path.startswith(("/hooks/", "/api/")):
        return True
    accepts = request.accept_mimetypes
    return accepts.best == "application/json" and accepts["application/json"] > accepts["text/html"]


def _refused(refusal: Refusal) -> Response:
    response = answer(
        refusal.status, title=_title(refusal), message=written(refusal.message), code=refusal.code, field=refusal.field, each=refusal.each
    )
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if refusal.code == "idempotency_key_in_use":
        response.headers["Retry-After"] = "1"
    return response


def _title(refusal: Refusal) -> str | None:
    if refusal.status == 404:  # to software too: its address is right, and what is named in it is not there
        return str(WORDS[404][0])
    return _("That was not possible") if refusal.status in (409, 422) else None


def _token_refused(refusal: TokenRefused) -> Response:
    """A stranger learns nothing: altered, expired, revoked and foreign tokens all read the same."""
    log.info("token_refused", reason=refusal.reason, route=str(request.url_rule))
    return answer(
        404, title=_("This link is not valid"), message=_("It may be incomplete, or it may have expired. Please ask for a new one.")
    )


def _http(problem: HTTPException) -> Any:
    if problem.response is not None and problem.code is None:
        return problem.response
    status = problem.code or 500
    if status < 400:
        return problem
    response = answer(status, message=_waiting(problem) if isinstance(problem, TooMany) else None)
    for name, value in problem.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _waiting(full: TooMany) -> str | None:
    """Which limit it was where that was said; otherwise for how long to wait. Software is told by Retry-After."""
    if full.said:
        return written(full.said)
    if request.path.startswith(API):
        return None
    return ngettext(
        "For safety we ask you to wait %(num)s minute before you try again.",
        "For safety we ask you to wait %(num)s minutes before you try again.",
        -(-max(1, full.counted.seconds) // 60),
    )


def _away(problem: Exception) -> Response:
    """The database is down or starting: a moment later the same request works, and whoever asks is told so."""
    if gave_way(problem):
        return _crossed()
    log.warning("database_away", method=request.method, route=str(request.url_rule), problem=type(problem).__name__)
    sent = request.method not in READING and not wants_json()
    unsure = _("What you sent may have arrived. Open the page again and look before you send it once more.")
    response = answer(503, message=f"{WORDS[503][1]} {unsure}" if sent else None)
    response.headers["Retry-After"] = "3"
    return response


def _crossed() -> Response:
    """Two changed the same things at the same moment, and this one had to give way although it was tried again where it could be."""
    log.warning("gave_way", method=request.method, route=str(request.url_rule))
    message = _(
        "Something else changed the same thing at this very moment, and yours had to wait. Nothing was done twice: please try again."
    )
    response = answer(409, title=_("Please try again"), message=message, code="gave_way")
    response.headers["Retry-After"] = "1"
    return response


def _only_reading() -> Response:
    """Whoever asks may only look (core/web/looking.py), and the page would have written something down on the way: PostgreSQL refused."""
    log.warning("would_have_written", method=request.method, route=str(request.url_rule))
    return answer(
        403,
        title=_("Only looking"),
        message=_("This page would write something down, so it is not shown to whoever only looks."),
        code="only_looking",
    )


def _broken(problem: Exception) -> Response:
    """A bug, or a part of the house that is down. It is logged whole; the reader sees one calm sentence."""
    if would_have_written(problem):
        return _only_reading()
    log.exception("unexpected_error", method=request.method, route=str(request.url_rule))
    try:
        return answer(500)
    except Exception:  # the page itself may be what is broken
        log.exception("error_page_failed")
        return Response("Something broke on our side. Please try again.", 500, content_type="text/plain; charset=utf-8")


def install(app: Flask) -> None:
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(TokenRefused, _token_refused)
    app.register_error_handler(HTTPException, _http)
    for kind in DATABASE_AWAY:
        app.register_error_handler(kind, _away)
    app.register_error_handler(Exception, _broken)
