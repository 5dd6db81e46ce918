"""The exports of a vendor and their files: the list, the signed address, and the pieces handed out one after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from sqlalchemy import Engine, select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, open_reader
from core.kernel.errors import Conflict, NotFound
from core.kernel.ids import is_public_id
from core.kernel.sentence import said
from core.kernel.sheet import hand_out, head_row
from core.kernel.signing import Claims, make_token, read_token
from core.payments.export_models import Export
from core.payments.long_export import SUBJECTS
from core.payments.queries import MOST_ROWS, Page

PIECE = "SELECT data FROM export_pieces WHERE vendor_id = %s AND mode = %s AND export_id = %s AND number = %s"


class ExportNotReady(Conflict):
    """It is still being written, has failed, or its days are over."""

    code = "export_not_ready"


def list_exports(vendor: Vendor, mode: str, *, after: str | None = None, limit: int = 25) -> Page[Export]:
    """The vendor's exports, newest first, by keyset."""
    mine = select(Export).where(Export.vendor_id == vendor.id, Export.mode == mode)
    if after:
        mine = mine.where(Export.id < get_export(vendor, mode, after).id)
    limit = min(limit, MOST_ROWS)
    rows = list(db.session.scalars(mine.order_by(Export.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def find_export(vendor: Vendor, mode: str, public_id: str) -> Export | None:
    """This vendor's export, or None."""
    if not is_public_id("exp", public_id):
        return None
    mine = select(Export).where(Export.vendor_id == vendor.id, Export.mode == mode, Export.public_id == public_id)
    return db.session.scalar(mine)


def get_export(vendor: Vendor, mode: str, public_id: str) -> Export:
    """This vendor's export; refuses with 404."""
    if found := find_export(vendor, mode, public_id):
        return found
    raise NotFound("There is no such export.")


def export_state(export: Export) -> str:
    """What to call it now: one whose time is over has expired, whether or not the clock has been here."""
    over = export.state == "ready" and export.expires_at is not None and export.expires_at <= now()
    return "expired" if over else export.state


def export_token(vendor: Vendor, export: Export) -> str:
    """The signed text of the file's address; it runs out with the file."""
    return make_token(
        "export", vendor=vendor.public_id, mode=export.mode, token_id=export.public_id, expires_at=export.expires_at or export.created_at
    )


def open_export(vendor: Vendor, text: str) -> Export:
    """The export behind a signed address, in whichever mode it was made. Raises TokenRefused for what we did not issue; refuses with 404
    what is another vendor's, and ExportNotReady."""
    claims = read_token("export", text)
    if claims.vendor != vendor.public_id:
        raise NotFound("There is no such export.")
    export = get_export(vendor, claims.mode, claims.token_id)
    state = export_state(export)
    if state == "expired":
        raise ExportNotReady("This file was kept for some days and is gone now. Export the list again.")
    if state != "ready":
        raise ExportNotReady(said("This file is not ready. The list of exports says how far it is."))
    return export


def standing_of_export(vendor: Vendor, claims: Claims) -> str:
    """What is to be said of its address: genuine, expired or revoked."""
    export = find_export(vendor, claims.mode, claims.token_id)
    if export is None:
        return "revoked"
    return {"ready": "genuine", "expired": "expired"}.get(export_state(export), "revoked")


def export_file(export: Export, titles: Mapping[str, str] | None) -> Iterator[bytes]:
    """The file as CSV, piece after piece, as it stands at this moment: whoever has begun to read it reads it to the end."""
    return hand_out(_read(db.engine, export, head_row(SUBJECTS[export.subject].columns, titles)))


def _read(engine: Engine, export: Export, head: bytes) -> Generator[bytes, None, None]:
    key: tuple[Any, ...] = (export.vendor_id, export.mode, export.id)
    with open_reader(engine) as connection:
        for number in range(export.pieces):
            found = connection.execute(PIECE, (*key, number)).fetchone()
            if found is None:
                raise LookupError(f"piece {number} of {export.public_id} is gone")
            yield head + bytes(found[0])
            head = b""
        if head:
            yield head
