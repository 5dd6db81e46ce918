"""The staff see a vendor's own pages as its owner does: over every page and every form there is, nothing is changed, nothing acts, nothing leaks."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, request
from sqlalchemy import text

from core.accounts.api_keys import make_key
from core.accounts.models import UserSession
from core.accounts.staff import add_staff, remove_staff
from core.accounts.staff_models import StaffLook
from core.hooks.endpoints import make_endpoint
from core.kernel.audit import AuditEntry
from core.kernel.clock import frozen, now, shifted
from core.kernel.db import db, driver, finish_unit, whole_unit, would_have_written
from core.kernel.money import Money
from core.kernel.reads import read_only_from_here
from core.memberships.join import ask_to_join
from core.memberships.plans import PlanTerms, make_plan
from core.web.throttle import limiter
from portal.seen_as_owner import NOT_SHOWN, SEEN
from tests.browser import Browser, Page
from tests.core.directory.stalls import make_branch, make_image, make_listing, make_product
from tests.factories import Shop, ask_refund, fresh, link_address, make_declined, make_link, make_paid, make_payment, make_shop, unit
from tests.flows.test_three_views import disputed
from tests.portal.admin.people import STAFF_PASSWORD, WHY, Colleague, make_staff
from tests.portal.admin.test_subscriptions import subscribe

SAFE = {"GET", "HEAD", "OPTIONS"}
ONLY_LOOKING = "Only looking"


@pytest.fixture(autouse=True)
def unthrottled() -> Iterator[None]:
    before, limiter.enabled = limiter.enabled, False
    yield
    limiter.enabled = before


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def colleague(app: Flask) -> Colleague:
    return make_staff(app, "finance")


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


def test_a_link_that_the_staff_follow_was_not_opened_by_a_payer(app: Flask, shop: Shop, colleague: Colleague) -> None:
    """Some run out so many hours after they were first opened."""
    link, person = make_link(shop), {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    path = link_address(shop, link)
    assert look(colleague, shop).client.get(path, headers=person).status_code == 200
    assert fresh(shop, link).first_opened_at is None
    assert Browser(app).client.get(path, headers=person).status_code == 200
    assert fresh(shop, link).first_opened_at is not None


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


# --- what is shown ---------------------------------------------------------------------------------------------------------------


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


# --- nothing is changed ----------------------------------------------------------------------------------------------------------


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


# --- who looks, and for how long -------------------------------------------------------------------------------------------------


def test_the_look_opens_nothing_without_the_staffs_own_session_nor_with_somebody_elses(
    app: Flask, shop: Shop, colleague: Colleague
) -> None:
    secret = look(colleague, shop).client.get_cookie("look").value  # type: ignore[union-attr]
    assert Browser(app, look=secret).get("/portal/").heading == "Staff sign-in"
    assert Browser(app, seat=secret).get("/portal/").heading == "Sign in"
    assert Browser(app, staff=secret).get("/staff/").heading == "Staff sign-in"
    other = make_staff(app, "superuser").browser()
    other.client.set_cookie("look", secret)
    page = other.get("/portal/")
    assert urlsplit(page.address).path == "/staff/" and "is over" in page.text and other.client.get_cookie("look") is None
    again = make_staff(app, "finance")
    assert Browser(app, staff=again.secret, look=secret).get("/portal/payments").heading != "Payments"


def test_it_is_over_after_half_an_hour_by_the_clock(app: Flask, shop: Shop, colleague: Colleague) -> None:
    browser = look(colleague, shop)
    with shifted(timedelta(minutes=15)):
        assert browser.get("/portal/payments").heading == "Payments"
    with shifted(timedelta(minutes=29, seconds=30)):
        assert "1 minute left" in band(browser.get("/portal/payments"))
    with shifted(timedelta(minutes=30, seconds=1)):
        page = browser.get("/portal/payments")
        assert urlsplit(page.address).path == "/staff/" and "is over" in page.text


def end_by_signing_out(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    browser.submit(browser.get("/staff/").form("/staff/sign-out"))


def end_by_the_button(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    assert browser.submit(browser.get("/portal/payments").form("/staff/looks/end")).notices


def end_by_leaving(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    with unit(shop.app):
        remove_staff(colleague.email)


def end_by_another_role(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    with unit(shop.app):
        add_staff(colleague.email, role="reviewer", password=STAFF_PASSWORD)


def end_by_the_role_alone(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    with unit(shop.app):
        db.session.get_one(type(colleague.member), colleague.member.user_id).role = "reviewer"


def end_by_closing(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    with unit(shop.app):
        db.session.get_one(type(shop.vendor), shop.vendor.id).stopped_at = now()


def end_by_another_look(browser: Browser, shop: Shop, colleague: Colleague) -> None:
    look(colleague, make_shop(shop.app, business="Harbour Books"))  # in the same session of the staff's


ENDS = [
    end_by_signing_out, end_by_the_button, end_by_leaving, end_by_another_role, end_by_the_role_alone, end_by_closing, end_by_another_look,
]  # fmt: skip


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__.removeprefix("end_by_"))
def test_it_ends_and_then_shows_nothing_even_to_who_kept_the_cookie(app: Flask, shop: Shop, colleague: Colleague, end: Any) -> None:
    browser = look(colleague, shop)
    secret = browser.client.get_cookie("look").value  # type: ignore[union-attr]
    end(browser, shop, colleague)
    for cookies in ({"look": secret}, {"look": secret, "staff": colleague.secret}):
        kept = Browser(app, **cookies)
        page = kept.get("/portal/payments", status=None, follow=False)
        assert page.status == 303 and page.response.headers["Location"].startswith("/staff/"), page.status
        assert kept.client.get_cookie("look") is None


def test_what_has_ended_is_not_done_under_another_session_of_the_same_browser(app: Flask, shop: Shop, colleague: Colleague) -> None:
    """Somebody has a business of their own open beside it: a form sent after the look's end does not land there."""
    mine, browser = make_shop(app, business="Own Business"), look(colleague, shop)
    browser.client.set_cookie("seat", mine.secret)
    page = browser.get("/portal/settings")
    assert shop.vendor.name in page.title and "Own Business" not in page.text
    token = page.form("/staff/looks/end").values["csrf_token"]
    before = everything(app, mine)
    with shifted(timedelta(minutes=31)):
        answer = browser.post("/portal/settings", {"csrf_token": token, "name": "Renamed", "support_email": "a@example.com"})
        assert answer.status == 403 and answer.heading == ONLY_LOOKING
    assert everything(app, mine) == before
    assert "Own Business" in browser.get("/portal/").title, "the look is gone, and its own session is there again"


