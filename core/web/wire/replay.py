"""Idempotent replay: what a repeated key is answered, whatever store remembers it."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from core.web.wire.errors import WireError, bad_parameter

LONGEST_KEY = 255


@dataclass(frozen=True)
class Remembered:
    """The stored end of a request: its fingerprint, status and body bytes."""

    fingerprint: str
    status: int
    body: bytes


class ReplayStore(Protocol):
    """What a face must lend: `enter` is atomic, `remember` commits together with the effect it describes."""

    def enter(self, scope: str, key: str) -> bool:
        """Claims the key for this request; False when a twin holds it."""

    def leave(self, scope: str, key: str) -> None:
        """Gives the claim back, whatever happened."""

    def recall(self, scope: str, key: str) -> Remembered | None:
        """The stored end, if there is one."""

    def remember(self, scope: str, key: str, end: Remembered) -> None:
        """Keeps the end, in the transaction of the effect."""


def fingerprint(method, path, body):
    """One-way mark of a request: method, path and raw body."""
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).hexdigest()


def check_key(key):
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise bad_parameter(None, None, f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters.")
    return key


def replayed(store, scope, key, mark):
    """The remembered end of this very request, None for a first one; WireError 400 when the key belongs to another."""
    end = store.recall(scope, key)
    if end is not None and end.fingerprint != mark:
        raise WireError(
            400,
            "idempotency_error",
            "This Idempotency-Key was first used with other parameters. Use a new key for a new request.",
            stored=False,
        )
    return end


def in_flight():
    """What a concurrent twin is told; it may try again."""
    return WireError(
        409,
        "idempotency_error",
        "Another request with this Idempotency-Key is still being worked on.",
        code="idempotency_key_in_use",
        stored=False,
    )
