"""The page on which a vendor names a host for its payment pages: the records, what was found, the switch, and who may do what."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.api_keys import make_key
from core.accounts.pay_domains import list_pay_domains
from core.accounts.pay_host import own_host
from core.kernel.audit import AuditEntry
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import db
from tests.browser import Browser, Page
from tests.factories import Shop, make_colleague, make_link, make_shop, unit
from tests.pay_domains import look, name_host, some_host, vendor_of

PLACE = "/portal/settings/pay-domains"


def name(owner: Browser, host: str, *, status: int = 200) -> Page:
    return owner.submit(owner.get(PLACE).form(PLACE), status=status, host=host)


def act(owner: Browser, what: str) -> Page:
    page = owner.get(PLACE)
    address = next(form.attrs["action"] for form in page.all("form") if form.attrs.get("action", "").endswith(f"/{what}"))
    return owner.submit(page.form(address))


def buttons(page: Page) -> list[str]:
    return [e.text for e in page.all("button") if e.within("main") and e.text != "Copy"]


def values(page: Page) -> list[str]:
    return [e.attrs["value"] for e in page.all("input", class_="code")]


def test_before_anything_is_named_the_page_says_what_it_is_for(owner: Browser) -> None:
    page = owner.get(PLACE)
    assert "No payment domain yet" in page.text and buttons(page) == ["Name it"]
    assert PLACE in [e.attrs["href"] for e in owner.get("/portal/settings").all("a")]
    assert PLACE in [e.attrs["href"] for e in owner.get("/portal/settings/domains").all("a")]


def test_a_named_host_shows_the_two_records_to_the_letter(shop: Shop, owner: Browser) -> None:
    page = name(owner, " https://Pay.Example.COM./ ")
    with unit(shop.app):
        (row,) = list_pay_domains(vendor_of(shop))
    assert values(page) == ["pay.example.com", own_host(settings().public_url), "_payment-pages.pay.example.com", row.proof]
    assert "Not proved yet" in page.text and "Use it for new addresses" not in buttons(page)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("", "Enter a host name"), ("192.0.2.1", "in numbers"), ("pay.example.com:443", "Leave out the port"), ("pay_x.example.com", "no underscore"),
        ("co.uk", "registered below"), ("pay.example.com/x", "alone"), ("bäcker ei.example", "Write a host name"), ("x" * 300, "253"),
    ],
)  # fmt: skip
def test_bad_names_are_refused_at_the_field_and_stay_in_it(owner: Browser, host: str, says: str) -> None:
    page = name(owner, host, status=422)
    assert len(page.errors) == 1 and says in page.errors[0]
    assert [e.attrs["value"] for e in page.all("input", name_="host")] == [host] and "No payment domain yet" in page.text


def test_what_was_found_stands_beside_what_is_expected(shop: Shop, owner: Browser) -> None:
    domain = name_host(shop)
    look(shop, domain, here=False)
    page = owner.get(PLACE)
    assert "There now: elsewhere.example" in page.text and "Found" in page.text and "Not proved" in page.text
    look(shop, domain, proof=False)
    page = owner.get(PLACE)
    assert "Not there" in page.text and "There now:" not in page.text


def test_a_look_is_a_workers_and_the_page_follows(shop: Shop, owner: Browser) -> None:
    name_host(shop)
    page = act(owner, "check")
    assert "Looking" in page.text and "every 2s" in page.html
    assert "asked just now" in act(owner, "check").text
    assert owner.part(PLACE).html.count("<html") == 0


def test_it_is_switched_on_and_off_and_every_new_address_follows(shop: Shop, owner: Browser, stranger: Browser) -> None:
    domain, link = look(shop, name_host(shop)), make_link(shop)
    before = values(owner.get(f"/portal/links/{link.public_id}"))
    assert before[0].startswith(f"{settings().public_url}/pay/")
    assert "Not in use" in owner.get(PLACE).text
    page = act(owner, "use")
    assert f"New addresses begin with {domain.host} from now on." in page.text and "In use" in page.text
    after = values(owner.get(f"/portal/links/{link.public_id}"))
    assert after[0].startswith(f"http://{domain.host}:") and after[0].partition("/pay/")[2] == before[0].partition("/pay/")[2]
    assert stranger.get(before[0]).status == stranger.get(after[0]).status == 200
    act(owner, "rest")
    assert values(owner.get(f"/portal/links/{link.public_id}")) == before


def test_the_api_hands_out_the_same_addresses(shop: Shop, owner: Browser) -> None:
    domain, link = look(shop, name_host(shop)), make_link(shop)
    act(owner, "use")
    with unit(shop.app):
        _, secret = make_key(vendor_of(shop), "test", name="Till", by=shop.user.public_id)
    answer = Browser(shop.app).client.get(f"/api/v1/payment-links/{link.public_id}", headers={"Authorization": f"Bearer {secret}"})
    assert json.loads(answer.text)["url"].startswith(f"http://{domain.host}:")


def test_what_is_not_proved_cannot_be_switched_on_by_a_form_from_before(shop: Shop, owner: Browser) -> None:
    domain, begin = look(shop, name_host(shop)), now()
    page = owner.get(PLACE)
    for hour in (0, 1, 2, 24):
        with frozen(begin + timedelta(hours=hour)):
            look(shop, domain, proof=False)
    page = owner.submit(page.form(f"{PLACE}/{domain.public_id}/use"))
    assert "not proved yet" in page.notices[0] and "Lost" in page.text
    with unit(shop.app):
        assert vendor_of(shop).pay_host is None


def test_something_missing_is_said_before_it_is_lost(shop: Shop, owner: Browser) -> None:
    domain = look(shop, name_host(shop))
    look(shop, domain, proof=False)
    page = owner.get(PLACE)
    assert "Something is missing" in page.text and "Not there" in page.text


def test_a_name_that_another_business_has_proved_says_so(app: Flask, shop: Shop, owner: Browser) -> None:
    theirs = look(make_shop(app), name_host(make_shop(app)))
    look(shop, name_host(shop, theirs.host))
    page = owner.get(PLACE)
    assert "another business here has proved this name" in page.text and "Use it for new addresses" not in buttons(page)


def test_removing_asks_once_more_and_gives_addresses_our_own_name(shop: Shop, owner: Browser) -> None:
    domain = look(shop, name_host(shop))
    act(owner, "use")
    page = owner.get(PLACE)
    panel = next(e for e in page.all("div", class_="confirm-panel") if e.attrs.get("aria-label") == f"Remove {domain.host}")
    assert "open your pages only for as long as its records lead here" in panel.text
    assert "No payment domain yet" in act(owner, "remove").text
    with unit(shop.app):
        assert vendor_of(shop).pay_host is None


def test_every_change_stands_in_the_audit_log(shop: Shop, owner: Browser) -> None:
    host = some_host()
    name(owner, host)
    with unit(shop.app):
        (domain,) = list_pay_domains(vendor_of(shop))
    look(shop, domain)
    for what in ("use", "rest", "remove"):
        act(owner, what)
    with unit(shop.app):
        entries = db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, subject=domain.public_id).order_by(AuditEntry.id)
        assert [entry.action for entry in entries] == [f"pay_domain.{word}" for word in ("named", "verified", "used", "unused", "removed")]
    assert "Took a payment domain into use" in owner.get("/portal/settings/audit-log").text


def test_another_vendor_can_do_nothing_with_it(shop: Shop, app: Flask) -> None:
    domain, other = look(shop, name_host(shop)), make_shop(app).browser()
    assert domain.host not in other.get(PLACE).text
    token = other.get(PLACE).form(PLACE).values["csrf_token"]
    for what in ("check", "use", "rest", "remove"):
        assert other.client.post(f"{PLACE}/{domain.public_id}/{what}", data={"csrf_token": token}).status_code == 404


@pytest.mark.parametrize("role", ["accountant", "support", "developer", "viewer"])
def test_who_may_only_look_finds_no_forms_and_can_post_nothing(role: str, shop: Shop) -> None:
    domain = look(shop, name_host(shop))
    viewer = make_colleague(shop, role).browser()
    page = viewer.get(PLACE)
    assert domain.host in page.text and [form for form in page.all("form") if form.within("main")] == []
    token = page.all("input", name_="csrf_token")[0].attrs["value"]
    for address in (PLACE, *(f"{PLACE}/{domain.public_id}/{what}" for what in ("check", "use", "rest", "remove"))):
        assert viewer.client.post(address, data={"csrf_token": token, "host": some_host()}).status_code == 403
    with unit(shop.app):
        assert not next(iter(list_pay_domains(vendor_of(shop)))).in_use


def test_later_the_password_is_asked_before_anything_changes(shop: Shop, owner: Browser) -> None:
    look(shop, name_host(shop))
    with frozen(now() + timedelta(minutes=11)):
        assert act(owner, "use").heading == "Is it you?"
    with unit(shop.app):
        assert vendor_of(shop).pay_host is None
