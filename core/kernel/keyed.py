"""Values that only this installation can work out: from a key that stands in no database, and a salt that does."""

from __future__ import annotations

import hashlib
import hmac

from core.kernel.config import settings


def key_ids() -> list[str]:
    """The keys there are, the newest first: that one is for what is made now, the others for what was made earlier."""
    return [key["kid"] for key in settings().secrets["factor_keys"]]


def has_key(key_id: str) -> bool:
    """Whether a key is still there: what follows from one that is gone cannot be worked out by anybody."""
    return key_id in key_ids()


def derive(purpose: str, key_id: str, *parts: bytes) -> bytes:
    """32 bytes that follow from the key and these parts, and tell nothing about either. KeyError for a key that is gone.

    HMAC-SHA256, with the length of each part before it, so that no two lists of parts are read as the same bytes.
    """
    key = next((key["key"] for key in settings().secrets["factor_keys"] if key["kid"] == key_id), None)
    if key is None:
        raise KeyError(f"the key {key_id} is not in the file of secrets any more")
    told = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose.encode(), *parts))
    return hmac.new(key.encode(), told, hashlib.sha256).digest()
