"""A seller who is paid out through the processor: the real adapter, over HTTP, at the sandbox of this run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.kernel.config import settings
from core.ledger.queries import balance
from core.payouts import receivers
from core.payouts.accounts import use_processor
from core.payouts.carry import find_carriage
from core.payouts.models import Payout, PayoutAccount
from core.payouts.queries import history_of
from core.payouts.rail_models import Carriage, Receiver
from core.providers.registry import provider_named
from tests.core.payouts.sellers import Seller
from tests.core.providers.wishes import wish
from tests.factories import unit
from tests.flows.visit import Processor
from workers.payouts import carry_payout, look_at_receiver

IBAN = "DE89370400440532013000"


def sandbox() -> Processor:
    """The sandbox as its owner sees it."""
    return Processor({"SANDBOX_URL": settings().sandbox_url, "SANDBOX_API_KEY": settings().secrets["sandbox_api_key"]})


@dataclass
class CarriedSeller(Seller):
    """One vendor in test mode, with an account at the sandbox whose bank says nothing by itself."""

    processor: Processor = field(default_factory=sandbox)

    # --- the account -------------------------------------------------------------------------------------------------------

    def opens(self) -> Receiver:
        """Written down, asked for with no transaction open, recorded."""
        with unit(self.shop.app):
            opened = receivers.begin_receiver(self.shop.vendor, "test", by="usr_owner", email="owner@example.com")
        with self.shop.app.app_context():
            outcome = receivers.ask_about(opened)
        with unit(self.shop.app):
            return receivers.record_receiver(self.shop.vendor, "test", opened.id, outcome)

    def decided(self, **how: Any) -> Receiver:
        """The processor decides something about the account, and we look at it."""
        self.processor.call("POST", "/_sandbox/accounts", account=self.receiver().provider_reference, **how)
        return self.looks()

    def looks(self) -> Receiver:
        with self.shop.app.app_context():
            look_at_receiver(self.shop.vendor.id, mode="test", provider="sandbox")
        return self.receiver()

    def receiver(self) -> Receiver:
        with unit(self.shop.app):
            found = receivers.find_receiver(self.shop.vendor, "test")
            assert found is not None
            return found

    def uses_it(self, currency: str | None = None) -> PayoutAccount:
        with unit(self.shop.app):
            return use_processor(self.shop.vendor, "test", self.receiver_here(), currency=currency or self.currency, by="usr_owner")

    def receiver_here(self) -> Receiver:
        found = receivers.find_receiver(self.shop.vendor, "test")
        assert found is not None
        return found

    def connects(self) -> None:
        """Everything up to an account that payouts go to."""
        self.opens()
        self.decided(outcome="ready", currency=self.currency.lower(), iban=IBAN, bank="slow")
        self.uses_it()

    def fills(self, minor: int = 100_000) -> None:
        """The platform has so much at the processor, to be used at once."""
        with self.shop.app.app_context():
            provider: Any = provider_named("sandbox", "test")
            opening = provider.open_payment(wish(minor, self.currency, surface="fields"))
            assert provider.try_published_card(opening.provider_reference, "pm_card_bypassPending", "http://shop.test/r") is None

    # --- a payout's way ----------------------------------------------------------------------------------------------------

    def carries(self, payout: Payout, cause: str = "asked") -> Payout:
        with self.shop.app.app_context():
            carry_payout(self.shop.vendor.id, mode="test", payout=payout.public_id, cause=cause)
        return self.as_it_is(payout)

    def carriage(self, payout: Payout) -> Carriage:
        with unit(self.shop.app):
            found = find_carriage(self.shop.vendor, payout)
            assert found is not None
            return found

    def their_bank_says(self, payout: Payout, outcome: str) -> Payout:
        """paid or failed; and we hear of it."""
        self.processor.call("POST", "/_sandbox/connected_payouts", payout=self.carriage(payout).payout_reference, outcome=outcome)
        return self.carries(payout, "evt_1")

    def kinds(self, payout: Payout) -> list[str]:
        with unit(self.shop.app):
            return [event.kind.removeprefix("payout.") for event in history_of(self.shop.vendor, payout)]

    def there(self, payout: Payout) -> list[tuple[int, int]]:
        """What the processor really moved for it: (amount, taken back)."""
        found = self.processor.call("GET", f"/v1/transfers?transfer_group={payout.public_id}-move-0")["data"]
        return [(one["amount"], one["amount_reversed"]) for one in found]

    def under_way(self) -> tuple[int, int]:
        """What is on its way to the seller, and of it, what the processor carries."""
        with unit(self.shop.app):
            carried = balance(self.shop.vendor, "test", "bank_in_transit", self.currency, "sandbox")
        return self.has("payout_in_transit").minor, carried.minor