def test_no_session_of_a_person_is_made_or_touched(app: Flask, shop: Shop, colleague: Colleague) -> None:
    make_paid(shop)
    with app.app_context():
        count = db.session.query(UserSession).count()
    browser, before = look(colleague, shop), everything(app, shop)
    with shifted(timedelta(minutes=10)):
        for path in ("/portal/", "/portal/notices", "/portal/team", "/portal/payments", "/portal/?lang=de"):
            browser.get(path)
    assert everything(app, shop) == before, "neither when somebody was last there, nor what they have read"
    with app.app_context():
        assert db.session.query(UserSession).count() == count
        assert db.session.get_one(type(shop.user), shop.user.id).language == shop.user.language
        assert not {c.key for c in browser.client._cookies.values()} & {"seat", "half"}  # type: ignore[attr-defined]


def test_a_second_step_that_the_business_asks_of_its_people_is_not_asked_of_a_look(app: Flask, shop: Shop, colleague: Colleague) -> None:
    with unit(app):
        db.session.get_one(type(shop.vendor), shop.vendor.id).second_factor_required = True
    assert shop.browser().get("/portal/").heading != "Home"
    assert look(colleague, shop).get("/portal/").heading == "Home"


def test_every_page_that_was_opened_stands_in_the_log_before_it_is_shown(app: Flask, shop: Shop, colleague: Colleague) -> None:
    paid, browser = make_paid(shop), look(colleague, shop)
    opened = [
        "/portal/payments",
        f"/portal/payments/{paid.public_id}",
        "/portal/payments/pay_not_there",
        "/portal/balance?x=secret@example.com",
    ]
    for path in opened:
        browser.get(path, status=None)
    browser.get("/portal/keys%00", status=404)
    browser.get(f"/portal/payments/{paid.public_id}%00", status=404)
    with app.app_context():
        row = db.session.query(StaffLook).filter_by(vendor_id=shop.vendor.id).one()
        rows = db.session.query(AuditEntry).filter_by(vendor_id=shop.vendor.id, action="staff.looked").order_by(AuditEntry.id).all()
        assert {entry.actor for entry in rows} == {colleague.member.public_id} and {entry.subject for entry in rows} == {row.public_id}
        assert [entry.detail["page"] for entry in rows] == [
            "/portal/",
            *(urlsplit(path).path for path in opened),
            f"/portal/payments/{paid.public_id}",
        ]
        assert "secret@example.com" not in str([entry.detail for entry in rows]), "what was typed is not written down"
