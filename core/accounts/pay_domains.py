"""A vendor's own host names for its payment pages: named by a person, looked at by a worker now and then, used while DNS says they are proved."""

from __future__ import annotations

import ipaddress
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import idna
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.pay_domain_models import LOST, VERIFIED, WAITING, PayDomain, PayHost
from core.accounts.pay_host import own_host
from core.accounts.return_addresses import HOST
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.outbox import enqueue, is_waiting
from core.kernel.sentence import said

MOST_DOMAINS = 5
RECORD = "_payment-pages"  # the label of the TXT record, below the host name
BETWEEN_LOOKS = timedelta(seconds=5)
AGAIN, SOON = (
    timedelta(hours=6),
    timedelta(hours=1),
)  # between two looks of the clock: as long as all is well, and while something is missing
WAITED = timedelta(days=3)  # for so long the clock looks at a name that was never proved; after that whoever named it asks
LOST_AFTER, LOST_FAILURES = timedelta(days=1), 4  # both: DNS that is away for an hour loses nothing
LONGEST = 300
# The second labels under which countries let names be registered: nobody's own host is called so.
REGISTRIES = frozenset(
    {"ac", "asn", "co", "com", "edu", "firm", "gob", "gov", "id", "ltd", "me", "mil", "ne", "net", "nom", "or", "org", "plc", "sch"}
)


class BadPayDomain(Refusal):
    """Not a host name on which a vendor's payment pages can stand."""

    code = "bad_pay_domain"


@dataclass(frozen=True, slots=True)
class Seen:
    """What DNS said at one look. None: it did not answer."""

    texts: list[str] | None
    address: str | None
    leads_here: bool


def read_pay_host(text: str) -> str:
    """The host name of what somebody typed, as DNS writes it. Raises BadPayDomain with what to write instead."""
    host = text.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/").rstrip(".")
    with suppress(ValueError):
        ipaddress.ip_address(host.strip("[]"))
        raise BadPayDomain("Write a name like pay.example.com: an address in numbers cannot be proved.", field="host")
    if any(sign in host for sign in "/?#@\\"):
        raise BadPayDomain("Write the host name alone, like pay.example.com, without what stands behind it.", field="host")
    if ":" in host:
        raise BadPayDomain("Leave out the port: payers’ browsers come by https alone.", field="host")
    if "_" in host:
        raise BadPayDomain("The name of a website has no underscore in it. Write one like pay.example.com.", field="host")
    try:
        spelt = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        spelt = ""
    if not HOST.fullmatch(spelt):
        raise BadPayDomain("Write a host name like pay.example.com.", field="host")
    _check_ownable(spelt)
    return spelt


def _check_ownable(host: str) -> None:
    ours, labels = own_host(settings().public_url), host.split(".")
    if host == ours or host.endswith(f".{ours}") or ours.endswith(f".{host}"):
        raise BadPayDomain("This name is the platform’s own. Write one of your business.", field="host")
    if len(labels) == 2 and len(labels[1]) == 2 and labels[0] in REGISTRIES:
        raise BadPayDomain("Names are registered below this one. Write your own, like pay.example.com.", field="host")


