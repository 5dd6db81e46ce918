"""The adapter for Stripe's protocol, by the official SDK; the sandbox processor speaks it too, so this very file runs in every test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote

import stripe

from core.kernel.clock import now
from core.kernel.db import assert_no_transaction
from core.kernel.money import Money
from core.providers import stripe_shapes as shapes
from core.providers.contract import (
    Offer,
    Opening,
    OpenPayment,
    Outcome,
    ProviderBusy,
    ProviderError,
    ProviderEvent,
    ProviderRefused,
    ProviderUnreachable,
    RefundOutcome,
    RefundsOfCharge,
    SignatureRefused,
)
from core.providers.exponents import to_gateway
from core.providers.line import NO_ANSWER, Line
from core.providers.saved import OpenSaving
from core.providers.signature import check_signature, read_json_object, text_map
from core.providers.stripe_beside import Beside
from core.providers.stripe_disputes import as_file
from core.providers.stripe_lists import rows
from core.providers.stripe_methods import OFFERS, OPTIONS, asking, held
from core.providers.stripe_saved import CardRefused

stripe.enable_telemetry = False

CONNECT_SECONDS, READ_SECONDS = 4, 20
SHORTEST_SESSION, LONGEST_SESSION = 1_800, 86_400  # seconds; the provider keeps no other term
SPARE_SECONDS = 60  # for clocks that differ
_REASONS = {"requested_by_customer", "duplicate", "fraudulent"}
_SESSION_MONEY = ["payment_intent.latest_charge.balance_transaction"]
_INTENT_MONEY = ["latest_charge.balance_transaction"]


class SdkLine(stripe.HTTPClient):
    """Our line in the place of the one the SDK brings, which costs three times as much for each request."""

    name = "urllib3"

    def __init__(self, *, read_seconds: int) -> None:
        super().__init__()
        self._line = Line(connect_seconds=CONNECT_SECONDS, read_seconds=read_seconds, ca_bundle=stripe.ca_bundle_path)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: list[str] | None = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        """As the SDK calls it. Raises stripe.APIConnectionError when there is no answer."""
        try:
            return self._line.ask(method, url, headers, post_data)
        except NO_ANSWER as problem:
            raise stripe.APIConnectionError(f"The provider gave no answer ({type(problem).__name__}).") from problem

    def close(self) -> None:
        self._line.close()


class Stripe(Beside):
    """`name` is 'stripe', or 'sandbox' when `api_base` is our own processor's; `fields_base` is its address as browsers see it.

    `secrets` are the webhook secrets that count today (two while one is being changed). A failed request is not repeated here:
    whoever asked knows whether it may be. `kinds` are the payment method types that are switched on in the account: asking for
    another one would be refused there.
    """

    def __init__(
        self,
        name: str,
        mode: str,
        *,
        key: str,
        publishable_key: str,
        secrets: Iterable[str],
        api_base: str | None = None,
        fields_base: str | None = None,
        kinds: Iterable[str] = ("card",),
        read_seconds: int = READ_SECONDS,
    ) -> None:
        self.name, self.mode = name, mode
        self._publishable_key, self._secrets, self._fields_base = publishable_key, [one for one in secrets if one], fields_base
        self._offers = offers_of(kinds)
        self._http = SdkLine(read_seconds=read_seconds)
        self._client = stripe.StripeClient(
            key, base_addresses={"api": api_base, "files": api_base} if api_base else {}, max_network_retries=0, http_client=self._http
        )

    def close(self) -> None:
        """Lets go of the open connections."""
        self._http.close()

    # --- opening and asking -----------------------------------------------------------------------------------------

    def methods(self) -> tuple[Offer, ...]:
        """The part of the table that is switched on in this account."""
        return self._offers

    def open_payment(self, wish: OpenPayment) -> Opening:
        """A Checkout Session for 'hosted', a PaymentIntent for 'fields'. Takes no money."""
        assert_no_transaction()
        if wish.mode != self.mode:
            raise ProviderRefused("wrong_mode", "This payment belongs to the other mode.")
        kinds = self._kinds_for(wish)
        return self._open_hosted(wish, kinds) if wish.surface == "hosted" else self._open_fields(wish, kinds)

    def _kinds_for(self, wish: OpenPayment) -> list[str]:
        """The payment method types that serve the wish: all that fit are shown side by side."""
        code, minor = wish.amount.currency, wish.amount.minor
        fitting = [
            offer.kind
            for offer in self._offers
            if offer.method == wish.method and wish.surface in offer.surfaces and not offer.objection(code, minor, minor, wish.country)
        ]
        if not fitting:
            raise ProviderRefused("method_not_offered", f"{wish.method} is not offered for {wish.amount} here.")
        return fitting

    def _open_hosted(self, wish: OpenPayment, kinds: list[str]) -> Opening:
        params: dict[str, Any] = {
            "mode": "payment",
            "payment_method_types": kinds,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": wish.amount.currency.lower(),
                        "unit_amount": to_gateway(wish.amount),
                        "product_data": {"name": wish.description[:250] or "Payment"},
                    },
                }
            ],
            "success_url": wish.return_url,
            "cancel_url": wish.cancel_url,
            "client_reference_id": wish.reference,
            "metadata": dict(wish.metadata),
            "payment_intent_data": {"metadata": dict(wish.metadata), "description": wish.description[:1000] or "Payment", **held(wish)},
        }
        options = {kind: OPTIONS[kind] for kind in kinds if kind in OPTIONS} | (asking(wish) if "card" in kinds else {})
        if options:
            params["payment_method_options"] = options
        if wish.email:
            params["customer_email"] = wish.email
        session = self._create_session(wish, params)
        return Opening(provider_reference=session["id"], redirect_url=session["url"])

    def _create_session(self, wish: OpenPayment | OpenSaving, params: dict[str, Any]) -> dict[str, Any]:
        """The term goes along when the provider can keep it. A term that has since come into or gone out of its limits would make
        a repeated wish another request under the same key, so that one refusal is answered by asking the way it was asked before."""
        seconds = (wish.expires_at - now()).total_seconds()
        fits = SHORTEST_SESSION + SPARE_SECONDS <= seconds <= LONGEST_SESSION - SPARE_SECONDS
        with_term = {**params, "expires_at": int(wish.expires_at.timestamp())}
        first, second = (with_term, params) if fits else (params, with_term)
        try:
            return self._make("checkout/sessions", first, wish.reference)
        except ProviderRefused as refusal:
            if refusal.code != "idempotency_error":
                raise
            return self._make("checkout/sessions", second, wish.reference)

    def _open_fields(self, wish: OpenPayment, kinds: list[str]) -> Opening:
        params: dict[str, Any] = {
            "amount": to_gateway(wish.amount),
            "currency": wish.amount.currency.lower(),
            "payment_method_types": kinds,
            "description": wish.description[:1000] or "Payment",
            "metadata": dict(wish.metadata),
            **held(wish),
        }
        if wish.email:
            params["receipt_email"] = wish.email
        if "card" in kinds and wish.three_d_secure:
            params["payment_method_options"] = asking(wish)
        if self._fields_base:
            params["return_url"] = wish.return_url  # tells the sandbox's card form which page may hold it
        intent = self._make("payment_intents", params, wish.reference)
        secret = intent["client_secret"]
        fields_url = f"{self._fields_base}/elements/card?client_secret={secret}" if self._fields_base else None
        return Opening(intent["id"], fields_url=fields_url, client_secret=secret, publishable_key=self._publishable_key)

    def inquire(self, provider_reference: str) -> Outcome:
        """Reads the session or intent with its charge and the fee."""
        assert_no_transaction()
        if provider_reference.startswith("cs_"):
            return shapes.session_outcome(self._read(f"checkout/sessions/{_path(provider_reference)}", expand=_SESSION_MONEY))
        return shapes.intent_outcome(self._read(f"payment_intents/{_path(provider_reference)}", expand=_INTENT_MONEY))

    def cancel(self, provider_reference: str) -> Outcome:
        """Expires the session or cancels the intent, then says how things stand."""
        assert_no_transaction()
        try:
            if provider_reference.startswith("cs_"):
                self._ask("post", f"checkout/sessions/{_path(provider_reference)}/expire")
            else:
                self._ask("post", f"payment_intents/{_path(provider_reference)}/cancel")
        except ProviderRefused:
            pass  # already over, one way or the other: the truth below says which
        outcome = self.inquire(provider_reference)
        if outcome.held and provider_reference.startswith("cs_"):
            self._of_intent(outcome, "cancel")
            outcome = self.inquire(provider_reference)
        return outcome

    def capture(self, provider_reference: str) -> Outcome:
        """Captures the intent, if it waits for that."""
        assert_no_transaction()
        outcome = self.inquire(provider_reference)
        if not outcome.held:
            return outcome
        self._of_intent(outcome, "capture")
        return self.inquire(provider_reference)

    def _of_intent(self, outcome: Outcome, act: str) -> None:
        """A refusal is no answer: somebody was faster, and the truth is asked for afterwards."""
        with suppress(ProviderRefused):
            self._ask("post", f"payment_intents/{_path(outcome.payment_intent or '')}/{act}")

    # --- giving back ------------------------------------------------------------------------------------------------

    def refund(self, reference: str, charge_or_intent: str, amount: Money, reason: str, metadata: Mapping[str, str]) -> RefundOutcome:
        """Gives money back. A reason the provider has no word for stays with us, in the metadata."""
        assert_no_transaction()
        params: dict[str, Any] = {
            _role(charge_or_intent): charge_or_intent,
            "amount": to_gateway(amount),
            "metadata": {**metadata, "reference": reference, "reason": reason[:100]},
        }
        if reason in _REASONS:
            params["reason"] = reason
        return shapes.refund_outcome(self._make("refunds", params, reference))

    def inquire_refund(self, provider_reference: str) -> RefundOutcome:
        """Reads the refund."""
        assert_no_transaction()
        return shapes.refund_outcome(self._read(f"refunds/{_path(provider_reference)}"))

    def find_refund(self, reference: str, charge_or_intent: str | None = None) -> RefundOutcome | None:
        """Looks through the refunds of a charge, or through all there are, for our reference."""
        assert_no_transaction()
        whose = {_role(charge_or_intent): charge_or_intent} if charge_or_intent else {}
        for refund in rows(self._read, "refunds", **whose):
            if (refund.get("metadata") or {}).get("reference") == reference:
                return shapes.refund_outcome(refund)
        return None

    def refunds_of(self, charge: str) -> RefundsOfCharge:
        """Reads the charge for its metadata, and lists its refunds."""
        assert_no_transaction()
        metadata = text_map(self._read(f"charges/{_path(charge)}").get("metadata"))
        found = [shapes.refund_outcome(refund) for refund in rows(self._read, "refunds", charge=charge)]
        return RefundsOfCharge(metadata, found[::-1])

    def fees(self, charges: Iterable[str]) -> dict[str, tuple[Money, str, datetime]]:
        """Reads each charge with its balance transaction; a charge that has none yet is left out."""
        assert_no_transaction()
        found = {}
        for charge in charges:
            try:
                line = self._read(f"charges/{_path(charge)}", expand=["balance_transaction"]).get("balance_transaction")
            except ProviderRefused:
                continue
            if isinstance(line, dict):
                found[charge] = shapes.fee_line(line)
        return found

    # --- being told -------------------------------------------------------------------------------------------------

    def read_event(self, raw_body: bytes, headers: Mapping[str, str], mode: str) -> ProviderEvent:
        """Checks and reads a webhook. Asks nobody, so it may be called inside a transaction."""
        moment = int(now().timestamp())
        check_signature(raw_body, headers, "stripe-signature", self._secrets, moment)
        return self.parse_event(raw_body, mode)

    def parse_event(self, raw_body: bytes, mode: str) -> ProviderEvent:
        """Reads an event whose signature was checked when it came in. Asks nobody."""
        body = read_json_object(raw_body)
        if mode != self.mode or body.get("livemode") is not (mode == "live"):
            raise SignatureRefused("The event belongs to the other mode.")
        try:
            return shapes.event(self.name, mode, body)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise SignatureRefused("The body is no event we can read.") from error

    # --- asking, and what went wrong --------------------------------------------------------------------------------

    def _make(self, what: str, params: Mapping[str, Any], reference: str) -> dict[str, Any]:
        """Create, once for each reference however often it is asked."""
        return self._ask("post", what, **params, idempotency_key=reference)

    def _upload(self, name: str, data: bytes, purpose: str, reference: str) -> str:
        """Files have an address of their own, and a shape of their own on the way there."""
        params: Any = {"purpose": purpose, "file": as_file(name, data)}
        try:
            return self._client.v1.files.create(params, {"idempotency_key": reference}).id
        except stripe.StripeError as error:
            raise _translated(error) from error

    def _read(self, what: str, **params: Any) -> dict[str, Any]:
        return self._ask("get", what, **params)

    def _ask(self, method: str, what: str, **params: Any) -> dict[str, Any]:
        """The answer as it came. The SDK's own objects would take longer to make than everything else a payment needs."""
        try:
            answer: dict[str, Any] = self._client.raw_request(method, f"/v1/{what}", **params).data
        except stripe.StripeError as error:
            raise _translated(error) from error
        return answer


