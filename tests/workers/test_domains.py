"""The look for a website's proof: in DNS where no file can be read, and nowhere."""

from __future__ import annotations

from flask import Flask

from core.accounts.domains import RECORD, add_domain, find_domain
from tests.factories import make_shop, unit
from tests.workers.names import Names
from workers.domains import verify_domain


def test_a_proof_in_dns_is_enough_and_what_is_missing_is_said(app: Flask, names: Names) -> None:
    shop = make_shop(app)
    with unit(app):
        domain = add_domain(shop.vendor, host="website.example", by=shop.user.public_id)
    for records, found_by in (([], None), (['"v=spf1 -all"', f'"{domain.proof}"'], "dns")):
        names.zone[f"{RECORD}.website.example", "TXT"] = records
        with app.app_context():
            verify_domain(shop.vendor.id, domain=str(domain.id))
        with unit(app):
            row = find_domain(shop.vendor.id, domain.id)
            assert row is not None and row.verified_by == found_by
            assert ("DNS record is not there either" in (row.problem or "")) is (found_by is None)
