"""Closing a business's account: asked for by its owner, the balance of its plan paid back first, then stopped; for some days it can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from core.accounts.models import User, Vendor
from core.accounts.queries import hold_vendor
from core.closing.models import Closing
from core.closing.obstacles import Left, left_on_plans, obstacles
from core.closing.people import bring_back_team, send_team_home
from core.closing.quiet import end_practice
from core.closing.states import CAN_BE_TAKEN_BACK, CLOSING, OPEN
from core.directory.standing import find_standing, set_visible
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict
from core.kernel.ids import public_id, uuid7
from core.kernel.signing import TokenRefused, make_token, read_token
from core.notifications.notify import notify
from core.subscriptions.pay_back import pay_back

LIVE = "live"
GRACE = timedelta(days=14)
AGAIN = timedelta(hours=1)
LIFE = timedelta(days=60)  # of the address in the letter: the row says how long it counts
WORLDS = ("live", "test")


class SomethingInTheWay(Conflict):
    """Money, a plan or something under way has to end first."""

    code = "something_in_the_way"


class WrongName(Conflict):
    """The name that was typed is another one."""

    code = "wrong_name"
    status = 422


class TooLate(Conflict):
    """It cannot be taken back any more."""

    code = "too_late"


def find_open(vendor: Vendor) -> Closing | None:
    """The closing that is under way."""
    return db.session.scalar(select(Closing).where(Closing.vendor_id == vendor.id, Closing.state.in_(OPEN)))


def find_last(vendor: Vendor) -> Closing | None:
    """The last one there was, whatever became of it."""
    return db.session.scalar(select(Closing).where(Closing.vendor_id == vendor.id).order_by(Closing.id.desc()).limit(1))


def expects_of(left: Sequence[Left]) -> str:
    """What would be paid back, in one word: when anything has changed, it is another one."""
    return ".".join(f"{each.row.public_id}:{each.payout.expects}" for each in left)


def ask_to_close(vendor: Vendor, owner: User, *, name: str, expects: str, mode: str = LIVE) -> Closing:
    """The owner closes the account, having typed its name and seen what is paid back. Without anything to pay back it stops at once.

    Asked twice it is one closing. Refuses WrongName, SomethingInTheWay, and when another sum would go back by now.
    """
    hold_vendor(vendor.id)
    before = find_open(vendor)
    if before is not None:
        return before
    if " ".join(name.split()).casefold() != " ".join(vendor.name.split()).casefold():
        raise WrongName("That is not the name of the business. Type it as it is written above.", field="name")
    if obstacles(vendor, mode):
        raise SomethingInTheWay("Something has to end first. Look at the list, and come back once it is empty.")
    left = left_on_plans(vendor, mode)
    if expects_of(left) != expects:
        raise Conflict("The balance has changed since you looked. Nothing was done: please look again.")
    at = now()
    row = Closing(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("clo"), token_id=public_id("tok"), state="paying_back",
        asked_by=owner.public_id, email=owner.email, locale=owner.language, team=[], asked_at=at, stopped_at=None, ends_at=None,
        told_at=None, ended_at=None, due_at=at + AGAIN,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    record(vendor.id, actor=owner.public_id, action="vendor.closing_asked", subject=row.public_id)
    for each in left:
        if each.payout.parts:
            pay_back(each.row, expects=each.payout.expects, by=owner.public_id)
    if any(each.payout.parts for each in left):
        _tell(vendor, row)
    else:
        stop(vendor, row)
    return row


def stop(vendor: Vendor, row: Closing) -> None:
    """From now on nothing of it works for anybody but its owner, who has so many days to take it back. The vendor is held."""
    at = now()
    move(row, "closing")
    row.stopped_at, row.ends_at, row.due_at = at, at + GRACE, at + GRACE
    vendor.stopped_at = at
    row.team = send_team_home(vendor, by=row.asked_by)
    for world in WORLDS:
        standing = find_standing(vendor.id, world)
        if standing is not None and standing.visible:
            set_visible(vendor, world, visible=False, reason="closed", by=row.asked_by)
        if world != row.mode:
            end_practice(vendor, world, by=row.asked_by)
    record(vendor.id, actor=row.asked_by, action="vendor.stopped", subject=row.public_id, until=row.ends_at.isoformat(timespec="seconds"))
    _tell(vendor, row)


def take_back(vendor: Vendor, row: Closing, *, by: str) -> Closing:
    """Everything is open again as it was, and the team is there again. Money that went back has gone back. Twice is once. Refuses TooLate."""
    hold_vendor(vendor.id)
    row = lock_again(row)
    if row.state == "taken_back":
        return row
    if row.state not in CAN_BE_TAKEN_BACK:
        raise TooLate("It is too late: the account has been closed, and what it held of people was taken out.")
    if row.stopped_at is not None:
        vendor.stopped_at = None
        bring_back_team(vendor, row.team)
        for world in WORLDS:
            standing = find_standing(vendor.id, world)
            if standing is not None and standing.reason == "closed":
                set_visible(vendor, world, visible=True, reason="", by=by)
    move(row, "taken_back")
    row.ended_at, row.due_at, row.team = now(), None, []
    record(vendor.id, actor=by, action="vendor.closing_taken_back", subject=row.public_id)
    return row


def move(row: Closing, state: str) -> None:
    """Only along the table."""
    if state not in CLOSING[row.state]:
        raise RuntimeError(f"a closing that is {row.state} cannot become {state}")
    row.state = state


def _tell(vendor: Vendor, row: Closing) -> None:
    notify(vendor, "closing_asked", mode=row.mode, to=row.email, locale=row.locale or "en", closing=row.public_id)


# --- the address in the letter -------------------------------------------------------------------------------------------------


def closing_token(vendor: Vendor, row: Closing) -> str:
    """The signed text of the address by which it is taken back."""
    return make_token("closing", vendor=vendor.public_id, mode=row.mode, token_id=row.token_id, expires_at=row.asked_at + LIFE)


def open_closing_token(text: str) -> tuple[Vendor, Closing]:
    """Which closing this is. Raises TokenRefused for what we did not issue, and once nothing can be taken back any more."""
    claims = read_token("closing", text)
    mine = select(Vendor, Closing).join(Closing, Closing.vendor_id == Vendor.id).where(Vendor.public_id == claims.vendor)
    found = db.session.execute(mine.where(Closing.mode == claims.mode, Closing.token_id == claims.token_id)).one_or_none()
    if found is None or found[1].state not in CAN_BE_TAKEN_BACK:
        raise TokenRefused("revoked")
    return found[0], found[1]


def standing_of_closing(text: str) -> str:
    """For /verify: whether such an address still counts."""
    try:
        open_closing_token(text)
    except TokenRefused as refusal:
        return "expired" if refusal.reason == "expired" else "revoked"
    return "genuine"


def find_closing(vendor: Vendor, mode: str, public: str) -> Closing | None:
    """The one a letter is about."""
    mine = select(Closing).where(Closing.vendor_id == vendor.id, Closing.mode == mode)
    return db.session.scalar(mine.where(Closing.public_id == public))
