"""The staff decide whether a business is let into live mode: ask back, let it in, or refuse, each with words that it reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.accounts.roles import list_holders
from core.admission.apply import step
from core.admission.models import Application
from core.admission.states import OPEN
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id
from core.kernel.sentence import said
from core.notifications.notices import post_notice
from core.notifications.notify import notify

SHORTEST, LONGEST = 8, 1_000
Found = tuple[Vendor, Application]
WAITS = Application.state.in_(sorted(OPEN))


def ask_back(vendor: Vendor, row: Application, *, text: str, by: str) -> Application:
    """Put a question to the business; it waits for its answer from here on."""
    return _decide(vendor, row, "asked", text=_words(text), by=by)


def approve(vendor: Vendor, row: Application, *, by: str, seen: datetime, text: str = "") -> Application:
    """From now on its owner can switch live mode on. `seen` is when what was read had been sent: what was sent since is not let in unread."""
    done = _decide(vendor, row, "approved", text=text, by=by, seen=seen)
    fresh = db.session.get_one(Vendor, vendor.id, populate_existing=True)
    fresh.approved_at = done.decided_at
    return done


def refuse(vendor: Vendor, row: Application, *, text: str, by: str) -> Application:
    """It stays in test mode. It can send another application."""
    return _decide(vendor, row, "refused", text=_words(text), by=by)


def _words(text: str) -> str:
    if not SHORTEST <= len(text.strip()) <= LONGEST:
        raise Refusal(
            said("Say it in %(least)s to %(most)s characters: the business reads it.", least=SHORTEST, most=LONGEST), field="text"
        )
    return text


def _decide(vendor: Vendor, row: Application, to: str, *, text: str, by: str, seen: datetime | None = None) -> Application:
    hold_vendor(vendor.id)
    row = lock_again(row)
    if row.state == to:
        return row  # pressed twice
    if seen is not None and row.sent_at != seen:
        raise Conflict("This application has moved on since the page was opened.")
    if to != "asked":
        row.decided_by, row.decided_at = by, now()
    step(vendor, row, to, by=by, text=text)
    _tell(vendor, row)
    return row


def _tell(vendor: Vendor, row: Application) -> None:
    """Whoever may go live hears of it, whatever they chose: without it nothing goes on."""
    post_notice(vendor, "application_news", mode=row.mode, about=row.public_id)
    post_notice(vendor, "application_news", mode="test", about=row.public_id)  # where a business that is not live yet looks
    for owner in list_holders(vendor, "live.switch_on"):
        notify(vendor, "application_news", mode=row.mode, to=owner.email, locale=owner.language or "en", application=row.public_id)


# --- across vendors, for staff only ------------------------------------------------------------------------------------------


def list_waiting(limit: int = 100) -> list[Found]:
    """Those that nobody has decided, the longest waiting first."""
    return _ask(WAITS, Application.sent_at, limit)


def list_decided(limit: int = 50) -> list[Found]:
    """Those that are decided, newest first."""
    return _ask(~WAITS, Application.decided_at.desc(), limit)


def get_everywhere(number: str) -> Found:
    """One by its number, and whose it is; refuses with 404."""
    if is_public_id("apl", number):
        for found in _ask(Application.public_id == number, Application.id, 1):
            return found
    raise NotFound(said("There is no such application."))


def count_to_decide_up_to(most: int) -> int:
    """How many wait for the staff, and not for an answer of the business; counted no further than that."""
    some = select(Application.id).where(Application.state == "sent").limit(most).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def _ask(which: Any, order: Any, limit: int) -> list[Found]:
    rows = select(Vendor, Application).join(Vendor, Vendor.id == Application.vendor_id).where(which).order_by(order).limit(limit)
    return [(vendor, row) for vendor, row in db.session.execute(rows)]
