"""A vendor's own host name in front of its payers' pages: what stands on it, whose it is, and how addresses begin there.

On our own host nothing is different, and nothing is asked. A host name that is a vendor's shows that vendor's payers' pages and nothing
else of the house: no sign-in, no portal, no API, and no other vendor's payment. Its cookies are its own, as a browser keeps them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask, Response, current_app, request
from flask.globals import request_ctx

from core.accounts.pay_host import Hosted, beginning, find_pay_host, own_host, plain_host
from core.accounts.vendor_slug import find_by_slug
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.recent import Recent
from core.kernel.signing import examine_token
from core.web.guard import SAFE, public
from core.web.metrics import is_this_machine
from core.web.this_request import asked, kept
from core.web.throttle import by_address

KEPT = timedelta(seconds=15)  # for so long a process remembers whose a foreign name is, or that it is nobody's
MOST = 1024
SERVED = "pay_hosts"  # in app.extensions: what of the house stands on vendors' host names (checkout/door.py)
OURS = ("same-origin", "none")  # what a browser says of a request that a page of this very host has made, or nobody's page

_known: Recent[tuple[datetime, Hosted | None]] = Recent(MOST)


@dataclass(frozen=True, slots=True)
class Served:
    """The names of the views that stand there, and what is answered in the place of all others."""

    views: frozenset[str]
    nothing_here: Callable[[], Response]


def pay_host() -> Hosted | None:
    """The vendor's host name that this request came to; None on our own."""
    found: Hosted | None = kept().get("pay_host")
    return found


def here() -> str:
    """How whole addresses begin on the host that this request came to."""
    found = pay_host()
    return beginning(found.host) if found else settings().public_url


def leads_home(endpoint: str) -> str:
    """What has to stand before the path of a view that this host does not show: our own public address. Empty where the path alone will do."""
    if not request_ctx or pay_host() is None:
        return ""
    named = f"{request.blueprint or ''}{endpoint}" if endpoint.startswith(".") else endpoint
    return "" if named in _served().views else settings().public_url


def hosted(host: str) -> Hosted | None:
    """Whose payment pages this plain host name shows, as of a few seconds ago."""
    known = _known.get(host)
    if known is None or known[0] <= now():
        known = now() + KEPT, find_pay_host(host)
        _known.put(host, known)
    return known[1]


def _served() -> Served:
    served: Served = current_app.extensions[SERVED]
    return served


def _keep_to_the_vendor() -> Response | None:
    """In front of every request. On our own host, and on a machine's bare name or number, it looks at the name and that is all."""
    mine, host = kept(), plain_host(asked().host)
    mine.pop("pay_host", None)
    if not host or host == own_host(settings().public_url):
        return None
    found = hosted(host)
    if found is None:
        return None
    mine["pay_host"] = found
    if request.endpoint not in _served().views or not _is_theirs(found):
        return _served().nothing_here()
    if request.method not in SAFE and request.headers.get("Sec-Fetch-Site", OURS[0]) not in OURS:
        return _served().nothing_here()  # a sibling of that host (shop.example.com) is its vendor's, and no page of ours
    return None


def _is_theirs(found: Hosted) -> bool:
    """Whether what the address names is of the vendor whose host this is. What names nothing we issued is left to the view, which says so."""
    named = request.view_args or {}
    if "token" in named:
        examined = examine_token(named["token"])
        return examined is None or examined.claims.vendor == found.vendor
    if "slug" in named:
        owner = find_by_slug(named["vendor"].lower()) if "\x00" not in named["vendor"] else None
        return owner is not None and owner[0].public_id == found.vendor
    return "vendor" not in named or named["vendor"] == found.vendor


@public
@by_address("3000 per 10 minutes", scope="tls", method="GET")
def tls_allowed() -> Response:
    """Whether a proxy on this machine may get a certificate for a name (Caddy asks so). To anybody else there is no such address."""
    found = hosted(plain_host(request.args.get("domain", "")[:300])) if is_this_machine() else None
    answer = current_app.response_class("", 200 if found and found.verified else 404)
    answer.content_type = "text/plain; charset=utf-8"
    return answer


def install(app: Flask) -> None:
    """Before anything else looks at who asks."""
    app.before_request(_keep_to_the_vendor)
    app.add_url_rule("/tls/allowed", view_func=tls_allowed)
