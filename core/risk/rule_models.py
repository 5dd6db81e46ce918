"""The house's rules about payments, each version of them, and its lists. The house's own: no vendor has a part in them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import CIDR, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, mode_check

SET_STATES = frozenset({"draft", "published", "earlier"})
LISTS = ("block", "allow", "watch")
KINDS = ("email", "domain", "address", "card", "country")
LONGEST_REASON = 300


class RuleSet(Base):
    """One version of the rules of one world. A draft may be changed and is tried; what was published stays as it was."""

    __tablename__ = "risk_rule_sets"
    __table_args__ = (
        mode_check(),
        CheckConstraint(one_of("state", SET_STATES), name="state"),
        CheckConstraint("version > 0 AND revision > 0", name="numbers"),
        CheckConstraint("(state = 'draft') = (published_at IS NULL)", name="published"),
        Index("uq_risk_rule_sets_draft", "mode", unique=True, postgresql_where="state = 'draft'"),
        Index("uq_risk_rule_sets_published", "mode", unique=True, postgresql_where="state = 'published'"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=1)  # of the draft: counts its changes
    state: Mapped[str] = mapped_column(String(10))
    rules: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    trial: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # what these very rules would have done, once tried
    made_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON), default="")
    published_by: Mapped[str] = mapped_column(String(60), default="")
    published_at: Mapped[datetime | None]


class ListEntry(Base):
    """Something that is let through, refused or watched wherever it comes up, until it expires or somebody takes it off."""

    __tablename__ = "risk_list_entries"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "public_id"),
        CheckConstraint(one_of("which", LISTS), name="which"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint("(kind = 'address') = (network IS NOT NULL)", name="network"),
        Index("uq_risk_list_entries_on", "mode", "which", "kind", "value", unique=True, postgresql_where="removed_at IS NULL"),
        Index("ix_risk_list_entries_by_value", "mode", "kind", "value", postgresql_where="removed_at IS NULL"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    which: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(254))
    network: Mapped[str | None] = mapped_column(CIDR)
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    origin: Mapped[str] = mapped_column(String(40), default="")  # the payment that was refunded as fraud; empty: written down by hand
    added_by: Mapped[str] = mapped_column(String(60))
    added_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str] = mapped_column(String(60), default="")
