"""Sellers' own accounts at Stripe (Connect): opened and completed there, transfers to them and back, and payouts from them to a bank."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from core.kernel.db import assert_no_transaction
from core.kernel.money import Money
from core.providers.contract import ProviderRefused, ProviderUnreachable
from core.providers.exponents import from_gateway, to_gateway
from core.providers.receivers import MoveOutcome, MoveToReceiver, OpenReceiver, PayOutOutcome, ReceiverBank, ReceiverOutcome
from core.providers.signature import text_map

Wire = dict[str, Any]
MOST_PAYOUTS_SEARCHED = 300
_CLOSED = ("rejected.", "listed", "platform_paused", "other")  # what a seller cannot mend by entering something
_PAY_OUT_STATES = {"pending": "pending", "in_transit": "pending", "paid": "paid", "failed": "failed", "canceled": "canceled"}


class Receivers(ABC):
    """The part of the adapter about sellers' accounts; the adapter itself says how anything is asked."""

    mode: str

    @abstractmethod
    def _make(self, what: str, params: Mapping[str, Any], reference: str) -> Wire:
        """Makes something, once for each reference."""

    @abstractmethod
    def _read(self, what: str, **params: Any) -> Wire:
        """Reads something."""

    @abstractmethod
    def _ask(self, method: str, what: str, **params: Any) -> Wire:
        """Anything else."""

    @abstractmethod
    def _check_mode(self, mode: str) -> None:
        """Refuses what belongs to the other mode."""

    def open_receiver(self, wish: OpenReceiver) -> ReceiverOutcome:
        """An Express account that takes transfers and pays out when it is told to."""
        assert_no_transaction()
        self._check_mode(wish.mode)
        params = {
            "type": "express", "country": wish.country, "email": wish.email, "metadata": dict(wish.metadata),
            "capabilities": {"transfers": {"requested": True}}, "settings": {"payouts": {"schedule": {"interval": "manual"}}},
        }  # fmt: skip
        return receiver_outcome(self._make("accounts", params, wish.reference))

    def receiver_page(self, receiver: str, return_url: str, again_url: str) -> str:
        """An account link for onboarding."""
        assert_no_transaction()
        link = self._ask("post", "account_links", account=receiver, type="account_onboarding", return_url=return_url, refresh_url=again_url)
        return str(link["url"])

    def inquire_receiver(self, receiver: str) -> ReceiverOutcome:
        """Reads the account with its bank accounts."""
        assert_no_transaction()
        return receiver_outcome(self._read(f"accounts/{_path(receiver)}"))

    def move_to_receiver(self, wish: MoveToReceiver) -> MoveOutcome:
        """A transfer; its group is our reference, so that it is found without its name."""
        assert_no_transaction()
        params = {
            "amount": to_gateway(wish.amount), "currency": wish.amount.currency.lower(), "destination": wish.receiver,
            "transfer_group": wish.reference, "description": wish.description[:200], "metadata": {**wish.metadata, "reference": wish.reference},
        }  # fmt: skip
        return move_outcome(self._make("transfers", params, wish.reference))

    def find_move(self, reference: str) -> MoveOutcome | None:
        """By its group."""
        assert_no_transaction()
        found = self._read("transfers", transfer_group=reference, limit=1)["data"]
        return move_outcome(found[0]) if found else None

    def take_back(self, reference: str, move: str, amount: Money) -> MoveOutcome:
        """A reversal, and then the transfer as it stands."""
        assert_no_transaction()
        path = f"transfers/{_path(move)}"
        whole = self._read(path)
        metadata = {**text_map(whole.get("metadata")), "reference": reference}
        made = self._make(f"{path}/reversals", {"amount": to_gateway(amount), "metadata": metadata}, reference)
        after = move_outcome(self._read(path))
        return MoveOutcome(after.provider_reference, after.amount, after.taken_back, str(made["id"]))

    def pay_out(self, reference: str, receiver: str, amount: Money, metadata: Mapping[str, str]) -> PayOutOutcome:
        """A payout in the account's own name."""
        assert_no_transaction()
        params = {"amount": to_gateway(amount), "currency": amount.currency.lower(), "metadata": {**metadata, "reference": reference}}
        return pay_out_outcome(self._ask("post", "payouts", **params, idempotency_key=reference, stripe_account=receiver))

    def inquire_pay_out(self, receiver: str, provider_reference: str) -> PayOutOutcome:
        """Reads the payout in the account's own name."""
        assert_no_transaction()
        return pay_out_outcome(self._ask("get", f"payouts/{_path(provider_reference)}", stripe_account=receiver))

    def find_pay_out(self, reference: str, receiver: str) -> PayOutOutcome | None:
        """Looks through the account's latest payouts for our reference. Raises ProviderUnreachable when there are more than it looks through."""
        assert_no_transaction()
        params: Wire = {"limit": 100, "stripe_account": receiver}
        for _ in range(MOST_PAYOUTS_SEARCHED // 100):
            page = self._ask("get", "payouts", **params)
            for payout in page["data"]:
                if (payout.get("metadata") or {}).get("reference") == reference:
                    return pay_out_outcome(payout)
            if not page["has_more"]:
                return None
            params["starting_after"] = page["data"][-1]["id"]
        raise ProviderUnreachable("The account has more payouts than are looked through.", effect_unknown=True)


def receiver_outcome(account: Wire) -> ReceiverOutcome:
    """An account as it stands."""
    asked, reason = account.get("requirements") or {}, str((account.get("requirements") or {}).get("disabled_reason") or "")
    transfers = (account.get("capabilities") or {}).get("transfers")
    due = {*(asked.get("currently_due") or ()), *(asked.get("past_due") or ())}
    if reason.startswith(_CLOSED):
        state = "restricted"
    elif account.get("payouts_enabled") and transfers == "active":
        state = "ready"
    else:
        state = "to_complete" if due or not account.get("details_submitted") else "under_review"
    banks = {
        str(one["currency"]).upper(): ReceiverBank(str(one.get("last4") or "")[-4:], str(one.get("fingerprint") or one["id"])[:60])
        for one in reversed(((account.get("external_accounts") or {}).get("data")) or [])
        if one.get("object") == "bank_account"
    }
    return ReceiverOutcome(
        state, account["id"], banks, len(due), reason[:60] if state != "ready" else "", text_map(account.get("metadata"))
    )


def move_outcome(transfer: Wire) -> MoveOutcome:
    """A transfer as it stands."""
    code = transfer["currency"]
    backs = (transfer.get("reversals") or {}).get("data") or []
    newest = str(backs[0]["id"]) if backs else ""
    return MoveOutcome(transfer["id"], from_gateway(transfer["amount"], code), from_gateway(transfer["amount_reversed"], code), newest)


def pay_out_outcome(payout: Wire) -> PayOutOutcome:
    """A payout as it stands."""
    trace = payout.get("trace_id") or {}
    return PayOutOutcome(
        _PAY_OUT_STATES.get(payout["status"], "unknown"),
        payout["id"],
        from_gateway(payout["amount"], payout["currency"]),
        str(payout.get("failure_code") or "")[:60],
        str((trace.get("value") if isinstance(trace, dict) else "") or "")[:60],
    )


def _path(identity: str) -> str:
    if not identity:
        raise ProviderRefused("resource_missing", "There is nothing without a name.")
    return quote(identity, safe="")
