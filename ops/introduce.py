"""Tells the sandbox where an account's signed webhooks go (the copy of the portal that asked last hears), and asks for its bank accounts."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from typing import Any

from ops.say import Stopped


def _ask(method: str, address: str, api_key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        address,
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        result: dict[str, Any] = json.load(answer)
    return result


def register_webhook(sandbox_url: str, api_key: str, address: str, secret: str, events: Sequence[str]) -> None:
    """Set the account's one preset endpoint, and take down those of earlier addresses, which would be tried for days."""
    try:
        wish = {"api_key": api_key, "url": address, "secret": secret, "enabled_events": list(events)}
        kept = _ask("PUT", f"{sandbox_url}/_sandbox/webhook_endpoint", api_key, wish)
        listed = _ask("GET", f"{sandbox_url}/v1/webhook_endpoints?limit=100", api_key)
        for other in listed["data"]:
            if other["id"] != kept["id"] and other["metadata"].get("preset"):
                _ask("DELETE", f"{sandbox_url}/v1/webhook_endpoints/{other['id']}", api_key)
    except (OSError, ValueError, KeyError) as problem:
        raise Stopped(f"The sandbox at {sandbox_url} did not take our webhook address {address}: {problem}") from None


def rates_feed(sandbox_url: str) -> str:
    """Where the sandbox publishes reference rates, as RATES_URL wants it."""
    return f"{sandbox_url}/_sandbox/rates/eurofxref-hist-90d.xml"


def vat_registry(sandbox_url: str) -> str:
    """Where the sandbox plays the registry of VAT numbers, as VIES_URL wants it."""
    return f"{sandbox_url}/_sandbox/vies/rest-api"


def bank_accounts(sandbox_url: str, api_key: str) -> str:
    """The collecting accounts that the sandbox's bank keeps for this key, as BANK_TEST_ACCOUNTS wants them."""
    try:
        return json.dumps(_ask("GET", f"{sandbox_url}/_sandbox/bank/accounts", api_key)["accounts"])
    except (OSError, ValueError, KeyError) as problem:
        raise Stopped(f"The sandbox at {sandbox_url} did not name its bank accounts: {problem}") from None
