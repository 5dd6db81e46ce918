"""What vendors offer to the public: listings with branches, products and pictures; and what the public search reads of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money

OF_LISTING = ["listings.vendor_id", "listings.mode", "listings.id"]


class Category(Base):
    """What kind of business a listing is, in every language, and which attributes its products may have. The platform's, not a vendor's."""

    __tablename__ = "directory_categories"
    slug: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    schema_type: Mapped[str] = mapped_column(String(40))  # what schema.org calls it
    attributes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # core/directory/attributes.py reads them
    schema_version: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")


class CategorySchema(Base):
    """The attributes of a category as one version had them. Rows are only ever added, so it can be said by which rules a product was checked."""

    __tablename__ = "directory_schemas"
    __table_args__ = (ForeignKeyConstraint(["category"], ["directory_categories.slug"]), CheckConstraint("version > 0", name="version"))
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    attributes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))


class Standing(Base):
    """One vendor in one mode: whether anything of it is shown, how much it has published, and a number that every change counts up.

    Whoever publishes, withdraws or hides locks this row first, so the counts are exact and a limit may be checked under the same lock.
    """

    __tablename__ = "directory_standings"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        CheckConstraint("published_products >= 0 AND branches >= 0", name="counts"),
        CheckConstraint("pictures >= 1", name="pictures"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    visible: Mapped[bool] = mapped_column(default=True)
    reason: Mapped[str] = mapped_column(String(60), default="")  # why it is hidden: a word of whoever hid it, like suspended
    barred: Mapped[bool] = mapped_column(default=False, server_default="false")  # the staff keep it out, whatever its plan says
    published_products: Mapped[int] = mapped_column(default=0)  # published, of listings that are not archived
    branches: Mapped[int] = mapped_column(default=0)  # not archived, of listings that are not archived
    pictures: Mapped[int | None] = mapped_column(
        SmallInteger
    )  # of one listing, which the plan lets it show; empty: as many as any may have
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    changed_at: Mapped[datetime]


class Listing(TenantKey, Base):
    """A business as the directory shows it. Its address ends in `handle`, which never changes; the words before it may."""

    __tablename__ = "listings"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "handle"),
        Index("ix_listings_handle", "handle"),
        Index("ix_listings_public", "public_id"),
        Index("ix_listings_to_review", "id", postgresql_where="review_asked_at IS NOT NULL"),
        CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name="state"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL) AND (state <> 'withdrawn' OR reason <> '')", name="withdrawn"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    handle: Mapped[str] = mapped_column(String(12))
    title: Mapped[str] = mapped_column(String(120))
    summary: Mapped[str] = mapped_column(String(200), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[str] = mapped_column(String(40))
    website: Mapped[str] = mapped_column(String(300), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(30), default="")
    link: Mapped[str] = mapped_column(String(40), default="")  # the payment link that its button opens, by public id
    state: Mapped[str] = mapped_column(String(10), default="draft")
    reason: Mapped[str] = mapped_column(String(500), default="")  # why the staff took it out
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str] = mapped_column(String(40), default="")
    review_asked_at: Mapped[datetime | None]  # it waits for the staff: mended after it was taken out, or to be read before it is shown
    published_at: Mapped[datetime | None]  # when it was last put into the directory
    reworded: Mapped[bool] = mapped_column(
        default=False, server_default=false()
    )  # since it was in the directory: the staff read it before it goes back
    archived_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Branch(TenantKey, Base):
    """A place of a listing: where it is, and when it is open there by the clock on its own wall."""

    __tablename__ = "branches"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "listing_id"], OF_LISTING),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "listing_id", "slug"),
        CheckConstraint("(lat_e6 IS NULL) = (lon_e6 IS NULL)", name="position_whole"),
        CheckConstraint("lat_e6 BETWEEN -90000000 AND 90000000 AND lon_e6 BETWEEN -180000000 AND 180000000", name="position"),
    )
    listing_id: Mapped[uuid.UUID]
    public_id: Mapped[str] = mapped_column(String(40))
    slug: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    street: Mapped[str] = mapped_column(String(200), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    town: Mapped[str] = mapped_column(String(80))
    country: Mapped[str] = mapped_column(CHAR(2))
    lat_e6: Mapped[int | None]  # millionths of a degree, about a hand's breadth
    lon_e6: Mapped[int | None]
    time_zone: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(30), default="")
    hours: Mapped[dict[str, list[list[int]]]] = mapped_column(JSONB, default=dict)  # "0" is Monday: [[from, to], ...] in minutes
    exceptions: Mapped[dict[str, list[list[int]]]] = mapped_column(JSONB, default=dict)  # "2026-12-25": []
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Product(TenantKey, Base):
    """What a listing offers. Its attributes follow the schema of the listing's category, as it was when they were saved."""

    __tablename__ = "products"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "listing_id"], OF_LISTING),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_products_by_listing", "vendor_id", "mode", "listing_id", "id"),
        CheckConstraint("state IN ('draft', 'published')", name="state"),
        CheckConstraint("price_minor >= 0", name="price"),
    )
    listing_id: Mapped[uuid.UUID]
    public_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="")
    price_minor: Mapped[int | None] = mapped_column(BigInteger)  # empty: on request
    currency: Mapped[str] = mapped_column(CHAR(3))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    schema_version: Mapped[int] = mapped_column(SmallInteger, default=1, server_default="1")  # of the category, when it was saved
    state: Mapped[str] = mapped_column(String(10), default="draft")
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())  # published, and more than the vendor's plan holds
    published_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def price(self) -> Money | None:
        """What one costs, or None where that is said on request."""
        return None if self.price_minor is None else Money(self.price_minor, self.currency)


