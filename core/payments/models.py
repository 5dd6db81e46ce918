"""Payment links, payments, attempts, and the append-only history under every figure. Refunds stand in core/payments/refund_models.py."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, Text, UniqueConstraint, false
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import CausedHistoryRow, one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money
from core.payments.states import ATTEMPT, LIVE_ATTEMPT, PAYMENT
from core.providers.contract import METHODS


class PaymentLink(TenantKey, Base):
    """An address a vendor hands out. The signed token names `token_id`; a new token id kills every older address."""

    __tablename__ = "payment_links"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "branch_id"], ["branches.vendor_id", "branches.mode", "branches.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        CheckConstraint("kind IN ('single', 'reusable', 'request')", name="kind"),
        CheckConstraint("(kind = 'request') = (total_minor IS NOT NULL) AND total_minor > 0", name="total"),
        CheckConstraint("total_minor IS NULL OR amount_minor IS NULL", name="total_or_amount"),
        CheckConstraint("state IN ('active', 'paused', 'expired')", name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("amount_minor IS NULL OR (minimum_minor IS NULL AND maximum_minor IS NULL)", name="fixed_or_open"),
        CheckConstraint("minimum_minor > 0 AND minimum_minor <= maximum_minor", name="range"),
        CheckConstraint("step_minor IS NULL OR (step_minor > 0 AND amount_minor IS NULL AND total_minor IS NULL)", name="step"),
        CheckConstraint("max_payments BETWEEN 1 AND 10000", name="max_payments"),
        CheckConstraint("hours_after_opening BETWEEN 1 AND 8760", name="hours_after_opening"),
        CheckConstraint("accent ~ '^#[0-9a-f]{6}$' AND accent_dark ~ '^#[0-9a-f]{6}$'", name="accent"),
        Index("ix_payment_links_by_style", "vendor_id", "mode", "style", postgresql_where="style <> ''"),
        Index("uq_payment_links_wish", "vendor_id", "mode", "wish", unique=True, postgresql_where="wish IS NOT NULL"),
        Index("ix_payment_links_by_branch", "vendor_id", "mode", "branch_id", "id", postgresql_where="branch_id IS NOT NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    token_id: Mapped[str] = mapped_column(String(40))
    token_expires_at: Mapped[datetime]
    title: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)  # empty: the payer chooses
    minimum_minor: Mapped[int | None] = mapped_column(BigInteger)
    maximum_minor: Mapped[int | None] = mapped_column(BigInteger)
    step_minor: Mapped[int | None] = mapped_column(BigInteger)  # the payer chooses a multiple of it
    suggestions_minor: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    expires_at: Mapped[datetime | None]
    hours_after_opening: Mapped[int | None]
    first_opened_at: Mapped[datetime | None]
    max_payments: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(10), default="active")
    paused_message: Mapped[str] = mapped_column(String(300), default="")
    methods: Mapped[list[str]] = mapped_column(ARRAY(String(20)), default=list, server_default="{}")  # ways to pay; empty: all there are
    archived_at: Mapped[datetime | None]  # out of the vendor's sight and closed to payers, until it is brought back
    total_minor: Mapped[int | None] = mapped_column(BigInteger)  # of a request, which may be paid in parts
    due_on: Mapped[date | None]
    reference_label: Mapped[str] = mapped_column(String(40), default="", server_default="")  # what the payer is asked for; empty: nothing
    reference_pattern: Mapped[str] = mapped_column(String(80), default="", server_default="")
    reference_hint: Mapped[str] = mapped_column(String(120), default="", server_default="")
    reference_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    locale: Mapped[str] = mapped_column(
        String(10), default="", server_default=""
    )  # what its pages and letters are in; empty: the reader's own
    key_values: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")  # the vendor's own columns
    style: Mapped[str] = mapped_column(String(40), default="", server_default="")  # the named style it wears; empty: none
    accent: Mapped[str | None] = mapped_column(CHAR(7))  # the colours that count, the style's or its own; empty: the vendor's
    accent_dark: Mapped[str | None] = mapped_column(CHAR(7))
    branch_id: Mapped[uuid.UUID | None]  # the branch whose link it is; empty: the whole business's
    offer: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # what it sells and asks, if more than one sum
    wish: Mapped[str | None] = mapped_column(String(80))  # by which software or a form would know it again: made twice, it is one
    session: Mapped[bool] = mapped_column(default=False, server_default=false())  # made for one checkout: not in the lists of links
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def amount(self) -> Money | None:
        """The fixed amount, or None when the payer chooses."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)

    @property
    def colours(self) -> tuple[str, str | None] | None:
        """What it wears instead of the vendor's colours."""
        return (self.accent, self.accent_dark) if self.accent else None

    @property
    def total(self) -> Money | None:
        """What a request asks for in all; None for a link of another kind."""
        return None if self.total_minor is None else Money(self.total_minor, self.currency)

    @property
    def limited(self) -> bool:
        """Whether payments through it take something from each other: they are then counted under its lock."""
        return self.places is not None or self.total_minor is not None

    @property
    def places(self) -> int | None:
        """How many payments may ever succeed; None for no limit."""
        return 1 if self.kind == "single" else self.max_payments


