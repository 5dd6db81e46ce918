"""Protection against card testing: whether attack mode is on, why and until when; the switch; the limits; and who was held."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.models import Vendor
from core.payments.lists import list_held
from core.risk.attack import BY_SURGE, HOURS, begin_by_hand, end_by_hand, find_attack, last_attack
from core.risk.models import AttackMode
from core.risk.score import LIMITS, Limit
from core.web.fields import Form, RadioField, options
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.guard_words import limit_words


class AttackForm(Form):
    hours = RadioField(
        later("For how long?"),
        choices=options([("1", later("One hour")), ("6", later("Six hours")), ("24", later("A day"))]),
        default="1",
    )

    @property
    def span(self) -> int:
        return int(self.hours.data) if self.hours.data in map(str, HOURS) else 0


@portal.get("/portal/settings/protection")
@may("settings.see")
def protection() -> Response:
    return _page(AttackForm(formdata=None))


@portal.post("/portal/settings/protection/on")
@may("settings.edit")
def begin_attack_mode() -> Response:
    me, form = current(), AttackForm()
    if form.validate():
        with form.refusals():
            begin_by_hand(me.vendor, me.mode, by=me.user.public_id, hours=form.span)
            flash(_("Attack mode is on. Every payer proves now that it is a person who pays."), "good")
            return see_other(url_for(".protection"))
    return _page(form)


@portal.post("/portal/settings/protection/off")
@may("settings.edit")
def end_attack_mode() -> Response:
    me = current()
    end_by_hand(me.vendor, me.mode, by=me.user.public_id)
    flash(_("Attack mode is off. The limits for each payer stay."), "good")
    return see_other(url_for(".protection"))


def _page(form: AttackForm) -> Response:
    me = current()
    return page(
        "portal/protection/index.html",
        status=form.status,
        form=form,
        on=find_attack(me.vendor.id, me.mode),
        last=_last(me.vendor, me.mode),
        by_surge=BY_SURGE,
        rows=_limits(),
        held=list_held(me.vendor, me.mode),
    )


def _last(vendor: Vendor, mode: str) -> AttackMode | None:
    """The one before, when there ever was one."""
    row = last_attack(vendor, mode)
    return row if row is not None and row.began_by else None


def _limits() -> list[tuple[Limit, str]]:
    return [(limit, limit_words(limit.counted, limit.of)) for limit in LIMITS]
