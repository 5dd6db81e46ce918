"""Whoever of the staff looks at a vendor's own pages changes nothing: no form, no made-up method and no page on the way."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from core.kernel.audit import AuditEntry
from core.kernel.clock import now
from core.kernel.db import db, driver, finish_unit, whole_unit, would_have_written
from core.kernel.reads import read_only_from_here
from tests.attacks.looking.pages import ONLY_LOOKING, SAFE, band, built, everything, fill, look
from tests.browser import Browser
from tests.factories import Shop, fresh, link_address, make_link, make_paid, unit
from tests.portal.admin.people import Colleague


def test_no_view_that_is_posted_to_is_ever_reached(app: Flask, shop: Shop, colleague: Colleague, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every address of every door but the staff's and that of keys, with a right token and with none, the guard answers and no view."""
    fill(shop)
    browser = look(colleague, shop)
    token = browser.get("/portal/").form("/staff/looks/end").values["csrf_token"]
    before, reached, tried = everything(app, shop), [], 0
    for rule in list(app.url_map.iter_rules()):
        if rule.endpoint.split(".")[0] in ("static", "staff", "api"):
            continue
        for method in sorted((rule.methods or set()) - SAFE):
            view = app.view_functions[rule.endpoint]

            def noted(*_args: Any, _name: str = rule.endpoint, **_kwargs: Any) -> str:
                reached.append(_name)
                return ""

            vars(noted).update(vars(view))
            path = built(app, rule, mode="test", provider="sandbox")
            with monkeypatch.context() as patched:
                patched.setitem(app.view_functions, rule.endpoint, noted)
                for sent, headers in (({"csrf_token": token}, {}), ({}, {}), ({"csrf_token": token}, {"HX-Request": "true"})):
                    answer = browser.client.open(path, method=method, data=sent, headers=headers)
                    assert answer.status_code == 403 and ONLY_LOOKING in answer.get_data(as_text=True), (method, path, answer.status_code)
                    tried += 1
    assert reached == [] and tried > 600
    assert everything(app, shop) == before
    assert browser.get("/portal/").heading == "Home", "still looking"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_made_up_method_or_another_spelling_reaches_nothing_either(app: Flask, shop: Shop, colleague: Colleague, method: str) -> None:
    paid, browser = make_paid(shop), look(colleague, shop)
    token = browser.get("/portal/").form("/staff/looks/end").values["csrf_token"]
    before = everything(app, shop)
    for path in (
        f"/portal/payments/{paid.public_id}/refunds",
        "/portal/payouts/new",
        "/portal/live",
        "/portal//mode",
        "/portal/mode/",
        "/PORTAL/mode",
    ):
        for headers in ({"X-HTTP-Method-Override": "POST"}, {"X-Requested-With": "XMLHttpRequest"}):
            answer = browser.client.open(path, method=method, data={"csrf_token": token, "_method": "POST"}, headers=headers)
            assert answer.status_code in (403, 404, 405), (path, answer.status_code)
    assert everything(app, shop) == before


def test_postgresql_itself_refuses_to_change_anything_for_whoever_only_looks(app: Flask, shop: Shop) -> None:
    with app.app_context():
        read_only_from_here(True)
        try:
            for write in (
                lambda: (db.session.add(_a_row(shop)), db.session.flush()),
                lambda: driver().execute("UPDATE vendors SET name = 'Mine now' WHERE id = %s", (shop.vendor.id,)),
                lambda: db.session.execute(text("SELECT id FROM vendors WHERE id = :id FOR UPDATE"), {"id": shop.vendor.id}),
            ):
                with pytest.raises(Exception) as problem:
                    write()
                assert would_have_written(problem.value), problem.value
                finish_unit(keep=True)
            with pytest.raises(RuntimeError, match="may only read"):
                whole_unit("SELECT 1", ())
            db.session.add(_a_row(shop))
            finish_unit(keep=True)  # thrown away, whatever is asked for
        finally:
            read_only_from_here(False)
        with unit(app):
            assert db.session.get_one(type(shop.vendor), shop.vendor.id, populate_existing=True).name == shop.vendor.name
            db.session.add(_a_row(shop))  # and the same connection writes again for the next one
    with app.app_context():
        assert db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, action="a.test").count() == 1


def _a_row(shop: Shop) -> AuditEntry:
    from core.kernel.ids import uuid7

    return AuditEntry(vendor_id=shop.vendor.id, id=uuid7(), actor="system", action="a.test", subject="x", detail={}, at=now())


def test_a_page_that_would_write_on_the_way_is_refused_and_not_an_error(
    app: Flask, shop: Shop, colleague: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, view = look(colleague, shop), app.view_functions["portal.home"]

    def writes() -> str:
        db.session.add(_a_row(shop))
        db.session.flush()
        return "written"

    vars(writes).update(vars(view))
    monkeypatch.setitem(app.view_functions, "portal.home", writes)
    page = browser.get("/portal/", status=403)
    assert page.heading == ONLY_LOOKING and "would write something down" in page.text and band(page)


def test_a_link_that_the_staff_follow_was_not_opened_by_a_payer(app: Flask, shop: Shop, colleague: Colleague) -> None:
    """Some run out so many hours after they were first opened."""
    link, person = make_link(shop), {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    path = link_address(shop, link)
    assert look(colleague, shop).client.get(path, headers=person).status_code == 200
    assert fresh(shop, link).first_opened_at is None
    assert Browser(app).client.get(path, headers=person).status_code == 200
    assert fresh(shop, link).first_opened_at is not None
