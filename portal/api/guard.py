"""Who calls, by a key or by a person's app, what that is good for, and that a write happens once: in front of every view of the API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Request, Response, g, jsonify, request

from core.accounts.access_token import AccessRefused, looks_like_access
from core.accounts.api_keys import LONGEST_PROGRAM, OWN_SOFTWARE, PUBLISHABLE, RESTRICTED, counts_from, find_former_key, find_key, note_use
from core.accounts.apps import check_person, check_unlimited, find_app_seat
from core.accounts.confirm import is_fresh
from core.accounts.key_models import ApiKey
from core.accounts.key_scopes import check_scope, permission_for, scope_of
from core.accounts.models import Vendor
from core.accounts.once import Asked, find_kept, keep_answer
from core.accounts.refused_calls import Caller, plain
from core.accounts.roles import role_of
from core.accounts.security import is_large
from core.accounts.sessions import Seat
from core.admission.stops import find_stop
from core.kernel.config import settings
from core.kernel.errors import NotAllowed, Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.kernel.write import Unwritten
from core.web.guard import marked
from core.web.this_request import asked, kept
from core.web.throttle import Limit, TooMany, count_call, count_try, network_of_caller
from portal.api.reading import values_sent

View = TypeVar("View", bound=Callable[..., Any])
STEADY = "600 per 1 minute"  # of one key, or of one person's app; of the whole business: settings().api_business_limit
BURST = "120 per 5 seconds"  # of one key at one address
STRANGERS = "60 per 1 minute"  # refused keys from one address
KEY_BUSY = said("This key or app has used up its calls for now. The Retry-After header says for how many seconds to wait.")
BURST_BUSY = said("This key or app calls this address too often at once. The Retry-After header says for how many seconds to wait.")
BUSINESS_BUSY = said(
    "All keys and apps of this business together have used up its calls for now. The Retry-After header says for how many seconds to wait."
)
LONGEST_KEY = 255
SAFE = ("GET", "HEAD")


class KeyRefused(Refusal):
    """No key, or none that opens anything."""

    code = "key_refused"
    status = 401


class SecretKeyInBrowser(NotAllowed):
    """A secret key came from a page: whoever reads the page has it."""

    code = "secret_key_in_browser"


class AddressNotAllowed(NotAllowed):
    """The key counts from other addresses only."""

    code = "address_not_allowed"


class NotForPublishable(NotAllowed):
    """A publishable key stands in pages, and opens what a payer may see."""

    code = "publishable_key"


class NotForApps(NotAllowed):
    """The person's role does not permit this, or no person's app does it."""

    code = "role_may_not"


class ApiStopped(NotAllowed):
    """The platform has stopped the API for this business. Its own software and its people's apps read why; a publishable key reads no reason."""

    code = "api_stopped"


class SignInAgain(NotAllowed):
    """Much money goes back, and what cannot be taken back is done, only for a person who has just signed in."""

    code = "sign_in_again"


class NoIdempotencyKey(Refusal):
    """A write without a name of its own cannot be repeated safely."""

    code = "idempotency_key_missing"
    status = 400


def by_key(view: View | None = None, *, publishable: bool = False) -> Any:
    """Only with a key that is good for it, as Bearer token or as the user name of Basic, or with the access token of a person's app. The view
    is called with the vendor and the mode; it gives a document and a status. What a restricted key needs, and what the person's role, follows
    from the address (core/accounts/key_scopes.py).

    A write needs an Idempotency-Key: the same request again is answered as the first time, and does nothing.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Response:
            vendor, mode = _caller(publishable=publishable)
            return _called(vendor, mode, lambda: view(vendor, mode, *args, **kwargs))

        return marked(guarded, access="key", csrf=False, publishable=publishable)

    return mark(view) if view is not None else mark


def by_person(view: View) -> Any:
    """Only with the access token of a person's app; the view is called with whom it acts for. It is about the person, so any role may."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Response:
        if not looks_like_access(_secret()):
            raise AccessRefused("Send an access token in the header: Authorization: Bearer eyJ... A key opens nothing here.")
        seat = _seat()
        return _called(seat.vendor, seat.session.mode, lambda: view(seat, *args, **kwargs))

    return marked(guarded, access="user", csrf=False)


