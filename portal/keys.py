"""Keys for the business's own software: made, shown once, rolled, revoked; what each is good for, and what it was refused."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.api_keys import (
    KINDS,
    LONGEST_NOTE,
    PUBLISHABLE,
    SECRET,
    counts,
    end_of,
    get_key,
    list_keys,
    make_key,
    revoke_key,
    roll_key,
    unused_scopes,
)
from core.accounts.calls import list_calls
from core.accounts.key_models import ApiKey
from core.accounts.key_scopes import RESOURCES
from core.accounts.queries import names_of
from core.accounts.refused_calls import list_refused
from core.kernel.config import settings
from core.web.fields import ChoiceField, Form, LineField, ParagraphField, RadioField, options
from core.web.guard import current, may
from core.web.page import cursor, page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed, lacks_a_second_step, two_steps_when_live

LIVES = {"": None, "30": timedelta(days=30), "90": timedelta(days=90), "365": timedelta(days=365)}
OVERLAPS = {"0": timedelta(0), "1": timedelta(hours=1), "24": timedelta(days=1), "168": timedelta(days=7)}


def kind_words() -> dict[str, tuple[str, str]]:
    """What each kind of key is called, and what it is for."""
    return {
        "sk": (_("Secret"), _("Everything the API can do. For your server only.")),
        "rk": (_("Restricted"), _("Only what you choose below. For a server that needs no more.")),
        "pk": (_("Publishable"), _("What a payer may see anyway. May stand in a page.")),
    }


def resource_words() -> dict[str, str]:
    """What the resources are called; one that has no words yet is called by its name in the API."""
    words = {
        "payments": _("Payments and orders"), "payment-links": _("Payment links"), "refunds": _("Refunds"), "refund-links": _("Refund links"), "customers": _("Customers"),
        "disputes": _("Disputes"), "payouts": _("Payouts"), "balance": _("Balance and ledger"), "memberships": _("Memberships"),
        "subscription": _("Your plan and its invoices"), "directory": _("Directory"), "webhooks": _("Webhooks and events"),
        "messages": _("Letters to payers"), "keys": _("API keys"),
    }  # fmt: skip
    return {name: words.get(name, name) for name in RESOURCES}


class KeyForm(Form):
    """The boxes of a restricted key are read by name, because there are two for each resource."""

    name = LineField(later("What the key is for"), most=60, required=later("Say what the key is for, so that you know it again."))
    kind = RadioField(later("Kind of key"), choices=options((kind, kind) for kind in KINDS))
    scopes = LineField("", most=1)  # where a refusal about the boxes is shown
    addresses = ParagraphField(later("Network addresses it counts from"), most=1000)
    life = ChoiceField(later("It counts"), choices=[], default="")

    def in_words(self) -> KeyForm:
        self.kind.choices = options((kind, words[0]) for kind, words in kind_words().items())
        lives = {"": _("until somebody revokes it"), "30": _("for 30 days"), "90": _("for 90 days"), "365": _("for a year")}
        self.life.choices = options(lives.items())
        return self


class RevokeForm(Form):
    note = LineField(later("Why"), most=LONGEST_NOTE)


class RollForm(Form):
    overlap = ChoiceField(later("The old key counts for"), choices=[], default="24")

    def in_words(self) -> RollForm:
        words = {"0": _("no longer: it is revoked at once"), "1": _("one more hour"), "24": _("one more day"), "168": _("one more week")}
        self.overlap.choices = options(words.items())
        return self


@portal.get("/portal/keys")
@may("keys.manage")
def keys() -> Response:
    return _page(KeyForm(formdata=None, kind=SECRET))


@portal.post("/portal/keys")
@may("keys.manage")
@two_steps_when_live
@confirmed
def new_key() -> Response:
    """The answer is the only place where a secret ever stands: no address, no cookie and no log carries it."""
    me, form = current(), KeyForm().in_words()
    if form.validate():
        with form.refusals():
            key, secret = make_key(
                me.vendor, me.mode, name=form.name.data, by=me.user.public_id, kind=form.kind.data, scopes=request.form.getlist("scope"),
                addresses=(form.addresses.data or "").splitlines(), life=LIVES[form.life.data or ""],
            )  # fmt: skip
            return _made(key, secret)
    return _page(form)


@portal.get("/portal/keys/<public_id>")
@may("keys.manage")
def key(public_id: str) -> Response:
    """What it is good for, what it was used for, and what it was refused in the last thirty days."""
    return _show(public_id, RollForm(formdata=None), RevokeForm(formdata=None))


@portal.post("/portal/keys/<public_id>/roll")
@may("keys.manage")
@two_steps_when_live
@confirmed
def roll(public_id: str) -> Response:
    """A new one in its place; both count until the old one's time is over."""
    me, form = current(), RollForm().in_words()
    if form.validate():
        with form.refusals():
            return _made(*roll_key(me.vendor, me.mode, public_id, overlap=OVERLAPS[form.overlap.data], by=me.user.public_id))
    return _show(public_id, form, RevokeForm(formdata=None))


