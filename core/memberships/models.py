"""What memberships keep beside billing: the plans a vendor sells, and who joined one of them, or is about to."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money


class MembershipPlan(TenantKey, Base):
    """A plan that a vendor sells to its customers. What it costs stands in the vendor's price lists as well: there, for good."""

    __tablename__ = "membership_plans"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        UniqueConstraint("vendor_id", "mode", "code"),
        CheckConstraint("state IN ('active', 'paused')", name="state"),
        CheckConstraint("price_minor > 0", name="price"),
        CheckConstraint("trial_days BETWEEN 0 AND 90", name="trial_days"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    token_id: Mapped[str] = mapped_column(String(40))  # of the address by which people join
    code: Mapped[str] = mapped_column(String(40))  # the tier's on the price lists
    name: Mapped[str] = mapped_column(String(60))
    about: Mapped[str] = mapped_column(String(1000), default="")
    currency: Mapped[str] = mapped_column(CHAR(3))
    price_minor: Mapped[int] = mapped_column(BigInteger)  # a month, before tax
    trial_days: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(10))
    position: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def price(self) -> Money:
        return Money(self.price_minor, self.currency)


class Member(TenantKey, Base):
    """Somebody who joins a plan: asked for a card, joined, or turned away. The row says whether their address still counts."""

    __tablename__ = "members"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        UniqueConstraint("vendor_id", "mode", "form_token", "email"),  # one wish, for one person
        ForeignKeyConstraint(
            ["vendor_id", "mode", "plan_id"], ["membership_plans.vendor_id", "membership_plans.mode", "membership_plans.id"],
            name="fk_members_membership_plans",
        ),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"], ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_members_subscriptions",
        ),
        CheckConstraint("state IN ('asked', 'joined', 'refused')", name="state"),
        CheckConstraint("(state = 'joined') = (subscription_id IS NOT NULL)", name="subscription"),
        Index("uq_members_subscription", "vendor_id", "mode", "subscription_id", unique=True, postgresql_where="subscription_id IS NOT NULL"),
        Index("ix_members_by_email", "vendor_id", "mode", "email", "id"),
        Index("ix_members_unfinished", "updated_at", postgresql_where="state <> 'joined'"),
    )  # fmt: skip
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    token_id: Mapped[str] = mapped_column(String(40))  # of their own page; another one revokes it
    form_token: Mapped[str] = mapped_column(String(64))
    plan_id: Mapped[uuid.UUID]  # the one they joined; which it is now the subscription knows
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120), default="")
    locale: Mapped[str] = mapped_column(String(10), default="")
    state: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int] = mapped_column(SmallInteger, default=1)  # how often they were asked for a card: each has a saving of its own
    trial_days: Mapped[int] = mapped_column(SmallInteger, default=0)  # what they read, and once it has begun what they were given
    agreed_minor: Mapped[int] = mapped_column(BigInteger)  # what a month costs with tax, as they read it before they saved a card
    subscription_id: Mapped[uuid.UUID | None]
    began_at: Mapped[datetime | None]  # the first time they were served
    written_at: Mapped[datetime | None]  # when the address of their page was last sent because somebody asked
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
