"""What each person is told, in the portal and by e-mail; and what goes to the business's own address."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.notifications.daily import Manner, choose_manner, manner_of
from core.notifications.notices import ALWAYS, OF_PLAN, SHOWN
from core.notifications.team import BUSINESS, MAILED, MANAGE, Choice, choices_of, choose
from core.web.fields import Form
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.notices import words


class ChoicesForm(Form):
    """Only its token: the boxes are read by name, because there is one for each kind of news."""


@portal.get("/portal/settings/notifications")
@may("account.own")
def preferences() -> Response:
    return _page(ChoicesForm(formdata=None))


@portal.post("/portal/settings/notifications")
@may("account.own")
def change_preferences() -> Response:
    me, form = current(), ChoicesForm()
    if form.validate():
        choose(me.vendor, me.mode, me.user.public_id, _wished(shown=True))
        muted = me.mode == "test" and "muted" in request.form
        choose_manner(me.vendor, me.mode, me.user.public_id, Manner(daily=request.form.get("daily") == "y", muted=muted))
        flash(_("Saved."), "good")
        return see_other(url_for(".preferences"))
    return _page(form)


@portal.post("/portal/settings/notifications/business")
@may("settings.edit")
def change_business_letters() -> Response:
    me, form = current(), ChoicesForm()
    if form.validate():
        choose(me.vendor, me.mode, BUSINESS, _wished(shown=False))
        flash(_("Saved."), "good")
        return see_other(url_for(".preferences"))
    return _page(form)


def _wished(*, shown: bool) -> dict[str, Choice]:
    """The boxes that came ticked; a kind without a letter of its own is never mailed. News of the plan only whoever may change it chooses."""
    ticked, mailed = set(request.form), _mailed()
    kinds = [kind for kind in SHOWN if kind not in OF_PLAN or (shown and kind in mailed)]
    return {kind: Choice(not shown or f"shown_{kind}" in ticked, kind in mailed and f"mailed_{kind}" in ticked) for kind in kinds}


def _mailed() -> tuple[str, ...]:
    """What the person who is signed in may have sent to them."""
    return (*MAILED, *OF_PLAN) if current().may(MANAGE) else MAILED


def _page(form: ChoicesForm) -> Response:
    me = current()
    return page(
        "portal/preferences/edit.html",
        status=form.status,
        form=form,
        kinds={kind: said for kind, said in words().items() if kind not in OF_PLAN or kind in _mailed()},
        mailed=_mailed(),
        always=ALWAYS,
        to_business=MAILED,
        mine=choices_of(me.vendor, me.mode, me.user.public_id),
        manner=manner_of(me.vendor, me.mode, me.user.public_id),
        business=choices_of(me.vendor, me.mode, BUSINESS),
    )