@portal.post("/portal/keys/<public_id>/revoke")
@may("keys.manage")
def revoke(public_id: str) -> Response:
    """At once: what still uses it is refused from its next request on."""
    me, form = current(), RevokeForm()
    if not form.validate():
        return _show(public_id, RollForm(formdata=None), form)
    revoke_key(me.vendor, me.mode, public_id, by=me.user.public_id, note=form.note.data or "")
    flash(_("Revoked. It opens nothing any more."), "good")
    return see_other(url_for(".keys"))


def state_of(key: ApiKey) -> tuple[str, str]:
    """How it stands, in a word and its tone."""
    if key.revoked_at is not None:
        return (_("Leaked, revoked"), "bad") if key.revoked_because else (_("Revoked"), "quiet")
    if not counts(key):
        return (_("Rolled"), "quiet") if key.replaced_by else (_("Its time is over"), "quiet")
    return (_("Counts until its time is over"), "warn") if key.ends_at else (_("Counts"), "good")


def scope_words(scopes: list[str]) -> list[str]:
    """`payments:write` as people read it."""
    words = resource_words()
    named = [scope.partition(":") for scope in scopes]
    return [f"{words.get(name, name)}: {_('change') if what == 'write' else _('read')}" for name, _colon, what in named]


def _made(key: ApiKey, secret: str) -> Response:
    return page("portal/keys/made.html", key=key, secret=secret, address=settings().public_url, public=key.kind == PUBLISHABLE)


def _show(public_id: str, form: RollForm, revoking: RevokeForm) -> Response:
    me, after = current(), cursor()
    found = get_key(me.vendor, me.mode, public_id)
    made = list_calls(me.vendor, me.mode, found, after=after)
    return page(
        "portal/keys/show.html", status=max(form.status, revoking.status), key=found, form=form.in_words(), revoking=revoking, state=state_of(found),
        kinds=kind_words(), ends=end_of(found), resources=resource_words(), calls=list_refused(me.vendor, me.mode, found), people=names_of(me.vendor),
        rolls=counts(found) and not found.replaced_by, unused=scope_words(unused_scopes(found)) if found.last_used_at else [],
        used=scope_words(found.used_scopes), made=made.rows, older=url_for(".key", public_id=public_id, after=made.next) if made.next else None,
        newest=url_for(".key", public_id=public_id) if after else None,
    )  # fmt: skip


def _page(form: KeyForm) -> Response:
    me, chosen = current(), request.form.getlist("scope")
    rows = [
        (words, [(f"{name}:{what}", f"{name}:{what}" in chosen) for what in ("read", "write")]) for name, words in resource_words().items()
    ]
    found = [(key, state_of(key)) for key in list_keys(me.vendor, me.mode)]
    return page(
        "portal/keys/index.html",
        status=form.status,
        form=form.in_words(),
        keys=found,
        people=names_of(me.vendor),
        rows=rows,
        kinds=kind_words(),
        needs_second_step=lacks_a_second_step(),
    )
