"""What the public says is wrong with a listing: written down without a name, read by the staff, and closed by them together."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select, tuple_

from core.directory.models import Listing, ListingReport
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.sentence import said

KINDS = ("misleading", "not_theirs", "closed", "spam", "harmful", "other")
LONGEST = 500
MOST_OPEN = 50  # of one listing: more of the same say nothing new
MOST_LISTED = 100
OUTCOMES = ("acted", "kept")


@dataclass(frozen=True, slots=True)
class Reported:
    """A listing with reports that nobody has closed: how many, and since when."""

    listing: Listing
    count: int
    since: datetime


def report_listing(listing: Listing, *, kind: str, words: str) -> ListingReport | None:
    """Written down for the staff. None where so many wait already that another would change nothing. Refuses at its field what says nothing."""
    words = " ".join(words.split())
    if kind not in KINDS:
        raise Refusal("Choose what is wrong.", field="kind")
    if len(words) > LONGEST:
        raise Refusal(said("Use %(most)s characters at most.", most=LONGEST), field="words")
    if kind == "other" and not words:
        raise Refusal("Say in a few words what is wrong.", field="words")
    if len(open_reports(listing)) >= MOST_OPEN:
        return None
    row = ListingReport(
        vendor_id=listing.vendor_id, mode=listing.mode, id=uuid7(), listing_id=listing.id, public_id=public_id("rpt"), kind=kind, words=words,
        made_at=now(), outcome="", closed_by="",
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def open_reports(listing: Listing) -> list[ListingReport]:
    """Those nobody has closed, the newest first."""
    mine = _of(listing).where(ListingReport.closed_at.is_(None))
    return list(db.session.scalars(mine.order_by(ListingReport.id.desc()).limit(MOST_OPEN)))


def close_reports(listing: Listing, *, by: str, outcome: str) -> int:
    """All that are open, with what came of them: `acted`, or `kept` as the listing is. Answers how many; none is none to write down."""
    if outcome not in OUTCOMES:
        raise Refusal("Choose what came of it.", field="outcome")
    rows = list(db.session.scalars(_of(listing).where(ListingReport.closed_at.is_(None)).order_by(ListingReport.id).with_for_update()))
    for row in rows:
        row.outcome, row.closed_by, row.closed_at = outcome, by, now()
    db.session.flush()
    if rows:
        record(listing.vendor_id, actor=by, action="listing.reports_closed", subject=listing.public_id, outcome=outcome)
    return len(rows)


def _of(listing: Listing) -> Select[tuple[ListingReport]]:
    return select(ListingReport).where(
        ListingReport.vendor_id == listing.vendor_id, ListingReport.mode == listing.mode, ListingReport.listing_id == listing.id
    )


# --- across vendors, for the staff ------------------------------------------------------------------------------------------


def list_reported() -> list[Reported]:
    """Listings with open reports, those with the most first."""
    count, since = func.count().label("count"), func.min(ListingReport.made_at).label("since")
    which = (ListingReport.vendor_id, ListingReport.mode, ListingReport.listing_id)
    asked = select(*which, count, since).where(ListingReport.closed_at.is_(None)).group_by(*which)
    rows = db.session.execute(asked.order_by(count.desc(), since, ListingReport.listing_id).limit(MOST_LISTED)).all()
    keys = [(row[0], row[1], row[2]) for row in rows]
    whole = select(Listing).where(tuple_(Listing.vendor_id, Listing.mode, Listing.id).in_(keys))
    listings: dict[tuple[uuid.UUID, str, uuid.UUID], Listing] = {
        (one.vendor_id, one.mode, one.id): one for one in (db.session.scalars(whole) if keys else ())
    }
    return [Reported(listings[row[0], row[1], row[2]], row[3], row[4]) for row in rows]


def count_reported(*, most: int) -> int:
    """How many reports are open, counted no further than `most`."""
    waiting = select(ListingReport.id).where(ListingReport.closed_at.is_(None)).limit(most)
    return int(db.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0)
