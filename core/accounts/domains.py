"""A vendor's return domains: named by a person, looked at by a worker, proved by what the worker finds there."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta

from sqlalchemy import func, select

from core.accounts.models import Vendor, VendorDomain
from core.accounts.return_addresses import HOST
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.outbox import enqueue
from core.kernel.sentence import said

MOST_DOMAINS = 20
BETWEEN_LOOKS = timedelta(seconds=5)
FILE = "/.well-known/payment-return.txt"  # holds the proof on a line of its own
RECORD = "_payment-return"  # the label of the TXT record, below the host name


class BadDomain(Refusal):
    """Not a host name a vendor can hold."""

    code = "bad_domain"


def add_domain(vendor: Vendor, *, host: str, by: str) -> VendorDomain:
    """Name a host and get what must be put there. It counts for nothing until a worker has found the proof. Naming it again answers the same row."""
    host = host.strip().lower().rstrip(".")
    if not HOST.fullmatch(host):
        raise BadDomain("Write a host name like shop.example: no https://, no path, other alphabets as xn--….", field="host")
    mine = select(VendorDomain).where(VendorDomain.vendor_id == vendor.id)
    if (known := db.session.scalar(mine.where(VendorDomain.host == host))) is not None:
        return known
    if int(db.session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= MOST_DOMAINS:
        raise BadDomain(said("%(most)s domains at most. Remove one first.", most=MOST_DOMAINS), field="host")
    row = VendorDomain(
        vendor_id=vendor.id,
        id=uuid7(),
        public_id=public_id("dom"),
        host=host,
        proof=f"payment-return={secrets.token_hex(20)}",
        created_at=now(),
    )
    db.session.add(row)
    record(vendor.id, actor=by, action="domain.named", subject=row.public_id, host=host)
    return row


def ask_for_check(domain: VendorDomain) -> None:
    """Have a worker look. Once every few seconds is enough: refuses Conflict when one looked just now."""
    domain = _lock(domain)
    if domain.asked_at and now() - domain.asked_at < BETWEEN_LOOKS:
        raise Conflict("Somebody asked just now. Wait a few seconds before the next look.")
    domain.problem, domain.asked_at, domain.checked_at = "", now(), None
    enqueue("verify_domain", domain.vendor_id, domain=str(domain.id))


def record_check(domain: VendorDomain, *, found_by: str | None, problem: str = "") -> None:
    """Write down what a look found: the proof (by file or dns), or what was wrong. A proved domain stays proved until it is removed."""
    domain = _lock(domain)
    domain.checked_at = now()
    domain.problem = "" if found_by else problem[:200]
    if found_by and domain.verified_at is None:
        domain.verified_at, domain.verified_by = now(), found_by
        record(domain.vendor_id, actor="system", action="domain.verified", subject=domain.public_id, host=domain.host, by=found_by)


def remove_domain(vendor: Vendor, domain: str, *, by: str) -> None:
    """Links that lead there show no way back from now on."""
    row = get_domain(vendor, domain)
    db.session.delete(row)
    record(vendor.id, actor=by, action="domain.removed", subject=row.public_id, host=row.host)


def get_domain(vendor: Vendor, domain: str) -> VendorDomain:
    """This vendor's domain; refuses with 404."""
    if is_public_id("dom", domain):
        mine = select(VendorDomain).where(VendorDomain.vendor_id == vendor.id, VendorDomain.public_id == domain)
        if found := db.session.scalar(mine):
            return found
    raise NotFound("There is no such domain.")


def find_domain(vendor_id: uuid.UUID, domain_id: uuid.UUID) -> VendorDomain | None:
    """A domain by its row, for the worker that looks."""
    return db.session.get(VendorDomain, (vendor_id, domain_id))


def list_domains(vendor: Vendor) -> list[VendorDomain]:
    """All of them, oldest first."""
    return list(db.session.scalars(select(VendorDomain).where(VendorDomain.vendor_id == vendor.id).order_by(VendorDomain.id)))


def _lock(domain: VendorDomain) -> VendorDomain:
    fresh = locked(VendorDomain, domain.vendor_id, domain.id)
    if fresh is None:
        raise NotFound("There is no such domain.")
    return fresh
