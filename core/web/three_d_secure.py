"""What 3-D Secure came to with a payment, in words: for the payment's history, and for the bank that reads the evidence of a dispute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.kernel.sentence import Sentence, said

_CONFIRMED = {
    "challenge": said("The payer’s bank asked them to confirm the payment, and they did"),
    "frictionless": said("The payer’s bank confirmed that it was them, without asking"),
}
_SAYS = {
    "authenticated": said("The payer’s bank confirmed that it was them"),
    "attempt_acknowledged": said("It was tried, and the card’s network answered for the payer’s bank"),
    "exempted": said("The payer’s bank was not asked: the payment is exempt"),
    "failed": said("The payer’s bank did not confirm that it was them"),
    "not_supported": said("The card does not take part"),
    "processing_error": said("It could not be carried out"),
}
# It was not passed: the payer's doing as much as the bank's, and no bank gave a reason.
UNCONFIRMED = frozenset({"payment_intent_authentication_failure", "setup_intent_authentication_failure"})


@dataclass(frozen=True, slots=True)
class Secured:
    """The result in words, and the version of the protocol, as far as the processor said it."""

    words: Sentence
    version: str


def secured_by(detail: Mapping[str, Any]) -> Secured | None:
    """From the line of the history that says that a payment was paid; None where 3-D Secure was no part of it."""
    told = detail.get("three_d_secure")
    if not isinstance(told, dict) or told.get("result") not in _SAYS:
        return None
    words = _SAYS[told["result"]]
    if told["result"] == "authenticated":
        words = _CONFIRMED.get(told.get("flow", ""), words)
    return Secured(words, str(told.get("version", "")))
