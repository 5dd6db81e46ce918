"""Keys of a vendor's software: made, shown once, rolled into new ones, found by their hash, revoked at once."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from sqlalchemy import bindparam, select

from core.accounts.key_models import ApiKey
from core.accounts.key_scopes import read_scopes
from core.accounts.models import Vendor
from core.kernel.ask import Question
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.keyset import Slice, Span, slice_of
from core.kernel.sentence import said

BRAND = "portal"
PUBLISHABLE, SECRET, RESTRICTED = "pk", "sk", "rk"
KINDS = (SECRET, RESTRICTED, PUBLISHABLE)
MOST_KEYS = 20  # at once; a key nobody uses is better revoked
MOST_ADDRESSES = 20
LONGEST_LIFE = timedelta(days=5 * 365)
LONGEST_NOTE, LONGEST_PROGRAM = 200, 120
OWN_SOFTWARE = "api"  # as whom a key acts
LONGEST_OVERLAP = timedelta(days=7)
QUIET = timedelta(minutes=1)  # that a key was used is noted so often at most
LEAKED = "leaked"
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# What a scanner for secrets looks for; the last six signs follow from the 32 before them (`_check`).
PATTERN = rf"{BRAND}_(pk|sk|rk)_(test|live)_([0-9A-Za-z]{{32}})([0-9A-Za-z]{{6}})"
_SHAPE = re.compile(PATTERN)
# Written down once: every call begins with this question.
_BY_DIGEST = Question(
    select(Vendor, ApiKey)
    .join(ApiKey, ApiKey.vendor_id == Vendor.id)
    .where(ApiKey.digest == bindparam("digest"), ApiKey.mode == bindparam("mode"))
)


class TooManyKeys(Refusal):
    """There are as many as there may be."""

    code = "too_many_keys"


class BadAddresses(Refusal):
    """A line that is no network address."""

    code = "bad_addresses"


class KeyOver(Conflict):
    """The key counts no more, or has been rolled already."""

    code = "key_over"


def make_key(
    vendor: Vendor, mode: str, *, name: str, by: str, kind: str = SECRET, scopes: Iterable[str] = (), addresses: Iterable[str] = (),
    life: timedelta | None = None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """A new key and its secret, which nobody can be told a second time. It counts for so long (`life`), or until it is revoked or rolled.

    Refuses TooManyKeys, BadScopes, BadAddresses.
    """
    if len([key for key in list_keys(vendor, mode) if counts(key)]) >= MOST_KEYS:
        raise TooManyKeys("There are twenty keys already. Revoke one that is not used any more.", field="name")
    if kind not in KINDS:
        raise Refusal("Choose a kind of key from the list.", field="kind")
    if life is not None and not timedelta(0) < life <= LONGEST_LIFE:
        raise Refusal("Choose from the list for how long it counts.", field="life")
    wide = read_scopes(scopes) if kind == RESTRICTED else []
    key, secret = _made(vendor, mode, name.strip(), kind, wide, read_addresses(addresses), by)
    key.expires_at = now() + life if life else None
    record(vendor.id, actor=by, action="api_key.made", subject=key.public_id, mode=mode, kind=kind, scopes=wide)
    return key, secret


def _made(vendor: Vendor, mode: str, name: str, kind: str, scopes: list[str], addresses: list[str], by: str) -> tuple[ApiKey, str]:
    random = "".join(secrets.choice(_SIGNS) for _ in range(32))
    secret = f"{BRAND}_{kind}_{mode}_{random}{_check(random)}"
    key = ApiKey(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("key"), name=name, kind=kind, scopes=scopes, addresses=addresses,
        digest=_digest(secret), plain=secret if kind == PUBLISHABLE else None, ends_in=secret[-4:], made_by=by, made_at=now(),
        last_used_from="", last_used_by="", used_scopes=[], replaced_by="", revoked_because="", revoked_note="", warned=0,
    )  # fmt: skip
    db.session.add(key)
    db.session.flush()
    return key, secret


def read_addresses(lines: Iterable[str]) -> list[str]:
    """Networks as they are kept, `203.0.113.7` or `203.0.113.0/24`; each once. Refuses BadAddresses."""
    found: dict[str, None] = {}
    for line in lines:
        if not (text := line.strip()):
            continue
        try:
            found[str(ip_network(text))] = None
        except ValueError:
            raise BadAddresses(
                said("“%(line)s” is no network address. Write 203.0.113.7 or 203.0.113.0/24.", line=text[:60]), field="addresses"
            ) from None
    if len(found) > MOST_ADDRESSES:
        raise BadAddresses(said("%(most)s addresses at most.", most=MOST_ADDRESSES), field="addresses")
    return list(found)


def counts_from(key: ApiKey, address: str) -> bool:
    """Whether a call from this address may come with the key."""
    if not key.addresses:
        return True
    try:
        here = ip_address(address)
    except ValueError:
        return False
    return any(here in ip_network(network) for network in key.addresses)


def find_key(secret: str) -> tuple[Vendor, ApiKey] | None:
    """Whose key this is; None for one that was revoked, altered or never ours. What cannot be ours is not asked of the database."""
    found = _find(secret)
    return found if found and counts(found[1]) else None


def find_over(secret: str) -> tuple[Vendor, ApiKey] | None:
    """Whose key this was; None for one that counts, and for what was never a key of ours."""
    found = _find(secret)
    return found if found and not counts(found[1]) else None


def _find(secret: str) -> tuple[Vendor, ApiKey] | None:
    shape = _SHAPE.fullmatch(secret)
    if shape is None or _check(shape[3]) != shape[4]:
        return None
    found = _BY_DIGEST.first(digest=_digest(secret), mode=shape[2])
    return (found[0], found[1]) if found else None


def counts(key: ApiKey) -> bool:
    """Whether it opens anything now: not revoked, not past its own end, and not past the time it had left after it was rolled."""
    end = end_of(key)
    return key.revoked_at is None and (end is None or now() < end)


def end_of(key: ApiKey) -> datetime | None:
    """When it stops counting by itself; None: never."""
    return min((at for at in (key.ends_at, key.expires_at) if at), default=None)


def note_use(key: ApiKey, address: str = "", *, scope: str = "", program: str = "") -> None:
    """It was used just now, from there, by a program that calls itself so, and for this."""
    if key.last_used_at is None or now() - key.last_used_at > QUIET:
        key.last_used_at, key.last_used_from, key.last_used_by = now(), address[:45], program
    if scope and scope not in key.used_scopes:
        key.used_scopes = sorted({*key.used_scopes, scope})


def unused_scopes(key: ApiKey) -> list[str]:
    """What a restricted key is good for and was never used for: it could do without. Reading comes with changing, and is not named beside it."""
    kept = [scope for scope in key.scopes if scope not in key.used_scopes]
    return [one for one in kept if not one.endswith(":read") or one.replace(":read", ":write") not in key.scopes]


def list_keys(vendor: Vendor, mode: str) -> list[ApiKey]:
    """All keys, also revoked ones, the newest first."""
    mine = select(ApiKey).where(ApiKey.vendor_id == vendor.id, ApiKey.mode == mode)
    return list(db.session.scalars(mine.order_by(ApiKey.id.desc())))


def list_made_by(vendor: Vendor, person: str) -> list[ApiKey]:
    """Keys of both modes that this person made, and what software has rolled those into since, as long as they count: each sees the whole
    business, whatever its maker may by now. Not publishable ones, which open what a payer may see."""
    mine = select(ApiKey).where(ApiKey.vendor_id == vendor.id, ApiKey.kind != PUBLISHABLE).order_by(ApiKey.mode, ApiKey.id)
    theirs: list[ApiKey] = []
    for key in db.session.scalars(mine):  # by when it was made: what a key was rolled into comes after it
        if key.made_by == person or (key.made_by == OWN_SOFTWARE and any(one.replaced_by == key.public_id for one in theirs)):
            theirs.append(key)
    return [key for key in theirs if counts(key)]


def feed_keys(vendor: Vendor, mode: str, span: Span) -> Slice:
    """The same as a vendor's own software reads lists: newest first, by keyset, in both directions."""
    mine = select(ApiKey).where(ApiKey.vendor_id == vendor.id, ApiKey.mode == mode)
    return slice_of(mine, ApiKey.id, span, lambda number: get_key(vendor, mode, number).id)


