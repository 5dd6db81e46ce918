"""Who is asking and what they may do: every view says `@may("...")` or `@public`, and this file makes it so."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Request, Response, abort, current_app, g, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user
from werkzeug.local import LocalProxy

from core.accounts.models import Membership, User, UserSession, Vendor
from core.accounts.permissions import roles_that_may
from core.accounts.roles import Role, list_roles, role_held
from core.accounts.sessions import find_seat
from core.directory.limits import open_branches
from core.directory.models import Branch
from core.kernel import audit
from core.kernel.config import settings
from core.kernel.errors import NotAllowed
from core.payments.seen import see_only
from core.web.forgery import FormGuard, csrf_token
from core.web.framed import OF_FRAMES
from core.web.languages import suggest
from core.web.page import see_other, wants_part
from core.web.role_words import may_not_here, not_within_branches, role_word
from core.web.this_request import asked, came_from, kept

View = TypeVar("View", bound=Callable[..., Any])
SAFE = ("GET", "HEAD", "OPTIONS")
WITHIN_BRANCHES = (
    "within_branches"  # in app.extensions: the views that somebody limited to branches reaches, by name (portal/within_branches.py)
)
csrf = FormGuard()
login = LoginManager()


@dataclass(frozen=True)
class Current(UserMixin):
    """The person asking: who, for which vendor, in which role, and whether they look at test or live money."""

    user: User
    vendor: Vendor
    membership: Membership
    session: UserSession
    role: Role
    looking: bool = False  # somebody of the staff sees the pages of this owner, who is not there: core/web/looking.py

    @property
    def mode(self) -> str:
        return self.session.mode

    def may(self, permission: str) -> bool:
        return self.role.may(permission)

    @property
    def limited(self) -> bool:
        """Whether they see only some branches of the business, and reach only the pages that keep to those."""
        return self.membership.branches is not None

    @property
    def branches(self) -> list[Branch]:
        """Of somebody who is limited: those of this mode that are not put away."""
        mine = kept()
        if "branches" not in mine:
            mine["branches"] = open_branches(self.vendor, self.mode, self.membership.branches or ())
        found: list[Branch] = mine["branches"]
        return found

    def sees(self, branch_id: uuid.UUID | None) -> bool:
        """Whether what belongs to this branch (None: to none) is shown to them."""
        return not self.limited or branch_id in [branch.id for branch in self.branches]

    def reaches(self, endpoint: str) -> bool:
        """Whether a view may be opened by somebody limited as they are; what its permission says comes on top."""
        return not self.limited or endpoint in current_app.extensions[WITHIN_BRANCHES]

    def get_id(self) -> str:
        return self.user.public_id


def current() -> Current:
    """The signed-in person. Only for views behind `@may`, and for templates through `current`."""
    return current_user._get_current_object()  # type: ignore[no-any-return]


def find_current() -> Current | None:
    """The signed-in person or None: for public pages that greet somebody they know."""
    return current() if current_user.is_authenticated else None


def marked(view: Callable[..., Any], **marks: object) -> Any:
    """The view with what the walls read of it: `access`, who may see it; `csrf`, whether a form token is asked; `most_bytes`;
    `attended`, whether somebody is there."""
    vars(view).update({f"__{name}__": value for name, value in marks.items()})
    return view


def public(view: View) -> View:
    """Anybody may see this."""
    return marked(view, access="public")


def machine(view: View) -> View:
    """Anybody may call this and no form token is asked: the caller proves itself by a signature (provider hooks)."""
    return marked(view, access="public", csrf=False)


def takes_files(most_bytes: int) -> Callable[[View], View]:
    """This form brings a file, so more may come in than people type: up to here it is read, and then refused at its field."""

    def mark(view: View) -> View:
        return marked(view, most_bytes=most_bytes)

    return mark


def unattended(view: View) -> View:
    """An open page asks this by itself, again and again: it does not count as somebody being there, so a session still goes idle."""
    return marked(view, attended=False)


def may(permission: str) -> Callable[[View], View]:
    """Only a signed-in person whose role grants `permission`; others are asked to sign in, or told who can help."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return _ask_to_sign_in()
            if permission != "account.own" and must_set_up_a_second_step(current()):
                return see_other(url_for("portal.two_step"))
            if permission != "account.own" and current().vendor.stopped_at is not None:
                return see_other(url_for("portal.closing_now"))
            if current().limited:
                _keep_within_branches(current())
            if not current().may(permission):
                raise NotAllowed(_lacks(current(), permission))
            return view(*args, **kwargs)

        return marked(guarded, access=permission)

    return guard


def _keep_within_branches(me: Current) -> None:
    """Somebody who is limited reaches the listed views and nothing else, and every question that those ask is kept to the branches."""
    if not me.reaches(request.endpoint or ""):
        raise NotAllowed(not_within_branches())
    see_only([branch.id for branch in me.branches])


def _lacks(me: Current, permission: str) -> str:
    """What this person's role lacks, and which of the business's roles have it: the house's, and those it put together itself."""
    own = [role for role in list_roles(me.vendor) if role.custom]

    def names(wanted: str) -> list[str]:
        return [*roles_that_may(wanted), *(role.name for role in own if role.may(wanted))]

    return may_not_here(me.role.name, permission, names(permission), names("team.edit"))


def must_set_up_a_second_step(me: Current) -> bool:
    """Whether this business asks two-step sign-in of everybody, and they have not set it up: until then they reach nothing else."""
    return not me.looking and me.vendor.second_factor_required and me.user.second_factor_at is None


