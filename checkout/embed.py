"""The payer's pages inside another website: the same views once more, under /embed, and only where their vendor has named that website.

What may stand in a frame is everything between opening a link and being paid. The rest (receipts, one's own page, the check whether
something is genuine) opens in the top window, as the processor's and the bank's own pages do.
"""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, abort, request, url_for

from checkout.blueprint import log, not_valid, private
from core.accounts.embed_origins import allowed_origins
from core.accounts.embed_refusals import note_refusal, why_refused
from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.kernel.signing import TokenRefused
from core.payments.link import link_token
from core.payments.slug import open_readable
from core.web.framed import NONCE, OF_FRAMES, OF_PAYERS, PREFIX, TRAVELS, Frame, check_form, claims_of, enter, framed, origins_around
from core.web.guard import SAFE, public
from core.web.headers import allow
from core.web.page import keep_so_far, page, see_other, wants_part
from core.web.throttle import by_address

VIEWS = (
    "choose", "start", "show", "state", "come_back", "cancel", "try_card", "country", "practise_card", "expire_now", "transfer_state",
    "leave_transfer",
)  # fmt: skip
FRAMES = ("", "iframe", "frame", "empty")  # what a browser says a request is for; old ones say nothing, and scripts ask for `empty`


def register(app: Flask) -> None:
    """The views' second addresses. Made with the application: a blueprint can be opened only once."""
    door = Blueprint(OF_FRAMES, __name__, url_prefix=PREFIX.rstrip("/"))
    for rule in list(app.url_map.iter_rules()):
        name = rule.endpoint.removeprefix(f"{OF_PAYERS}.")
        if rule.endpoint == f"{OF_PAYERS}.{name}" and name in VIEWS:
            door.add_url_rule(rule.rule, name, app.view_functions[rule.endpoint], methods=(rule.methods or set()) - {"HEAD", "OPTIONS"})
    door.add_url_rule("/pay/<vendor>/<slug>", "by_readable_name", by_readable_name)
    door.add_url_rule("/pay/test/<vendor>/<slug>", "practice_by_name", practice_by_name)
    door.before_request(_let_in)
    door.after_request(_embeddable)
    door.register_error_handler(TokenRefused, not_valid)
    app.register_blueprint(door)


@public
@by_address("240 per 10 minutes", scope="names", method="GET")
def by_readable_name(vendor: str, slug: str) -> Response:
    """A name leads to the signed address: a frame's forms are bound to one."""
    return _signed("live", vendor, slug)


@public
@by_address("240 per 10 minutes", scope="names", method="GET")
def practice_by_name(vendor: str, slug: str) -> Response:
    return _signed("test", vendor, slug)


def _signed(mode: str, vendor: str, slug: str) -> Response:
    owner, link, _name = open_readable(mode, vendor, slug)
    said = {name: value for name, value in request.args.items() if name not in TRAVELS}
    return see_other(url_for("checkout.choose", token=link_token(owner, link), **said))


def _let_in() -> Response | None:
    """Says no to a site that its vendor has not named. The browser is told by our policy as well: that binds it whatever anybody says."""
    purpose = request.headers.get("Sec-Fetch-Dest", "")
    if purpose == "document":
        return _at_the_top()
    if purpose not in FRAMES:
        abort(404)
    vendor, mode = _whose()
    allowed, around = allowed_origins(vendor, mode), origins_around()
    reason = "off" if not allowed else ""
    for origin in around:
        if reason := why_refused(allowed, origin, mode):
            note_refusal(vendor, mode, origin, reason)
            keep_so_far()
            break
    if not reason:  # before anything else is said: whatever is answered now may be read where it stands
        nonce = request.args.get("nonce", "")
        enter(Frame(request.args.get("origin", ""), nonce if NONCE.fullmatch(nonce) else ""))
        allow("frame-ancestors", *allowed)
    if request.method not in SAFE:
        check_form()
    elif not reason and mode in vendor.embed_stopped_modes and not wants_part():  # what was sent from an open page ends on our own
        return page("checkout/frames_stopped.html", status=403, face=None, ordinary=_ordinary())
    if reason:
        log.info("embed_refused", vendor=vendor.public_id, mode=mode, reason=reason)
        status = 403 if allowed else 404  # without a list there is no such page at all
        return page("checkout/not_framed.html", status=status, face=None, ordinary=_ordinary())
    return None


def _at_the_top() -> Response | None:
    """What was sent out of the frame is answered as an ordinary page; and whoever opens a framed page by itself is led to that."""
    if request.method in SAFE:
        return see_other(_ordinary())
    check_form()
    return None


def _ordinary() -> str:
    """The same page outside of any frame."""
    said = [(name, value) for name, value in request.args.items(multi=True) if name not in ("origin", "nonce")]
    return request.script_root + "/" + request.path.removeprefix(PREFIX) + (f"?{urlencode(said)}" if said else "")


def _whose() -> tuple[Vendor, str]:
    """By the signed address alone; what it opens is looked at by the view. Raises TokenRefused."""
    named = request.view_args or {}
    if "token" in named:
        claims = claims_of(named["token"])
        vendor = find_vendor(claims.vendor)
        if vendor is None:
            raise TokenRefused("foreign")
        return vendor, claims.mode
    mode = "test" if request.endpoint == f"{OF_FRAMES}.practice_by_name" else "live"
    return open_readable(mode, named["vendor"], named["slug"])[0], mode


def _embeddable(response: Response) -> Response:
    """As private as the ordinary pages; but a site that keeps strangers' answers out of its own may still show this one."""
    if framed():
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return private(response)