def get_key(vendor: Vendor, mode: str, number: str) -> ApiKey:
    """One of the vendor's keys, locked until the unit ends; refuses with 404."""
    mine = select(ApiKey.id).where(ApiKey.vendor_id == vendor.id, ApiKey.mode == mode, ApiKey.public_id == number)
    found = db.session.scalar(mine) if is_public_id("key", number) else None
    key = locked(ApiKey, vendor.id, mode, found) if found else None
    if key is None:
        raise NotFound("There is no such key.")
    return key


def roll_key(vendor: Vendor, mode: str, number: str, *, overlap: timedelta, by: str) -> tuple[ApiKey, str]:
    """A new key good for the same, and its secret; the old one counts for as long as `overlap` beside it. Refuses KeyOver."""
    old = get_key(vendor, mode, number)
    if not counts(old) or old.replaced_by:
        raise KeyOver("This key was rolled or revoked already.")
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Refusal("Choose for how long both keys count from the list.", field="overlap")
    new, secret = _made(vendor, mode, old.name, old.kind, list(old.scopes), list(old.addresses), by)
    new.expires_at = now() + (old.expires_at - old.made_at) if old.expires_at else None
    old.replaced_by, old.ends_at = new.public_id, now() + overlap
    record(
        vendor.id, actor=by, action="api_key.rolled", subject=old.public_id, mode=mode, into=new.public_id, until=old.ends_at.isoformat()
    )
    return new, secret


