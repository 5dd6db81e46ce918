"""Test or live: which world a browser looks at, and what a vendor needs before live money may move."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.accounts.go_live import go_live, is_let_in
from core.accounts.models import User, Vendor
from core.accounts.queries import list_memberships
from core.accounts.sessions import MODES, look_at
from core.kernel.config import settings
from core.web.fields import Form
from core.web.forgery import renew_token
from core.web.guard import current, find_current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed


@dataclass(frozen=True)
class Need:
    """One thing that must be there before live, with what to do about it."""

    title: str
    text: str
    done: bool
    href: str = ""


class GoLiveForm(Form):
    pass


def needs_of(vendor: Vendor, user: User) -> list[Need]:
    keys = settings().stripe["live"]
    return [
        Need(
            _("Your e-mail address is confirmed"), _("Open the link we sent you, or ask for a new one."), user.email_verified_at is not None
        ),
        Need(
            _who_you_are(vendor),
            _("Tell them who the business is and what it sells; they answer within a few working days."),
            is_let_in(vendor),
            href=url_for("portal.application"),
        ),
        Need(
            _("A card processor is connected"),
            _("Whoever runs this installation sets STRIPE_LIVE_SECRET_KEY, STRIPE_LIVE_PUBLISHABLE_KEY and STRIPE_LIVE_WEBHOOK_SECRET."),
            all(keys.values()),
        ),
        Need(
            _("Live mode is switched on for your business"),
            _("The owner of the account does this here, once the rest is in place."),
            vendor.live_enabled,
        ),
    ]


def _who_you_are(vendor: Vendor) -> str:
    """Where nobody is asked, the line says so: nobody of the staff knows anything."""
    not_asked = vendor.approved_at is None and is_let_in(vendor)
    return _("Nobody is asked who they are: this is a demo") if not_asked else _("The platform’s staff know who you are")


def what_live_needs(vendor: Vendor, user: User) -> list[Need]:
    return [need for need in needs_of(vendor, user) if not need.done]


@portal.before_request
def show_what_a_letter_means() -> Response | None:
    """An address in a letter says which business and which world it is about (`core/web/addresses.py`). Whoever follows it looks at that world
    from here on, and is told; whoever looks at another of their businesses is asked first. Anybody can write such an address, so it changes
    nothing else, only what is opened as a page of its own, and says nothing of a business to those who do not work for it. Another website may
    open it behind somebody's back: so forms that were written in the other world are good no more, and nobody sends one off with the wrong money."""
    wished, business = request.args.get("mode", ""), request.args.get("business", "")
    letter = wished in MODES or business
    if not letter or request.method != "GET" or request.headers.get("Sec-Fetch-Dest", "document") != "document":
        return None
    me = find_current()
    if me is None or me.looking:
        return None
    if business not in ("", me.vendor.public_id):
        for _membership, vendor in list_memberships(me.user):
            if vendor.public_id == business:
                return page(
                    "portal/live/other_business.html",
                    other=vendor,
                    here=me.vendor,
                    onwards=f"{quote(request.path)}?{urlencode(list(request.args.items(multi=True)))}",
                )
    if wished in MODES and me.mode != wished:
        if wished == "live" and what_live_needs(me.vendor, me.user):
            return None
        look_at(me.session, me.vendor, wished, by=me.user.public_id)
        renew_token()
        if wished == "live":
            flash(_("What you opened is about real money, so you are now in live mode."), "warn")
        else:
            flash(_("What you opened is about practice money, so you are now in test mode."), "info")
    rest = [(name, value) for name, value in request.args.items(multi=True) if name not in ("mode", "business")]
    return see_other(quote(request.path) + (f"?{urlencode(rest)}" if rest else ""))


@portal.post("/portal/mode")
@may("account.own")
def mode() -> Response:
    """Looking at live is refused with the reasons until everything for it is there."""
    me, wished = current(), request.form.get("mode", "")
    if wished not in MODES:
        flash(_("Choose test or live."), "warn")
        return see_other(url_for(".home"))
    needs = what_live_needs(me.vendor, me.user) if wished == "live" else []
    if needs and me.limited:  # the page with the reasons is about the whole business
        own = me.user.email_verified_at is None
        flash(needs[0].text if own else _("This business takes practice money only so far."), "warn")
        return see_other(url_for(".home"))
    if needs:
        return see_other(url_for(".live"))
    look_at(me.session, me.vendor, wished, by=me.user.public_id)
    renew_token()
    return see_other(url_for(".home"))


@portal.get("/portal/live")
@may("home.see")
def live() -> Response:
    me = current()
    needs = needs_of(me.vendor, me.user)
    ready = all(need.done for need in needs[:-1])
    return page("portal/live/needs.html", needs=needs, ready=ready, form=GoLiveForm(formdata=None), may_switch=me.may("live.switch_on"))


@portal.post("/portal/live")
@may("live.switch_on")
@confirmed
def switch_live_on() -> Response:
    me = current()
    if not all(need.done for need in needs_of(me.vendor, me.user)[:-1]):
        return see_other(url_for(".live"))
    go_live(me.vendor, by=me.user)
    look_at(me.session, me.vendor, "live", by=me.user.public_id)
    flash(_("You are live. From here on, payments are real."), "good")
    return see_other(url_for(".home"))
