"""What each person is told, in the portal and by e-mail; and what goes to the business's own address."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.notifications.daily import HOURS, Manner, choose_manner, manner_of
from core.notifications.mail_stops import find_stop, want_again
from core.notifications.notices import ALWAYS, NECESSARY, OF_PLAN, SHOWN
from core.notifications.notify import KINDS
from core.notifications.team import BUSINESS, MAILED, MANAGE, Choice, choices_of, choose
from core.notifications.words import GROUPS, WHY_ALWAYS
from core.web.fields import ChoiceField, Form, ZoneField, options
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import page, see_other
from portal.blueprint import portal


class ChoicesForm(Form):
    """Only its token: the boxes are read by name, because there is one for each kind of news."""


class MannerForm(ChoicesForm):
    """With them, when the letter of the day comes."""

    hour = ChoiceField(_l("It comes at"), choices=lambda: options((str(hour), f"{hour:02}:00") for hour in HOURS))
    time_zone = ZoneField(_l("By the clock of"), unless=_l("Where the business is"), default="")


@portal.get("/portal/settings/notifications")
@may("account.own")
def preferences() -> Response:
    me = current()
    kept = manner_of(me.vendor, me.mode, me.user.public_id)
    return _page(MannerForm(formdata=None, hour=str(kept.hour), time_zone=kept.time_zone))


@portal.post("/portal/settings/notifications")
@may("account.own")
def change_preferences() -> Response:
    me, form = current(), MannerForm()
    if form.validate():
        with form.refusals():
            choose(me.vendor, me.mode, me.user.public_id, _wished(shown=True))
            muted = me.mode == "test" and "muted" in request.form
            choose_manner(me.vendor, me.mode, me.user.public_id, Manner(muted, int(form.hour.data), form.time_zone.data))
            flash(_("Saved."), "good")
            return see_other(url_for(".preferences"))
    return _page(form)


@portal.post("/portal/settings/notifications/letters")
@may("account.own")
def let_letters_come() -> Response:
    """Somebody who had called our letters unwanted wants them again."""
    me = current()
    want_again(me.vendor, me.mode, me.user.email)
    flash(_("Letters come to you again."), "good")
    return see_other(url_for(".preferences"))


@portal.post("/portal/settings/notifications/business")
@may("settings.edit")
def change_business_letters() -> Response:
    me, form = current(), ChoicesForm()
    if form.validate():
        choose(me.vendor, me.mode, BUSINESS, _wished(shown=False))
        flash(_("Saved."), "good")
        return see_other(url_for(".preferences"))
    return _page(MannerForm(formdata=None))


def _wished(*, shown: bool) -> dict[str, Choice]:
    """What was ticked and chosen; a kind without a letter of its own comes in the letter of the day at most, and the business's own address
    gets none of those. News of the plan only whoever may change it chooses."""
    mailed, wished = _mailed(), {}
    for kind in SHOWN:
        when = request.form.get(f"mailed_{kind}", "")
        if kind in OF_PLAN and not (shown and kind in mailed):
            continue
        daily = shown and when == "daily"
        wished[kind] = Choice(not shown or f"shown_{kind}" in request.form, daily or (kind in mailed and when == "y"), daily)
    return wished


def _mailed() -> tuple[str, ...]:
    """What the person who is signed in may have sent to them."""
    return (*MAILED, *OF_PLAN) if current().may(MANAGE) else MAILED


def _told_by() -> dict[str, str]:
    """For kinds that go by e-mail whatever is chosen: to whom."""
    to_owners = [kind for kind in SHOWN if kind in KINDS and kind not in (*MAILED, *OF_PLAN, "refund_sent")]
    return dict.fromkeys(to_owners, _("At once, to every owner")) | {
        kind: _("At once") if kind in OF_PLAN else _("At once, to every owner") for kind in ALWAYS if kind in KINDS
    }


def _groups() -> list[tuple[str, dict[str, str]]]:
    """Every kind this person can be told of, by what it is about."""
    mine = _mailed()
    found = [
        (written(name), {kind: written(title) for kind, (title, _tone) in kinds.items() if kind not in OF_PLAN or kind in mine})
        for name, kinds in GROUPS
    ]
    return [(name, kinds) for name, kinds in found if kinds]


def _page(form: MannerForm) -> Response:
    me = current()
    return page(
        "portal/preferences/edit.html",
        status=form.status,
        form=form,
        groups=_groups(),
        mailed=_mailed(),
        told_by=_told_by(),
        why_always={kind: written(WHY_ALWAYS[why]) for kind, why in NECESSARY.items()},
        stop=find_stop(me.vendor, me.mode, me.user.email),
        business_stop=find_stop(me.vendor, me.mode, me.vendor.support_email),
        to_business=MAILED,
        mine=choices_of(me.vendor, me.mode, me.user.public_id) | (_wished(shown=True) if form.errors else {}),
        manner=manner_of(me.vendor, me.mode, me.user.public_id),
        business=choices_of(me.vendor, me.mode, BUSINESS),
    )
