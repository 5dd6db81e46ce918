"""The API's blueprint: the same acts as JSON under /api/v1, and what is true of every answer."""

from __future__ import annotations

import json

import structlog
from flask import Blueprint, Response, current_app, g, request
from werkzeug.exceptions import TooManyRequests

from core.accounts.calls import Made, write_calls
from core.accounts.refused_calls import Call, keep_refused
from core.kernel.clock import now
from core.notifications.key_news import tell_elsewhere
from core.web.tally import Tally
from core.web.this_request import asked, kept, request_number
from core.web.throttle import count_try

api = Blueprint("api", __name__, url_prefix="/api/v1")
log = structlog.get_logger("api")
ELSEWHERE = "address_not_allowed"
MOST_KEPT = "60 per 1 minute"  # refusals of one key that are written down; a loop that runs wild is seen in those as well
calls = Tally(write_calls)
OURS = ("api_caller", "api_counted", "api_person", "api_sent", "api_shown_once", "api_unwritten")


@api.before_request
def _begin() -> None:
    """Nothing is left of another request that a test made in the same context."""
    mine = kept()
    for name in OURS:
        mine.pop(name, None)


@api.after_request
def _private(response: Response) -> Response:
    """An answer is for whoever holds the key, and for nobody in between; it says how the key's limit stands, and its own number."""
    headers, number = response.headers, request_number()
    for name in ("Cache-Control", "Request-Id"):
        headers.pop(name, None)
    # As in core/web/headers.py: nobody else sets them, and there is nothing to look over in them.
    headers._list += [("Cache-Control", "no-store"), ("Request-Id", number)]
    if counted := kept().get("api_counted"):
        headers._list += [
            ("RateLimit-Limit", str(counted.most)),
            ("RateLimit-Remaining", str(counted.left)),
            ("RateLimit-Reset", str(counted.seconds)),
            ("RateLimit-Policy", f"{counted.most};w={counted.window}"),
        ]
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "__publishable__", False):  # a page of anybody's may ask with its publishable key; no cookie is ever read here
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Access-Control-Allow-Headers"] = "Authorization"
        headers["Access-Control-Max-Age"] = "600"
    if ends := getattr(view, "__ends__", None):
        headers.extend(ends.headers())
    _note(response)
    if response.status_code >= 400:
        _keep(response)
    return response


def _note(response: Response) -> None:
    """Every call of a key, written a moment later and beside the calls."""
    caller = kept().get("api_caller")
    if caller is not None:
        now_asked = asked()
        made = Made(
            caller, request_number(), now_asked.method, now_asked.path, response.status_code, now_asked.remote_addr or "",
            now_asked.headers.get("User-Agent", "")[:120], now(),
        )  # fmt: skip
        calls.add(current_app._get_current_object(), made)  # type: ignore[attr-defined]


def _keep(response: Response) -> None:
    """What was refused stands in the log of the key it came with. The answer goes out whether it could be written or not."""
    caller = g.get("api_caller")
    if caller is None:
        return
    try:
        count_try(MOST_KEPT, scope="api-refused", whose=caller.key)
        said = json.loads(response.get_data()) if response.is_json else {}
        call = Call(
            request=request_number(), method=request.method, path=request.path, status=response.status_code,
            code=str(said.get("code", "")), field=str(said.get("field", "")), detail=str(said.get("detail", "")), address=request.remote_addr or "",
        )  # fmt: skip
        keep_refused(caller, call)
        if call.code == ELSEWHERE:
            tell_elsewhere(caller, call.address)
    except TooManyRequests:
        pass
    except Exception:
        log.exception("refused_call_not_kept")
