"""The plans a vendor sells to its customers: made, changed, paused, put in order, and handed out with an address and a code."""

from __future__ import annotations

import io

import segno
from flask import Response, flash, make_response, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.memberships.join import quote
from core.memberships.models import MembershipPlan
from core.memberships.plans import (
    MOST_TRIAL,
    PlanTerms,
    change_plan,
    currency_of,
    get_plan,
    list_plans,
    make_plan,
    move_plan_up,
    plan_token,
    set_plan_state,
)
from core.web import addresses
from core.web.fields import CountField, Form, LineField, MoneyField, ParagraphField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal

QUIET = 4  # modules of white around a code, as the standard asks


class PlanForm(Form):
    name = LineField(later("Name"), most=60, required=later("Give the plan a name."))
    price = MoneyField(later("Price a month"), required=later("Enter what a month costs."))
    about = ParagraphField(later("What it includes"), most=1000)
    trial_days = CountField(later("Free days for whoever comes for the first time"), least=0, most=MOST_TRIAL)

    def terms(self) -> PlanTerms:
        return PlanTerms(self.name.data, self.price.data, self.about.data or "", self.trial_days.data or 0)


@portal.get("/portal/memberships/plans/new")
@may("memberships.edit")
def new_plan() -> Response:
    return _edit(_form(empty=True), None)


@portal.post("/portal/memberships/plans/new")
@may("memberships.edit")
def create_plan() -> Response:
    me, form = current(), _form()
    if form.validate():
        with form.refusals():
            plan = make_plan(me.vendor, me.mode, terms=form.terms(), by=me.user.public_id)
            flash(_("%(plan)s can be joined from now on. Hand out its address.", plan=plan.name), "good")
            return see_other(url_for(".plan", public_id=plan.public_id))
    return _edit(form, None)


@portal.get("/portal/memberships/plans/<public_id>")
@may("memberships.see")
def plan(public_id: str) -> Response:
    found = _get(public_id)
    return _edit(_form(empty=True, name=found.name, price=found.price, about=found.about, trial_days=found.trial_days), found)


@portal.post("/portal/memberships/plans/<public_id>")
@may("memberships.edit")
def save_plan(public_id: str) -> Response:
    me, found, form = current(), _get(public_id), _form()
    if form.validate():
        with form.refusals():
            change_plan(me.vendor, found, terms=form.terms(), by=me.user.public_id)
            flash(_("Kept. It counts at once for whoever joins; members pay another price from their next month."), "good")
            return see_other(url_for(".plan", public_id=public_id))
    return _edit(form, found)


@portal.post("/portal/memberships/plans/<public_id>/pause")
@may("memberships.edit")
def pause_plan(public_id: str) -> Response:
    me = current()
    set_plan_state(me.vendor, _get(public_id), state="paused", by=me.user.public_id)
    flash(_("Nobody can join it any more. Whoever is a member stays one."), "good")
    return see_other(url_for(".plan", public_id=public_id))


@portal.post("/portal/memberships/plans/<public_id>/resume")
@may("memberships.edit")
def resume_plan(public_id: str) -> Response:
    me = current()
    set_plan_state(me.vendor, _get(public_id), state="active", by=me.user.public_id)
    flash(_("It can be joined again."), "good")
    return see_other(url_for(".plan", public_id=public_id))


@portal.post("/portal/memberships/plans/<public_id>/up")
@may("memberships.edit")
def plan_up(public_id: str) -> Response:
    move_plan_up(current().vendor, _get(public_id))
    return see_other(url_for(".memberships"))


@portal.get("/portal/memberships/plans/<public_id>/qr.svg")
@may("memberships.see")
def plan_qr(public_id: str) -> Response:
    out = io.BytesIO()
    code = segno.make(_address(_get(public_id)), error="m", micro=False)
    code.save(out, kind="svg", border=QUIET, scale=8, dark="#000", light="#fff", xmldecl=False, title="Join")
    response = make_response(out.getvalue())
    response.content_type = "image/svg+xml"
    response.headers["Content-Disposition"] = f'inline; filename="{public_id}.svg"'
    return response


def _get(public_id: str) -> MembershipPlan:
    me = current()
    return get_plan(me.vendor, me.mode, public_id)


def _address(found: MembershipPlan) -> str:
    return addresses.joining(plan_token(current().vendor, found), current().vendor)


def _form(*, empty: bool = False, **values: object) -> PlanForm:
    form = PlanForm(formdata=None, **values) if empty else PlanForm()
    form.price.currency = currency_of(current().vendor, current().mode)
    return form


def _edit(form: PlanForm, found: MembershipPlan | None) -> Response:
    me = current()
    return page(
        "portal/memberships/plan.html",
        status=form.status,
        form=form,
        plan=found,
        currency=currency_of(me.vendor, me.mode),
        quote=quote(me.vendor, found) if found else None,
        address=_address(found) if found else None,
        first=not list_plans(me.vendor, me.mode),
    )
