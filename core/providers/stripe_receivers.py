"""Sellers' own accounts at Stripe (Connect): opened and completed there, transfers to them and back, and payouts from them to a bank."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from core.kernel.db import assert_no_transaction
from core.kernel.money import Money
from core.providers.contract import ProviderRefused
from core.providers.exponents import from_gateway, to_gateway
from core.providers.receivers import MoveOutcome, MoveToReceiver, OpenReceiver, PayOutOutcome, ReceiverBank, ReceiverOutcome
from core.providers.signature import text_map
from core.providers.stripe_lists import rows, whole

Wire = dict[str, Any]
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
        return self._receiver(self._make("accounts", params, wish.reference))

    def receiver_page(self, receiver: str, return_url: str, again_url: str) -> str:
        """An account link for onboarding."""
        assert_no_transaction()
        link = self._ask("post", "account_links", account=receiver, type="account_onboarding", return_url=return_url, refresh_url=again_url)
        return str(link["url"])

    def inquire_receiver(self, receiver: str) -> ReceiverOutcome:
        """Reads the account with its bank accounts."""
        assert_no_transaction()
        return self._receiver(self._read(f"accounts/{_path(receiver)}"))

    def _receiver(self, account: Wire) -> ReceiverOutcome:
        path = f"accounts/{_path(account['id'])}/external_accounts"
        return receiver_outcome(account, whole(self._read, path, account.get("external_accounts")))

    def move_to_receiver(self, wish: MoveToReceiver) -> MoveOutcome:
        """A transfer; its group is our reference, so that it is found without its name."""
        assert_no_transaction()
        params = {
            "amount": to_gateway(wish.amount), "currency": wish.amount.currency.lower(), "destination": wish.receiver,
            "transfer_group": wish.reference, "description": wish.description[:200], "metadata": {**wish.metadata, "reference": wish.reference},
        }  # fmt: skip
        return self._moved(self._make("transfers", params, wish.reference))

    def find_move(self, reference: str) -> MoveOutcome | None:
        """By its group."""
        assert_no_transaction()
        found = next(rows(self._read, "transfers", transfer_group=reference), None)
        return self._moved(found) if found else None

    def _moved(self, transfer: Wire) -> MoveOutcome:
        path = f"transfers/{_path(transfer['id'])}/reversals"
        return move_outcome(transfer, whole(self._read, path, transfer.get("reversals")))

    def take_back(self, reference: str, move: str, amount: Money) -> MoveOutcome:
        """A reversal, and then the transfer as it stands."""
        assert_no_transaction()
        path = f"transfers/{_path(move)}"
        transfer = self._read(path)
        metadata = {**text_map(transfer.get("metadata")), "reference": reference}
        made = self._make(f"{path}/reversals", {"amount": to_gateway(amount), "metadata": metadata}, reference)
        after = self._moved(self._read(path))
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
        """Looks through the account's payouts for our reference, the newest first; all of them before it says that there is none."""
        assert_no_transaction()
        for payout in rows(self._read, "payouts", stripe_account=receiver):
            if (payout.get("metadata") or {}).get("reference") == reference:
                return pay_out_outcome(payout)
        return None


def receiver_outcome(account: Wire, external: list[Wire]) -> ReceiverOutcome:
    """An account as it stands, with all the bank accounts and cards that may be paid out to."""
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
        for one in _paid_out_to(external).values()
        if one.get("object") == "bank_account"
    }
    return ReceiverOutcome(
        state, account["id"], banks, len(due), reason[:60] if state != "ready" else "", text_map(account.get("metadata"))
    )


def _paid_out_to(external: list[Wire]) -> dict[str, Wire]:
    """What each currency is paid out to: the one that is marked so. Where none is, the newest bank account."""
    marked = [one for one in external if one.get("default_for_currency")]
    others = [one for one in external if not one.get("default_for_currency") and one.get("object") == "bank_account"]
    return {str(one["currency"]): one for one in reversed([*marked, *others])}


def move_outcome(transfer: Wire, backs: list[Wire]) -> MoveOutcome:
    """A transfer as it stands, with all that was taken back of it, the newest first: ours is named before what somebody took by hand."""
    code = transfer["currency"]
    back = next((one for one in backs if (one.get("metadata") or {}).get("reference")), backs[0] if backs else None)
    whose = str(back["id"]) if back else ""
    return MoveOutcome(transfer["id"], from_gateway(transfer["amount"], code), from_gateway(transfer["amount_reversed"], code), whose)


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
