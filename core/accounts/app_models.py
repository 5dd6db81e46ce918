"""What an app that acts for a person holds beside its sign-in: refresh tokens, each of which counts once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base


class RefreshToken(Base):
    """One of the tokens that a sign-in has had, one after the other. Only its SHA-256 is here.

    A used one is kept until it would have run out: if it comes a second time, two parties hold the sign-in, and one of them is a thief.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index("ix_refresh_tokens_session", "session_id"),)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("user_sessions.id", ondelete="CASCADE"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
