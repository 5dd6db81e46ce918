"""Test mode's short cut: a published test card tried on an open attempt without anybody typing it, and a message ordered to come late."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from core.kernel.config import settings
from core.kernel.db import assert_no_transaction
from core.providers.contract import ProviderUnreachable
from core.providers.registry import provider_named

# What one may try -> the processor's published name for the card that does it.
CARDS = {
    "approve": "pm_card_visa",
    "decline": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "challenge": "pm_card_threeDSecure2Required",
    "late": "pm_card_visa",
}
LATE_SECONDS = 20
SECONDS = 10  # for an answer of the sandbox


@runtime_checkable
class TriesCards(Protocol):
    """A provider whose test mode takes published cards by their names."""

    def try_published_card(self, provider_reference: str, card: str, return_url: str) -> str | None:
        """Confirms the open attempt with it; the address of the bank's question, where there is one."""


def can_practise(provider: str, mode: str) -> bool:
    return mode == "test" and isinstance(provider_named(provider, mode), TriesCards)


def can_come_late(provider: str) -> bool:
    """Only our own processor takes orders about its messages."""
    return provider == "sandbox"


def practise(provider: str, provider_reference: str, scenario: str, *, return_url: str) -> str | None:
    """Carry the scenario out. Nothing is settled by it: what became of the attempt is asked for and told as always.

    Answers the address the payer has to go to, if their bank asks them. A card that says no is no error here.
    """
    assert_no_transaction()
    if scenario == "late" and can_come_late(provider):
        _come_late(provider_reference)
    wanted = provider_named(provider, "test")
    if not isinstance(wanted, TriesCards):
        raise ProviderUnreachable("This provider takes no published cards.", effect_unknown=False)
    return wanted.try_published_card(provider_reference, CARDS[scenario], return_url)


def decide_dispute(provider_reference: str, outcome: str) -> None:
    """Be the payer's bank: won, lost, closed, or again. Nothing is settled by it: what was decided is told as always."""
    assert_no_transaction()
    _order("disputes", {"dispute": provider_reference, "outcome": outcome})


def open_dispute(charge: str, *, reason: str, days: int = 7) -> str:
    """Be a card holder who asks their bank for the money back; answers the processor's name for it."""
    assert_no_transaction()
    return str(_order("disputes", {"charge": charge, "reason": reason, "due_seconds": days * 86_400})["id"])


def stop_clock(at: datetime | None) -> None:
    """Have all that happens there from now on be of this instant, which has passed; None lets its clock go again."""
    assert_no_transaction()
    _order("clock", {"at": at and int(at.timestamp())})


def _come_late(provider_reference: str) -> None:
    """Have the messages about this one payment sent later."""
    _order("stories", {"story": "webhook_late", "seconds": LATE_SECONDS, "subject": provider_reference})


def _order(what: str, body: dict[str, str | int | None]) -> dict[str, Any]:
    """What no real processor would take."""
    request = urllib.request.Request(
        f"{settings().sandbox_url}/_sandbox/{what}",
        method="POST",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {settings().secrets['sandbox_api_key']}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            told: dict[str, Any] = json.loads(answer.read())
    except (urllib.error.URLError, OSError) as problem:
        raise ProviderUnreachable("The practice processor cannot be reached just now.", effect_unknown=False) from problem
    return told