def add_pay_domain(vendor: Vendor, *, host: str, by: str) -> PayDomain:
    """Name a host and get what must stand in DNS. It shows nothing until a worker has found that there. Naming it again answers the same row."""
    host = read_pay_host(host)
    mine = select(PayDomain).where(PayDomain.vendor_id == vendor.id)
    if (known := db.session.scalar(mine.where(PayDomain.host == host))) is not None:
        return known
    if int(db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= MOST_DOMAINS:
        raise BadPayDomain(said("%(most)s host names at most. Remove one first.", most=MOST_DOMAINS), field="host")
    row = PayDomain(
        vendor_id=vendor.id, id=uuid7(), public_id=public_id("pdm"), host=host, proof=f"payment-pages={secrets.token_hex(20)}", state=WAITING,
        in_use=False, proved=False, leads_here=False, failures=0, next_look_at=now() + SOON, created_at=now(),
    )  # fmt: skip
    db.session.add(row)
    record(vendor.id, actor=by, action="pay_domain.named", subject=row.public_id, host=host)
    return row


def ask_for_look(domain: PayDomain) -> None:
    """Have a worker look. Once every few seconds is enough: refuses Conflict when one looked just now."""
    domain = _lock(domain)
    if domain.asked_at and now() - domain.asked_at < BETWEEN_LOOKS:
        raise Conflict("Somebody asked just now. Wait a few seconds before the next look.")
    domain.asked_at, domain.checked_at = now(), None
    enqueue("look_at_pay_domain", domain.vendor_id, queue="messages", domain=str(domain.id))


def plan_looks(limit: int = 50) -> None:
    """By the clock: have those looked at whose time has come. In the present unit; each is planned anew, whatever becomes of the look."""
    waits = is_waiting("look_at_pay_domain", PayDomain.vendor_id, domain=PayDomain.id)
    due = select(PayDomain).where(PayDomain.next_look_at <= now(), ~waits).order_by(PayDomain.next_look_at).limit(limit)
    for domain in db.session.scalars(due.with_for_update(skip_locked=True)):
        domain.next_look_at = now() + SOON
        enqueue("look_at_pay_domain", domain.vendor_id, queue="messages", domain=str(domain.id))


def record_look(domain: PayDomain, seen: Seen) -> bool:
    """Write down what a look found, and what follows: proved, still waiting, or, after a day of looks that found nothing, lost. Answers whether
    it was lost just now: its vendor is told."""
    domain = _lock(domain)
    before, domain.checked_at = domain.state, now()
    domain.found_proof = None if seen.texts is None else ", ".join(seen.texts)[:LONGEST]
    domain.found_address = None if seen.address is None else seen.address[:LONGEST]
    domain.proved, domain.leads_here = domain.proof in (seen.texts or ()), seen.leads_here
    if domain.proved and domain.leads_here and _claim(domain):
        _prove(domain)
    elif domain.state == VERIFIED:
        _miss(domain)
    domain.next_look_at = _next_look(domain)
    return before == VERIFIED and domain.state == LOST


def is_taken(domain: PayDomain) -> bool:
    """Whether another vendor has proved this name."""
    claim = db.session.get(PayHost, domain.host)
    return claim is not None and claim.verified and claim.vendor_id != domain.vendor_id


def _claim(domain: PayDomain) -> bool:
    """Make the name this vendor's in the whole house, unless it is another's. Two at once: one gets it."""
    values = {"host": domain.host, "vendor_id": domain.vendor_id, "verified": False, "since": now()}
    db.session.execute(insert(PayHost).values(**values).on_conflict_do_nothing(index_elements=["host"]))
    claim = locked(PayHost, domain.host)
    if claim is None or (claim.verified and claim.vendor_id != domain.vendor_id):
        return False
    if claim.vendor_id != domain.vendor_id or not claim.verified:
        claim.vendor_id, claim.verified, claim.since = domain.vendor_id, True, now()
    return True


def _prove(domain: PayDomain) -> None:
    domain.failures, domain.failing_since = 0, None
    if domain.state != VERIFIED:
        domain.state, domain.verified_at = VERIFIED, now()
        record(domain.vendor_id, actor="system", action="pay_domain.verified", subject=domain.public_id, host=domain.host)
        _point(domain)


def _miss(domain: PayDomain) -> None:
    domain.failures += 1
    domain.failing_since = domain.failing_since or now()
    if domain.failures >= LOST_FAILURES and now() - domain.failing_since >= LOST_AFTER:
        domain.state = LOST
        record(domain.vendor_id, actor="system", action="pay_domain.lost", subject=domain.public_id, host=domain.host)
        _let_go(domain)


def _let_go(domain: PayDomain) -> None:
    """Somebody else may prove the name from now on, and no new address is made with it. Until then it shows what it showed."""
    claim = locked(PayHost, domain.host)
    if claim is not None and claim.vendor_id == domain.vendor_id:
        claim.verified = False
    vendor = locked(Vendor, domain.vendor_id)
    if vendor is not None and vendor.pay_host == domain.host:
        vendor.pay_host = None


def _point(domain: PayDomain) -> None:
    """New addresses are made with it, if that is wanted."""
    vendor = locked(Vendor, domain.vendor_id)
    if vendor is not None and domain.in_use:
        vendor.pay_host = domain.host


def _next_look(domain: PayDomain) -> datetime | None:
    if domain.state == VERIFIED:
        return now() + (SOON if domain.failures else AGAIN)
    if domain.state == LOST:
        return now() + AGAIN
    return now() + SOON if now() - domain.created_at < WAITED else None


def use_pay_domain(vendor: Vendor, domain: str, *, on: bool, by: str) -> PayDomain:
    """Make new addresses with this name, in the place of any other, or with the platform's own again. Safe to repeat.

    Refuses Conflict for a name that is not proved: such addresses would open nothing.
    """
    wanted = get_pay_domain(vendor, domain).id
    mine = select(PayDomain).where(PayDomain.vendor_id == vendor.id).order_by(PayDomain.id).with_for_update()
    rows = list(
        db.session.scalars(mine.execution_options(populate_existing=True))
    )  # all of them before the vendor, as a look locks its own
    row = next((one for one in rows if one.id == wanted), None)
    if row is None:
        raise NotFound("There is no such host name.")
    if on and row.state != VERIFIED:
        raise Conflict("This name is not proved yet. Put the two records into DNS and have us look first.")
    if row.in_use == on:
        return row
    owner = locked(Vendor, vendor.id)
    for other in rows:
        other.in_use = False
    db.session.flush()
    row.in_use = on
    if owner is not None:
        owner.pay_host = row.host if on else None
    record(vendor.id, actor=by, action="pay_domain.used" if on else "pay_domain.unused", subject=row.public_id, host=row.host)
    return row


def remove_pay_domain(vendor: Vendor, domain: str, *, by: str) -> None:
    """No new address is made with it. Those that were handed out lead here for as long as the name does, to this vendor's pages and no other's."""
    row = _lock(get_pay_domain(vendor, domain))
    _let_go(row)
    db.session.delete(row)
    record(vendor.id, actor=by, action="pay_domain.removed", subject=row.public_id, host=row.host)


def forget_pay_domains(vendor: Vendor) -> None:
    """A business has closed: nobody looks at its names any more, and somebody else may prove them."""
    for domain in list_pay_domains(vendor):
        remove_pay_domain(vendor, domain.public_id, by="system")


def get_pay_domain(vendor: Vendor, domain: str) -> PayDomain:
    """This vendor's; refuses with 404."""
    if is_public_id("pdm", domain):
        mine = select(PayDomain).where(PayDomain.vendor_id == vendor.id, PayDomain.public_id == domain)
        if found := db.session.scalar(mine):
            return found
    raise NotFound("There is no such host name.")


def find_pay_domain(vendor_id: uuid.UUID, domain_id: uuid.UUID) -> PayDomain | None:
    """By its row, for the worker that looks."""
    return db.session.get(PayDomain, (vendor_id, domain_id))


def list_pay_domains(vendor: Vendor) -> list[PayDomain]:
    """All of them, oldest first."""
    return list(db.session.scalars(select(PayDomain).where(PayDomain.vendor_id == vendor.id).order_by(PayDomain.id)))


def _lock(domain: PayDomain) -> PayDomain:
    fresh = locked(PayDomain, domain.vendor_id, domain.id)
    if fresh is None:
        raise NotFound("There is no such host name.")
    return fresh
