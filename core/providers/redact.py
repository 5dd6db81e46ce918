"""A provider's event made fit to be looked at: its shape and its facts stay, keys and what belongs to a person's private life do not."""

from __future__ import annotations

import json
import re
from typing import Any

from core.kernel.logs import SECRETS

HIDDEN = "•••"

SECRET = re.compile(r"secret|token|password|fingerprint|signature|api_key|authorization|cvc|cvv", re.I)
PRIVATE = frozenset(
    {
        "line1",
        "line2",
        "postal_code",
        "city",
        "phone",
        "ip",
        "ip_address",
        "user_agent",
        "tax_id",
        "tax_ids",
        "iban",
        "account_number",
        "number",
    }
)
NAMES = frozenset({"name", "email", "receipt_email", "customer_email", "cardholder_name"})
ADDRESS = re.compile(r"[^\s@\"<>]{1,64}@[^\s@\"<>]{1,190}")
CARD_NUMBER = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")
KEYS = re.compile(rf"\b(?:sk|rk|whsec|pi|seti|cs)_[A-Za-z0-9_]*secret[A-Za-z0-9_]*|{SECRETS.pattern}")
DEEPEST = 40


def redacted(raw: str) -> str:
    """The event as indented JSON with HIDDEN in the place of what is nobody's business. What is no JSON is hidden whole."""
    try:
        return json.dumps(_walk(json.loads(raw), 0), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return HIDDEN


def redacted_text(text: str) -> str:
    """A line of free text, such as an error, without keys, addresses and card numbers."""
    return KEYS.sub(HIDDEN, CARD_NUMBER.sub(HIDDEN, ADDRESS.sub(HIDDEN, text)))


def _walk(value: Any, depth: int, name: str = "") -> Any:
    if depth > DEEPEST:
        return HIDDEN
    if isinstance(value, dict):
        return {key: HIDDEN if _hides(key, inner) else _walk(inner, depth + 1, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, depth + 1, name) for inner in value]
    if isinstance(value, str):
        return redacted_text(value)
    return value


def _hides(key: str, value: Any) -> bool:
    """Whether this whole entry is left out. An empty one says nothing and may be seen."""
    return value not in (None, "", [], {}) and (bool(SECRET.search(key)) or key.lower() in PRIVATE or key.lower() in NAMES)
