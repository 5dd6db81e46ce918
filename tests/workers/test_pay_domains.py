"""The look at a vendor's own host name, against a small DNS server that answers as real ones do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.pay_domain_models import PayDomain
from core.accounts.pay_domains import RECORD, ask_for_look, find_pay_domain, remove_pay_domain
from core.accounts.pay_host import own_host
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import db
from core.notifications.models import Message, Notice
from core.notifications.notify import notify
from tests.factories import Shop, make_shop, unit
from tests.pay_domains import name_host, vendor_of
from tests.workers.names import Names
from tests.workers.test_mail_returned import leave
from workers.pay_domains import look_at_pay_domain


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> str:
    """Our own host has a name, as it has everywhere but here."""
    import dataclasses

    changed = dataclasses.replace(settings(), public_url="https://portal.example")
    monkeypatch.setattr("workers.pay_domains.settings", lambda: changed)
    return own_host(changed.public_url)


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def domain(shop: Shop) -> PayDomain:
    return name_host(shop)


def look(shop: Shop, domain: PayDomain) -> PayDomain:
    with shop.app.app_context():
        look_at_pay_domain(domain.vendor_id, domain=str(domain.id))
    with unit(shop.app):
        row = find_pay_domain(domain.vendor_id, domain.id)
        assert row
        return row


def proof(names: Names, domain: PayDomain, *beside: str) -> None:
    names.zone[f"{RECORD}.{domain.host}", "TXT"] = [f'"{text}"' for text in (*beside, domain.proof)]


def test_an_alias_and_the_proof_make_it_the_vendors(names: Names, ours: str, shop: Shop, domain: PayDomain) -> None:
    names.zone[domain.host, "CNAME"] = [ours]
    proof(names, domain, "v=spf1 -all")
    row = look(shop, domain)
    assert (row.state, row.found_address) == ("verified", ours) and domain.proof in (row.found_proof or "")


def told(shop: Shop) -> tuple[list[str], list[str]]:
    """To whom a letter of the loss goes, and which notices there are."""
    with unit(shop.app):
        letters = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="pay_domain_lost")
        notices = db.session.query(Notice).filter_by(vendor_id=shop.vendor.id, kind="pay_domain_lost")
        return [one.recipient for one in letters], [one.mode for one in notices]


@pytest.mark.parametrize("mode", ["test", "live"])
def test_a_lost_name_is_told_once_and_the_letter_is_true_when_it_leaves(
    names: Names, ours: str, shop: Shop, domain: PayDomain, mode: str
) -> None:
    with unit(shop.app):
        vendor_of(shop).live_enabled = mode == "live"
    names.zone[domain.host, "CNAME"] = [ours]
    proof(names, domain)
    look(shop, domain)
    begin, kept = now(), names.zone.pop((f"{RECORD}.{domain.host}", "TXT"))
    for hour, state in ((0, "verified"), (1, "verified"), (2, "verified"), (24, "lost"), (30, "lost")):
        with frozen(begin + timedelta(hours=hour)):
            assert look(shop, domain).state == state
        assert told(shop) == (([shop.vendor.support_email], [mode]) if state == "lost" else ([], []))
    with unit(shop.app):
        letter = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="pay_domain_lost").one()
    letter = leave(shop, letter)
    assert letter.subject and "platform’s own address" in letter.subject and domain.host in (letter.text or "")
    names.zone[f"{RECORD}.{domain.host}", "TXT"] = kept
    with frozen(begin + timedelta(hours=31)):
        assert look(shop, domain).state == "verified"
    with unit(shop.app):
        late = notify(shop.vendor, "pay_domain_lost", mode=mode, to=shop.email, domain=domain.public_id)
    assert "verified by now" in (leave(shop, late).last_error or "")


def test_the_notice_leads_to_the_names(names: Names, ours: str, shop: Shop, domain: PayDomain) -> None:
    names.zone[domain.host, "CNAME"] = [ours]
    proof(names, domain)
    look(shop, domain)
    begin = now()
    names.zone.clear()
    for hour in (0, 1, 2, 24):
        with frozen(begin + timedelta(hours=hour)):
            look(shop, domain)
    owner = shop.browser()
    page = owner.get("/portal/notices")
    assert "A host name for your payment pages is not proved any more" in page.text
    opening = next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/open"))
    assert owner.submit(page.form(opening)).address == "/portal/settings/pay-domains"


def test_nothing_there_is_said_as_nothing(names: Names, ours: str, shop: Shop, domain: PayDomain) -> None:
    row = look(shop, domain)
    assert (row.state, row.proved, row.leads_here, row.found_proof, row.found_address) == ("waiting", False, False, "", "")


def test_dns_that_does_not_answer_is_another_thing(
    names: Names, ours: str, shop: Shop, domain: PayDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.silent = True
    monkeypatch.setattr("workers.dns_records.SECONDS", 1)
    row = look(shop, domain)
    assert (row.state, row.found_proof, row.found_address) == ("waiting", None, None)


def test_what_leads_elsewhere_is_shown_and_not_taken(names: Names, ours: str, shop: Shop, domain: PayDomain) -> None:
    names.zone[domain.host, "CNAME"] = ["shops.hosting.example"]
    names.zone["shops.hosting.example", "A"] = ["192.0.2.9"]
    names.zone[ours, "A"] = ["192.0.2.1"]
    names.zone[f"{RECORD}.{domain.host}", "TXT"] = ['"payment-pages=of-somebody-else"']
    row = look(shop, domain)
    assert (row.state, row.found_address, row.found_proof) == ("waiting", "shops.hosting.example", "payment-pages=of-somebody-else")


@pytest.mark.parametrize(
    ("theirs", "six", "leads_here"),
    [
        (["192.0.2.1"], [], True),
        (["192.0.2.1", "192.0.2.2"], [], True),
        (["192.0.2.1"], ["2001:db8::1"], True),
        (["192.0.2.1", "192.0.2.7"], [], False),
        (["192.0.2.1"], ["2001:db8::bad"], False),
        ([], [], False),
    ],
    ids=["one of ours", "both of ours", "ours of both kinds", "one more", "another of the newer kind", "none"],
)
def test_without_an_alias_every_address_must_be_ours(
    theirs: list[str], six: list[str], leads_here: bool, names: Names, ours: str, shop: Shop, domain: PayDomain
) -> None:
    """A forgotten address of the newer kind would lead half of the payers elsewhere."""
    names.zone[ours, "A"], names.zone[ours, "AAAA"] = ["192.0.2.1", "192.0.2.2"], ["2001:db8::1"]
    names.zone[domain.host, "A"], names.zone[domain.host, "AAAA"] = theirs, six
    proof(names, domain)
    row = look(shop, domain)
    assert row.leads_here is leads_here and row.state == ("verified" if leads_here else "waiting")


def test_an_alias_of_an_alias_leads_here_as_well(names: Names, ours: str, shop: Shop, domain: PayDomain) -> None:
    names.zone[domain.host, "CNAME"], names.zone["edge.example", "CNAME"] = ["edge.example"], [ours]
    names.zone[ours, "A"] = ["192.0.2.1"]
    proof(names, domain)
    assert look(shop, domain).state == "verified"


def test_where_our_own_host_is_a_number_that_number_is_looked_for(names: Names, shop: Shop, domain: PayDomain) -> None:
    assert own_host(settings().public_url) == "127.0.0.1"
    names.zone[domain.host, "A"] = ["127.0.0.1"]
    proof(names, domain)
    assert look(shop, domain).state == "verified"


def test_a_proof_cut_into_pieces_is_read_whole(names: Names, ours: str, shop: Shop, domain: PayDomain) -> None:
    names.zone[domain.host, "CNAME"] = [ours]
    names.zone[f"{RECORD}.{domain.host}", "TXT"] = [f'"{domain.proof[:20]}" "{domain.proof[20:]}"']
    assert look(shop, domain).state == "verified"


def test_one_that_was_removed_meanwhile_is_nobodys_business(names: Names, ours: str, shop: Shop, domain: PayDomain) -> None:
    with unit(shop.app):
        remove_pay_domain(vendor_of(shop), domain.public_id, by="usr_x")
    with shop.app.app_context():
        look_at_pay_domain(domain.vendor_id, domain=str(domain.id))
    with unit(shop.app):
        assert find_pay_domain(domain.vendor_id, domain.id) is None


def test_what_somebody_asked_for_a_worker_does(names: Names, ours: str, shop: Shop, domain: PayDomain, work) -> None:
    names.zone[domain.host, "CNAME"] = [ours]
    proof(names, domain)
    with unit(shop.app):
        ask_for_look(domain)
    work()
    with unit(shop.app):
        row = find_pay_domain(domain.vendor_id, domain.id)
        assert row and row.state == "verified" and row.checked_at
