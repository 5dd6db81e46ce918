"""Secrets of endpoints and what is signed with them: one secret, two kinds of signature on every delivery.

Standard Webhooks signs `id.timestamp.body` with the bytes behind `whsec_`; the other face signs `timestamp.body` with the secret as it is
written. A verifier of either kind is content.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from core.hooks.models import HookSecret
from core.kernel.clock import now
from core.kernel.keyed import derive, key_ids

PREFIX = "whsec_"
BYTES = 24
OTHER_FACE = "Portal-Signature"


def new_salt() -> tuple[str, bytes]:
    """The key a new secret follows from, and its salt."""
    return key_ids()[0], secrets.token_bytes(32)


def secret_text(row: HookSecret) -> str:
    """The secret as its owner was shown it: worked out, for it is kept nowhere."""
    made = derive("hook-secret", row.key_id, row.vendor_id.bytes, row.mode.encode(), row.endpoint_id.bytes, row.salt)
    return PREFIX + base64.b64encode(made[:BYTES]).decode()


def counting(rows: Sequence[HookSecret]) -> list[str]:
    """The secrets that sign just now, the newest first."""
    return [secret_text(row) for row in sorted(rows, key=lambda row: -row.number) if row.ends_at is None or row.ends_at > now()]


def headers(keys: Sequence[str], message_id: str, at: int, body: bytes) -> dict[str, str]:
    """What goes with these very bytes. `at` is in seconds; each secret signs for itself, so that old and new verifiers both find theirs."""
    told, other = f"{message_id}.{at}.".encode() + body, f"{at}.".encode() + body
    standard = [base64.b64encode(hmac.digest(base64.b64decode(key.removeprefix(PREFIX)), told, hashlib.sha256)).decode() for key in keys]
    whole = [hmac.digest(key.encode(), other, hashlib.sha256).hex() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{one}" for one in standard),
        OTHER_FACE: ",".join([f"t={at}", *(f"v1={one}" for one in whole)]),
    }
