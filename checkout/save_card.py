"""Saving a card for later: a page that says whom it is saved for, the way to the processor's page, and the way back."""

from __future__ import annotations

from flask import Response, url_for

from checkout.blueprint import door
from checkout.card_page import heed_card_page, open_card_page
from checkout.processor_pages import allow_provider
from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.payments.saved import find_saved
from core.payments.saved_models import Saving
from core.payments.saving import SavingOver, check_open, open_saving_token
from core.web import addresses
from core.web.face import face_of
from core.web.guard import public
from core.web.languages import reader, suggest
from core.web.page import page, see_other
from core.web.throttle import by_address


@door.get("/cards/<token>")
@public
def save_card(token: str) -> Response:
    """The true page of the saving at this moment."""
    return _page(*_open(token), token)


@door.post("/cards/<token>")
@public
@by_address("60 per 10 minutes", scope="cards")
def go_save_card(token: str) -> Response:
    """On to the processor's page; pressed twice, it is the same one."""
    vendor, saving = _open(token)
    try:
        check_open(saving)
    except SavingOver:
        return _page(vendor, saving, token, status=409)
    saving, refused = open_card_page(vendor, saving, back=url_for("checkout.back_from_saving", token=token))
    if refused:
        return _page(vendor, saving, token, notice=refused, status=409)
    return see_other(saving.redirect_url or url_for("checkout.save_card", token=token))


@door.get("/cards/<token>/return")
@public
@by_address("60 per 10 minutes", scope="cards-return", method="GET")
def back_from_saving(token: str) -> Response:
    """Where the processor sends the payer, with a card saved or not."""
    vendor, saving = _open(token)
    heed_card_page(saving)
    if vendor.id == HOUSE and saving.state == "saved":
        return see_other(addresses.plan_card(saving.mode))
    return see_other(url_for("checkout.save_card", token=token))


def _open(token: str) -> tuple[Vendor, Saving]:
    vendor, saving = open_saving_token(token)
    suggest(saving.locale)
    return vendor, saving


def _page(vendor: Vendor, saving: Saving, token: str, *, notice: str = "", status: int = 200) -> Response:
    allow_provider(saving.provider, saving.redirect_url)
    over = saving.state == "ended" or (saving.state != "saved" and now() >= saving.expires_at)
    card = find_saved(vendor, saving.mode, saving.card_id) if saving.card_id else None
    return page(
        "checkout/save_card.html",
        status=status,
        face=face_of(vendor, saving.mode),
        title=saving.description,
        description="",
        amount_due=None,
        notice=notice,
        over=over,
        card=reader().card_ending(card.brand, card.last4) if card else None,
        action=url_for("checkout.go_save_card", token=token),
        back=addresses.plan_card(saving.mode) if vendor.id == HOUSE else None,
    )
