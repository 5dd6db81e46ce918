"""A vendor's own host name for its payment pages, proved as a worker proves it, and where requests to it go."""

from __future__ import annotations

import secrets

from core.accounts.models import Vendor
from core.accounts.pay_domain_models import PayDomain
from core.accounts.pay_domains import Seen, add_pay_domain, find_pay_domain, record_look, use_pay_domain
from core.accounts.pay_host import beginning
from core.kernel.db import db
from tests.factories import Shop, unit


def some_host() -> str:
    """One that no other test has: whose a name is, a process remembers for a few seconds."""
    return f"pay-{secrets.token_hex(5)}.example"


def vendor_of(shop: Shop) -> Vendor:
    """Its row as it is now, in the present unit."""
    return db.session.get_one(Vendor, shop.vendor.id, populate_existing=True)


def name_host(shop: Shop, host: str = "") -> PayDomain:
    with unit(shop.app):
        return add_pay_domain(vendor_of(shop), host=host or some_host(), by=shop.user.public_id)


def look(shop: Shop, domain: PayDomain, *, proof: bool = True, here: bool = True) -> PayDomain:
    """What a look finds: everything in its place, unless told otherwise."""
    with unit(shop.app):
        row = find_pay_domain(domain.vendor_id, domain.id)
        assert row
        record_look(row, Seen([row.proof] if proof else [], "main.example" if here else "elsewhere.example", here))
        return row


def make_pay_host(shop: Shop, *, use: bool = False) -> str:
    """A proved one: how whole addresses on it begin."""
    domain = look(shop, name_host(shop))
    if use:
        with unit(shop.app):
            use_pay_domain(vendor_of(shop), domain.public_id, on=True, by=shop.user.public_id)
        shop.vendor.pay_host = domain.host
    with shop.app.app_context():
        return beginning(domain.host)
