"""Secret keys for the business's own software: made, shown once, revoked."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.api_keys import list_keys, make_key, revoke_key
from core.accounts.queries import names_of
from core.kernel.config import settings
from core.web.fields import Form, LineField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed, lacks_a_second_step, two_steps_when_live


class KeyForm(Form):
    name = LineField(later("What the key is for"), most=60, required=later("Say what the key is for, so that you know it again."))


@portal.get("/portal/keys")
@may("keys.manage")
def keys() -> Response:
    return _page(KeyForm(formdata=None))


@portal.post("/portal/keys")
@may("keys.manage")
@two_steps_when_live
@confirmed
def new_key() -> Response:
    """The answer is the only place where the secret ever stands: no address, no cookie and no log carries it."""
    me, form = current(), KeyForm()
    if form.validate():
        with form.refusals():
            key, secret = make_key(me.vendor, me.mode, name=form.name.data, by=me.user.public_id)
            return page("portal/keys/made.html", key=key, secret=secret, address=settings().public_url)
    return _page(form)


@portal.post("/portal/keys/<public_id>/revoke")
@may("keys.manage")
def revoke(public_id: str) -> Response:
    """At once: what still uses it is refused from its next request on."""
    me = current()
    revoke_key(me.vendor, me.mode, public_id, by=me.user.public_id)
    flash(_("Revoked. It opens nothing any more."), "good")
    return see_other(url_for(".keys"))


def _page(form: KeyForm) -> Response:
    me = current()
    return page(
        "portal/keys/index.html",
        status=form.status,
        form=form,
        keys=list_keys(me.vendor, me.mode),
        people=names_of(me.vendor),
        needs_second_step=lacks_a_second_step(),
    )
