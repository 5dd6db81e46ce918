"""A business asks to be let into live mode: what it says of itself, papers that show it, and its answers to what the staff ask back."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Select, delete, func, or_, select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.admission.models import AdmissionFile, Application, ApplicationNote
from core.admission.states import APPLICATION, FILES, OPEN
from core.kernel.audit import record
from core.kernel.checked_file import BadFile, Checked
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said
from core.kernel.uploads import file_name

LIVE = "live"  # test mode is open to everybody: nothing is asked there
MOST_FILES, MOST_KEPT = 10, 15_000_000
LONGEST_TEXT = 2_000
WEBSITE = re.compile(r"https?://[^\s/@]+\.[^\s/@]+(/\S*)?", re.I)


class PaperStays(Conflict):
    """The staff have decided by it."""

    code = "paper_stays"


class AlreadySent(Conflict):
    """The staff look at it: it is not changed under their eyes."""

    code = "already_sent"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a business says of itself."""

    legal_name: str
    street: str
    postcode: str
    city: str
    registration: str
    owner_name: str
    website: str
    sells: str


def send_application(vendor: Vendor, facts: Facts, *, by: str, answer: str = "") -> Application:
    """Put it before the staff: the first, one after a refusal, or the same once more with an `answer` to what they asked back.

    Refuses AlreadySent while they look at it, what is missing at its field, and anything once the business is let in.
    """
    _check(facts)
    hold_vendor(vendor.id)
    row = find_last(vendor)
    if row is not None and row.state in ("sent", "approved"):
        raise AlreadySent("This has been sent already. You are written to when it is decided, or when something is asked.")
    if row is not None and row.state == "asked":
        if not answer.strip():
            raise Refusal("Answer what was asked.", field="answer")
        for name, value in asdict(facts).items():
            setattr(row, name, value)
        row.sent_by, row.sent_at = by, now()
        return _step(vendor, row, "sent", "answered", by=by, text=answer)
    fresh = Application(
        vendor_id=vendor.id, mode=LIVE, id=uuid7(), public_id=public_id("apl"), state="sent", **asdict(facts), sent_by=by, sent_at=now(),
        decided_by="", decided_at=None,
    )  # fmt: skip
    db.session.add(fresh)
    db.session.flush()
    return _step(vendor, fresh, "sent", "sent", by=by, text="")


def step(vendor: Vendor, row: Application, to: str, *, by: str, text: str) -> Application:
    """The staff move it on, with words that both sides read. The vendor is held and the row locked."""
    if to not in APPLICATION[row.state]:
        raise Conflict("This application has moved on since the page was opened.")
    return _step(vendor, row, to, to, by=by, text=text)


def _step(vendor: Vendor, row: Application, to: str, kind: str, *, by: str, text: str) -> Application:
    row.state = to
    db.session.add(
        ApplicationNote(
            vendor_id=vendor.id, mode=row.mode, id=uuid7(), application_id=row.id, kind=kind, author=by, text=text.strip(), at=now()
        )
    )
    record(vendor.id, actor=by, action=f"application.{kind}", subject=row.public_id)
    db.session.flush()
    return row


def _check(facts: Facts) -> None:
    for name, value in asdict(facts).items():
        if not value.strip() and name not in ("postcode", "registration"):  # not every country has one, nor every business
            raise Refusal("This is needed to know who you are.", field=name)
    if len(facts.sells) > LONGEST_TEXT:
        raise Refusal(said("Use %(most)s characters at most.", most=LONGEST_TEXT), field="sells")
    if not WEBSITE.fullmatch(facts.website) or not host_of(facts.website):
        raise Refusal("Write the whole address, such as https://www.example.com.", field="website")


def host_of(website: str) -> str:
    """The host a website is at; empty for what is no address after all (`https://[a.b`)."""
    try:
        return (urlsplit(website).hostname or "").lower()
    except ValueError:
        return ""


def find_last(vendor: Vendor) -> Application | None:
    """The newest one, whatever became of it."""
    mine = select(Application).where(Application.vendor_id == vendor.id, Application.mode == LIVE)
    return db.session.scalar(mine.order_by(Application.id.desc()).limit(1))


