"""Everything a vendor has in the directory as one file to keep: tables of listings, branches, products and pictures, and the pictures themselves."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import IO, Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.directory.branches import spell_degrees
from core.directory.models import Branch, Listing, ListingImage, Product
from core.kernel.db import db
from core.kernel.sheet import row_of

IN_MEMORY = 4_000_000  # bytes; a greater file is written to the disk
AT_ONCE = 500

LISTINGS = ("listing", "title", "category", "summary", "description", "website", "email", "phone", "state", "published_at", "archived_at")
BRANCHES = (
    "listing", "branch", "name", "street", "postcode", "town", "country", "latitude", "longitude", "time_zone", "phone", "hours", "exceptions",
    "archived_at",
)  # fmt: skip
PRODUCTS = ("listing", "product", "name", "description", "price", "currency", "attributes", "state", "archived_at")
PICTURES = ("listing", "file", "words")


def take_away(vendor: Vendor, mode: str) -> IO[bytes]:
    """A ZIP file, at its beginning: drafts and what is archived too, whatever the state of the plan. Texts are safe in any spreadsheet."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - whoever sends it closes it
    try:
        _write(file, vendor, mode)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write(file: Any, vendor: Vendor, mode: str) -> None:
    names = {row.id: row.public_id for row in _all(vendor, mode, Listing)}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, head, rows in (
            ("listings.csv", LISTINGS, (_listing(row) for row in _all(vendor, mode, Listing))),
            ("branches.csv", BRANCHES, (_branch(row, names) for row in _all(vendor, mode, Branch))),
            ("products.csv", PRODUCTS, (_product(row, names) for row in _all(vendor, mode, Product))),
            ("pictures.csv", PICTURES, (_picture(row, names) for row in _all(vendor, mode, ListingImage))),
        ):
            _write_table(archive, name, head, rows)
        for row in _all(vendor, mode, ListingImage):
            mine = select(ListingImage.webp).where(ListingImage.vendor_id == row.vendor_id, ListingImage.mode == row.mode)
            webp = db.session.scalar(mine.where(ListingImage.id == row.id)) or b""
            archive.writestr(zipfile.ZipInfo(_file_of(row, names)), webp, compress_type=zipfile.ZIP_STORED)


def _all(vendor: Vendor, mode: str, model: Any) -> Iterator[Any]:
    """In the order in which they were made, some at a time."""
    mine, last = select(model).where(model.vendor_id == vendor.id, model.mode == mode).order_by(model.id).limit(AT_ONCE), None
    while rows := list(db.session.scalars(mine if last is None else mine.where(model.id > last))):
        yield from rows
        last = rows[-1].id
        if len(rows) < AT_ONCE:
            return


def _write_table(archive: zipfile.ZipFile, name: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    with archive.open(name, "w") as table:
        table.write(row_of(head))
        for row in rows:
            table.write(row_of(row))


def _listing(row: Listing) -> Sequence[str]:
    return (
        row.public_id, row.title, row.category, row.summary, row.description, row.website, row.email, row.phone, row.state,
        _instant(row.published_at), _instant(row.archived_at),
    )  # fmt: skip


def _branch(row: Branch, names: dict[Any, str]) -> Sequence[str]:
    place = [spell_degrees(value) if value is not None else "" for value in (row.lat_e6, row.lon_e6)]
    return (
        names[row.listing_id], row.public_id, row.name, row.street, row.postcode, row.town, row.country, *place, row.time_zone, row.phone,
        json.dumps(row.hours), json.dumps(row.exceptions), _instant(row.archived_at),
    )  # fmt: skip


def _product(row: Product, names: dict[Any, str]) -> Sequence[str]:
    price = row.price.decimal_text if row.price is not None else ""
    return (
        names[row.listing_id], row.public_id, row.name, row.description, price, row.currency, json.dumps(row.attributes, ensure_ascii=False),
        row.state, _instant(row.archived_at),
    )  # fmt: skip


def _picture(row: ListingImage, names: dict[Any, str]) -> Sequence[str]:
    return names[row.listing_id], _file_of(row, names), row.alt


def _file_of(row: ListingImage, names: dict[Any, str]) -> str:
    return f"pictures/{names[row.listing_id]}/{row.public_id}.webp"


def _instant(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at is not None else ""
