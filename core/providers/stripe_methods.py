"""Which of our ways to pay is which of Stripe's, and what each of Stripe's is bound to: the one table, read by the adapter and by its shapes."""

from __future__ import annotations

from typing import Any

from core.providers.contract import Offer, OpenPayment
from core.providers.saved import ChargeSaved

EVERYWHERE = None
_WECHAT = frozenset({"AUD", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "HKD", "JPY", "NOK", "SEK", "SGD", "USD"})


def _bank(kind: str, name: str, currencies: str, country: str, *, days: int = 0) -> Offer:
    return Offer("bank_redirect", kind, name, frozenset(currencies.split()), frozenset({country}), delayed_days=days)


def _code(kind: str, name: str, currencies: frozenset[str], country: str | None, limits: dict[str, tuple[int, int]] | None = None) -> Offer:
    return Offer("qr", kind, name, currencies, frozenset({country}) if country else EVERYWHERE, limits or {})


# A wallet is a card the device already knows: the processor's card page shows it by itself, so it has no type of its own.
# Days: how long the last word may take. Most answers come at once; a promise to the payer names the longest.
OFFERS = (
    Offer("card", "card", "Card", surfaces=frozenset({"hosted", "fields"})),
    Offer("wallet", "card", "Apple Pay, Google Pay"),
    _bank("ideal", "iDEAL", "EUR", "NL"),
    _bank("bancontact", "Bancontact", "EUR", "BE"),
    _bank("eps", "EPS", "EUR", "AT"),
    _bank("p24", "Przelewy24", "EUR PLN", "PL"),
    _bank("pay_by_bank", "Pay by Bank", "GBP", "GB", days=4),
    _bank("us_bank_account", "US bank account", "USD", "US", days=6),
    _code("paynow", "PayNow", frozenset({"SGD"}), "SG"),
    _code("promptpay", "PromptPay", frozenset({"THB"}), "TH"),
    _code("swish", "Swish", frozenset({"SEK"}), "SE"),
    _code("twint", "TWINT", frozenset({"CHF"}), "CH", {"CHF": (0, 500_000)}),
    _code("wechat_pay", "WeChat Pay", _WECHAT, EVERYWHERE),
)
KINDS = tuple(dict.fromkeys(offer.kind for offer in OFFERS))
OPTIONS: dict[str, dict[str, Any]] = {"wechat_pay": {"client": "web"}}  # what Stripe wants to know beside the type's name
_METHOD = {offer.kind: offer.method for offer in OFFERS if offer.method != "wallet"}


def paid_with(details: dict[str, Any]) -> tuple[str | None, str | None]:
    """Our method and the provider's own name for it, from a charge's details or a payment method; (None, None) when it says nothing.

    A card that came out of a wallet is told as that wallet; a type we do not offer keeps its name and gets no method of ours.
    """
    kind = details.get("type")
    wallet = ((details.get("card") or {}).get("wallet") or {}).get("type") if kind == "card" else None
    if wallet:
        return "wallet", wallet
    return _METHOD.get(kind or ""), kind


def held(wish: OpenPayment | ChargeSaved) -> dict[str, str]:
    """Authorise only, where that is wished."""
    return {"capture_method": "manual"} if wish.hold else {}


def asking(wish: OpenPayment | ChargeSaved) -> dict[str, dict[str, str]]:
    """The options of a card whose bank is to ask the payer. A card that knows no 3-D Secure is taken without it."""
    return {"card": {"request_three_d_secure": "any"}} if wish.three_d_secure else {}
