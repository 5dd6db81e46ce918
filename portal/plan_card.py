"""Which card pays for the plan: saving one on the processor's page, choosing another, and removing one."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Response, flash, request, session, url_for
from flask_babel import gettext as _

from core.accounts.house import HOUSE, house
from core.billing import states
from core.billing.models import KeptSubscription
from core.kernel.clock import now
from core.kernel.errors import NotFound
from core.payments.saved import forget, get_saved, list_saved, make_default
from core.payments.saved_models import SavedCard
from core.payments.saving import saving_token
from core.subscriptions.charges import use_new_card
from core.subscriptions.plan import are_sold, ask_for_card, owed_before
from core.web import addresses
from core.web.fields import Form, FormTokenField
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.plan import own_plan
from portal.plan_view import card_warning, card_words

JUST_NOW = timedelta(minutes=10)


class SaveForm(Form):
    form_token = FormTokenField()


@portal.get("/portal/plan/card")
@may("plan.manage")
def plan_card() -> Response:
    return _page(Form(formdata=None))


@portal.post("/portal/plan/card")
@may("plan.manage")
def save_plan_card() -> Response:
    """On to the page where it is saved; pressed twice, it is the same one."""
    me, form = current(), SaveForm()
    if form.validate():
        if me.user.email_verified_at is None:
            form.refuse(_("Confirm your e-mail address first: the card is kept for that address."))
            return _page(form)
        with form.refusals():
            saving = ask_for_card(
                me.vendor, me.mode, payer_email=me.user.email, name=me.user.name, form_token=form.form_token.data or "",
                words=_("The plan of %(vendor)s", vendor=me.vendor.name), locale=language(),
            )  # fmt: skip
            if request.form.get("tier", "").isascii() and len(request.form.get("tier", "")) <= 40:
                session["plan_tier"] = request.form.get("tier", "")
            return see_other(addresses.save_card(saving_token(house(), saving)))
    return _page(form)


@portal.post("/portal/plan/cards/<public_id>/use")
@may("plan.manage")
def use_plan_card(public_id: str) -> Response:
    """It pays from now on, and what is owed is charged to it at once."""
    me, form, card = current(), Form(), _own(public_id)
    with form.refusals():
        make_default(card)
        use_new_card(HOUSE, me.mode, email=card.email, subscriber=me.vendor.public_id)
        flash(_("%(card)s pays from now on.", card=card_words(card)), "good")
        return see_other(url_for(".plan_card"))
    return _page(form)


@portal.post("/portal/plan/cards/<public_id>/remove")
@may("plan.manage")
def remove_plan_card(public_id: str) -> Response:
    """The only card of a plan that runs goes when another one is there, or when the reader has said that they know what follows."""
    form, card = Form(), _own(public_id)
    if _is_needed(card) and request.form.get("anyway") != "yes":
        return _page(form, asked=card)
    with form.refusals():
        forget(card)
        flash(_("%(card)s is removed, here and at the card processor.", card=card_words(card)), "good")
        return see_other(url_for(".plan_card"))
    return _page(form)


def _own(public_id: str) -> SavedCard:
    """One of the cards that this person saved."""
    me = current()
    card = get_saved(house(), me.mode, public_id)
    if card.email != me.user.email.lower() or card.put_away_at is not None:
        raise NotFound("There is no such saved card.")
    return card


def _is_needed(card: SavedCard) -> bool:
    row = own_plan()
    if row is None or row.status == states.CANCELLED or row.payer_email.lower() != card.email:
        return False
    return len(list_saved(house(), current().mode, card.email)) == 1


def _page(form: Form, *, asked: SavedCard | None = None) -> Response:
    me, row = current(), own_plan()
    living: KeptSubscription | None = row if row is not None and row.status != states.CANCELLED else None
    mine = list_saved(house(), me.mode, me.user.email)
    payer = living.payer_email if living else me.user.email
    others = list_saved(house(), me.mode, payer) if payer.lower() != me.user.email.lower() else []
    return page(
        "portal/plan/card.html",
        status=409 if form.form_errors or asked else form.status,
        form=form if form.errors else Form(formdata=None),
        row=living,
        mine=mine,
        other=next((card for card in others if card.is_default), None),
        payer=payer,
        pays_self=payer.lower() == me.user.email.lower(),
        words=card_words,
        warning=card_warning,
        fresh=next((card for card in mine if now() - card.created_at < JUST_NOW), None),
        asked=asked,
        owed=owed_before(row) if living is None else None,
        tier=session.get("plan_tier") if living is None else None,
        sold=are_sold(me.mode),
        saving=SaveForm(formdata=None, form_token=secrets.token_urlsafe(18)),
    )
