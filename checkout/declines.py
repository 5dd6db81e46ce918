"""Why a payment was declined and what to do next, in plain words. What a bank keeps to itself stays with the bank."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import lazy_gettext

# lost_card and stolen_card are left out on purpose: whoever holds such a card is not told that it is known.
TITLE = "Your card was declined"
WORDS: dict[str, tuple[str, str]] = {
    "insufficient_funds": ("There is not enough money on this card.", "Use another card, or ask your bank and try again."),
    "withdrawal_count_limit_exceeded": ("This card has reached its limit.", "Use another card, or ask your bank and try again."),
    "card_velocity_exceeded": ("This card has reached its limit.", "Use another card, or try again tomorrow."),
    "expired_card": ("This card has expired.", "Use another card."),
    "incorrect_cvc": ("The security code was not right.", "Check the three or four digits and try again."),
    "invalid_cvc": ("The security code was not right.", "Check the three or four digits and try again."),
    "incorrect_number": ("The card number was not right.", "Check the number and try again."),
    "invalid_number": ("The card number was not right.", "Check the number and try again."),
    "invalid_expiry_month": ("The expiry date was not right.", "Check the date and try again."),
    "invalid_expiry_year": ("The expiry date was not right.", "Check the date and try again."),
    "incorrect_zip": ("The postcode did not match the card.", "Check it and try again."),
    "card_not_supported": ("This card cannot be used for this kind of payment.", "Use another card."),
    "currency_not_supported": ("This card cannot pay in this currency.", "Use another card."),
    "processing_error": ("The bank could not be reached just then.", "Try again in a moment, or use another card."),
    "issuer_not_available": ("The bank could not be reached just then.", "Try again in a moment, or use another card."),
    "try_again_later": ("The bank could not be reached just then.", "Try again in a moment, or use another card."),
    "authentication_required": ("Your bank wants you to confirm the payment.", "Try again and follow your bank's steps, or use another card."),
    "payment_intent_authentication_failure": (
        "Your bank could not confirm that it was you.",
        "Try again and follow your bank's steps, or use another card.",
    ),
    "setup_intent_authentication_failure": (
        "Your bank could not confirm that it was you.",
        "Try again and follow your bank's steps, or use another card.",
    ),
}  # fmt: skip
OTHERWISE = ("Your bank did not say why.", "Use another card, or ask your bank and try again.")
BY_CARD = frozenset({"card", "wallet", None})
NO_CARD: dict[str, tuple[str, str]] = {
    "payment_method_customer_decline": (
        lazy_gettext("It was cancelled at your bank."),
        lazy_gettext("Try again, or choose another way to pay."),
    ),
    "payment_method_provider_decline": (
        lazy_gettext("Your bank did not carry it out."),
        lazy_gettext("Try again, choose another way to pay, or ask your bank."),
    ),
}
NO_CARD_OTHERWISE = (lazy_gettext("Your bank did not say why."), lazy_gettext("Try again, or choose another way to pay."))


@dataclass(frozen=True, slots=True)
class Decline:
    """What the payer reads after a decline."""

    title: str
    reason: str
    next_step: str


def explain(code: str | None, method: str | None = None) -> Decline:
    """The words for a provider's decline code; a code we do not know gets words that are always true."""
    if method in BY_CARD:
        return Decline(TITLE, *WORDS.get(code or "", OTHERWISE))
    return Decline(_("The payment did not go through"), *NO_CARD.get(code or "", NO_CARD_OTHERWISE))
