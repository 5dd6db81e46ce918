"""The address to which a letter comes back: it names the letter under our signature, so nobody else can say that it came back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid

from core.kernel.config import settings

PURPOSE = b"portal/letter-came-back/1"
SIGNED = 10  # bytes of the signature: guessing one letter's takes 2^79 reports
# 26 bytes in letters that survive a mail server which writes everything small, and that fit before the @ beside a name of our own.
NAME = re.compile(r"(?<![a-z0-9])[a-z2-7]{42}(?![a-z0-9])")
MOST_NAMES = 20  # looked at in one report


def letter_name(message_id: uuid.UUID) -> str:
    """The letter's name outside: in its return address and in a header that travels with it."""
    return _written(message_id.bytes + _signature(settings().secrets["signing_keys"][0]["key"], message_id.bytes))


def return_address(message_id: uuid.UUID) -> str:
    """Where it comes back to; empty where no such address was set up, and then the mail server writes to MAIL_FROM."""
    name, _, domain = settings().mail_return.partition("@")
    return f"{name}+{letter_name(message_id)}@{domain}" if domain else ""


def read_letter_name(name: str) -> uuid.UUID | None:
    """The letter that we named so; None for anything that we did not sign."""
    try:
        raw = base64.b32decode(name.upper() + "=" * (-len(name) % 8))
    except ValueError:
        return None
    letter, signature = raw[:-SIGNED], raw[-SIGNED:]
    if len(letter) != 16 or _written(raw) != name:
        return None
    mine = (hmac.compare_digest(_signature(key["key"], letter), signature) for key in settings().secrets["signing_keys"])
    return uuid.UUID(bytes=letter) if any(list(mine)) else None


def names_in(text: str) -> list[str]:
    """What looks like such a name in an address or a header."""
    return NAME.findall(text[:2000].lower())[:MOST_NAMES]


def _signature(key: str, letter: bytes) -> bytes:
    derived = hmac.digest(key.encode(), PURPOSE, hashlib.sha256)
    return hmac.digest(derived, letter, hashlib.sha256)[:SIGNED]


def _written(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