class ListingImage(TenantKey, Base):
    """A picture of a listing, drawn anew by us: of what was sent no byte is kept. Its smaller sizes are made by a worker."""

    __tablename__ = "listing_images"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "listing_id"], OF_LISTING),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_listing_images_public", "public_id"),
        Index("ix_listing_images_in_order", "vendor_id", "mode", "listing_id", "position"),
        CheckConstraint("state IN ('waiting', 'ready')", name="state"),
    )
    listing_id: Mapped[uuid.UUID]
    public_id: Mapped[str] = mapped_column(String(40))
    alt: Mapped[str] = mapped_column(String(200))
    position: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    width: Mapped[int]
    height: Mapped[int]
    webp: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime]


class ListingImageSize(Base):
    """One width of a picture."""

    __tablename__ = "listing_image_sizes"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "image_id"], ["listing_images.vendor_id", "listing_images.mode", "listing_images.id"], ondelete="CASCADE"
        ),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    image_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    width: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    height: Mapped[int]
    webp: Mapped[bytes] = mapped_column(LargeBinary)


class ListingEdit(TenantKey, Base):
    """Other words for a listing that is in the directory: kept apart until the staff have read them. What is shown stays as it is until then.

    A listing has one open edit at most; whoever saves again writes over it.
    """

    __tablename__ = "listing_edits"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "listing_id"], OF_LISTING, ondelete="CASCADE"),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index(
            "uq_listing_edits_open", "vendor_id", "mode", "listing_id", unique=True,
            postgresql_where="state IN ('waiting', 'changes_asked')",
        ),
        Index("ix_listing_edits_waiting", "id", postgresql_where="state = 'waiting'"),
        CheckConstraint("state IN ('approved', 'changes_asked', 'rejected', 'taken_back', 'waiting')", name="state"),
        CheckConstraint("state IN ('taken_back', 'waiting') OR decided_at IS NOT NULL", name="decided"),
        CheckConstraint("state NOT IN ('changes_asked', 'rejected') OR reason <> ''", name="reason"),
    )  # fmt: skip
    listing_id: Mapped[uuid.UUID]
    public_id: Mapped[str] = mapped_column(String(40))
    terms: Mapped[dict[str, str]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    reason: Mapped[str] = mapped_column(String(500), default="")  # what the staff say of it; the vendor reads this
    asked_by: Mapped[str] = mapped_column(String(40))
    asked_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(40), default="")
    decided_at: Mapped[datetime | None]


class ListingReport(TenantKey, Base):
    """What somebody of the public says is wrong with a listing. Nobody is asked who they are, and the vendor does not see it."""

    __tablename__ = "listing_reports"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "listing_id"], OF_LISTING, ondelete="CASCADE"),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_listing_reports_of_listing", "vendor_id", "mode", "listing_id", "id"),
        Index("ix_listing_reports_open", "id", postgresql_where="closed_at IS NULL"),
        CheckConstraint("kind IN ('closed', 'harmful', 'misleading', 'not_theirs', 'other', 'spam')", name="kind"),
        CheckConstraint("(closed_at IS NULL) = (outcome = '')", name="closed"),
        CheckConstraint("outcome IN ('', 'acted', 'kept')", name="outcome"),
    )
    listing_id: Mapped[uuid.UUID]
    public_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    words: Mapped[str] = mapped_column(String(500), default="")
    made_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(10), default="")
    closed_by: Mapped[str] = mapped_column(String(40), default="")
    closed_at: Mapped[datetime | None]


class Strike(TenantKey, Base):
    """What the staff hold against a vendor: a listing that broke the rules. It costs nothing by itself; it stands until it is forgiven."""

    __tablename__ = "directory_strikes"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_directory_strikes_of_vendor", "vendor_id", "mode", "id"),
        CheckConstraint("(forgiven_at IS NULL) = (forgiven_by = '')", name="forgiven"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    listing: Mapped[str] = mapped_column(String(40))  # by public id: a strike outlives what it was given for
    title: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(500))
    given_by: Mapped[str] = mapped_column(String(40))
    given_at: Mapped[datetime]
    forgiven_by: Mapped[str] = mapped_column(String(40), default="")
    forgiven_at: Mapped[datetime | None]


class ReasonTemplate(Base):
    """A reason that the staff write again and again, with its name among them. The house's, not a vendor's."""

    __tablename__ = "directory_reasons"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    words: Mapped[str] = mapped_column(String(500))
    written_by: Mapped[str] = mapped_column(String(40))
    written_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]
