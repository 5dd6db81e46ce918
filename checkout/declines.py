"""Why a payment was declined and what to do next, in plain words. What a bank keeps to itself stays with the bank."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

# lost_card and stolen_card are left out on purpose: whoever holds such a card is not told that it is known.
TITLE = _l("Your card was declined")
TITLES = {  # no bank has declined it
    "code_used_with_this_card": _l("This card cannot be used with the code"),
    "not_accepted": _l("This payment was not accepted"),
}
WORDS: dict[str, tuple[LazyString, LazyString]] = {
    "code_used_with_this_card": (
        _l("This card has had the discount code as often as it may. What your bank had put aside was let go; no money was taken."),
        _l("Use another card, or cancel and begin again without the code."),
    ),
    # Honest and neutral: whoever tries what is not theirs learns nothing of what was looked at.
    "not_accepted": (
        _l("We could not accept this payment. If your bank had put money aside for it, that was let go."),
        _l("Pay in another way if there is one, or ask the seller."),
    ),
    "insufficient_funds": (_l("There is not enough money on this card."), _l("Use another card, or ask your bank and try again.")),
    "withdrawal_count_limit_exceeded": (_l("This card has reached its limit."), _l("Use another card, or ask your bank and try again.")),
    "card_velocity_exceeded": (_l("This card has reached its limit."), _l("Use another card, or try again tomorrow.")),
    "expired_card": (_l("This card has expired."), _l("Use another card.")),
    "incorrect_cvc": (_l("The security code was not right."), _l("Check the three or four digits and try again.")),
    "invalid_cvc": (_l("The security code was not right."), _l("Check the three or four digits and try again.")),
    "incorrect_number": (_l("The card number was not right."), _l("Check the number and try again.")),
    "invalid_number": (_l("The card number was not right."), _l("Check the number and try again.")),
    "invalid_expiry_month": (_l("The expiry date was not right."), _l("Check the date and try again.")),
    "invalid_expiry_year": (_l("The expiry date was not right."), _l("Check the date and try again.")),
    "incorrect_zip": (_l("The postcode did not match the card."), _l("Check it and try again.")),
    "card_not_supported": (_l("This card cannot be used for this kind of payment."), _l("Use another card.")),
    "currency_not_supported": (_l("This card cannot pay in this currency."), _l("Use another card.")),
    "processing_error": (_l("The bank could not be reached just then."), _l("Try again in a moment, or use another card.")),
    "issuer_not_available": (_l("The bank could not be reached just then."), _l("Try again in a moment, or use another card.")),
    "try_again_later": (_l("The bank could not be reached just then."), _l("Try again in a moment, or use another card.")),
    "authentication_required": (_l("Your bank wants you to confirm the payment."), _l("Try again and follow your bank's steps, or use another card.")),
    "payment_intent_authentication_failure": (
        _l("Your bank could not confirm that it was you."),
        _l("Try again and follow your bank's steps, or use another card."),
    ),
    "setup_intent_authentication_failure": (
        _l("Your bank could not confirm that it was you."),
        _l("Try again and follow your bank's steps, or use another card."),
    ),
}  # fmt: skip
OTHERWISE = (_l("Your bank did not say why."), _l("Use another card, or ask your bank and try again."))
BY_CARD = frozenset({"card", "wallet", None})
NO_CARD: dict[str, tuple[LazyString, LazyString]] = {
    "payment_method_customer_decline": (
        _l("It was cancelled at your bank."),
        _l("Try again, or choose another way to pay."),
    ),
    "payment_method_provider_decline": (
        _l("Your bank did not carry it out."),
        _l("Try again, choose another way to pay, or ask your bank."),
    ),
}
NO_CARD_OTHERWISE = (_l("Your bank did not say why."), _l("Try again, or choose another way to pay."))


@dataclass(frozen=True, slots=True)
class Decline:
    """What the payer reads after a decline."""

    title: str
    reason: str
    next_step: str


def explain(code: str | None, method: str | None = None) -> Decline:
    """The words for a provider's decline code; a code we do not know gets words that are always true."""
    if method in BY_CARD or code in TITLES:
        title, (reason, next_step) = str(TITLES.get(code or "", TITLE)), WORDS.get(code or "", OTHERWISE)
    else:
        title, (reason, next_step) = _("The payment did not go through"), NO_CARD.get(code or "", NO_CARD_OTHERWISE)
    return Decline(title, str(reason), str(next_step))
