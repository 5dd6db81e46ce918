"""Proof that a try is worth a moment to whoever makes it: their browser works on a sum, or they wait and press a button."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from core.kernel.clock import now
from core.kernel.signing import TokenRefused, make_token, read_token
from core.risk.windows import mark, take_turn

LIFE = timedelta(minutes=20)
BITS, BITS_UNDER_ATTACK = 15, 18  # leading zeros of the digest that is looked for: about 30,000 and 260,000 tries
WAIT, WAIT_UNDER_ATTACK = 8, 20  # seconds for whoever has no scripts
_ANSWER = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Question:
    """What the payer's page carries. `challenge` and `bits` are for the script, `wait` (seconds from now) for everybody else."""

    token: str
    challenge: str
    bits: int
    wait: int


def ask(vendor: str, mode: str, subject: str, *, hard: bool) -> Question:
    """A question that can be answered once, for this one try of this one payment (`subject`)."""
    token_id = f"{subject}.{'h' if hard else 's'}"
    token = make_token("proof", vendor=vendor, mode=mode, token_id=token_id, expires_at=now() + LIFE)
    return _question(token, hard, WAIT_UNDER_ATTACK if hard else WAIT)


def _question(token: str, hard: bool, wait: int) -> Question:
    return Question(token, token.rpartition(".")[2], BITS_UNDER_ATTACK if hard else BITS, wait)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it was proved; if not, the question that still stands (None: ask a new one)."""

    good: bool
    again: Question | None = None


def check(token: str, nonce: str, *, subject: str, hard: bool, address: str) -> Answer:
    """Look at an answer. It needs no memory: the token names the try it is for, and that try is made once.

    A question that was easier than what is asked by now is not good any more. Waiting is done one after another per address, so
    that a thousand payments begun at once do not all wait the same few seconds.
    """
    try:
        claims = read_token("proof", token)
    except TokenRefused:
        return Answer(False)
    named, _, kind = claims.token_id.rpartition(".")
    if named != subject or (hard and kind != "h"):
        return Answer(False)
    hard = kind == "h"
    if _solves(token.rpartition(".")[2], nonce, BITS_UNDER_ATTACK if hard else BITS):
        return Answer(True)
    wait = WAIT_UNDER_ATTACK if hard else WAIT
    waited = int((now() - (claims.expires_at - LIFE)).total_seconds())
    if waited < wait:
        return Answer(False, _question(token, hard, wait - waited))
    if not take_turn(mark("", "waited", address), wait):
        return Answer(False, _question(token, hard, wait))
    return Answer(True)


def _solves(challenge: str, nonce: str, bits: int) -> bool:
    if not _ANSWER.fullmatch(nonce):
        return False
    digest = hashlib.sha256(f"{challenge}:{nonce}".encode()).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0
