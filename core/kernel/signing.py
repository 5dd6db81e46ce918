"""Signed tokens: they prove that we issued an address and for what; whether it still counts is for the row to say."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TypeVar

from itsdangerous import BadData, Serializer, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import SigningAlgorithm

from core.kernel.clock import now
from core.kernel.config import settings

PURPOSES = (
    "link",
    "sending",
    "prefill",
    "payment",
    "receipt",
    "saving",
    "joining",
    "checkout",
    "membership",
    "email-verify",
    "password-reset",
    "invitation",
    "export",
    "payer",
    "closing",
    "letters",
    "claim",
)
UNADDRESSED = ("proof", "framed")  # stand in forms for minutes or hours and in no address, so nobody can ask about them at /verify
# A payload and the 43 signs of its signature; `.` in front says that the payload is compressed.
_SHAPE = re.compile(r"\.?[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{43}")
SKEW = timedelta(seconds=60)  # two machines' clocks may differ by this much without a fresh link looking expired


class TokenRefused(Exception):
    """A token that does not open anything. `reason` (bad, expired, foreign) is for our log, never for a stranger."""

    def __init__(self, reason: str, claims: Claims | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.claims = claims  # what an expired one said: its signature still stands


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says: whose it is, in which mode, which row it names, and until when it may be read at all."""

    vendor: str
    mode: str
    token_id: str
    expires_at: datetime


Kept = TypeVar("Kept", bound=Serializer[Any])
READ = 1024  # tokens whose signature a process remembers


class _InOneCall(SigningAlgorithm):
    """The same HMAC, without an object for each."""

    def __init__(self, digest: str) -> None:
        self.digest = digest

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, self.digest)


def keep_key(serializer: Kept) -> Kept:
    """The same serializer, which derives its key from the secret once instead of for every text it signs or reads."""
    signer = serializer.make_signer()
    derived = {key: signer.derive_key(key) for key in signer.secret_keys}
    newest = derived[signer.secret_keys[-1]]
    signer.algorithm = _InOneCall(signer.digest_method().name)
    signer.derive_key = lambda key=None: newest if key is None else derived[key]  # type: ignore[method-assign]

    def unsigners(salt: Any = None) -> Iterator[Signer]:
        yield signer

    serializer.make_signer = lambda salt=None: signer  # type: ignore[method-assign]
    serializer.iter_unsigners = unsigners  # type: ignore[method-assign]
    return serializer


class _Short(URLSafeSerializer):
    """Does not try to compress: of a hundred letters, most of them random, nothing comes off, and zlib clears a quarter of a megabyte to see that."""

    def dump_payload(self, obj: Any) -> bytes:
        return base64_encode(self.serializer.dumps(obj))

    def dump_compressed(self, obj: Any) -> bytes:
        """As tokens were written until November 2026: compressed where that gained a letter or two. Those are still good."""
        return super().dump_payload(obj)


@cache
def _serializer(key: str, purpose: str) -> _Short:
    made = _Short(key, salt=f"portal/{purpose}/1", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"})
    return keep_key(made)


def make_token(purpose: str, *, vendor: str, mode: str, token_id: str, expires_at: datetime) -> str:
    """Sign [key id, purpose, mode, vendor, token id, expiry] with the newest key. SHA-256; text is safe in a URL."""
    if purpose not in PURPOSES + UNADDRESSED:
        raise ValueError(f"no such purpose: {purpose}")
    newest = settings().secrets["signing_keys"][0]
    payload = [newest["kid"], purpose, mode, vendor, token_id, int(expires_at.timestamp())]
    return str(_serializer(newest["key"], purpose).dumps(payload))


def _as_issued(serializer: _Short, payload: list[Any], text: str) -> bool:
    """JSON has several spellings of the same content, and base64 of the same bytes; only the one we issued is ours."""
    body, _, signature = text.encode().rpartition(b".")
    written = serializer.dump_compressed if body.startswith(b".") else serializer.dump_payload
    return written(payload) == body and base64_encode(base64_decode(signature)) == signature


def read_token(purpose: str, text: str) -> Claims:
    """Check signature, key id, purpose, spelling and expiry. Raises TokenRefused; reads any key of the ring."""
    if len(text) > 1000 or not text.isascii():
        raise TokenRefused("bad")
    claims = _issued(purpose, text, tuple([(key["kid"], key["key"]) for key in settings().secrets["signing_keys"]]))
    if now() > claims.expires_at + SKEW:
        raise TokenRefused("expired", claims)
    return claims


@lru_cache(READ)
def _issued(purpose: str, text: str, ring: tuple[tuple[str, str], ...]) -> Claims:
    """What we said when we signed this, remembered: it is the same for ever. Whether it still counts is asked each time."""
    for kid, key in ring:
        serializer = _serializer(key, purpose)
        try:
            payload = serializer.loads(text)
        except (BadData, ValueError, RecursionError):
            continue
        if not isinstance(payload, list) or len(payload) != 6 or not _as_issued(serializer, payload, text):
            raise TokenRefused("bad")
        named, stated, mode, vendor, token_id, expiry = payload
        if named != kid or stated != purpose:
            raise TokenRefused("foreign")
        return Claims(vendor=vendor, mode=mode, token_id=token_id, expires_at=datetime.fromtimestamp(expiry, UTC))
    raise TokenRefused("bad")


@dataclass(frozen=True, slots=True)
class Examined:
    """What a text turned out to be that our signature stands under."""

    purpose: str
    claims: Claims
    expired: bool


def examine_token(text: str) -> Examined | None:
    """For whom and for what we issued this text, also when it has run out; None when it is not, letter by letter, one of ours.

    Every purpose and every key is tried, whichever fits: to look at a token takes as long as to look at any other.
    """
    found = None
    for purpose in PURPOSES:
        try:
            found = Examined(purpose, read_token(purpose, text), expired=False)
        except TokenRefused as refusal:
            if refusal.claims is not None:
                found = Examined(purpose, refusal.claims, expired=True)
    return found


def looks_like_token(text: str) -> bool:
    """Whether this has the shape of our tokens: one that was altered or cut short still has it. Needs no key and says nothing of any row."""
    if len(text) > 1000 or not text.isascii():
        return False
    if _SHAPE.fullmatch(text):
        return True
    body = text.rpartition(".")[0] or text
    try:
        payload = URLSafeSerializer("").load_payload(body.encode())
    except (BadData, ValueError, RecursionError):
        return False
    return isinstance(payload, list) and len(payload) == 6 and payload[1] in PURPOSES
