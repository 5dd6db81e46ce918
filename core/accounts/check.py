"""Whether a letter's link still counts, looked at without opening it: nothing is used up by asking."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.invite import still_meant
from core.accounts.models import EmailLink, Invitation, Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.signing import Claims


def standing_of_invitation(vendor: Vendor, claims: Claims) -> str:
    """genuine, expired (accepted or too old) or revoked (taken back, sent again with another address, or asked by somebody who may not any more)."""
    mine = select(Invitation).where(Invitation.vendor_id == vendor.id, Invitation.token_id == claims.token_id)
    invitation = db.session.scalar(mine)
    if invitation is None or invitation.outcome == "revoked":
        return "revoked"
    if invitation.ended_at is not None or invitation.expires_at <= now():
        return "expired"
    return "genuine" if still_meant(vendor, invitation) else "revoked"


def standing_of_email_link(purpose: str, claims: Claims) -> str:
    """genuine, expired (used or too old) or revoked (we know no such link any more)."""
    link = db.session.get(EmailLink, claims.token_id)
    if link is None or link.purpose != purpose:
        return "revoked"
    return "expired" if link.used_at is not None or link.expires_at <= now() else "genuine"
