"""Statements for others: what we say about something, as a JWT under an Ed25519 signature (RFC 8037) that anybody checks with our public keys.

A token (core/kernel/signing.py) is for ourselves to read and says nothing to anybody else; a statement says all it says in plain JSON, and
whoever has our public keys needs to ask nobody whether it is ours. It tells how things stood at the moment in `iat`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import TYPE_CHECKING, Any

from core.kernel.clock import now
from core.kernel.config import settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KIND, ALGORITHM = "statement+jwt", "EdDSA"
_SHAPE = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{86}")


class NotOurs(Exception):
    """`altered`: it names a key of ours, and is not what that key signed. Otherwise it names none of ours."""

    def __init__(self, *, altered: bool) -> None:
        super().__init__("altered" if altered else "unknown")
        self.altered = altered


def private_key(seed: bytes) -> Ed25519PrivateKey:
    """The key that these 32 bytes are; whoever has them can sign."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # megabytes, loaded with the first signature

    return Ed25519PrivateKey.from_private_bytes(seed)


@cache
def _private(key: str) -> Ed25519PrivateKey:
    return private_key(urlsafe_b64decode(key + "="))


def public_keys() -> dict[str, list[dict[str, str]]]:
    """The public half of every key of the ring, the one that signs first, as a JSON Web Key Set (RFC 7517)."""
    from jwt.algorithms import OKPAlgorithm

    ring = settings().secrets["statement_keys"]
    shapes = [(key["kid"], OKPAlgorithm.to_jwk(_private(key["key"]).public_key(), as_dict=True)) for key in ring]
    return {"keys": [{**shape, "kid": kid, "alg": ALGORITHM, "use": "sig"} for kid, shape in shapes]}


def attest(subject: str, facts: dict[str, Any]) -> str:
    """What is said of `subject`, signed with the newest key. `facts` are plain JSON; who says it and when stands beside them."""
    import jwt

    newest = settings().secrets["statement_keys"][0]
    claims = {"iss": settings().public_url, "sub": subject, "iat": int(now().timestamp()), **facts}
    return jwt.encode(claims, _private(newest["key"]), algorithm=ALGORITHM, headers={"kid": newest["kid"], "typ": KIND})


def looks_attested(text: str) -> bool:
    """Whether it has the shape of a statement, whoever made it."""
    return bool(_SHAPE.fullmatch(text))


def read_attested(text: str) -> dict[str, Any]:
    """What a statement of ours says. Raises NotOurs for whatever no key of the ring has signed, letter by letter."""
    import jwt

    try:
        header = jwt.get_unverified_header(text)
    except jwt.InvalidTokenError:
        raise NotOurs(altered=False) from None
    found = next((key for key in settings().secrets["statement_keys"] if key["kid"] == header.get("kid")), None)
    if found is None:
        raise NotOurs(altered=False)
    try:
        claims: dict[str, Any] = jwt.decode(
            text, _private(found["key"]).public_key(), algorithms=[ALGORITHM], issuer=settings().public_url, options={"require": ["sub", "iat"], "verify_iat": False}
        )  # fmt: skip
    except jwt.InvalidTokenError:
        raise NotOurs(altered=True) from None
    if header.get("typ") != KIND or not _as_issued(text):
        raise NotOurs(altered=True)
    return claims


def _as_issued(text: str) -> bool:
    """Base64 has several spellings of the same bytes; only the one we issued is ours."""
    signature = text.rpartition(".")[2]
    return urlsafe_b64encode(urlsafe_b64decode(signature + "==")).rstrip(b"=").decode() == signature
