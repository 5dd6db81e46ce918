"""What a membership's tokens are worth now, for whoever asks whether an address is genuine: no more than whether it still counts."""

from __future__ import annotations

from core.kernel.signing import TokenRefused
from core.memberships.join import is_offered
from core.memberships.page import open_member_token
from core.memberships.plans import open_plan_token


def standing_of_joining(token: str) -> str:
    """genuine; expired while nobody can join; revoked when there is no such plan."""
    try:
        return "genuine" if is_offered(open_plan_token(token)[1]) else "expired"
    except TokenRefused:
        return "revoked"


def standing_of_membership(token: str) -> str:
    """genuine, or revoked when the page has another address by now."""
    try:
        open_member_token(token)
    except TokenRefused:
        return "revoked"
    return "genuine"
