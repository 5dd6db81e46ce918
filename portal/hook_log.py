"""One webhook with what was sent there: each delivery with its tries, sent again by hand, tested, brought up to date."""

from __future__ import annotations

import json

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.hooks.catch_up import Missed, catch_up, get_delivery, missed, send_again, send_test
from core.hooks.deliver import body_of
from core.hooks.endpoints import get_endpoint, overlap_ends, public_keys
from core.hooks.headers import are_lost
from core.hooks.log import Health, endpoint_of, health_of, line_of, list_deliveries, tries_of
from core.hooks.models import HookEndpoint
from core.hooks.order import held_until
from core.hooks.states import DELIVERY, WAITS
from core.hooks.types import ENDPOINT_TEST, FAMILIES, TYPES, wants
from core.kernel.errors import Refusal
from core.web.day_fields import MomentField
from core.web.fields import Form
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import cursor, page, see_other
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.hook_words import causes, chosen_words, delivery_state, delivery_states, endpoint_state, type_words
from portal.hooks import RollForm


class SinceForm(Form):
    since = MomentField(_l("Since"))


@portal.get("/portal/webhooks/<number>")
@may("keys.manage")
def webhook(number: str) -> Response:
    me = current()
    row = get_endpoint(me.vendor, me.mode, number)
    return _page(row, SinceForm(formdata=None, data={"since": row.failing_since or row.succeeded_at or row.made_at}), None)


@portal.post("/portal/webhooks/<number>/test")
@may("keys.manage")
@by_address("60 per 10 minutes", scope="webhook-tests")
def test_webhook(number: str) -> Response:
    """At once, and the page that opens shows what came back."""
    me = current()
    try:
        made = send_test(me.vendor, get_endpoint(me.vendor, me.mode, number), request.form.get("type", ENDPOINT_TEST), by=me.user.public_id)
    except Refusal as refusal:
        if refusal.status not in (409, 422):
            raise
        flash(written(refusal.message), "bad")
        return see_other(url_for(".webhook", number=number))
    return see_other(url_for(".webhook_delivery", number=made.public_id))


@portal.post("/portal/webhooks/<number>/catch-up")
@may("keys.manage")
def catch_webhook_up(number: str) -> Response:
    """Counted first, and sent by the button that then stands beside the count."""
    me, form = current(), SinceForm()
    row, found = get_endpoint(me.vendor, me.mode, number), None
    if form.validate():
        if form.since.data is None:
            form.refuse(_("Enter since when."), "since")
        else:
            with form.refusals():
                if request.form.get("act") == "send":
                    sent = catch_up(me.vendor, row, form.since.data, by=me.user.public_id)
                    flash(ngettext("%(num)s event is being sent.", "%(num)s events are being sent.", len(sent.events)), "good")
                    return see_other(url_for(".webhook", number=number))
                found = missed(me.vendor, row, form.since.data)
    return _page(row, form, found)


@portal.get("/portal/webhooks/deliveries/<number>")
@may("keys.manage")
def webhook_delivery(number: str) -> Response:
    me = current()
    delivery = get_delivery(me.vendor, me.mode, number)
    line = line_of(me.vendor, delivery)
    body = json.dumps(json.loads(body_of(line.event)), indent=2, ensure_ascii=False)
    return page(
        "portal/webhooks/delivery.html", line=line, endpoint=endpoint_of(me.vendor, delivery), tries=tries_of(me.vendor, delivery),
        body=body, state=delivery_state(delivery), words=type_words(line.event.type), cause=causes()[delivery.cause], most=len(WAITS),
        fresh=delivery.state == "waiting" and delivery.attempts == 0, held_until=held_until(delivery),
    )  # fmt: skip


@portal.post("/portal/webhooks/deliveries/<number>/again")
@may("keys.manage")
def send_webhook_again(number: str) -> Response:
    me = current()
    delivery = get_delivery(me.vendor, me.mode, number)
    try:
        made = send_again(me.vendor, delivery, by=me.user.public_id)
    except Refusal as refusal:
        if refusal.status != 409:
            raise
        flash(written(refusal.message), "bad")
        return see_other(url_for(".webhook_delivery", number=number))
    flash(_("Sent again under the same event number, so that a receiver that has it already knows it."), "good")
    return see_other(url_for(".webhook_delivery", number=made.public_id))


def _page(row: HookEndpoint, form: SinceForm, found: Missed | None) -> Response:
    me, after = current(), cursor()
    state, family = request.args.get("state", ""), request.args.get("about", "")
    narrow = {"state": state if state in DELIVERY else "", "family": family if family in FAMILIES else ""}
    about = request.args.get("object", "").strip()[:60]
    if not (about.isascii() and about.isprintable()):
        about = ""
    log = list_deliveries(me.vendor, row, after=after, about=about, **narrow)
    kept = {name: value for name, value in (("state", narrow["state"]), ("about", narrow["family"]), ("object", about)) if value}
    lines = [(line, delivery_state(line.delivery), type_words(line.event.type)) for line in log.rows]
    return page(
        "portal/webhooks/show.html", status=form.status, endpoint=row, form=form, found=found, lines=lines, roll=RollForm(formdata=None),
        health=health_of(me.vendor, me.mode).get(row.id, Health()), state=endpoint_state(row), chosen=chosen_words(row.types),
        overlap_ends=overlap_ends(row), public_keys=public_keys(row), headers_lost=are_lost(row), kept=kept, states=delivery_states(), families={name: written(text) for name, text in FAMILIES.items()},
        testable=[(name, type_words(name)) for name in TYPES if wants(row.types, name)], plain_test=ENDPOINT_TEST,
        older=url_for(".webhook", number=row.public_id, after=log.next, **kept) if log.next else None,
        newest=url_for(".webhook", number=row.public_id, **kept) if after else None,
    )  # fmt: skip
