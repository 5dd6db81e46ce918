"""Saving a card for later: a page that says whom it is saved for, the way to the processor's page, and the way back."""

from __future__ import annotations

from flask import Response, url_for
from flask_babel import gettext as _

from checkout.blueprint import door, log
from checkout.processor_pages import allow_provider
from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.config import settings
from core.payments.saved import find_saved
from core.payments.saved_models import Saving
from core.payments.saving import (
    SavingOver,
    check_open,
    inquire_saving,
    open_saving_at_provider,
    open_saving_token,
    record_saving_opened,
    settle_saving,
)
from core.providers.contract import ProviderError, ProviderUnreachable
from core.web import addresses
from core.web.face import face_of
from core.web.guard import public
from core.web.languages import reader, suggest
from core.web.page import page, see_other, step_outside
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
    if saving.redirect_url is None:
        back = settings().public_url + url_for("checkout.back_from_saving", token=token)
        try:
            with step_outside():
                opening = open_saving_at_provider(vendor, saving, return_url=back, cancel_url=back)
        except ProviderError as problem:
            log.warning("saving_not_opened", problem=type(problem).__name__, saving=saving.public_id)
            away = isinstance(problem, ProviderUnreachable)
            return _page(vendor, saving, token, notice=_not_reached() if away else _not_accepted(), status=409)
        saving = record_saving_opened(saving, opening)
    return see_other(saving.redirect_url or url_for("checkout.save_card", token=token))


@door.get("/cards/<token>/return")
@public
@by_address("60 per 10 minutes", scope="cards-return", method="GET")
def back_from_saving(token: str) -> Response:
    """Where the processor sends the payer, with a card saved or not. The address proves nothing: the processor is asked."""
    vendor, saving = _open(token)
    if saving.provider_reference is not None and saving.state == "open":
        outcome = None
        try:
            with step_outside():
                outcome = inquire_saving(saving)
        except ProviderError as problem:  # refused, or too many are asking: the clock asks again
            log.warning("inquiry_failed", problem=type(problem).__name__, saving=saving.public_id)
        if outcome is not None:
            settle_saving(saving, outcome)
    if vendor.id == HOUSE and saving.state == "saved":
        return see_other(addresses.plan_card())
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
        back=addresses.plan_card() if vendor.id == HOUSE else None,
    )


def _not_reached() -> str:
    return _("The card processor cannot be reached just now. Nothing was saved. Please try again in a moment.")


def _not_accepted() -> str:
    return _("The card processor did not accept this. Nothing was saved. Please ask the seller.")