class Payment(TenantKey, Base):
    """What one payer set out to pay. It outlives its attempts; its figures are explained by its history and its journals."""

    __tablename__ = "payments"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "link_id"], ["payment_links.vendor_id", "payment_links.mode", "payment_links.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "sending_id"], ["link_sendings.vendor_id", "link_sendings.mode", "link_sendings.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "branch_id"], ["branches.vendor_id", "branches.mode", "branches.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "reference"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        CheckConstraint(one_of("state", PAYMENT), name="state"),
        CheckConstraint("provider <> 'sandbox' OR mode = 'test'", name="sandbox_is_test"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint(one_of("method", METHODS), name="method"),
        CheckConstraint("marked IN ('paid', 'invalid')", name="marked"),
        CheckConstraint("tip_minor BETWEEN 0 AND amount_minor", name="tip"),
        CheckConstraint("captured_minor >= 0 AND refunded_minor >= 0 AND refunding_minor >= 0 AND queued_minor >= 0", name="not_negative"),
        CheckConstraint("refunded_minor + refunding_minor + queued_minor <= captured_minor", name="refund_within_capture"),
        CheckConstraint("disputed_minor >= 0 AND disputed_fee_minor BETWEEN 0 AND fee_minor", name="disputes"),
        CheckConstraint("fee_returned_minor BETWEEN 0 AND fee_minor", name="fee_returned"),
        CheckConstraint("release_days BETWEEN 0 AND 90", name="release_days"),
        CheckConstraint("borne_minor = 0 OR (seller_bears AND borne_minor BETWEEN 1 AND captured_minor)", name="borne"),
        CheckConstraint(
            "applied_minor >= 0 AND given_back_minor >= 0 AND applied_minor + given_back_minor <= received_minor", name="transfers"
        ),
        Index("ix_payments_by_state", "vendor_id", "mode", "state", "id"),
        Index("ix_payments_by_email", "vendor_id", "mode", "email", "id"),
        Index("ix_payments_by_link", "vendor_id", "mode", "link_id", "id", postgresql_where="link_id IS NOT NULL"),
        Index("ix_payments_by_branch", "vendor_id", "mode", "branch_id", "id", postgresql_where="branch_id IS NOT NULL"),
        Index("ix_payments_by_payer_reference", "vendor_id", "mode", "payer_reference", "id", postgresql_where="payer_reference <> ''"),
        Index("ix_payments_by_sending", "vendor_id", "mode", "sending_id", postgresql_where="sending_id IS NOT NULL"),
        Index("ix_payments_places", "vendor_id", "mode", "link_id", postgresql_where="holds_place"),
        Index("ix_payments_held", "vendor_id", "mode", "id", postgresql_where="held_until IS NOT NULL"),
        Index(
            "ix_payments_by_own_columns",
            "key_values",
            postgresql_using="gin",
            postgresql_ops={"key_values": "jsonb_path_ops"},
            postgresql_where="key_values <> '{}'::jsonb",
        ),
        Index("ix_payments_disputed", "vendor_id", "mode", "id", postgresql_where="disputed_minor > 0"),
        Index("ix_payments_archived", "vendor_id", "mode", "id", postgresql_where="archived_at IS NOT NULL"),
        Index("ix_payments_captured", "vendor_id", "mode", "captured_at", postgresql_where="captured_at IS NOT NULL"),
        Index("ix_payments_by_last4", "vendor_id", "mode", "card_last4", "id", postgresql_where="card_last4 IS NOT NULL"),
        Index("ix_payments_by_sum", "vendor_id", "mode", "captured_minor", "id", postgresql_where="captured_minor > 0"),
        Index(
            "ix_payments_waiting", "vendor_id", "mode", "available_at", postgresql_where="available_at IS NOT NULL AND released_at IS NULL"
        ),
        Index("ix_payments_to_release", "available_at", postgresql_where="available_at IS NOT NULL AND released_at IS NULL"),
        Index("ix_payments_to_expire", "expires_at", postgresql_where=one_of("state", ("created", "requires_method", "requires_action"))),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(20))  # for people: short enough to read out
    token_id: Mapped[str] = mapped_column(String(40))
    form_token: Mapped[str] = mapped_column(String(80))  # the same form posted twice is one payment
    link_id: Mapped[uuid.UUID | None]
    description: Mapped[str] = mapped_column(String(120))
    provider: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default="created")
    holds_place: Mapped[bool] = mapped_column(default=False)  # takes one of its link's places, whether being paid or paid
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    tip_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # the part of it that is a tip
    itemised: Mapped[bool] = mapped_column(default=False, server_default="false")  # whether its cart stands in payment_lines
    captured_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    refunding_minor: Mapped[int] = mapped_column(BigInteger, default=0)  # asked for, not yet confirmed by the provider
    queued_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # asked for, and waiting for the seller's balance
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    fee_minor: Mapped[int] = mapped_column(BigInteger, default=0)  # what the platform keeps
    fee_returned_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    disputed_minor: Mapped[int] = mapped_column(
        BigInteger, default=0, server_default="0"
    )  # what open disputes took back, until they are over
    disputed_fee_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # the platform's fee in that
    advanced_minor: Mapped[int] = mapped_column(
        BigInteger, default=0, server_default="0"
    )  # what they took from other money while this one waited; less what they took beyond it
    dispute_cost_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # the processor's fees the seller bears
    received_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # by bank transfer, whatever became of it
    applied_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # the part of it that pays for this
    given_back_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # the part on its way back unused, or gone
    processor_fee_minor: Mapped[int | None] = mapped_column(BigInteger)  # what the provider keeps; empty until it has said
    seller_bears: Mapped[bool] = mapped_column(default=False, server_default="false")  # what the provider keeps, when the money is released
    borne_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # and how much of it that was
    release_days: Mapped[int | None] = mapped_column(SmallInteger)  # days until its money is available; empty: the vendor's own
    email: Mapped[str] = mapped_column(String(254))
    payer_name: Mapped[str] = mapped_column(String(120), default="")
    payer_country: Mapped[str | None] = mapped_column(CHAR(2))  # where they say they are; some ways to pay depend on it
    locale: Mapped[str] = mapped_column(String(10), default="", server_default="")  # in which the payer read; letters and papers follow it
    payer_reference: Mapped[str] = mapped_column(String(60), default="", server_default="")  # what the link asked the payer for
    reference_label: Mapped[str] = mapped_column(String(40), default="", server_default="")  # and what it was called then
    key_values: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")  # the link's, as they were then
    attribution: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")  # utm_* and ref of the address
    sending_id: Mapped[uuid.UUID | None]  # the e-mail whose address the payer came by
    branch_id: Mapped[uuid.UUID | None]  # the link's branch, or the one whose poster was scanned
    charge: Mapped[str | None] = mapped_column(String(80))  # the provider's own name for the money
    method: Mapped[str | None] = mapped_column(String(20))  # what paid; until then what was chosen last
    method_kind: Mapped[str | None] = mapped_column(String(40))  # the provider's own name for it: ideal, apple_pay
    card_brand: Mapped[str | None] = mapped_column(String(20))
    card_last4: Mapped[str | None] = mapped_column(CHAR(4))
    card_funding: Mapped[str | None] = mapped_column(String(10))  # credit, debit or prepaid, where the processor says so
    decline_code: Mapped[str | None] = mapped_column(String(60))  # why the last try did not work, until one does
    recovered_from: Mapped[uuid.UUID | None]  # the payment of which this one is a fresh start
    remind: Mapped[bool] = mapped_column(default=False, server_default="false")  # the payer wants one letter if they do not finish
    marked: Mapped[str | None] = mapped_column(String(10))  # paid or invalid, by the word of one of the vendor's people
    archived_at: Mapped[datetime | None]  # put away from the list; nothing else about it changes
    held_until: Mapped[datetime | None]  # looked like card testing: until then no card is tried on it
    expires_at: Mapped[datetime]
    captured_at: Mapped[datetime | None]
    available_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=0)  # counts the history; the next event takes version + 1

    @property
    def amount(self) -> Money:
        """What the payer set out to pay."""
        return Money(self.amount_minor, self.currency)

    @property
    def captured(self) -> Money:
        """What was really taken."""
        return Money(self.captured_minor, self.currency)

    @property
    def unapplied(self) -> Money:
        """What came by bank transfer and neither pays for this nor goes back: the payer's money, waiting here."""
        return Money(self.received_minor - self.applied_minor - self.given_back_minor, self.currency)

    @property
    def missing(self) -> Money:
        """What the payer still has to transfer."""
        return Money(max(self.amount_minor - self.unapplied.minor, 0), self.currency)

    @property
    def refunded(self) -> Money:
        """What the provider has confirmed as given back."""
        return Money(self.refunded_minor, self.currency)

    @property
    def refunding(self) -> Money:
        """What is on its way back."""
        return Money(self.refunding_minor, self.currency)

    @property
    def queued(self) -> Money:
        """What is to be given back as soon as the seller's balance holds it. It is not in the books yet."""
        return Money(self.queued_minor, self.currency)

    @property
    def refundable(self) -> Money:
        """What could still be asked back. A dispute may take more than was left: then it is nothing."""
        gone = self.refunded_minor + self.refunding_minor + self.queued_minor + self.disputed_minor
        return Money(max(self.captured_minor - gone, 0), self.currency)

    @property
    def disputed(self) -> Money:
        """What a payer's bank holds while a dispute is open."""
        return Money(self.disputed_minor, self.currency)

    @property
    def withheld(self) -> Money:
        """The seller's share of that: kept aside until the dispute is over."""
        return Money(self.disputed_minor - self.disputed_fee_minor, self.currency)

    @property
    def dispute_cost(self) -> Money:
        """What the processor charged for disputes and the seller bears."""
        return Money(self.dispute_cost_minor, self.currency)

    @property
    def fee(self) -> Money:
        """The platform's fee after what was returned with refunds."""
        return Money((self.fee_minor if self.captured_minor else 0) - self.fee_returned_minor, self.currency)

    @property
    def net(self) -> Money:
        """What the vendor keeps: captured, less refunds (also those under way), the platform's fee, what it bears of the provider's, and what
        disputes hold and cost."""
        borne = Money(self.borne_minor, self.currency)
        return self.captured - self.refunded - self.refunding - self.fee - borne - self.withheld - self.dispute_cost

    @property
    def releasable(self) -> Money:
        """What of this payment still waits: what a dispute took from elsewhere is not taken from it a second time."""
        return self.net + self.dispute_cost + Money(self.advanced_minor, self.currency)


