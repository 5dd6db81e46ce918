"""The staff see a vendor's own pages as its owner does: every page says the same, and what is not shown says why."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from core.kernel.clock import frozen, now
from portal.seen_as_owner import NOT_SHOWN, SEEN
from tests.attacks.looking.pages import ONLY_LOOKING, band, built, crawl, everything, fill, look, own_words, portal_rules, view_of
from tests.factories import Shop, make_paid, make_shop
from tests.portal.admin.people import WHY, Colleague, make_staff
from tests.portal.admin.test_subscriptions import subscribe


def test_of_every_page_of_the_portal_somebody_has_said_whether_it_is_shown(app: Flask) -> None:
    pages = {name for name, _, rule in portal_rules(app) if "GET" in rule.methods}
    shown, hidden = set(SEEN), {f"portal.{name}" for name in NOT_SHOWN}
    assert shown | hidden == pages and not shown & hidden and len(pages) > 130


@pytest.mark.parametrize("make", [lambda app: fill(make_shop(app)), lambda app: subscribe(app)[0]], ids=["shop", "subscriber"])
def test_every_page_says_what_it_says_to_the_owner_and_nothing_at_all_is_changed_by_it(app: Flask, colleague: Colleague, make: Any) -> None:
    shop = make(app)
    with frozen(now()):  # how long ago something was is said to both at the same moment
        _compare(app, colleague, shop)


def _compare(app: Flask, colleague: Colleague, shop: Shop) -> None:
    browser, owners = look(colleague, shop), crawl(app, shop.browser())
    before, differ, shown = everything(app, shop), [], set[str]()
    for path, theirs in owners.items():
        if theirs.status >= 400 or theirs.status in (301, 302, 303):
            continue
        name = view_of(app, path)
        page = browser.get(path, status=None, follow=False)
        if name not in SEEN or SEEN[name] == "audit.see":
            assert page.status == 403 and page.heading == ONLY_LOOKING, (path, page.status)
            continue
        shown.add(name)
        if page.status != 200:
            differ.append(f"{path}: {page.status}")
        elif page.response.mimetype == "text/html" and SEEN[name] == "page":
            said = (shop.vendor.name, colleague.email, WHY, "minutes left", "The vendor reads which pages you open.", "Stop looking")
            differ += [f"{path} does not say: {words}" for words in said if words not in band(page)]
        if own_words(page) != own_words(theirs) and name not in ("portal.settings_page", "portal.staff_visits"):
            differ.append(f"{path}: {own_words(page)[:200]} and not {own_words(theirs)[:200]}")
    assert not differ, "\n".join(differ)
    assert len(shown) > 40, sorted(shown)
    assert everything(app, shop) == before


def test_what_is_not_shown_is_refused_with_one_page_that_says_why(app: Flask, shop: Shop, colleague: Colleague) -> None:
    paid, browser = make_paid(shop), look(colleague, shop)
    for name, _, rule in portal_rules(app):
        if name.removeprefix("portal.") in NOT_SHOWN and "GET" in rule.methods:
            for method in ("GET", "HEAD"):
                answer = browser.client.open(built(app, rule, public_id=paid.public_id, number="1", month="2026-01"), method=method)
                assert answer.status_code == 403, (name, method, answer.status_code)
                assert method == "HEAD" or "The platform’s staff are not shown this" in answer.get_data(as_text=True)


def test_the_vendors_own_log_is_shown_only_to_whoever_may_read_logs(app: Flask, shop: Shop, colleague: Colleague) -> None:
    assert look(colleague, shop).get("/portal/settings/audit-log", status=403).heading == ONLY_LOOKING
    assert look(make_staff(app, "superuser"), shop).get("/portal/settings/audit-log").heading != ONLY_LOOKING


def test_the_owners_devices_and_other_businesses_are_not_shown(app: Flask, shop: Shop, colleague: Colleague) -> None:
    page = look(colleague, shop).get("/portal/settings")
    assert "127.0.0.1" in shop.browser().get("/portal/settings").text
    assert "127.0.0.1" not in page.text and "are not shown to the platform’s staff" in page.text