def revoke_key(vendor: Vendor, mode: str, number: str, *, by: str, note: str = "") -> ApiKey:
    """From this moment on it opens nothing. `note` says why, for the team. Safe to repeat; refuses with 404."""
    key = get_key(vendor, mode, number)
    if key.revoked_at is None:
        key.revoked_at, key.revoked_note = now(), " ".join(note.split())[:LONGEST_NOTE]
        record(
            vendor.id,
            actor=by,
            action="api_key.revoked",
            subject=key.public_id,
            mode=mode,
            **({"reason": key.revoked_note} if key.revoked_note else {}),
        )
    return key


def report_leaked(secret: str, *, where: str) -> tuple[Vendor, ApiKey] | None:
    """Somebody found this text where it should not be. Ours and secret, it is revoked at once; the answer is for us, never for them.

    Whoever can report it could as well use it, so nothing is asked of them. A publishable key stands in pages on purpose. What the key has
    rolled itself into goes with it: whoever found it may have done that.
    """
    found = _find(secret)
    if found is None or found[1].kind == PUBLISHABLE:
        return None
    vendor, first = found
    revoked = [key for key in _chain(vendor, first) if _revoke_leaked(vendor, key, where)]
    return (vendor, revoked[0]) if revoked else None


def _chain(vendor: Vendor, key: ApiKey) -> list[ApiKey]:
    """The key and those that software rolled it into, one after the other, each locked."""
    found = [get_key(vendor, key.mode, key.public_id)]
    while found[-1].replaced_by:
        after = get_key(vendor, key.mode, found[-1].replaced_by)
        if after.made_by != OWN_SOFTWARE:
            break
        found.append(after)
    return found


def _revoke_leaked(vendor: Vendor, key: ApiKey, where: str) -> bool:
    if not counts(key):
        return False
    key.revoked_at, key.revoked_because = now(), LEAKED
    record(vendor.id, actor="system", action="api_key.leaked", subject=key.public_id, mode=key.mode, where=where[:200])
    return True


def _digest(secret: str) -> str:
    """Half of the random signs would be more than anybody can try: no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(random: str) -> str:
    """Six signs that let a scanner tell a key of ours from any other text, without asking us."""
    number, signs = zlib.crc32(random.encode()), ""
    for _ in range(6):
        number, sign = divmod(number, len(_SIGNS))
        signs += _SIGNS[sign]
    return signs
