"""Roles: the house's and a business's own, what each grants said exactly, and nobody giving away what they may not do themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from core.accounts.invite import invite
from core.accounts.models import CustomRole, Invitation, Membership
from core.accounts.permissions import ALWAYS, GIVEN, PERMISSIONS, granted_by
from core.accounts.roles import BeyondYours, change_custom, drop_role, get_role, make_role, rights_of, role_of
from core.accounts.second_factor import take_off_member
from core.accounts.team import change_role, remove_member
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from portal.roles import deeds
from tests.browser import Browser
from tests.factories import Shop, make_colleague, make_link, make_paid, make_shop, unit
from tests.second_step import set_up
from tests.sight import wider_than_screen

HELPERS = {"payments.see", "payments.refund"}


def make(shop: Shop, name: str = "Till", permissions: set[str] = HELPERS, *, by: Shop | None = None) -> CustomRole:
    with unit(shop.app):
        return make_role(shop.vendor, name=name, permissions=permissions, by=(by or shop).user.public_id)


def give(shop: Shop, person: Shop, role: CustomRole) -> None:
    with unit(shop.app):
        change_role(shop.vendor, person.user.public_id, role=role.public_id, by=shop.user.public_id)


def test_every_act_has_words_and_every_role_of_the_house_grants_what_its_line_says(app: Flask) -> None:
    with app.test_request_context():
        assert [name for name, words in deeds().items() if words == name] == [], "portal/roles.py says it in words"
    assert granted_by("owner") == PERMISSIONS.keys()
    assert granted_by("viewer") < granted_by("support") < granted_by("manager") < granted_by("admin") < granted_by("owner")
    assert granted_by("admin") - granted_by("manager") == {"team.edit", "plan.manage"}
    assert all(granted_by(role) >= ALWAYS for role in GIVEN)
    with pytest.raises(KeyError):
        granted_by("king")


def test_who_may_not_reads_what_it_is_and_which_roles_have_it_the_businesss_own_among_them(shop: Shop) -> None:
    make(shop, "Night <till>", {"keys.manage"})
    make(shop, "Till", {"payments.see"})
    text = make_colleague(shop, "viewer").browser().get("/portal/keys", status=403).text
    assert "Your role (viewer) does not include “Make and revoke API keys”." in text
    assert "It takes the role owner or developer or Night <till>." in text and "or Till" not in text
    assert "Roles are given by: owner or admin." in text
    of_another = make_colleague(make_shop(shop.app), "viewer").browser().get("/portal/keys", status=403).text
    assert "It takes the role owner or developer." in of_another, "another business's roles are its own"


@pytest.mark.parametrize("role", ["developer", "viewer"])
def test_who_only_looks_changes_nothing(role: str) -> None:
    assert not granted_by(role) & {
        "links.edit",
        "payments.refund",
        "remarks.write",
        "settings.edit",
        "team.edit",
        "balance.see",
        "messages.send",
    }


def test_a_role_of_ones_own_grants_what_was_ticked_and_nothing_else(shop: Shop) -> None:
    paid, link = make_paid(shop), make_link(shop)
    person = make_colleague(shop, "viewer")
    give(shop, person, make(shop))
    browser = person.browser()
    path = f"/portal/payments/{paid.public_id}"
    assert "The refund is asked for" in browser.submit(browser.get(path).form(f"{path}/refunds"), amount="5.00").text
    assert "Till" in browser.get(f"/portal/links/{link.public_id}", status=403).text, "the role is named"
    browser.get("/portal/balance", status=403)
    browser.get("/portal/settings/audit-log", status=403)


def test_what_a_role_grants_changes_for_everybody_at_once(shop: Shop) -> None:
    person, role = make_colleague(shop, "viewer"), make(shop)
    give(shop, person, role)
    person.browser().get("/portal/balance", status=403)
    with unit(shop.app):
        change_custom(shop.vendor, role.public_id, name="Till", permissions=HELPERS | {"balance.see"}, by=shop.user.public_id)
    person.browser().get("/portal/balance")
    with unit(shop.app):
        change_custom(shop.vendor, role.public_id, name="Till", permissions=set(), by=shop.user.public_id)
    person.browser().get("/portal/payments", status=403)
    person.browser().get("/portal/")


# --- nobody gives what they have not ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beyond", ["security.edit", "live.switch_on"])
def test_an_admin_makes_no_role_that_may_more_than_they(shop: Shop, beyond: str) -> None:
    admin = make_colleague(shop, "admin")
    with unit(shop.app), pytest.raises(BeyondYours):
        make_role(shop.vendor, name="Boss", permissions={"payments.see", beyond}, by=admin.user.public_id)
    page = admin.browser().get("/portal/team/roles/new")
    token = page.form("/portal/team/roles/new").values["csrf_token"]
    answer = admin.browser().post("/portal/team/roles/new", {"csrf_token": token, "name": "Boss", "may": beyond}, status=None)
    assert answer.status in (400, 422)
    browser = admin.browser()
    form = browser.get("/portal/team/roles/new").form("/portal/team/roles/new")
    refused = browser.submit(form, name="Boss", may=beyond, status=422)
    assert "what you may not do yourself" in refused.error_summary[0] and refused.form("/portal/team/roles/new").values["name"] == "Boss"


def test_an_admin_gives_takes_and_touches_nothing_above_their_own(shop: Shop) -> None:
    admin, other = make_colleague(shop, "admin"), make_colleague(shop, "viewer")
    above = make(shop, "Deputy", {"security.edit", "payments.see"})
    deputy = make_colleague(shop, "viewer")
    give(shop, deputy, above)
    by = admin.user.public_id
    for act in (
        lambda: change_role(shop.vendor, other.user.public_id, role=above.public_id, by=by),
        lambda: change_role(shop.vendor, deputy.user.public_id, role="viewer", by=by),
        lambda: remove_member(shop.vendor, deputy.user.public_id, by=by),
        lambda: invite(shop.vendor, email="new@example.com", role=above.public_id, by=by),
        lambda: change_custom(shop.vendor, above.public_id, name="Deputy", permissions=set(), by=by),
        lambda: drop_role(shop.vendor, above.public_id, by=by),
    ):
        with unit(shop.app), pytest.raises(BeyondYours):
            act()
    with unit(shop.app), pytest.raises(Conflict):
        change_role(shop.vendor, shop.user.public_id, role="viewer", by=by)
    for person in (shop, deputy):
        set_up(shop.app, person.user)
        with unit(shop.app), pytest.raises(Refusal):
            take_off_member(shop.vendor, person.user.public_id, by=admin.user, reason="They say that they lost it")


def test_somebody_with_a_role_of_their_own_who_looks_after_the_team_cannot_rise(shop: Shop) -> None:
    person = make_colleague(shop, "viewer")
    give(shop, person, make(shop, "Team lead", {"team.edit", "payments.see"}))
    by = person.user.public_id
    for role in ("admin", "manager", "accountant", "support"):
        with unit(shop.app), pytest.raises(BeyondYours):
            change_role(shop.vendor, by, role=role, by=by)
    with unit(shop.app), pytest.raises(BeyondYours):
        make_role(shop.vendor, name="More", permissions={"team.edit", "payments.refund"}, by=by)
    page = person.browser().get("/portal/team")
    offered = [e.attrs["value"] for e in page.all("input") if e.attrs.get("name") == "role"]
    assert "manager" not in offered and "admin" not in offered


def test_who_is_not_of_the_team_gives_nothing(shop: Shop, app: Flask) -> None:
    stranger = make_shop(app)
    with unit(app):
        assert rights_of(shop.vendor, stranger.user.public_id) == frozenset()
    with unit(app), pytest.raises(BeyondYours):
        invite(shop.vendor, email="new@example.com", role="viewer", by=stranger.user.public_id)


def test_a_role_of_another_business_is_none_here(shop: Shop, app: Flask) -> None:
    theirs = make(make_shop(app))
    person = make_colleague(shop, "viewer")
    with unit(app), pytest.raises(Refusal):
        change_role(shop.vendor, person.user.public_id, role=theirs.public_id, by=shop.user.public_id)
    shop.browser().get(f"/portal/team/roles/{theirs.public_id}", status=404)


@pytest.mark.parametrize("name", ["", "   ", "Owner", "ADMIN", "till", "viewer", "Finance"])
def test_a_name_belongs_to_one_role(shop: Shop, name: str) -> None:
    make(shop)
    with unit(shop.app), pytest.raises(Refusal):
        make_role(shop.vendor, name=name, permissions=HELPERS, by=shop.user.public_id)


def test_a_permission_that_does_not_exist_is_refused_and_one_that_has_gone_grants_nothing(shop: Shop) -> None:
    with unit(shop.app), pytest.raises(Refusal, match="no such permission"):
        make_role(shop.vendor, name="Odd", permissions={"payments.fly"}, by=shop.user.public_id)
    kept = CustomRole(name="Old", public_id="rol_x", permissions=["payments.see", "payments.fly"])
    assert role_of("custom", kept).permissions == {"payments.see"} | ALWAYS


def test_a_role_that_somebody_has_stays(shop: Shop) -> None:
    role, person = make(shop), make_colleague(shop, "viewer")
    give(shop, person, role)
    with unit(shop.app), pytest.raises(Conflict, match="still has this role"):
        drop_role(shop.vendor, role.public_id, by=shop.user.public_id)
    with unit(shop.app):
        change_role(shop.vendor, person.user.public_id, role="viewer", by=shop.user.public_id)
        drop_role(shop.vendor, role.public_id, by=shop.user.public_id)
    with unit(shop.app), pytest.raises(Refusal):
        get_role(shop.vendor, role.public_id)


def test_somebody_joins_in_a_role_of_the_businesss_own(shop: Shop, owner: Browser) -> None:
    role = make(shop)
    form = owner.get("/portal/team").form("/portal/team/invitations")
    page = owner.submit(form, email="new.person@example.com", role=role.public_id)
    assert "Till" in page.text
    with unit(shop.app):
        asked = db.session.query(Invitation).filter_by(vendor_id=shop.vendor.id).one()
        assert (asked.role, asked.custom_role_id) == ("custom", role.id)
        assert db.session.query(Membership).filter_by(vendor_id=shop.vendor.id, role="custom").count() == 0


def test_the_picker_says_exactly_what_each_role_grants(shop: Shop, owner: Browser) -> None:
    role = make(shop)
    page = owner.get("/portal/team")
    lines = {e.attrs["value"]: e.attrs.get("aria-describedby", "") for e in page.all("input") if e.attrs.get("name") == "role"}
    assert set(lines) == {*GIVEN, role.public_id}
    said = {key: next(e.text for e in page.elements if e.attrs.get("id") == hint) for key, hint in lines.items()}
    assert said[role.public_id] == "See payments · Refund"
    with shop.app.test_request_context():
        words = deeds()
    for key in GIVEN:
        assert set(said[key].split(" · ")) == {words[name] for name in granted_by(key) if name in words}, key


@pytest.mark.parametrize(("scripts", "phone"), [(True, False), (False, True)])
def test_an_owner_puts_a_role_together_and_gives_it(
    visitor: Callable[..., Tab], app: Flask, live_server: str, scripts: bool, phone: bool
) -> None:
    shop = make_shop(app)
    person = make_colleague(shop, "viewer")
    page = visitor(scripts=scripts, phone=phone)
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": live_server}])
    page.goto("/portal/team")
    page.get_by_role("link", name="A role of your own").click()
    page.get_by_label("Name of the role").fill("Saturday help")
    page.get_by_label("See balance and statements").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("can be given from now on")).to_be_visible()
    row = page.get_by_role("row").filter(has_text=person.email)
    row.get_by_role("combobox").select_option(label="Saturday help")
    row.get_by_role("button", name="Change").click()
    expect(page.get_by_text("The role is changed")).to_be_visible()
    assert not wider_than_screen(page)
    person.browser().get("/portal/balance")
