"""What a checkout's token is worth now, for whoever asks whether an address is genuine."""

from __future__ import annotations

from core.kernel.signing import TokenRefused
from core.orders.open import open_checkout_token


def standing_of_checkout(token: str) -> str:
    """genuine; expired when nothing was paid in time; revoked when there is no such checkout."""
    try:
        return "expired" if open_checkout_token(token)[1].state in ("expired", "unpaid") else "genuine"
    except TokenRefused:
        return "revoked"
