"""Joining a plan: what it costs and when, who joins, and the way to the page on which a card is saved."""

from __future__ import annotations

from flask import Response, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from checkout.blueprint import door
from checkout.remembered import form_token_for, remember, remembered
from core.accounts.models import Vendor
from core.accounts.standing import check_open
from core.kernel.signing import TokenRefused
from core.memberships.join import ask_to_join, is_offered, quote
from core.memberships.models import MembershipPlan
from core.memberships.page import ask_for_page, member_token, open_member_token
from core.memberships.plans import open_plan_token
from core.memberships.standing import stage_of
from core.web.face import face_of
from core.web.fields import AddressField, Form, FormTokenField, LineField
from core.web.guard import public
from core.web.languages import language
from core.web.page import page, see_other
from core.web.throttle import by_address


class JoinForm(Form):
    email = AddressField(_l("E-mail address"), required=_l("Enter your e-mail address: the address of your membership’s page goes there."))
    name = LineField(_l("Name"), most=120, required=_l("Enter your name: it stands on your invoices."))
    form_token = FormTokenField()


class AskForm(Form):
    email = AddressField(_l("E-mail address"))


@door.get("/j/<token>")
@public
def join(token: str) -> Response:
    """The plan, what it costs and when, and how it ends; and a form, as long as it can be joined."""
    vendor, plan = open_plan_token(token)
    check_open(vendor, plan.mode)
    form_token, _new = form_token_for(plan.token_id)
    return _page(vendor, plan, token, JoinForm(formdata=None, form_token=form_token))


@door.post("/j/<token>")
@public
@by_address("40 per 10 minutes", scope="join")
def begin_joining(token: str) -> Response:
    """Written down, and on to the member's own page, which leads to the card. The same form sent twice is one membership."""
    vendor, plan = open_plan_token(token)
    check_open(vendor, plan.mode)
    form = JoinForm()
    if form.validate():
        with form.refusals():
            member = ask_to_join(
                vendor, plan, email=form.email.data, name=form.name.data, form_token=form.form_token.data, locale=language()
            )
            address = member_token(vendor, member)
            remember(plan.token_id, address)
            return see_other(url_for("checkout.member", token=address))
    return _page(vendor, plan, token, form)


@door.get("/j/<token>/page")
@public
def ask_page(token: str) -> Response:
    vendor, plan = open_plan_token(token)
    check_open(vendor, plan.mode)
    return _ask(vendor, plan, token, AskForm(formdata=None))


@door.post("/j/<token>/page")
@public
@by_address("10 per hour", scope="member-page")
def send_member_page(token: str) -> Response:
    """The address of somebody's page, sent to them by e-mail. The answer is the same whoever they are."""
    vendor, plan = open_plan_token(token)
    check_open(vendor, plan.mode)
    form = AskForm()
    if form.validate():
        ask_for_page(vendor, plan.mode, email=form.email.data)
        return _ask(vendor, plan, token, form, sent=True)
    return _ask(vendor, plan, token, form)


def _ask(vendor: Vendor, plan: MembershipPlan, token: str, form: AskForm, *, sent: bool = False) -> Response:
    return page(
        "checkout/member_asked.html",
        status=form.status,
        face=face_of(vendor, plan.mode),
        title=_("Your membership"),
        form=form,
        sent=sent,
        action=url_for("checkout.send_member_page", token=token),
        back=url_for("checkout.join", token=token),
    )


def _page(vendor: Vendor, plan: MembershipPlan, token: str, form: JoinForm) -> Response:
    offered = is_offered(plan)
    return page(
        "checkout/join.html",
        status=form.status if offered or not form.is_submitted() else 409,
        face=face_of(vendor, plan.mode),
        title=plan.name,
        description=plan.about,
        form=form,
        offered=offered,
        quote=quote(vendor, plan) if offered else None,
        begun=_begun(plan),
        action=url_for("checkout.begin_joining", token=token),
        ask_url=url_for("checkout.ask_page", token=token),
    )


def _begun(plan: MembershipPlan) -> str | None:
    """Where this browser can go on with what it began here."""
    said = remembered(plan.token_id)
    try:
        _vendor, member = open_member_token(said or "")
    except TokenRefused:
        return None
    gone = stage_of(member) in ("ended", "refused")
    return None if gone or member.plan_id != plan.id or said is None else url_for("checkout.member", token=said)
