"""The job of vendors' own host names: asks DNS for the proof and where the name leads, and writes down what it found."""

from __future__ import annotations

import ipaddress
import uuid

from core.accounts.models import Vendor
from core.accounts.pay_domain_models import PayDomain
from core.accounts.pay_domains import RECORD, Seen, find_pay_domain, record_look
from core.accounts.pay_host import own_host
from core.accounts.queries import get_vendor
from core.kernel.config import settings
from core.kernel.db import unit_of_work
from core.notifications.team import tell_team
from workers.dns_records import records


def look_at_pay_domain(vendor_id: uuid.UUID, *, domain: str) -> None:
    """Look once. A name that was removed meanwhile is nobody's business any more."""
    with unit_of_work():
        named = find_pay_domain(vendor_id, uuid.UUID(domain))
    if named is None:
        return
    address, leads_here = _where(named.host, own_host(settings().public_url))
    seen = Seen(records(f"{RECORD}.{named.host}", "TXT"), address, leads_here)
    with unit_of_work():
        fresh = find_pay_domain(vendor_id, named.id)
        if fresh is not None and record_look(fresh, seen):
            _tell_of_loss(get_vendor(vendor_id), fresh)


def _tell_of_loss(vendor: Vendor, domain: PayDomain) -> None:
    """In the world that the business lives in: the name is the same in both."""
    tell_team(vendor, "pay_domain_lost", mode="live" if vendor.live_enabled else "test", domain=domain.public_id)


def _where(host: str, ours: str) -> tuple[str | None, bool]:
    """Where a name leads, and whether that is to us: by an alias for our name, or by addresses that are all ours as well.

    At the top of a domain there can be no alias; providers of DNS put addresses in its place there.
    """
    alias = records(host, "CNAME")
    if alias and alias[0] == ours:
        return alias[0], True
    numbers = _numbers(host)
    if alias is None or numbers is None:
        return None, False
    here = bool(numbers) and set(numbers) <= set(_numbers(ours) or ())
    return alias[0] if alias else ", ".join(numbers), here


def _numbers(host: str) -> list[str] | None:
    """The numeric addresses of a name; one that is an address already is its own."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        four, six = records(host, "A"), records(host, "AAAA")
        return None if four is None or six is None else four + six