def by_anybody(view: View) -> Any:
    """Without a key or a token: the view counts for itself who asks how often. Nothing is kept of its answer, which may hold a secret."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Response:
        g.time_zone = "UTC"
        return _answer(*view(*args, **kwargs))

    return marked(guarded, access="public", csrf=False, declared=True)


def _called(vendor: Vendor, mode: str, act: Callable[[], tuple[dict[str, Any], int]]) -> Response:
    kept()["time_zone"] = "UTC"
    return _answer(*act()) if asked().method in SAFE else _once(vendor, mode, act)


def _once(vendor: Vendor, mode: str, act: Callable[[], tuple[dict[str, Any], int]]) -> Response:
    """The act and its answer are kept in one transaction: after a crash both are there or neither is, and asking again is safe."""
    sent = asked()
    wish = Asked(vendor.id, mode, _name(), method=sent.method, path=sent.path, sent=values_sent())
    before = find_kept(wish)
    if before is not None:
        response = _answer(before.body, before.status)
        response.headers["Idempotent-Replayed"] = "true"
        return response
    body, status = act()
    kept_body = body | dict.fromkeys(kept().pop("api_shown_once", ()))
    keep_answer(wish, status=status, body=kept_body, of=kept().pop("api_unwritten", None))
    return _answer(body, status)


def show_once(*fields: str) -> None:
    """These fields of this answer are told now and never again: no answer that is kept for repetitions carries them."""
    g.api_shown_once = fields


def written_with_answer(what: Unwritten | None) -> None:
    """The act has yet to be written: that is done together with its answer, when the view has said what that is."""
    kept()["api_unwritten"] = what


def wish_token() -> str:
    """The name of this write for the act behind it, whose own key it becomes: it protects for ever, also when the answer is kept no more."""
    return f"api:{hashlib.sha256(_name().encode()).hexdigest()}"


def acting() -> str:
    """Who does it, for the log: the person whose app it is, or the business's own software."""
    seat: Seat | None = kept().get("api_person")
    return seat.user.public_id if seat else OWN_SOFTWARE


def check_recent(vendor: Vendor, amount: Money) -> None:
    """The portal asks who it is before a large refund; an app has its person sign in again. Refuses SignInAgain. Keys are not asked."""
    seat: Seat | None = g.get("api_person")
    if seat and is_large(vendor, amount) and not is_fresh(seat.session):
        raise SignInAgain("For a refund this large, sign in again first: that counts for ten minutes.")


def check_signed_in_now() -> None:
    """For what cannot be taken back, an app has its person sign in again, and with real money in two steps, as the portal does. Keys are not
    asked. Refuses SignInAgain."""
    seat: Seat | None = g.get("api_person")
    if seat is None:
        return
    if seat.session.mode == "live" and seat.user.second_factor_at is None:
        raise SignInAgain("With real money this is for people who sign in in two steps. Set that up in the portal first.")
    if not is_fresh(seat.session):
        raise SignInAgain("This cannot be taken back: sign in again first. That counts for ten minutes.")


def _seat() -> Seat:
    """For whom the app acts whose token came. Raises AccessRefused and AccessExpired."""
    try:
        seat = find_app_seat(_secret())
    except AccessRefused:  # one that has run out was ours
        count_try(STRANGERS, scope="api-strangers", whose=network_of_caller())
        raise
    _count(seat.session.id, seat.vendor, seat.session.mode)
    check_person(seat.user, seat.vendor)
    check_unlimited(seat.membership)
    g.api_person = seat
    return seat


def _for_person() -> tuple[Vendor, str]:
    """Whether the person's role may do what the app asks for."""
    seat, writes, rule = _seat(), request.method not in SAFE, request.url_rule.rule if request.url_rule else ""
    try:
        needed = permission_for(word_of(rule), writes=writes, act=act_of(rule))
    except KeyError:
        raise NotForApps("No person’s app does this. Use a key of the business.") from None
    if not role_of(seat.membership.role, seat.custom).may(needed):
        raise NotForApps("Your role in this business does not permit this.")
    _check_not_stopped(seat.vendor, seat.session.mode)
    return seat.vendor, seat.session.mode


def _caller(*, publishable: bool) -> tuple[Vendor, str]:
    secret, sent = _secret(), asked()
    if looks_like_access(secret):
        return _for_person()
    found = find_key(secret)
    if found is None:
        count_try(STRANGERS, scope="api-strangers", whose=network_of_caller())
        raise _refused(secret)
    vendor, key = found
    kept()["api_caller"] = Caller(vendor.id, key.mode, key.public_id)
    _count(key.public_id, vendor, key.mode, pages=key.kind == PUBLISHABLE)
    if vendor.stopped_at is not None:
        raise KeyRefused("This business has closed its account.")
    needed = scope_of(word_of(sent.url_rule.rule if sent.url_rule else ""), writes=sent.method not in SAFE)
    _check_rights(key, needed, sent, publishable=publishable)
    _check_not_stopped(vendor, key.mode, told=key.kind != PUBLISHABLE)
    note_use(key, sent.remote_addr or "", scope=needed, program=plain(sent.headers.get("User-Agent", ""), LONGEST_PROGRAM))
    return vendor, key.mode


