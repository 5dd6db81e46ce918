"""Identifiers: time-ordered UUIDs for rows, prefixed random ones for everything an outsider may see."""

from __future__ import annotations

import os
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

from core.kernel.clock import now

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
VERSION_7, VARIANT = 7 << 12, 2 << 62  # what stands in the fixed bits of the upper and of the lower half
RANDOM = (1 << 62) - 1  # which of the lower half are drawn

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Crockford's alphabet: no I, L, O or U, so a reference survives being read out on the telephone.
_SPOKEN = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SPARE = 10  # bytes beyond those that are needed: of base62 one in 32 is left out


def uuid7() -> uuid.UUID:
    """A UUID version 7 (RFC 9562) by the injected clock: 48 bits of milliseconds, 12 of the part of one (method 3), then 62 random bits.

    So what one process makes one after the other stands in that order, also within a millisecond.
    """
    milliseconds, rest = divmod((now() - EPOCH) // MICROSECOND, 1000)
    head = milliseconds << 16 | VERSION_7 | rest * 4096 // 1000
    return uuid.UUID(int=head << 64 | VARIANT | int.from_bytes(os.urandom(8)) & RANDOM)


def made_at(row: uuid.UUID) -> datetime:
    """The instant, to the millisecond, at which a UUID version 7 of ours was made."""
    return EPOCH + timedelta(milliseconds=row.int >> 80)


def first_id_at(at: datetime) -> uuid.UUID:
    """The smallest identifier of a row made at or after the millisecond of an instant."""
    return uuid.UUID(int=min(max((at - EPOCH) // MICROSECOND // 1000, 0), 2**48 - 1) << 80)


def _random_text(alphabet: str, length: int) -> str:
    """So many signs, each as likely as any other: each random byte is one, and those that would favour the first signs are left out."""
    signs, left_out = _table(alphabet)
    text = b""
    while len(text) < length:
        text += secrets.token_bytes(length + SPARE).translate(signs, left_out)
    return text[:length].decode()


@cache
def _table(alphabet: str) -> tuple[bytes, bytes]:
    """Which sign each byte stands for, and which bytes stand for none."""
    fair = 256 - 256 % len(alphabet)
    return bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256)), bytes(range(fair, 256))


def public_id(prefix: str) -> str:
    """`prefix_` and 22 base62 characters (131 random bits)."""
    return f"{prefix}_{_random_text(_BASE62, 22)}"


def named_id(prefix: str, name: str) -> str:
    """The public id of what has a name of its own: the same name gives the same id, so what is made twice is made once."""
    number, signs = int.from_bytes(sha256(name.encode()).digest(), "big"), ""
    for _ in range(22):
        number, sign = divmod(number, len(_BASE62))
        signs += _BASE62[sign]
    return f"{prefix}_{signs}"


def is_public_id(prefix: str, text: str) -> bool:
    """Whether we could have issued this. What we could not is not asked of the database, which refuses some texts outright."""
    return text.startswith(f"{prefix}_") and len(text) == len(prefix) + 23 and set(text[len(prefix) + 1 :]) <= set(_BASE62)


def spoken_reference() -> str:
    """Ten characters in two groups, for people: `7K3F9-QX2MA`. 50 random bits; unique within one vendor's book."""
    text = _random_text(_SPOKEN, 10)
    return f"{text[:5]}-{text[5:]}"