def offers_of(kinds: Iterable[str]) -> tuple[Offer, ...]:
    """The offers behind these payment method types; a name we have no offer for is passed over."""
    wanted = frozenset(kinds)
    return tuple(offer for offer in OFFERS if offer.kind in wanted)


def _path(identity: str) -> str:
    """As a part of an address."""
    return quote(identity, safe="")


def _role(identity: str) -> str:
    return "payment_intent" if identity.startswith("pi_") else "charge"


def _translated(error: stripe.StripeError) -> ProviderError:
    """The SDK's errors in the contract's words. In doubt the effect is unknown, never denied."""
    code, message = getattr(error, "code", None), error.user_message or "The provider gave no reason."
    if isinstance(error, stripe.RateLimitError) or error.http_status in (409, 429):
        return ProviderBusy(message, same_request=error.http_status == 409)
    if isinstance(error, stripe.APIConnectionError):
        return ProviderUnreachable(message, effect_unknown=not _never_sent(error))
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        # A wrong or withdrawn key says nothing about this payment or refund: it waits until somebody mends the key.
        return ProviderUnreachable("The provider does not accept our key.", effect_unknown=False)
    if error.http_status is None or error.http_status >= 500 or isinstance(error, stripe.APIError):
        replayed = {name.lower(): value for name, value in (error.headers or {}).items()}.get("idempotent-replayed")
        return ProviderUnreachable(message, effect_unknown=True, kept=replayed == "true")
    if isinstance(error, stripe.IdempotencyError):
        return ProviderRefused("idempotency_error", message)
    if isinstance(error, stripe.CardError) and error.error is not None:
        said = (error.json_body or {}).get("error") or {}
        return CardRefused(error.error.decline_code or code or "declined", message, said.get("payment_intent"))
    return ProviderRefused(code or type(error).__name__, message)


def _never_sent(error: BaseException) -> bool:
    """Whether the line was never made, so that nothing can have happened."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ in ("NewConnectionError", "ConnectTimeout", "ConnectTimeoutError", "NameResolutionError"):
            return True
        reason = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else getattr(seen, "reason", None)
        seen = seen.__cause__ or seen.__context__ or (reason if isinstance(reason, BaseException) else None)
    return False