def _check_not_stopped(vendor: Vendor, mode: str, *, told: bool = True) -> None:
    """Whoever has a secret of the business reads why; a publishable key is everybody's, and is `told` nothing. Raises ApiStopped."""
    if mode not in vendor.api_stopped_modes:
        return
    row = find_stop(vendor, mode, "api") if told else None
    if row is None:
        raise ApiStopped("The API does not answer for this business at the moment.")
    raise ApiStopped(said("The platform has stopped the API for this business, and says why: %(reason)s", reason=row.reason))


def _refused(secret: str) -> KeyRefused:
    """For a key that opens nothing. Whoever holds one of ours that counts no more reads why, and the call stands in its log, where the team sees
    that something still uses it."""
    former = find_former_key(secret)
    if former is None:
        return KeyRefused("Send a key that counts in the header: Authorization: Bearer portal_sk_test_...")
    vendor, key = former
    kept()["api_caller"] = Caller(vendor.id, key.mode, key.public_id)
    if key.revoked_at is not None:
        return KeyRefused("This key was revoked. Make another one in the portal.")
    if key.replaced_by:
        return KeyRefused("This key was rolled, and its time beside the new one is over. Use the new one.")
    return KeyRefused("The time of this key is over. Make another one in the portal.")


def _count(whose: str, vendor: Vendor, mode: str, *, pages: bool = False) -> None:
    """One call of a key or an app; and of its business over all of them, or whoever makes more keys would take more than a fair share. What the
    key may not is not the business's. Publishable keys (`pages`) have a share apart: whoever reads one in a page keeps no server waiting."""
    most = settings().api_business_limit
    try:
        kept()["api_counted"] = count_call(
            Limit(STEADY, "api", whose, KEY_BUSY),
            Limit(BURST, f"api-{request.endpoint}", whose, BURST_BUSY),
            Limit(most, f"api-{'pages' if pages else 'business'}", f"{vendor.public_id}:{mode}", BUSINESS_BUSY),
        )
    except TooMany as full:
        g.api_counted = full.counted
        raise


def _secret() -> str:
    """What stands in the Authorization header: after Bearer, or as the user name of Basic, whose password stays empty."""
    try:
        said = asked().authorization
    except ValueError:  # Basic, and what should be base64 is not even ASCII
        return ""
    if said is None:
        return ""
    secret = (said.token or "").strip() if said.type == "bearer" else said.username or "" if said.type == "basic" else ""
    return secret if secret.isascii() else ""


def _check_rights(key: ApiKey, needed: str, sent: Request, *, publishable: bool) -> None:
    """Where it comes from, what it is for, and that a secret one does not come from a page."""
    if not counts_from(key, sent.remote_addr or ""):
        raise AddressNotAllowed("This key does not count from your network address. The owner of the account can add it to the key.")
    if key.kind == PUBLISHABLE:
        if not publishable:
            raise NotForPublishable("A publishable key opens only what a payer may see. Use a secret or a restricted key on your server.")
        return
    if "Origin" in sent.headers or "Sec-Fetch-Site" in sent.headers:
        raise SecretKeyInBrowser(
            "This key came from a page in a browser, where anybody can read it. Roll it now, and call from your server."
        )
    if key.kind == RESTRICTED:
        check_scope(key.scopes, needed)


def word_of(rule: str) -> str:
    """The first word of an address below /api/v1/: `payment-links`."""
    return rule.removeprefix("/api/v1/").partition("/")[0]


def act_of(rule: str) -> str:
    """Its last word: `approve`."""
    return rule.rpartition("/")[2]


def _name() -> str:
    name = asked().headers.get("Idempotency-Key", "")
    if not 0 < len(name) <= LONGEST_KEY or not name.isascii() or not name.isprintable():
        raise NoIdempotencyKey(
            "Send an Idempotency-Key of your own with every write: up to 255 printable letters, the same when you repeat it."
        )
    # Two people's apps know nothing of each other.
    return f"{acting()}:{hashlib.sha256(name.encode()).hexdigest()}" if "api_person" in kept() else name


def _answer(body: dict[str, Any], status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response