def get_application(vendor: Vendor, number: str) -> Application:
    """One of this vendor's; refuses with 404."""
    mine = select(Application).where(Application.vendor_id == vendor.id, Application.mode == LIVE, Application.public_id == number)
    found = db.session.scalar(mine) if is_public_id("apl", number) else None
    if found is None:
        raise NotFound
    return found


def notes_of(vendor: Vendor, row: Application) -> list[ApplicationNote]:
    """Every step, oldest first."""
    mine = select(ApplicationNote).where(
        ApplicationNote.vendor_id == vendor.id, ApplicationNote.mode == row.mode, ApplicationNote.application_id == row.id
    )
    return list(db.session.scalars(mine.order_by(ApplicationNote.id)))


# --- papers ------------------------------------------------------------------------------------------------------------------


def add_paper(vendor: Vendor, kind: str, name: str, checked: Checked, *, by: str) -> AdmissionFile:
    """Keep a paper that shows who the business is."""
    if kind not in FILES:
        raise Refusal("Choose what the file shows.", field="kind")
    hold_vendor(vendor.id)
    count, kept = db.session.execute(
        select(func.count(), func.coalesce(func.sum(AdmissionFile.size), 0)).where(
            *_own(vendor), or_(AdmissionFile.expires_on.is_(None), AdmissionFile.expires_on >= now().date())
        )
    ).one()
    if count >= MOST_FILES or kept + len(checked.data) > MOST_KEPT:
        raise BadFile(said("%(most)s files and %(size)s MB in all can be kept. Take one away first.", most=MOST_FILES, size=MOST_KEPT // 1_000_000))  # fmt: skip
    made = AdmissionFile(
        vendor_id=vendor.id, mode=LIVE, id=uuid7(), public_id=public_id("afl"), kind=kind, name=file_name(name, checked.media_type),
        media_type=checked.media_type, size=len(checked.data), pages=checked.pages, added_by=by, added_at=now(), content=checked.data,
        review="", review_reason="", reviewed_by="", reviewed_at=None, expires_on=None, end_told_at=None,
    )  # fmt: skip
    db.session.add(made)
    record(vendor.id, actor=by, action="application.file_added", subject=made.public_id, kind=kind)
    db.session.flush()
    return made


def remove_paper(vendor: Vendor, number: str, *, by: str) -> None:
    """Take one away, as long as the staff are not looking at it and have not decided by it: what they accepted stays, and so does what they
    had before them when they let the business in. Taken away already, nothing happens."""
    hold_vendor(vendor.id)
    row = find_last(vendor)
    if row is not None and row.state == "sent":
        raise AlreadySent("The staff are looking at it: nothing is taken away now.")
    kept = db.session.scalar(_papers(vendor).where(AdmissionFile.public_id == number))
    if kept is not None and stays(kept, row):
        raise PaperStays("The staff have decided by this paper, so it stays. Add a newer one beside it.")
    gone = db.session.execute(delete(AdmissionFile).where(*_own(vendor), AdmissionFile.public_id == number).returning(AdmissionFile.id))
    if gone.first() is not None:
        record(vendor.id, actor=by, action="application.file_removed", subject=number[:60])


def stays(paper: AdmissionFile, row: Application | None) -> bool:
    """Whether the staff have decided by this paper: `row` is its business's last application."""
    decided_at = row.decided_at if row is not None and row.state == "approved" else None
    return paper.review == "accepted" or (decided_at is not None and paper.added_at <= decided_at)


def list_papers(vendor: Vendor) -> list[AdmissionFile]:
    """All there are, without what is in them."""
    return list(db.session.scalars(_papers(vendor).order_by(AdmissionFile.id)))


def get_paper(vendor: Vendor, number: str) -> AdmissionFile:
    """One of this vendor's; refuses with 404."""
    found = db.session.scalar(_papers(vendor).where(AdmissionFile.public_id == number)) if is_public_id("afl", number) else None
    if found is None:
        raise NotFound
    return found


def _papers(vendor: Vendor) -> Select[tuple[AdmissionFile]]:
    return select(AdmissionFile).where(*_own(vendor))


def _own(vendor: Vendor) -> tuple[ColumnElement[bool], ...]:
    return AdmissionFile.vendor_id == vendor.id, AdmissionFile.mode == LIVE


def is_open(row: Application | None) -> bool:
    """Whether it waits for somebody."""
    return row is not None and row.state in OPEN