def _ask_to_sign_in() -> Response:
    """A part asked for by htmx cannot show a sign-in form in its place, so the whole page goes there."""
    back = request.full_path.rstrip("?") if request.method in SAFE and not wants_part() else _referring_path()
    return see_other(url_for("portal.sign_in", next=back) if back else url_for("portal.sign_in"))


def _referring_path() -> str:
    return safe_path(came_from().path) or ""


def safe_path(text: str | None) -> str | None:
    """A path on this site, or None: what a redirect may follow. Browsers read `//x` and `/\\x` as another host."""
    if not text or not text.startswith("/") or text[1:2] in ("/", "\\"):
        return None
    if any(ord(letter) < 33 or letter == "\\" for letter in text) or not text.isprintable():
        return None
    return text


# --- the session cookie ------------------------------------------------------------------------------------------


def _cookie_name() -> str:
    return "__Host-seat" if settings().https else "seat"


def take_seat(response: Response, secret: str) -> Response:
    """Hands the browser its session. What the old form cookie held is dropped with it, so nothing planted before survives."""
    session.clear()
    response.set_cookie(_cookie_name(), secret, secure=settings().https, httponly=True, samesite="Lax", path="/")
    return response


def leave_seat(response: Response) -> Response:
    session.clear()
    response.delete_cookie(_cookie_name(), secure=settings().https, httponly=True, samesite="Lax", path="/")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def take_half_seat(response: Response, secret: str) -> Response:
    """The password was right and the code is still to come. This cookie opens nothing but the question for it."""
    session.clear()
    response.set_cookie(_half_name(), secret, secure=settings().https, httponly=True, samesite="Strict", path="/")
    return response


def leave_half_seat(response: Response) -> Response:
    response.delete_cookie(_half_name(), secure=settings().https, httponly=True, samesite="Strict", path="/")
    return response


def half_secret() -> str:
    return request.cookies.get(_half_name(), "")


def _half_name() -> str:
    return "__Host-half" if settings().https else "half"


def seat_secret() -> str | None:
    return request.cookies.get(_cookie_name())


def _load(_request: Request) -> Current | None:
    """Flask-Login asks here once per request; the row in the database decides, never the cookie alone."""
    if "looking" in kept():  # while the staff look nobody of the vendor is there, whatever other cookie the browser has
        return _as_owner()
    secret = seat_secret()
    attended = getattr(current_app.view_functions.get(request.endpoint or ""), "__attended__", True)
    seat = find_seat(secret, attended=attended) if secret else None
    if seat is None:
        return None
    g.time_zone = seat.vendor.time_zone
    suggest(seat.user.language)
    return Current(
        user=seat.user,
        vendor=seat.vendor,
        membership=seat.membership,
        session=seat.session,
        role=role_held(seat.membership, seat.custom),
    )


def _as_owner() -> Current | None:
    """What `core/web/looking.py` has found for a page that the staff may see; None on those that are nobody's."""
    owner: Current | None = kept()["looking"]
    if owner is not None:
        g.time_zone = owner.vendor.time_zone
        suggest(kept()["look_banner"].language)
    return owner


# --- forms -------------------------------------------------------------------------------------------------------


def _check_origin() -> None:
    """Every unsafe request carries our form token and, where the browser says where it comes from, comes from us.

    An address with a nul byte in it names nothing, and is not put to the database.
    """
    mine, here = kept(), asked()
    see_only(None)
    mine.pop("branches", None)
    mine.pop("time_zone", None)
    mine.pop("_login_user", None)
    mine.pop("request_number", None)
    audit.asked_from(here.remote_addr or "")
    for name, part in (here.view_args or {}).items():
        if "\x00" in str(part) and name != "token":  # a token is refused by its signature, in its own words
            abort(404)
    if here.method in SAFE:
        return
    view = current_app.view_functions.get(here.endpoint or "")
    if not view or not getattr(view, "__csrf__", True):
        return
    if here.environ.get("HTTP_SEC_FETCH_SITE") == "cross-site":
        abort(400)
    here.max_content_length = getattr(view, "__most_bytes__", current_app.config["MAX_CONTENT_LENGTH"])
    if here.blueprint != OF_FRAMES:  # those bring no cookie: their door looks at a token of another kind
        csrf.protect()


def unguarded(app: Flask) -> list[str]:
    """The endpoints that say nothing about access: there must be none."""
    return sorted(name for name, view in app.view_functions.items() if name != "static" and not hasattr(view, "__access__"))


def install(app: Flask) -> None:
    app.jinja_env.filters["role_word"] = role_word
    app.secret_key = settings().secrets["session_key"]
    app.config.update(
        SESSION_COOKIE_NAME="__Host-form" if settings().https else "form",
        SESSION_COOKIE_SECURE=settings().https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,  # asked for in _check_origin, which knows what a machine calls
        WTF_CSRF_TIME_LIMIT=None,  # good for as long as its cookie: a form left open over lunch still works
        WTF_CSRF_SSL_STRICT=False,  # payers' pages send no referrer; Sec-Fetch-Site and SameSite stand in its place
    )
    csrf.init_app(app)
    login.session_protection = None
    login.request_loader(_load)
    login.init_app(app, add_context_processor=False)
    app.after_request_funcs[None].remove(login._update_remember_cookie)  # nobody is remembered by a cookie of Flask-Login's
    app.before_request(_check_origin)
    app.teardown_request(lambda _problem: audit.asked_from(""))
    app.teardown_request(lambda _problem: see_only(None))
    app.context_processor(lambda: {"csrf_token": csrf_token})  # in the place of Flask-WTF's own
    app.jinja_env.globals.update(current=LocalProxy(find_current), csrf_token=csrf_token, form_token=secrets.token_urlsafe)
