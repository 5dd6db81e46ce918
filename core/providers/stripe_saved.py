"""Cards saved at Stripe: a Checkout Session that saves one on a Customer, charges without the payer, and letting one go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from core.kernel.db import assert_no_transaction
from core.providers import stripe_shapes as shapes
from core.providers.contract import Opening, OpenPayment, Outcome, ProviderRefused
from core.providers.exponents import to_gateway
from core.providers.saved import ChargeSaved, OpenSaving, SavingOutcome
from core.providers.stripe_lists import rows
from core.providers.stripe_methods import asking, held

_MONEY = ["latest_charge.balance_transaction"]


class CardRefused(ProviderRefused):
    """A card was asked and said no; `intent` is what the provider wrote down of that try, if it did."""

    def __init__(self, code: str, message: str, intent: dict[str, Any] | None) -> None:
        super().__init__(code, message)
        self.intent = intent


class SavedCards(ABC):
    """The part of the adapter about saved cards; the adapter itself, which keeps the line to Stripe, says how anything is asked."""

    mode: str

    @abstractmethod
    def _make(self, what: str, params: Mapping[str, Any], reference: str) -> dict[str, Any]:
        """Makes something, once for each reference."""

    @abstractmethod
    def _read(self, what: str, **params: Any) -> dict[str, Any]:
        """Reads something."""

    @abstractmethod
    def _ask(self, method: str, what: str, **params: Any) -> dict[str, Any]:
        """Anything else."""

    @abstractmethod
    def _create_session(self, wish: OpenPayment | OpenSaving, params: dict[str, Any]) -> dict[str, Any]:
        """Opens a page of Stripe's."""

    def saves(self) -> bool:
        """Cards."""
        return True

    def open_saving(self, wish: OpenSaving) -> Opening:
        """A Customer, made under a key of its own, and a Checkout Session that saves a card on it."""
        assert_no_transaction()
        self._check_mode(wish.mode)
        customer = wish.customer or self._new_customer(wish)
        params: dict[str, Any] = {
            "mode": "setup",
            "payment_method_types": ["card"],
            "customer": customer,
            "success_url": wish.return_url,
            "cancel_url": wish.cancel_url,
            "client_reference_id": wish.reference,
            "metadata": dict(wish.metadata),
            "setup_intent_data": {"metadata": dict(wish.metadata), "description": wish.description[:1000] or "Card for later payments"},
        }
        session = self._create_session(wish, params)
        return Opening(provider_reference=session["id"], redirect_url=session["url"])

    def _new_customer(self, wish: OpenSaving) -> str:
        fields = {"email": wish.email, "name": wish.name, "metadata": dict(wish.metadata)}
        params = {name: value for name, value in fields.items() if value}
        return str(self._make("customers", params, f"{wish.reference}-customer")["id"])

    def inquire_saving(self, provider_reference: str) -> SavingOutcome:
        """Reads the session with what it saved."""
        assert_no_transaction()
        path = f"checkout/sessions/{quote(provider_reference, safe='')}"
        return shapes.saving_outcome(self._read(path, expand=["setup_intent.payment_method"]))

    def charge_saved(self, wish: ChargeSaved) -> Outcome:
        """A PaymentIntent that is confirmed at once, with nobody there to answer the bank."""
        assert_no_transaction()
        self._check_mode(wish.mode)
        params: dict[str, Any] = {
            "amount": to_gateway(wish.amount),
            "currency": wish.amount.currency.lower(),
            "customer": wish.customer,
            "payment_method": wish.method,
            "payment_method_types": ["card"],
            "confirm": True,
            "off_session": True,
            "description": wish.description[:1000] or "Payment",
            "metadata": {**wish.metadata, **shapes.OFF_SESSION, "reference": wish.reference},
            "expand": _MONEY,
            **held(wish),
        }
        if wish.three_d_secure:
            params["payment_method_options"] = asking(wish)
        if wish.email:
            params["receipt_email"] = wish.email
        try:
            return shapes.intent_outcome(self._make("payment_intents", params, wish.reference))
        except CardRefused as no:
            if no.intent is None:
                raise
            return shapes.intent_outcome(no.intent)

    def find_charge(self, reference: str, customer: str) -> Outcome | None:
        """Looks through the customer's intents for our reference, the newest first; all of them before it says that there is none."""
        assert_no_transaction()
        for intent in rows(self._read, "payment_intents", customer=customer):
            if (intent.get("metadata") or {}).get("reference") == reference:
                return shapes.intent_outcome(self._read(f"payment_intents/{intent['id']}", expand=_MONEY))
        return None

    def forget_method(self, method: str) -> None:
        """Detaches it. A refusal counts only if it is still somebody's."""
        assert_no_transaction()
        path = f"payment_methods/{quote(method, safe='')}"
        try:
            self._ask("post", f"{path}/detach")
        except ProviderRefused as refusal:
            if refusal.code != "resource_missing" and self._read(path).get("customer"):
                raise

    def _check_mode(self, mode: str) -> None:
        if mode != self.mode:
            raise ProviderRefused("wrong_mode", "This belongs to the other mode.")
