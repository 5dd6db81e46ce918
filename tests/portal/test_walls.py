"""Nobody reads or changes what is another vendor's, and each role may do its own things only."""

from __future__ import annotations

import pytest
from flask import Flask

from core.accounts.permissions import PERMISSIONS
from tests.browser import Browser
from tests.factories import Shop, ask_refund, fresh, make_colleague, make_link, make_paid, make_shop

SAFE = {"GET", "HEAD", "OPTIONS"}


def addresses(app: Flask, names: dict[str, str]) -> list[tuple[str, str, str]]:
    """(method, path, permission) of every portal route, its parts filled in."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.endpoint.startswith("portal.") and set(rule.arguments) <= set(names):
                access = app.view_functions[rule.endpoint].__access__  # type: ignore[attr-defined]
                path = rule.build({name: names[name] for name in rule.arguments})
                assert path
                found += [(method, path[1], access) for method in sorted(rule.methods or ()) if method not in ("HEAD", "OPTIONS")]
    return found


def addresses_of(app: Flask, *given: dict[str, str]) -> list[tuple[str, str, str]]:
    """The addresses with each of these names in turn; those without a name in them once."""
    return list(dict.fromkeys(address for names in given for address in addresses(app, names)))


def things(shop: Shop) -> list[str]:
    link = make_link(shop)
    payment = make_paid(shop, link)
    ask_refund(shop, payment, "1.00")
    return [link.public_id, payment.public_id]


def test_every_route_answers_404_to_another_vendors_things_and_changes_nothing(app: Flask, shop: Shop) -> None:
    theirs = make_shop(app, business="Their Business")
    link, payment = make_link(theirs), make_paid(theirs)
    stranger = shop.browser()
    token = stranger.get("/portal/").form("/sign-out").values["csrf_token"]
    before = (vars(fresh(theirs, link)).copy(), vars(fresh(theirs, payment)).copy())
    tried = 0
    for public_id in (link.public_id, payment.public_id):
        for method, path, _ in addresses(app, {"public_id": public_id}):
            if public_id not in path:
                continue
            tried += 1
            values = {"csrf_token": token, "amount": "1.00", "reason": "other", "form_token": "x" * 22, "title": "Mine now"}
            page = stranger.get(path, status=None) if method == "GET" else stranger.post(path, values)
            assert page.status == 404, (method, path, page.status)
            assert "Their Business" not in page.html
    assert tried > 20
    after = (vars(fresh(theirs, link)), vars(fresh(theirs, payment)))
    for old, new in zip(before, after, strict=True):
        assert {k: v for k, v in old.items() if not k.startswith("_")} == {k: v for k, v in new.items() if not k.startswith("_")}


def test_every_list_shows_ones_own_only(app: Flask, shop: Shop, owner: Browser) -> None:
    theirs = make_shop(app)
    secret = make_link(theirs, title="Their secret course")
    make_paid(theirs, secret, email="their-payer@example.com")
    for path in (
        "/portal/",
        "/portal/links",
        "/portal/payments",
        "/portal/payments?q=their-payer@example.com",
        "/portal/outbox",
        "/portal/balance/pending",
    ):
        page = owner.get(path)
        assert "Their secret" not in page.html and ">their-payer" not in page.html, path


IN_FRAMES = {"/portal/settings/branding/letter", "/portal/settings/branding/receipt"}  # a letter and a sheet: no pages of the portal


@pytest.mark.parametrize("role", ["owner", "admin", "manager", "accountant", "support", "developer", "viewer"])
def test_a_role_reaches_exactly_what_its_permissions_say(app: Flask, shop: Shop, role: str) -> None:
    link, payment = make_link(shop), make_paid(shop)
    person = make_colleague(shop, role)
    for method, path, access in addresses_of(app, {"public_id": link.public_id, "slug": "pending"}, {"public_id": payment.public_id}):
        if access == "public" or method != "GET":
            continue
        allowed = role in PERMISSIONS[access]
        if path in IN_FRAMES:
            assert (person.browser().client.get(path).status_code == 200) == allowed
            continue
        page = person.browser().get(path, status=None)
        assert (page.status == 403) == (not allowed), (role, path, access, page.status)
        if not allowed:
            assert "Your role" in page.text and "owner" in page.text, "who can help is said"


@pytest.mark.parametrize("role", ["accountant", "support", "developer", "viewer"])
def test_what_a_role_may_not_do_it_cannot_post(app: Flask, shop: Shop, role: str) -> None:
    link, payment = make_link(shop), make_paid(shop)
    browser = make_colleague(shop, role).browser()
    token = browser.get("/portal/").form("/sign-out").values["csrf_token"]
    for method, path, access in addresses_of(app, {"public_id": link.public_id}, {"public_id": payment.public_id}):
        if method == "POST" and access in PERMISSIONS and role not in PERMISSIONS[access]:
            assert browser.post(path, {"csrf_token": token}).status == 403, path
    assert fresh(shop, link).state == "active"


def test_a_stranger_is_asked_to_sign_in_everywhere(app: Flask) -> None:
    for method, path, access in addresses(app, {"public_id": "lnk_0000000000000000000000", "slug": "pending"}):
        if access != "public" and method == "GET":
            assert Browser(app).get(path).heading == "Sign in", path
