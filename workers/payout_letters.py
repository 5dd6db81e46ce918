"""What the letters about payouts are written from, and those about what a seller owes and pays back."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.notifications.models import Message
from core.payments.refund_books import debt_of
from core.payments.repaid import get_repayment
from core.payments.reserve_rules import get_rule, rule_of
from core.payouts.accounts import get_account
from core.payouts.queries import account_of, get_payout
from core.payouts.reasons import reason_of
from core.web import addresses
from workers.letter import NoLongerTrue


def payout(vendor: Vendor, message: Message) -> dict[str, Any]:
    """One that has left, or one that did not arrive; not written when it is neither by now."""
    found = get_payout(vendor, message.mode, message.params["payout"])
    if (message.kind == "payout_paid") != (found.state == "paid"):
        raise NoLongerTrue(f"the payout is {found.state} by now")
    where = addresses.portal_payout(found.public_id, message.mode, vendor)
    facts = {"payout": found, "account": account_of(vendor, found), "practice": message.mode == "test", "action_url": where}
    return facts | ({"why_not": reason_of(found.failure_reason)} if message.kind == "payout_failed" else {})


def account(vendor: Vendor, message: Message) -> dict[str, Any]:
    """Another bank account was entered."""
    found = get_account(vendor, message.mode, message.params["account"])
    return {"account": found, "practice": message.mode == "test", "action_url": addresses.portal_payouts(message.mode, vendor)}


def reserve(vendor: Vendor, message: Message) -> dict[str, Any]:
    """What is kept aside of the vendor's sales is another part from now on; not written when it has changed again since."""
    found = get_rule(vendor, message.mode, message.params["rule"])
    if rule_of(vendor.id, message.mode).version != found.version:
        raise NoLongerTrue("another rule counts by now")
    return {"rule": found, "practice": message.mode == "test", "action_url": addresses.portal_reserve(message.mode, vendor)}


def repayment(vendor: Vendor, message: Message) -> dict[str, Any]:
    """A transfer of the seller's own paid back what they owed, or the bank has taken it back: with what is owed now."""
    found = get_repayment(vendor, message.mode, message.params["line"])
    currency = found.total.currency
    return {
        "repayment": found, "owed": debt_of(vendor.id, message.mode, currency), "practice": message.mode == "test",
        "action_url": addresses.portal_owed(currency, message.mode, vendor),
    }  # fmt: skip
