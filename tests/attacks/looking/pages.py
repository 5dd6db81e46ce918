"""How a look begins, what its pages say, and how to see that nothing was changed."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, request
from sqlalchemy import text

from core.accounts.api_keys import make_key
from core.hooks.endpoints import make_endpoint
from core.kernel.db import db
from core.kernel.money import Money
from core.memberships.join import ask_to_join
from core.memberships.plans import PlanTerms, make_plan
from tests.browser import Browser, Page
from tests.core.directory.stalls import make_branch, make_image, make_listing, make_product
from tests.factories import Shop, ask_refund, make_declined, make_link, make_paid, make_payment, unit
from tests.flows.test_three_views import disputed
from tests.portal.admin.people import WHY, Colleague

SAFE = {"GET", "HEAD", "OPTIONS"}
ONLY_LOOKING = "Only looking"


def look(colleague: Colleague, shop: Shop, *, mode: str = "test") -> Browser:
    """A browser of the staff's that shows this vendor's own pages, begun as people begin it."""
    browser = colleague.browser()
    form = browser.get(f"/staff/vendors/{shop.vendor.public_id}/looks/new").form()
    page = browser.submit(form, reason=WHY, mode=mode)
    assert page.heading == "Home" and band(page), page.text[:300]
    return browser


def band(page: Page) -> str:
    """What the band of a look says, or nothing."""
    return next((e.text for e in page.all("aside", class_="look-band")), "")


def fill(shop: Shop) -> Shop:
    """Something of nearly everything a vendor can have."""
    link = make_link(shop)
    paid = make_paid(shop, link)
    ask_refund(shop, paid, "1.00")
    make_declined(shop, link)
    make_payment(shop, link)
    disputed(shop)
    listing = make_listing(shop)
    make_branch(shop, listing)
    make_product(shop, listing)
    make_image(shop, listing)
    with unit(shop.app):
        make_key(shop.vendor, "test", name="Shop", by=shop.user.public_id)
        make_endpoint(
            shop.vendor, "test", address="https://hooks.example.com/in", name="Till", types=["payment.succeeded"], by=shop.user.public_id
        )
        plan = make_plan(shop.vendor, "test", terms=PlanTerms("Gold", Money(3000, "GBP"), "", 0), by=shop.user.public_id)
        ask_to_join(shop.vendor, plan, email="ada@example.com", name="Ada", form_token=secrets.token_urlsafe(16))
    return shop


def portal_rules(app: Flask) -> Iterator[tuple[str, str, Any]]:
    """(the view's name, what it asks for, its rule) of every route of the portal that is somebody's."""
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "__access__", "public")
        if rule.endpoint.startswith("portal.") and access != "public":
            yield rule.endpoint, access, rule


def built(app: Flask, rule: Any, **values: str) -> str:
    with app.test_request_context():
        parts = rule.build({name: values.get(name, "x") for name in rule.arguments})
    assert parts
    return str(parts[1])


def everything(app: Flask, shop: Shop) -> dict[str, str]:
    """A digest of every table's rows that are this vendor's or its people's, but what a look writes down: its own row and its log."""
    found = {}
    with app.app_context():
        for table in db.metadata.sorted_tables:
            if table.name in ("audit_entries", "audit_origins", "staff_looks", "staff_visits", "staff_sessions"):
                continue
            mine = "vendor_id = :vendor" if "vendor_id" in table.columns else "user_id = :user" if "user_id" in table.columns else ""
            mine = {"users": "id = :user", "vendors": "id = :vendor"}.get(table.name, mine)
            if mine:
                rows = text(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table.name} t WHERE {mine}")
                found[table.name] = str(db.session.scalar(rows, {"vendor": shop.vendor.id, "user": shop.user.id}))
        found["others' words in the log"] = str(
            db.session.scalar(
                text("SELECT count(*) FROM audit_entries WHERE vendor_id = :vendor AND actor NOT LIKE 'stf%'"), {"vendor": shop.vendor.id}
            )
        )
    return found


def view_of(app: Flask, path: str) -> str:
    with app.test_request_context(path):
        return str(request.endpoint)


def crawl(app: Flask, browser: Browser, start: str = "/portal/") -> dict[str, Page]:
    """What of the portal can be reached by links from its first page, by its address: one of each kind, two payments."""
    found: dict[str, Page] = {}
    waiting, times = [start], Counter[str]()
    while waiting:
        path = waiting.pop(0)
        name = view_of(app, path)
        if path in found or times[name] > (name == "portal.payment"):
            continue
        times[name] += 1
        page = browser.get(path, status=None, follow=False)
        found[path] = page
        for link in page.links():
            parts = urlsplit(link)
            if parts.path.startswith("/portal/") and not parts.query.startswith("lang="):
                waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return found


def own_words(page: Page) -> str:
    """What its main part says."""
    return next((e.text for e in page.all("main")), page.text)
