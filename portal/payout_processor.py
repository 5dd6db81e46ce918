"""A vendor's own account at the processor, through which payouts may go: opened, completed there, and chosen for a currency."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.payouts import receivers
from core.payouts.accounts import find_account, use_processor
from core.payouts.models import PROCESSORS
from core.payouts.rail_models import Receiver
from core.payouts.receivers import find_receiver
from core.providers.contract import ProviderError
from core.providers.registry import pays_sellers
from core.web.fields import ChoiceField, Form, options
from core.web.guard import current, may
from core.web.languages import reader
from core.web.page import page, see_other, step_outside
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.confirm import confirmed, two_steps_when_live
from portal.purses import saved

log = structlog.get_logger("portal")


class OpenForm(Form):
    pass


class UseForm(Form):
    currency = ChoiceField(_l("Currency"), choices=[], words=_l("Choose a currency from the list."))


@portal.get("/portal/payouts/processor")
@may("payouts.account")
@two_steps_when_live
def payout_processor() -> Response:
    return _page()


@portal.post("/portal/payouts/processor")
@may("payouts.account")
@two_steps_when_live
@confirmed
@by_address("20 per 10 minutes", scope="processor-account")
def open_payout_processor() -> Response:
    """An account is opened there, once; pressed again, the same one is asked about."""
    form = OpenForm()
    if form.validate():
        with form.refusals():
            if _ask() is None:
                form.refuse(_trouble())
                return _page(form)
            return see_other(url_for(".payout_processor"))
    return _page(form)


@portal.get("/portal/payouts/processor/page")
@may("payouts.account")
@two_steps_when_live
@by_address("20 per 10 minutes", scope="processor-page", method="GET")
def to_payout_processor() -> Response:
    """On to the processor's own page; its address is good for one visit, so it is asked for each time."""
    me, mine = current(), _own()
    opened = receivers.to_look_at(me.vendor, me.mode, mine.provider)
    if opened is None or opened.reference is None:
        raise NotFound(_("There is no such account at the processor."))
    home = f"{settings().public_url}{url_for('.back_from_processor')}"
    try:
        with step_outside():
            where = receivers.page_of(opened, opened.reference, return_url=home, again_url=home)
    except ProviderError as problem:
        log.warning("processor_page_not_given", provider=mine.provider, error=str(problem))
        form = OpenForm(formdata=None)
        form.refuse(_trouble())
        return _page(form)
    return see_other(where)


@portal.get("/portal/payouts/processor/back")
@may("payouts.account")
@two_steps_when_live
@by_address("30 per 10 minutes", scope="processor-back", method="GET")
def back_from_processor() -> Response:
    """Coming back says nothing: the processor is asked."""
    _own()
    if _ask() is None:
        flash(_trouble(), "bad")
    return see_other(url_for(".payout_processor"))


@portal.post("/portal/payouts/processor/use")
@may("payouts.account")
@two_steps_when_live
@confirmed
def use_payout_processor() -> Response:
    """By the same rules as a new bank account: every owner is written to, and it cools off."""
    me, mine, form = current(), _own(), UseForm()
    form.currency.choices = options((code, code) for code in sorted(mine.banks))
    if form.validate():
        with form.refusals():
            made = use_processor(me.vendor, me.mode, mine, currency=form.currency.data, by=me.user.public_id)
            flash(saved(made), "good")
            return see_other(url_for(".payouts"))
    return _page(form)


def _own() -> Receiver:
    me = current()
    found = find_receiver(me.vendor, me.mode)
    if found is None:
        raise NotFound(_("There is no such account at the processor."))
    return found


def _ask() -> Receiver | None:
    """Open it or look at it at the processor, and write down what it said; None when it gave no answer, or said no."""
    me = current()
    opened = receivers.begin_receiver(me.vendor, me.mode, by=me.user.public_id, email=me.user.email)
    try:
        with step_outside():
            outcome = receivers.ask_about(opened)
    except ProviderError as problem:
        log.warning("receiver_not_told", provider=opened.provider, error=str(problem))
        return None
    return receivers.record_receiver(me.vendor, me.mode, opened.id, outcome)


def _trouble() -> str:
    return _("The processor cannot be asked just now. Try again in a moment.")


def _page(form: Form | None = None) -> Response:
    me = current()
    name = pays_sellers(me.mode)
    if not name:
        raise NotFound(_("Payouts through the processor are not offered here."))
    mine = find_receiver(me.vendor, me.mode)
    ready = sorted(mine.banks) if mine is not None and mine.state == "ready" else []
    return page(
        "portal/payouts/processor.html",
        status=(409 if form.form_errors else form.status) if form else 200,
        form=form or OpenForm(formdata=None),
        mine=mine,
        name=PROCESSORS.get(name, name),
        country=reader().country(me.vendor.country),
        ready=[_line(mine, code) for code in ready if mine],
    )


def _line(mine: Receiver, code: str) -> dict[str, Any]:
    """A currency that can be paid out through it, and where payouts in it go now."""
    me = current()
    known = find_account(me.vendor, me.mode, code)
    chosen = known is not None and known.provider_account == mine.provider_reference
    cools = known.usable_from if known is not None and known.usable_from > now() else None
    return {"code": code, "last4": mine.banks[code]["last4"], "known": known, "chosen": chosen, "cools": cools}
