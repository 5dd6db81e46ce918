"""What Stripe is asked beside payments: a published test card tried without a form, and whether its wallets may be shown on a domain."""

from __future__ import annotations

from urllib.parse import quote

from core.kernel.db import assert_no_transaction
from core.providers.stripe_disputes import Disputes
from core.providers.stripe_receivers import Receivers
from core.providers.stripe_saved import CardRefused, SavedCards
from core.providers.stripe_settlement import Settling
from core.providers.wallets import WalletDomain, WalletState

WALLETS = {"apple_pay": "Apple Pay", "google_pay": "Google Pay", "link": "Link"}


class Beside(SavedCards, Disputes, Settling, Receivers):
    """The adapter itself, which keeps the line to Stripe, says how anything is asked."""

    def try_published_card(self, provider_reference: str, card: str, return_url: str) -> str | None:
        """Test mode only: confirms an open intent with one of the published cards, as its form would. A card that says no is an answer, not an error."""
        assert_no_transaction()
        self._check_mode("test")
        path = f"payment_intents/{quote(provider_reference, safe='')}/confirm"
        try:
            intent = self._ask("post", path, payment_method=card, return_url=return_url)
        except CardRefused:
            return None
        asked = (intent.get("next_action") or {}).get("redirect_to_url") or {}
        return asked.get("url")

    def wallet_domain(self, host: str) -> WalletDomain:
        """Registers the domain, which changes nothing when it is registered, and reads what each wallet says of it."""
        assert_no_transaction()
        told = self._ask("post", "payment_method_domains", domain_name=host)
        found = []
        for kind, name in WALLETS.items():
            if said := told.get(kind):
                problem = ((said.get("status_details") or {}).get("error_message")) or ""
                found.append(WalletState(name, said.get("status") == "active", problem))
        return WalletDomain(host, tuple(found))
