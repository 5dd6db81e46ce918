"""The way to the processor's page on which a card is saved, and back: whoever saves it, for a plan, a membership or for later."""

from __future__ import annotations

from flask_babel import gettext as _

from checkout.blueprint import log
from core.accounts.models import Vendor
from core.payments.saved_models import Saving
from core.payments.saving import inquire_saving, open_saving_at_provider, record_saving_opened, settle_saving
from core.providers.contract import ProviderError, ProviderUnreachable
from core.web.page import step_outside
from core.web.pay_host import here


def open_card_page(vendor: Vendor, saving: Saving, *, back: str) -> tuple[Saving, str]:
    """Ask the processor for its page, with no transaction open, and write down where it is; `back` is the path it leads back to.

    Answers the saving, and why there is no page: empty when there is one. Pressed twice, it is the same page.
    """
    if saving.redirect_url is not None:
        return saving, ""
    address = here() + back
    try:
        with step_outside():
            opening = open_saving_at_provider(vendor, saving, return_url=address, cancel_url=address)
    except ProviderError as problem:
        log.warning("saving_not_opened", problem=type(problem).__name__, saving=saving.public_id)
        if isinstance(problem, ProviderUnreachable):
            return saving, _("The card processor cannot be reached just now. Nothing was saved. Please try again in a moment.")
        return saving, _("The card processor did not accept this. Nothing was saved. Please ask the seller.")
    return record_saving_opened(saving, opening), ""


def heed_card_page(saving: Saving) -> None:
    """Somebody came back from that page. The address proves nothing: the processor is asked, and its word is what counts."""
    if saving.provider_reference is None or saving.state != "open":
        return
    try:
        with step_outside():
            outcome = inquire_saving(saving)
    except ProviderError as problem:  # refused, or too many are asking: the clock asks again
        log.warning("inquiry_failed", problem=type(problem).__name__, saving=saving.public_id)
        return
    if outcome is not None:
        settle_saving(saving, outcome)
