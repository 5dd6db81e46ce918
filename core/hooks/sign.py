"""Secrets of endpoints and what is signed with them: one secret and one pair of keys, three kinds of signature on every delivery.

Standard Webhooks signs `id.timestamp.body`, once with the bytes behind `whsec_` (v1) and once with a private key whose public half stands
behind `whpk_` (v1a): who checks with that one holds nothing with which deliveries could be made up. The other face signs `timestamp.body`
with the secret as it is written. A verifier of any kind is content.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.hooks.models import HookSecret
from core.kernel.attest import private_key
from core.kernel.clock import now
from core.kernel.keyed import derive, has_key, key_ids

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "whsec_"
PUBLIC_PREFIX = "whpk_"
BYTES = 24
OTHER_FACE = "Portal-Signature"


def new_salt() -> tuple[str, bytes]:
    """The key a new secret follows from, and its salt."""
    return key_ids()[0], secrets.token_bytes(32)


def secret_text(row: HookSecret) -> str:
    """The secret as its owner was shown it: worked out, for it is kept nowhere."""
    return PREFIX + base64.b64encode(_derived("hook-secret", row)[:BYTES]).decode()


def key_pair(row: HookSecret) -> Ed25519PrivateKey:
    """The private key beside the secret, which nobody is ever shown: its own, so that no delivery to one endpoint passes at another."""
    return private_key(_derived("hook-key", row))


def public_text(row: HookSecret) -> str:
    """Its public half, which is no secret, as Standard Webhooks writes it: whpk_ and the 32 bytes as base64."""
    return PUBLIC_PREFIX + base64.b64encode(key_pair(row).public_key().public_bytes_raw()).decode()


def _derived(purpose: str, row: HookSecret) -> bytes:
    return derive(purpose, row.key_id, row.vendor_id.bytes, row.mode.encode(), row.endpoint_id.bytes, row.salt)


def counting(rows: Sequence[HookSecret]) -> list[HookSecret]:
    """Those that sign just now, the newest first. One whose key is gone signs no more, and nobody can work it out."""
    return [
        row for row in sorted(rows, key=lambda row: -row.number) if (row.ends_at is None or row.ends_at > now()) and has_key(row.key_id)
    ]


def signed(rows: Sequence[HookSecret], message_id: str, at: int, body: bytes) -> dict[str, str]:
    """What goes with these very bytes, signed with the secrets and with the keys of these rows."""
    return headers([secret_text(row) for row in rows], message_id, at, body, [key_pair(row) for row in rows])


def headers(keys: Sequence[str], message_id: str, at: int, body: bytes, pairs: Sequence[Ed25519PrivateKey] = ()) -> dict[str, str]:
    """What goes with these very bytes. `at` is in seconds; each secret and each of `pairs` signs for itself, so that old and new verifiers
    both find theirs. The signatures with secrets come first."""
    told, other = f"{message_id}.{at}.".encode() + body, f"{at}.".encode() + body
    standard = [_v("v1", hmac.digest(base64.b64decode(key.removeprefix(PREFIX)), told, hashlib.sha256)) for key in keys]
    whole = [hmac.digest(key.encode(), other, hashlib.sha256).hex() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join([*standard, *(_v("v1a", pair.sign(told)) for pair in pairs)]),
        OTHER_FACE: ",".join([f"t={at}", *(f"v1={one}" for one in whole)]),
    }


def _v(version: str, signature: bytes) -> str:
    return f"{version},{base64.b64encode(signature).decode()}"
