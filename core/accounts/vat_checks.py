"""Whether a business's VAT number is proved: asked of the registry when it is written down and again from time to time, with the answers kept.

Only where it matters: the house is in the European Union and charges VAT, and the business is in another state of the Union.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from core.accounts.house import HOUSE, find_details
from core.accounts.models import BusinessDetails, VatCheck, Vendor
from core.accounts.places import EU
from core.accounts.queries import get_vendor
from core.accounts.vies import Answer, spelled
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, locked
from core.kernel.ids import uuid7
from core.kernel.outbox import enqueue, is_waiting

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=2), timedelta(hours=1)
AGAIN = timedelta(days=30)  # a number that is proved is asked about again: it may have been struck off
NONE, NOT_NEEDED, OFF, WAITING, VALID, INVALID = "none", "not_needed", "off", "waiting", "valid", "invalid"
_COUNTRIES = {"EL": "GR"}


@dataclass(frozen=True, slots=True)
class VatStanding:
    """How a business's number stands: `state` is one of the words above. `proved` is the consultation that counts, `asked` one without an answer."""

    state: str
    proved: VatCheck | None = None
    asked: VatCheck | None = None
    refused: VatCheck | None = None


def standing_of(vendor: Vendor) -> VatStanding:
    """As things stand now. A number that was proved counts on while it is asked about again, until the registry says otherwise."""
    details = find_details(vendor.id)
    number = details.vat_id if details is not None else ""
    if not number:
        return VatStanding(NONE)
    if not matters(vendor, number):
        return VatStanding(NOT_NEEDED)
    checks = _checks(vendor.id, number)
    asked = next((one for one in checks if one.state == "asked"), None)
    last = next((one for one in checks if one.state != "asked"), None)
    if last is not None and last.state == "invalid":
        return VatStanding(INVALID, asked=asked, refused=last)
    if last is not None:
        return VatStanding(VALID, proved=last, asked=asked)
    return VatStanding(WAITING, asked=asked) if asked is not None else VatStanding(OFF)


def matters(vendor: Vendor, number: str) -> bool:
    """Whether the answer could make a difference: another state of the Union, a number of that state, and a house that charges VAT there."""
    house, details = get_vendor(HOUSE), find_details(HOUSE)
    country = _COUNTRIES.get(number[:2], number[:2])
    taxed = details is not None and details.tax_bps is not None and bool(details.vat_id)
    return taxed and {house.country, vendor.country} <= EU and country == vendor.country != house.country


def ask_registry(vendor: Vendor) -> VatCheck | None:
    """Have the number looked up by a worker, where it matters. One that is being asked about, or is proved and not old, is not asked again."""
    details = find_details(vendor.id)
    if not settings().vies_url or details is None or not details.vat_id or not matters(vendor, details.vat_id):
        return None
    last = next(iter(_checks(vendor.id, details.vat_id)), None)
    if last and (last.state == "asked" or (last.state == "valid" and last.answered_at is not None and last.answered_at > now() - AGAIN)):
        return None
    house = find_details(HOUSE)
    check = VatCheck(
        vendor_id=vendor.id, id=uuid7(), vat_id=details.vat_id, requester=house.vat_id if house is not None else "", state="asked", asked_at=now(),
        next_at=now(), tries=0, answered_at=None,
    )  # fmt: skip
    db.session.add(check)
    db.session.flush()
    enqueue("check_vat_id", vendor.id, queue="messages", check=str(check.id))
    return check


@dataclass(frozen=True, slots=True)
class Question:
    """What a worker asks the registry."""

    vat_id: str
    requester: str


def begin_check(vendor_id: uuid.UUID, check_id: uuid.UUID) -> Question | None:
    """Count a try and plan the next one, before anybody is asked. None when there is an answer, or the business has another number by now."""
    check = locked(VatCheck, vendor_id, check_id)
    if check is None or check.state != "asked":
        return None
    details = find_details(vendor_id)
    if details is None or details.vat_id != check.vat_id:
        check.next_at = None  # nobody waits for this answer any more
        return None
    check.next_at = now() + min(FIRST_WAIT * 2 ** min(check.tries, 10), LONGEST_WAIT)
    check.tries += 1
    return Question(spelled(check.vat_id), spelled(check.requester) if check.requester else "")


def note_problem(vendor_id: uuid.UUID, check_id: uuid.UUID, word: str) -> None:
    """There was no answer, and why."""
    check = locked(VatCheck, vendor_id, check_id)
    if check is not None and check.state == "asked":
        check.problem = word[:60]


def note_answer(vendor_id: uuid.UUID, check_id: uuid.UUID, answer: Answer) -> bool:
    """Keep what the registry said, once; answers whether that was news."""
    check = locked(VatCheck, vendor_id, check_id)
    if check is None or check.state != "asked":
        return False
    check.state, check.answered_at, check.next_at, check.problem = "valid" if answer.valid else "invalid", answer.at, None, ""
    check.consultation, check.name, check.address = answer.consultation, answer.name, answer.address
    audit.record(
        vendor_id, actor="system", action="vat_id.checked", subject=get_vendor(vendor_id).public_id, vat_id=check.vat_id, result=check.state,
        consultation=check.consultation,
    )  # fmt: skip
    return True


def plan_checks(limit: int = 50) -> None:
    """By the clock: questions without an answer are asked again, and numbers that were proved a while ago anew. In the present unit."""
    waits = is_waiting("check_vat_id", VatCheck.vendor_id, check=VatCheck.id)
    due = select(VatCheck).where(VatCheck.next_at <= now(), ~waits).order_by(VatCheck.next_at).limit(limit)
    for check in db.session.scalars(due.with_for_update(skip_locked=True)):
        enqueue("check_vat_id", check.vendor_id, queue="messages", check=str(check.id))
    newer = aliased(VatCheck)
    later = exists().where(newer.vendor_id == VatCheck.vendor_id, newer.vat_id == VatCheck.vat_id, newer.id > VatCheck.id)
    same = BusinessDetails.vat_id == VatCheck.vat_id
    old = select(VatCheck.vendor_id).join(BusinessDetails, (BusinessDetails.vendor_id == VatCheck.vendor_id) & same)
    old = old.where(VatCheck.state == "valid", VatCheck.answered_at < now() - AGAIN, ~later).order_by(VatCheck.answered_at).limit(limit)
    for vendor_id in db.session.scalars(old):
        ask_registry(get_vendor(vendor_id))


def waiting_since(vendor: Vendor) -> datetime | None:
    """Since when the very first answer is waited for; None when there is one, or none is needed."""
    standing = standing_of(vendor)
    return standing.asked.asked_at if standing.state == WAITING and standing.asked is not None else None


def _checks(vendor_id: uuid.UUID, number: str) -> list[VatCheck]:
    """Those about this number, the newest first."""
    mine = select(VatCheck).where(VatCheck.vendor_id == vendor_id, VatCheck.vat_id == number)
    return list(db.session.scalars(mine.order_by(VatCheck.id.desc()).limit(10)))
