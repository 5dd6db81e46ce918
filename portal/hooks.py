"""Webhooks: the addresses of the business's own software, what each is told, their secrets, and whether they are well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.hooks import endpoints
from core.hooks.headers import are_lost, as_lines, read_lines
from core.hooks.log import Health, health_of
from core.hooks.models import HookEndpoint
from core.hooks.types import is_choice
from core.kernel.config import settings
from core.web.fields import ChoiceField, Form, LineField, ParagraphField, options
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.confirm import confirmed
from portal.hook_words import chosen_words, endpoint_state, families

NOTHING = Health()


class EndpointForm(Form):
    """Where and what for; the boxes are read by name, because there is one for each type of event."""

    address = LineField(
        _l("Address"), most=500, required=_l("Enter the whole address of your receiver, like https://shop.example/webhooks.")
    )
    name = LineField(_l("Name"), most=60)
    headers = ParagraphField(_l("Headers of your own"), most=6000)
    types = LineField("", most=1)  # where a refusal about the boxes is shown


class RollForm(Form):
    overlap = ChoiceField(
        _l("The former secret"),
        choices=lambda: options(
            [("24", _("signs beside it for a day")), ("168", _("signs beside it for seven days")), ("0", _("ends at once"))]
        ),
        default="24",
    )


@portal.get("/portal/webhooks")
@may("keys.manage")
def webhooks() -> Response:
    me = current()
    found, health = endpoints.list_endpoints(me.vendor, me.mode), health_of(me.vendor, me.mode)
    rows = [(one, health.get(one.id, NOTHING), endpoint_state(one), chosen_words(one.types)) for one in found]
    return page("portal/webhooks/index.html", rows=rows, catches=any(one.catches for one in found))


@portal.get("/portal/webhooks/new")
@may("keys.manage")
def new_webhook() -> Response:
    return _form_page(EndpointForm(formdata=None), None, set())


@portal.post("/portal/webhooks/new")
@may("keys.manage")
@confirmed
def make_webhook() -> Response:
    """The answer is the only place where the secret ever stands in the portal."""
    me, form = current(), EndpointForm()
    if form.validate():
        with form.refusals():
            made, secret = endpoints.make_endpoint(
                me.vendor, me.mode, address=form.address.data, name=form.name.data or "", types=sorted(_ticked()), by=me.user.public_id,
                headers=read_lines(form.headers.data or ""),
            )  # fmt: skip
            return _made(made, secret)
    return _form_page(form, None, _ticked())


@portal.post("/portal/webhooks/catcher")
@may("keys.manage")
def make_catcher() -> Response:
    """An endpoint that needs no server: what is sent there is shown in its log."""
    me = current()
    made = endpoints.make_catcher(me.vendor, me.mode, by=me.user.public_id)
    flash(_("What happens from now on is caught here. Send a test event, or pay one of your links."), "good")
    return see_other(url_for(".webhook", number=made.public_id))


@portal.get("/portal/webhooks/<number>/edit")
@may("keys.manage")
def edit_webhook(number: str) -> Response:
    me = current()
    row = endpoints.get_endpoint(me.vendor, me.mode, number)
    return _form_page(EndpointForm(formdata=None, obj=_Shown(row)), row, set(row.types))


@portal.post("/portal/webhooks/<number>/edit")
@may("keys.manage")
@confirmed
def change_webhook(number: str) -> Response:
    me, form = current(), EndpointForm()
    row = endpoints.get_endpoint(me.vendor, me.mode, number)
    if row.catches:
        form.address.validators = ()
    if form.validate():
        with form.refusals():
            endpoints.change_endpoint(
                me.vendor, row, by=me.user.public_id, address=form.address.data or "", name=form.name.data or "", types=sorted(_ticked()),
                headers=read_lines(form.headers.data or ""),
            )  # fmt: skip
            flash(_("Saved. It counts for whatever is sent from now on."), "good")
            return see_other(url_for(".webhook", number=number))
    return _form_page(form, row, _ticked())


@portal.post("/portal/webhooks/<number>/off")
@may("keys.manage")
def switch_webhook_off(number: str) -> Response:
    me = current()
    endpoints.switch_off(endpoints.get_endpoint(me.vendor, me.mode, number), why="by_hand", by=me.user.public_id)
    flash(_("Switched off. Events are kept, and it can be brought up to date later."), "good")
    return see_other(url_for(".webhook", number=number))


@portal.post("/portal/webhooks/<number>/on")
@may("keys.manage")
def switch_webhook_on(number: str) -> Response:
    me = current()
    endpoints.switch_on(endpoints.get_endpoint(me.vendor, me.mode, number), by=me.user.public_id)
    flash(_("Switched on. It hears of what happens from now on; what it missed you can send below."), "good")
    return see_other(url_for(".webhook", number=number))


@portal.post("/portal/webhooks/<number>/take-away")
@may("keys.manage")
@confirmed
def take_webhook_away(number: str) -> Response:
    me = current()
    endpoints.take_away(endpoints.get_endpoint(me.vendor, me.mode, number), by=me.user.public_id)
    flash(_("Taken away. Nothing is sent there any more."), "good")
    return see_other(url_for(".webhooks"))


@portal.post("/portal/webhooks/<number>/roll")
@may("keys.manage")
@confirmed
def roll_webhook_secret(number: str) -> Response:
    me, form = current(), RollForm()
    row = endpoints.get_endpoint(me.vendor, me.mode, number)
    if not form.validate():
        flash(_("Choose until when the former secret signs."), "bad")
        return see_other(url_for(".webhook", number=number))
    return _made(row, endpoints.roll_secret(row, by=me.user.public_id, overlap=timedelta(hours=int(form.overlap.data))))


class _Shown:
    """What the form begins with."""

    def __init__(self, row: HookEndpoint) -> None:
        self.address, self.name, self.types, self.headers = row.address, row.name, "", as_lines(row.header_names, lost=are_lost(row))


def _ticked() -> set[str]:
    return {name for name in request.form.getlist("type") if is_choice(name)}


def _made(row: HookEndpoint, secret: str) -> Response:
    return page(
        "portal/webhooks/made.html",
        endpoint=row,
        secret=secret,
        overlap_ends=endpoints.overlap_ends(row),
        public_keys=endpoints.public_keys(row),
    )


def _form_page(form: EndpointForm, row: HookEndpoint | None, ticked: set[str]) -> Response:
    me = current()
    more: dict[str, Any] = {"endpoint": row, "ticked": ticked, "families": families(), "headers_lost": bool(row and are_lost(row))}
    return page(
        "portal/webhooks/edit.html", status=form.status, form=form, local=me.mode == "test" and settings().hooks_to_localhost, **more
    )
