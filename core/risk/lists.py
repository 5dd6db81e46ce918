"""The lists of who is let through, refused or watched: what may stand there, since when and why, and what of a payment is found there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_address, ip_network

from sqlalchemy import ColumnElement, and_, cast, or_, select
from sqlalchemy.dialects.postgresql import INET

from core.accounts.house import HOUSE
from core.accounts.places import is_country
from core.accounts.queries import hold_vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said
from core.risk.rule_models import KINDS, LISTS, LONGEST_REASON, ListEntry
from core.risk.rule_sets import forget
from core.risk.rules import Hit

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
_DOMAIN = re.compile(r"(?=.{3,253}$)[a-z0-9\u0080-\uffff]([a-z0-9\u0080-\uffff-]*[a-z0-9\u0080-\uffff])?(\.[a-z0-9\u0080-\uffff-]+)+")
_CARD = re.compile(r"[A-Za-z0-9_-]{6,120}")
WIDEST = {4: 8, 6: 16}  # the shortest prefix of a range: beyond that it is no range but half the world


class EntryRefused(Refusal):
    """That cannot stand on a list."""

    code = "list_entry_refused"


class OnListAlready(Conflict):
    """It stands there already."""

    code = "on_list_already"


def add_entry(
    mode: str, which: str, kind: str, value: str, *, reason: str, by: str, expires_at: datetime | None = None, origin: str = ""
) -> ListEntry:
    """Put it on a list, with the reason; `origin` is the payment it was taken from. Refuses EntryRefused at the field, and OnListAlready."""
    if which not in LISTS:
        raise EntryRefused("Choose a list.", field="which")
    value, reason = _value(kind, value), " ".join(reason.split())
    if not reason:
        raise EntryRefused("Say why, so that whoever looks later knows.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise EntryRefused(said("At most %(most)s characters.", most=LONGEST_REASON), field="reason")
    if expires_at is not None and expires_at <= now():
        raise EntryRefused("Choose a time that is still to come, or leave it empty.", field="expires_at")
    hold_vendor(HOUSE)  # two at once are one after the other
    if (there := _standing(mode, which, kind, value)) is not None:
        if there.expires_at is None or there.expires_at > now():
            raise OnListAlready("That stands on this list already.", field="value")
        there.removed_at, there.removed_by = there.expires_at, "system"
        db.session.flush()
    row = ListEntry(
        mode=mode, id=uuid7(), public_id=public_id("rle"), which=which, kind=kind, value=value, network=value if kind == "address" else None,
        reason=reason, origin=origin, added_by=by, added_at=now(), expires_at=expires_at,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    until = expires_at.isoformat(timespec="seconds") if expires_at else ""
    record(
        HOUSE,
        actor=by,
        action="risk_list.added",
        subject=row.public_id,
        mode=mode,
        list=which,
        kind=kind,
        reason=reason,
        origin=origin,
        until=until,
    )
    forget()
    return row


def ensure_entry(mode: str, which: str, kind: str, value: str, *, reason: str, by: str, origin: str) -> ListEntry | None:
    """The same where it may stand there already, or be nothing that can: then None, and nothing changes."""
    try:
        return add_entry(mode, which, kind, value, reason=reason, by=by, origin=origin)
    except (OnListAlready, EntryRefused):
        return None


def remove_entry(row: ListEntry, *, by: str) -> None:
    """Take it off. Twice is once."""
    row = lock_again(row)
    if row.removed_at is not None:
        return
    row.removed_at, row.removed_by = now(), by
    record(HOUSE, actor=by, action="risk_list.removed", subject=row.public_id, mode=row.mode, list=row.which, kind=row.kind)
    db.session.flush()
    forget()


def get_entry(mode: str, number: str) -> ListEntry:
    """One entry; refuses with 404."""
    found = None
    if is_public_id("rle", number):
        found = db.session.scalar(select(ListEntry).where(ListEntry.mode == mode, ListEntry.public_id == number))
    if found is None:
        raise NotFound("There is no such entry.")
    return found


def list_entries(mode: str, *, after: str = "", limit: int = 50) -> tuple[list[ListEntry], str | None]:
    """What counts now, the newest first, and what to ask the older ones after."""
    query = select(ListEntry).where(ListEntry.mode == mode, *_on())
    if after:
        query = query.where(ListEntry.id < get_entry(mode, after).id)
    rows = list(db.session.scalars(query.order_by(ListEntry.id.desc()).limit(limit + 1)))
    return rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None


def find_hits(mode: str, *, email: str = "", address: str = "", card: str = "", countries: Iterable[str | None] = ()) -> tuple[Hit, ...]:
    """What of a payment stands on which list. Of an e-mail also its domain, and every domain above it."""
    wanted: list[ColumnElement[bool]] = []
    if email:
        wanted += [_named("email", [email.lower()]), _named("domain", domains_of(email))]
    if card:
        wanted.append(_named("card", [card]))
    if codes := [code for code in countries if code]:
        wanted.append(_named("country", codes))
    if network := _address(address):
        wanted.append(and_(ListEntry.kind == "address", ListEntry.network.op(">>=", is_comparison=True)(cast(network, INET))))
    if not wanted:
        return ()
    found = select(ListEntry.which, ListEntry.kind).where(ListEntry.mode == mode, *_on(), or_(*wanted)).distinct()
    return tuple(Hit(which, kind) for which, kind in sorted(map(tuple, db.session.execute(found))))


def domains_of(email: str) -> list[str]:
    """shop.example.com and example.com of ada@shop.example.com; a bare ending is no domain."""
    parts = email.lower().rpartition("@")[2].split(".")
    return [".".join(parts[n:]) for n in range(len(parts) - 1)]


def _named(kind: str, values: list[str]) -> ColumnElement[bool]:
    return and_(ListEntry.kind == kind, ListEntry.value.in_(values))


def _on() -> tuple[ColumnElement[bool], ...]:
    return ListEntry.removed_at.is_(None), or_(ListEntry.expires_at.is_(None), ListEntry.expires_at > now())


def _standing(mode: str, which: str, kind: str, value: str) -> ListEntry | None:
    mine = (ListEntry.mode == mode, ListEntry.which == which, ListEntry.kind == kind, ListEntry.value == value)
    return db.session.scalar(select(ListEntry).where(*mine, ListEntry.removed_at.is_(None)))


def _address(text: str) -> str:
    """What PostgreSQL can compare; nothing of what is no address."""
    try:
        found = ip_address(text)
    except ValueError:
        return ""
    return "" if "%" in text else str(getattr(found, "ipv4_mapped", None) or found)


def _value(kind: str, value: str) -> str:
    """As it is compared. Refuses what can never be met."""
    value = value.strip()
    if kind not in KINDS:
        raise EntryRefused("Choose what it is.", field="kind")
    if kind == "address":
        return _range(value)
    if kind == "email" and _EMAIL.fullmatch(value) and len(value) <= 254:
        return value.lower()
    if kind == "domain" and _DOMAIN.fullmatch(value.lower().removeprefix("@")):
        return value.lower().removeprefix("@")
    if kind == "country" and is_country(value.upper()):
        return value.upper()
    if kind == "card" and _CARD.fullmatch(value) and not value.isdigit():  # all digits would be a card number
        return value
    raise EntryRefused(_WRONG[kind], field="value")


_WRONG = {
    "email": said("Enter an e-mail address like name@example.com."),
    "domain": said("Enter a domain like example.com."),
    "country": said("Enter the two letters of a country, like GB."),
    "card": said("Enter the mark that the processor gives the card: letters, digits, - and _ only. Never a card number."),
}


def _range(value: str) -> str:
    try:
        found = ip_network(value, strict=False)
    except ValueError:
        raise EntryRefused("Enter an address like 192.0.2.7, or a range like 192.0.2.0/24.", field="value") from None
    if "%" in value or found.prefixlen < WIDEST[found.version]:
        raise EntryRefused("That range is too wide: it would meet people who have nothing to do with it.", field="value")
    return str(found)


def values_on(mode: str) -> dict[tuple[str, str], frozenset[str]]:
    """All that can be compared with payments of the past, whose addresses and cards nobody kept: by (list, kind)."""
    kinds = ("email", "domain", "country")
    query = select(ListEntry.which, ListEntry.kind, ListEntry.value).where(ListEntry.mode == mode, ListEntry.kind.in_(kinds), *_on())
    found: dict[tuple[str, str], set[str]] = {}
    for which, kind, value in db.session.execute(query):
        found.setdefault((which, kind), set()).add(value)
    return {key: frozenset(values) for key, values in sorted(found.items())}
