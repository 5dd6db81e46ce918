"""Secrets that somebody else chose and that we have to give out again: encrypted under a key that stands in no database.

A secret of our own is not kept at all but worked out (core/kernel/keyed.py); one that was given to us cannot be.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from core.kernel.keyed import derive, key_ids

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes


def seal(purpose: str, told: bytes, *whose: bytes) -> tuple[str, bytes]:
    """The name of the key that counts now, and what is kept. `whose` names the row: put into another one, it opens no more."""
    key_id, nonce = key_ids()[0], secrets.token_bytes(NONCE)
    return key_id, nonce + _cipher(purpose, key_id, whose).encrypt(nonce, told, None)


def unseal(purpose: str, key_id: str, kept: bytes, *whose: bytes) -> bytes:
    """What was sealed. KeyError for a key that is gone, ValueError for what is not as it was sealed, or not for this row."""
    from cryptography.exceptions import InvalidTag

    try:
        return _cipher(purpose, key_id, whose).decrypt(kept[:NONCE], kept[NONCE:], None)
    except (InvalidTag, ValueError):  # the second for what is shorter than a nonce
        raise ValueError(f"what was sealed as {purpose} was altered, or belongs to another row") from None


def _cipher(purpose: str, key_id: str, whose: tuple[bytes, ...]) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # megabytes, loaded when there is something to seal

    return AESGCM(derive(purpose, key_id, *whose))