class Attempt(TenantKey, Base):
    """One opening at the provider. Its public id is the key the provider knows it by, so asking twice is asking once."""

    __tablename__ = "attempts"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "payment_id", "number"),
        CheckConstraint(one_of("state", ATTEMPT), name="state"),
        CheckConstraint("surface IN ('hosted', 'fields', 'instructions', 'saved')", name="surface"),
        CheckConstraint(one_of("method", METHODS), name="method"),
        CheckConstraint("provider <> 'sandbox' OR mode = 'test'", name="sandbox_is_test"),
        # Two tabs cannot both pay: at most one attempt of a payment may still move money.
        Index("uq_attempts_one_live", "vendor_id", "mode", "payment_id", unique=True, postgresql_where=one_of("state", LIVE_ATTEMPT)),
        Index("ix_attempts_to_ask", "next_inquiry_at", postgresql_where="next_inquiry_at IS NOT NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default="started")
    surface: Mapped[str] = mapped_column(String(12))
    method: Mapped[str] = mapped_column(String(20), default="card", server_default="card")
    provider: Mapped[str] = mapped_column(String(20))  # through whom this try goes; the payment's own is the last one chosen
    delayed_days: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")  # what the payer was told the last word may take
    screened: Mapped[bool] = mapped_column(default=False, server_default=false())  # whether rules had anything to say about it
    provider_reference: Mapped[str | None] = mapped_column(String(120))
    redirect_url: Mapped[str | None] = mapped_column(Text)
    fields_url: Mapped[str | None] = mapped_column(Text)
    client_secret: Mapped[str | None] = mapped_column(Text)
    decline_code: Mapped[str | None] = mapped_column(String(60))
    next_inquiry_at: Mapped[datetime | None]
    inquiries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PaymentEvent(CausedHistoryRow, Base):
    """One line of a payment's history: what happened, from which state to which, because of whom. Append-only."""

    __tablename__ = "payment_events"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
    )
    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
