"""What the ways to pay are called: the five of ours, and the names the world has for their kinds."""

from __future__ import annotations

from core.kernel.sentence import said
from core.providers.stripe_methods import OFFERS

TITLES = {
    "card": said("Card"),
    "wallet": said("Wallet"),
    "bank_redirect": said("Bank"),
    "qr": said("Code"),
    "bank_transfer": said("Bank transfer"),
}
# Names of the world, the same in every language.
KINDS = {offer.kind: offer.name for offer in OFFERS if offer.method not in ("card", "wallet")} | {
    "amazon_pay": "Amazon Pay",
    "amex_express_checkout": "Amex Express Checkout",
    "apple_pay": "Apple Pay",
    "google_pay": "Google Pay",
    "link": "Link",
    "masterpass": "Masterpass",
    "samsung_pay": "Samsung Pay",
    "visa_checkout": "Visa Checkout",
}


def kind_name(kind: str) -> str:
    """iDEAL for ideal; a kind we have no name for is written as its provider writes it."""
    return KINDS.get(kind, kind.replace("_", " ").capitalize())
