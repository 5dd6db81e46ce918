"""What the public search reads: only what is shown stands here, written in the transaction that shows or hides it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, SmallInteger, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, INT4MULTIRANGE, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from core.directory.models import OF_LISTING
from core.directory.net import SQUARES
from core.kernel.db import Base, mode_check


class Entry(Base):
    """A listing that is shown, as the search finds it and as its line in a list of results looks."""

    __tablename__ = "directory_entries"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "listing_id"], OF_LISTING),
        Index("ix_directory_entries_newest", "mode", "listing_id"),
        Index("ix_directory_entries_category", "mode", "category", "listing_id"),
        Index("ix_directory_entries_words", "words", postgresql_using="gin"),
        Index("ix_directory_entries_named", "named", postgresql_using="gin"),
        Index("ix_directory_entries_facts", "facts", postgresql_using="gin"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    listing_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(String(40))
    named: Mapped[Any] = mapped_column(TSVECTOR)  # the words of its name, apart: the planner knows how rare each is there
    words: Mapped[Any] = mapped_column(TSVECTOR)  # those and all others
    # key=value of its published products, ~GBP:9 for the size of a price (prices.py), @bristol for a town (towns.py)
    facts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    prices: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")  # by currency, every price as a multirange
    # The hours of its branch when it has just one; then nobody needs to look at the place. No time zone: there is none, or there are several.
    time_zone: Mapped[str] = mapped_column(String(60), default="", server_default="")
    week: Mapped[Any] = mapped_column(INT4MULTIRANGE, default=list, server_default="{}")
    cover: Mapped[Any] = mapped_column(INT4MULTIRANGE, default=list, server_default="{}")
    special: Mapped[Any] = mapped_column(INT4MULTIRANGE, default=list, server_default="{}")
    card: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[datetime]


class Place(Base):
    """A branch of a listing that is shown: where it is, and when it is open, in minutes of its own wall clock (hours.py)."""

    __tablename__ = "directory_places"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "listing_id"], OF_LISTING),
        Index("ix_directory_places_listing", "vendor_id", "mode", "listing_id"),
        Index("ix_directory_places_position", "mode", "lat_e6", "lon_e6"),
        Index("ix_directory_places_town", "mode", "town", "town_name"),
        Index("ix_directory_places_kind", "mode", "town", "category", "listing_id", "vendor_id"),
        Index("ix_directory_places_spot", text("point(lon_e6, lat_e6)"), postgresql_using="gist"),  # of a flat map, for the nearest first
        Index("ix_directory_places_words_squares", "words", text(SQUARES), postgresql_using="gin"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    branch_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    listing_id: Mapped[uuid.UUID]
    # Of its entry, so that what is near is judged and counted without looking each one up; of the facts those of products.
    category: Mapped[str] = mapped_column(String(40), server_default="")
    words: Mapped[Any] = mapped_column(TSVECTOR, server_default="")
    facts: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    slug: Mapped[str] = mapped_column(String(60))
    town: Mapped[str] = mapped_column(String(80))  # folded, as it is looked for
    town_name: Mapped[str] = mapped_column(String(80), default="", server_default="")  # as it is written
    postcode: Mapped[str] = mapped_column(String(20))
    lat_e6: Mapped[int | None]
    lon_e6: Mapped[int | None]
    time_zone: Mapped[str] = mapped_column(String(60))
    week: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    cover: Mapped[Any] = mapped_column(INT4MULTIRANGE)
    special: Mapped[Any] = mapped_column(INT4MULTIRANGE)


class KnownWord(Base):
    """A word that stands in the directory: what a mistyped one is compared with."""

    __tablename__ = "directory_words"
    __table_args__ = (
        Index("ix_directory_words_like", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
        Index("ix_directory_words_ends", text("reverse(word)")),
    )
    word: Mapped[str] = mapped_column(String(40, collation="C"), primary_key=True)


class Pulse(Base):
    """A number that every change of the public directory counts up, in several slots so that few wait for each other."""

    __tablename__ = "directory_pulse"
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
