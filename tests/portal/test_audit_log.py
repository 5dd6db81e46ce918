"""The vendor's own audit log: every act of the team and of the platform's staff, with whom and when; one's own only, and as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from core.accounts.api_keys import OWN_SOFTWARE
from core.accounts.prune import prune_origins
from core.accounts.sessions import begin_session
from core.kernel import audit
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.payments.mark import mark_payment
from portal.admin.audit import HOUSE_WORDS
from portal.audit_log import GROUPS, WORDS
from tests.browser import Browser, Page
from tests.factories import Shop, again, ask_refund, make_colleague, make_link, make_paid, make_payment, make_shop, unit
from tests.portal.admin.people import WHY, look_into, make_staff

PAGE = "/portal/settings/audit-log"
ROOT = Path(__file__).resolve().parents[2]


def lines(page: Page) -> list[str]:
    rows = [e for e in page.all("tr") if e.within("tbody")]
    return [row.text for row in rows]


def test_what_the_team_does_stands_there_with_who_did_it(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, title="Sourdough course")
    paid = make_paid(shop, link)
    ask_refund(shop, paid, "5.00")
    found = lines(owner.get(PAGE))
    assert found[0].startswith("Asked for a refund") and shop.vendor.name in found[0] and "£5.00" in found[0]
    assert any(line.startswith("Made a link") and link.public_id in line for line in found)
    assert found[-1].startswith("Signed up")


def test_a_payment_is_called_by_its_reference(shop: Shop, owner: Browser) -> None:
    open_one, paid = make_payment(shop, make_link(shop)), make_paid(shop)
    ask_refund(shop, paid, "5.00")
    with unit(shop.app):
        mark_payment(shop.vendor, again(open_one), "paid", reason="Paid in cash", by=shop.user.public_id)
    page = owner.get(PAGE)
    marked, refunded, *_ = lines(page)
    assert open_one.reference in marked and f"payment: {paid.reference}" in refunded
    assert any(way.text == open_one.reference and open_one.public_id in way.attrs["href"] for way in page.all("a"))
    assert "pay_" not in marked + refunded


def test_what_the_staff_do_stands_there_too_without_their_address(app: Flask, shop: Shop, owner: Browser) -> None:
    colleague = make_staff(app)
    look_into(colleague.browser(), f"/staff/vendors/{shop.vendor.public_id}")
    page = owner.get(f"{PAGE}?who=stf")
    found = lines(page)
    assert len(found) == 2 and all("The platform’s staff" in line and colleague.member.public_id in line for line in found)
    assert found[1].startswith("Began to look, and said why") and WHY in found[1]
    assert colleague.email not in page.html


def test_a_line_says_what_was_before_what_is_now_and_from_where(shop: Shop, owner: Browser) -> None:
    form = owner.get("/portal/settings").form("/portal/settings")
    owner.submit(form, name="Red Door Bakery")
    page = owner.get(f"{PAGE}?kind=settings")
    assert "name: Blue Door Bakery → Red Door Bakery" in lines(page)[0] and "127.0.0.1" in lines(page)[0]
    assert page.all("span", class_="was")[0].text == "Blue Door Bakery"
    row = next(csv.DictReader(io.StringIO(owner.client.get(f"{PAGE}.csv?kind=settings").get_data(as_text=True))))
    assert row["address"] == "127.0.0.1" and json.loads(row["changes"]) == {"name": ["Blue Door Bakery", "Red Door Bakery"]}


def test_a_reason_stands_in_the_line_and_in_the_file(shop: Shop, owner: Browser) -> None:
    ask_refund(shop, make_paid(shop), "5.00", reason="duplicate")
    assert "Reason: Paid twice" in lines(owner.get(f"{PAGE}?kind=money"))[0]
    row = next(csv.DictReader(io.StringIO(owner.client.get(f"{PAGE}.csv?kind=money").get_data(as_text=True))))
    assert row["reason"] == "duplicate"


def test_staff_addresses_are_the_platforms_own_and_no_workers_act_has_one(app: Flask, shop: Shop, owner: Browser) -> None:
    desk = make_staff(app).browser()
    look_into(desk, f"/staff/vendors/{shop.vendor.public_id}")
    assert not any("127.0.0.1" in line for line in lines(owner.get(f"{PAGE}?who=stf")))
    rows = csv.DictReader(io.StringIO(owner.client.get(f"{PAGE}.csv?who=stf").get_data(as_text=True)))
    assert {row["address"] for row in rows} == {""}
    assert any("127.0.0.1" in line for line in lines(desk.get(f"/staff/audit?vendor={shop.vendor.public_id}&by_staff=y")))
    with unit(app):
        audit.record(shop.vendor.id, actor="system", action="domain.verified", subject="dom_x")
        entry = db.session.query(audit.AuditEntry).filter_by(vendor_id=shop.vendor.id, subject="dom_x").one()
        assert audit.origins_of([entry]) == {}


def test_an_address_is_let_go_of_after_half_a_year_and_the_line_stays(shop: Shop, owner: Browser) -> None:
    owner.submit(owner.get("/portal/settings").form("/portal/settings"), name="Red Door Bakery")
    with shifted(timedelta(days=179)), unit(shop.app):
        prune_origins(1000)
    assert "127.0.0.1" in lines(owner.get(f"{PAGE}?kind=settings"))[0]
    with shifted(timedelta(days=181)), unit(shop.app):
        while prune_origins(1000):  # those of other tests among them
            pass
    line = lines(owner.get(f"{PAGE}?kind=settings"))[0]
    assert "127.0.0.1" not in line and "Red Door Bakery" in line


@pytest.mark.parametrize("path", ["/portal/settings/branding", "/portal/settings/receipts", "/portal/settings/bank-transfers"])
def test_what_is_saved_without_a_change_says_so(shop: Shop, owner: Browser, path: str) -> None:
    form = owner.get(path).form(path)
    owner.submit(form, status=None)
    with unit(shop.app):
        kept = db.session.query(audit.AuditEntry).filter_by(vendor_id=shop.vendor.id).order_by(audit.AuditEntry.id.desc()).first()
    assert kept.detail.get("changes", {}) == {}


def test_the_filters_narrow_the_page_and_its_file_alike(shop: Shop, owner: Browser) -> None:
    ask_refund(shop, make_paid(shop), "5.00")
    colleague = make_colleague(shop, "manager")
    make_link(colleague, title="Theirs")
    for query, there, gone in (
        ("kind=money", "Asked for a refund", "Made a link"), ("kind=links", "Made a link", "Asked for a refund"),
        (f"who={colleague.user.public_id}", "Made a link", "Asked for a refund"), ("kind=people", "Confirmed", "Made a link"),
    ):  # fmt: skip
        if query == "kind=people":
            with unit(shop.app):
                audit.record(shop.vendor.id, actor=shop.user.public_id, action="user.verified_email", subject=shop.user.public_id)
        text = " ".join(lines(owner.get(f"{PAGE}?{query}")))
        assert there in text and gone not in text, query
        rows = list(csv.DictReader(io.StringIO(owner.client.get(f"{PAGE}.csv?{query}").get_data(as_text=True))))
        assert [WORDS[row["what"]] for row in rows] and len(rows) == len(lines(owner.get(f"{PAGE}?{query}"))), query
    assert "No line fits" in owner.get(f"{PAGE}?since={now() + timedelta(days=2):%Y-%m-%d}").text
    for query in ("kind=x", "who=usr_x", "since=never"):
        assert owner.get(f"{PAGE}?{query}").error_summary, query


def test_every_line_is_on_exactly_one_page(shop: Shop, owner: Browser) -> None:
    for number in range(60):
        with unit(shop.app), shifted(timedelta(seconds=number)):
            audit.record(shop.vendor.id, actor="system", action="domain.verified", subject=f"dom_{number:03}")
    seen: list[str] = []
    path: str | None = f"{PAGE}?kind=settings"
    while path:
        page = owner.get(path)
        seen += re.findall(r"dom_\d{3}", " ".join(lines(page)))
        path = next((e.attrs["href"] for e in page.all("a", rel="next")), None)
    assert seen == [f"dom_{number:03}" for number in reversed(range(60))]


def test_nobody_reads_anothers_and_not_every_role_reads_ones_own(app: Flask, shop: Shop, owner: Browser) -> None:
    theirs = make_shop(app)
    link = make_link(theirs)
    assert link.public_id not in owner.get(PAGE).html
    assert theirs.email not in owner.client.get(f"{PAGE}.csv").get_data(as_text=True)
    for role, status in (("manager", 200), ("accountant", 403), ("support", 403)):
        browser = make_colleague(shop, role).browser()
        browser.get(PAGE, status=status)
        assert (PAGE in browser.get("/portal/settings").html) == (status == 200)


@pytest.mark.parametrize("after", ["x", "%00", "-1"])
def test_a_page_that_is_none_is_not_found(owner: Browser, after: str) -> None:
    owner.get(f"{PAGE}?after={after}", status=404)


def test_every_action_that_is_written_down_has_words_and_stands_in_a_group() -> None:
    sources = [file.read_text() for folder in ("core", "portal", "workers") for file in (ROOT / folder).rglob("*.py")]
    written = {name for text in sources for name in re.findall(r'(?:action=|touch_link\(link, by, )"([a-z_.]+)"', text)}
    assert written - set(WORDS) == set(HOUSE_WORDS)
    assert [name for name in WORDS if not any(name.startswith(prefixes) for _, prefixes in GROUPS.values())] == []


def test_what_was_changed_is_named_in_the_readers_language(shop: Shop, owner: Browser) -> None:
    with unit(shop.app):
        audit.record(
            shop.vendor.id, actor=shop.user.public_id, action="branch.edited", subject="brn_x", days=3,
            changes={"postcode": ["BS1", "BS2"], "time_zone": ["Europe/London", "postcode"], "never_named": [False, True]},
        )  # fmt: skip
    found = lines(owner.get(f"{PAGE}?lang=de"))[0]
    assert "Postleitzahl: BS1 → BS2" in found and "Zeitzone: Europe/London → postcode" in found  # values stay as they were typed
    assert "never named: nein → ja" in found and "Tage: 3" in found


def test_what_nobody_of_the_team_did_is_not_said_of_a_former_member(shop: Shop, owner: Browser) -> None:
    with unit(shop.app):
        for actor in (OWN_SOFTWARE, "bank", "provider"):
            audit.record(shop.vendor.id, actor=actor, action="link.edited", subject=f"lnk_{actor}")
    told = " ".join(lines(owner.get(PAGE))[:3])
    assert all(words in told for words in ("Software with an API key", "The bank", "The processor")) and "former member" not in told


def test_who_signs_out_everywhere_is_written_down_with_how_many_devices(app: Flask, shop: Shop, owner: Browser) -> None:
    with unit(app):
        begin_session(shop.user, shop.membership)
    owner.submit(owner.get("/portal/settings").form("/sign-out-everywhere"))
    with unit(app):
        _, secret = begin_session(shop.user, shop.membership)
    line = lines(replace(shop, secret=secret).browser().get(PAGE))[0]
    assert line.startswith("Signed out everywhere") and "devices: 2" in line


def test_a_link_that_is_made_is_one_line_and_what_is_changed_about_handing_it_out_another(shop: Shop, owner: Browser) -> None:
    owner.submit(owner.get("/portal/links/new").form("/portal/links/new"), title="Tea tasting", amount_kind="fixed", amount="25.00")
    made = [line for line in lines(owner.get(f"{PAGE}?kind=links"))]
    assert len(made) == 1 and made[0].startswith("Made a link")
    edit = next(one for one in owner.get("/portal/links").links() if "/portal/links/lnk_" in one) + "/edit"
    owner.submit(owner.get(edit).form(edit.removeprefix("http://localhost")), labels="spring")
    assert "labels: – → spring" in next(line for line in lines(owner.get(f"{PAGE}?kind=links")) if line.startswith("Changed how a link"))


def test_a_line_leads_to_the_link_and_to_the_refunds_payment_and_names_a_way_to_pay(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    paid = make_paid(shop, link)
    refund = ask_refund(shop, paid, "5.00")
    owner.submit(owner.get("/portal/settings/methods").form("/portal/settings/methods/qr/switch"), on="yes")
    page = owner.get(PAGE)
    ways = {one.text: one.attrs["href"] for one in page.all("a", class_="code")}
    assert ways[link.public_id] == f"/portal/links/{link.public_id}" and ways[refund.public_id] == f"/portal/payments/{paid.public_id}"
    assert "Code to scan" in lines(page)[0] and " qr " not in lines(page)[0]
    assert "Reason: Customer request" in page.text


def test_a_schedule_of_payouts_is_named_in_words(app: Flask, shop: Shop, owner: Browser) -> None:
    with unit(app):
        changes = {"schedule": ["on_request", "weekly"]}
        audit.record(
            shop.vendor.id, actor=shop.user.public_id, action="payout_terms.changed", subject=shop.vendor.public_id, changes=changes
        )
    assert "schedule: When I ask for it → Every week" in lines(owner.get(PAGE))[0]
