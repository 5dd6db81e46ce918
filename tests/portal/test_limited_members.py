"""Limiting somebody of the team to branches: asked for with the invitation or afterwards, said in the list and in the log, true from the next page on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page as Tab
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.accounts.api_keys import OWN_SOFTWARE, list_keys, make_key, roll_key
from core.accounts.invite import invitation_token, invite, list_invitations
from core.accounts.key_models import ApiKey
from core.accounts.models import Membership
from core.accounts.permissions import ALWAYS, PERMISSIONS, WITHIN_BRANCHES
from core.accounts.roles import list_holders, rights_of
from core.accounts.team import OwnerStays, change_role, hand_over
from core.closing.people import bring_back_team, send_team_home
from core.directory.limits import limit_member, limit_of
from core.directory.models import Branch
from core.kernel import clock
from core.kernel.db import db
from core.kernel.errors import NotFound, Refusal
from core.notifications.daily import Manner, choose_manner, send_due_letters
from core.notifications.models import Message
from core.notifications.team import Choice, choose, readers_of
from core.payments.long_export import request_export, write_next
from tests.browser import Browser
from tests.core.directory.stalls import make_branch, make_listing
from tests.factories import PASSWORD, Shop, again, make_colleague, make_paid, make_shop, unit
from tests.portal.german import in_german
from tests.portal.person_app import App
from tests.sight import wider_than_screen
from tests.valid_html import problems_of_html

Places = tuple[Branch, Branch]


@pytest.fixture
def places(shop: Shop) -> Places:
    listing = make_listing(shop, publish=False)
    return make_branch(shop, listing, name="Quayside", town="Bristol"), make_branch(shop, listing, name="Old Mill", town="Bath")


def limit_of_row(shop: Shop, person: Shop) -> list | None:
    with shop.app.app_context():
        return db.session.get_one(Membership, (shop.vendor.id, person.user.id)).branches


def keys_of(shop: Shop) -> dict[str, ApiKey]:
    with unit(shop.app):
        return {key.public_id: key for mode in ("test", "live") for key in list_keys(shop.vendor, mode)}


def limit(shop: Shop, person: Shop, *branches: Branch) -> None:
    with unit(shop.app):
        limit_member(shop.vendor, shop.mode, person.user.public_id, [one.public_id for one in branches], by=shop.user.public_id)


def ask(owner: Browser, person: Shop, **values: object) -> object:
    path = f"/portal/team/{person.user.public_id}/branches"
    return owner.submit(owner.get(path).form(path), **values)


def test_who_is_asked_to_join_for_one_branch_sees_that_one(app: Flask, shop: Shop, owner: Browser, places: Places) -> None:
    form = owner.get("/portal/team").form("/portal/team/invitations")
    assert form.values["reach"] == "all", "nobody is limited by mistake"
    for wrong in ([], ["brn_x"], [places[0].public_id, "brn_x"]):
        assert owner.submit(form, status=422, email="ben@example.com", reach="some", branch=wrong).errors
    assert owner.submit(form, status=422, email="ben@example.com", reach="all", branch=[places[0].public_id]).errors, "which of the two?"
    owner.submit(form, email="ben@example.com", reach="some", branch=[places[0].public_id])
    assert "Only Quayside" in owner.get("/portal/team").text
    with unit(app):
        (asked,) = list_invitations(shop.vendor)
        path = "/invitation/" + invitation_token(shop.vendor, asked)
    ben = Browser(app)
    home = ben.submit(ben.get(path).form(path), name="Ben", password=PASSWORD)
    assert "Your branches" in home.text and "Quayside" in home.text and "Old Mill" not in home.text
    ben.get("/portal/balance", status=403)


def test_a_limit_is_true_from_the_next_page_on_and_so_is_its_end(shop: Shop, owner: Browser, places: Places) -> None:
    member = make_colleague(shop, "manager")
    browser = member.browser()
    browser.get("/portal/balance")
    assert "All branches" in owner.get("/portal/team").text
    path = f"/portal/team/{member.user.public_id}/branches"
    assert owner.submit(owner.get(path).form(path), status=422, reach="all", branch=[places[0].public_id]).errors
    ask(owner, member, reach="some", branch=[places[0].public_id, places[1].public_id])
    assert limit_of_row(shop, member) == sorted(place.id for place in places)
    refused = browser.get("/portal/balance", status=403).text
    assert "Your access is limited to branches" in refused
    shown = browser.get("/portal/").html
    assert not [path for path in ("/portal/balance", "/portal/notices", "/portal/outbox", "/portal/plan", "news.js") if f'{path}"' in shown]
    log = owner.get("/portal/settings/audit-log").text
    assert "Changed which branches somebody sees" in log and "Old Mill, Quayside" in log
    ask(owner, member, reach="all")
    assert limit_of_row(shop, member) is None
    browser.get("/portal/balance")


def test_a_form_that_does_not_say_whether_it_is_some_or_all_lifts_no_limit(shop: Shop, owner: Browser, places: Places) -> None:
    member = make_colleague(shop, "manager")
    limit(shop, member, places[0])
    path = f"/portal/team/{member.user.public_id}/branches"
    for form, kept in ((owner.get(path).form(path), [places[0].id]), (owner.get("/portal/team").form("/portal/team/invitations"), None)):
        del form.values["reach"]
        form.values.pop("branch", None)
        refused = owner.submit(form, status=422, **({} if kept else {"email": "eve@example.com"}))
        assert "Choose one of these." in " ".join(refused.errors)
    assert limit_of_row(shop, member) == [places[0].id]
    with unit(shop.app):
        assert list_invitations(shop.vendor) == []


def test_keys_that_a_member_made_are_named_where_they_are_limited_and_revoked_as_ticked(shop: Shop, owner: Browser, places: Places) -> None:
    member, other = make_colleague(shop, "developer"), make_colleague(shop, "developer")
    with unit(shop.app):
        made = {
            name: make_key(shop.vendor, mode, name=name, by=who.user.public_id, kind=kind)
            for name, mode, who, kind in (
                ("Till", "test", member, "sk"), ("Website", "live", member, "sk"), ("Pages", "test", member, "pk"), ("Others", "test", other, "sk"),
            )
        }  # fmt: skip
        rolled, _secret = roll_key(shop.vendor, "test", made["Till"][0].public_id, overlap=timedelta(hours=1), by=OWN_SOFTWARE)
    path = f"/portal/team/{member.user.public_id}/branches"
    form = owner.get(path).form(path)
    shown = form.page.text
    assert shown.count("Till") == 2 and "Website" in shown and "Pages" not in shown and "Others" not in shown
    told = owner.submit(form, reach="some", branch=[places[0].public_id], key=[rolled.public_id, made["Website"][0].public_id])
    assert "1 key that they made still opens the whole business." in told.text
    opens = {name: key.revoked_at is None for name, key in keys_of(shop).items()}
    assert opens == {made["Till"][0].public_id: True, made["Website"][0].public_id: False, rolled.public_id: False} | {
        made[name][0].public_id: True for name in ("Pages", "Others")
    }
    admin = make_colleague(shop, "admin")
    with unit(shop.app):
        change_role(
            shop.vendor, member.user.public_id, role="support", by=shop.user.public_id
        )  # a developer may do what an admin may not give
    form = admin.browser().get(path).form(path)
    assert "Till" in form.page.text and "Whoever sees to the keys" in form.page.text
    browser = admin.browser()
    browser.submit(browser.get(path).form(path), reach="some", branch=[places[0].public_id], key=[made["Till"][0].public_id])
    assert keys_of(shop)[made["Till"][0].public_id].revoked_at is None, "whoever may not revoke keys does not do it here"
    leave = f"/portal/team/{member.user.public_id}/remove"
    owner.submit(owner.get(leave).form(leave), key=[made["Till"][0].public_id])
    assert keys_of(shop)[made["Till"][0].public_id].revoked_at is not None


def test_the_owner_is_never_limited_and_nobody_limits_beyond_themselves(shop: Shop, owner: Browser, places: Places) -> None:
    admin, manager = make_colleague(shop, "admin"), make_colleague(shop, "manager")
    number = [places[0].public_id]
    with unit(shop.app), pytest.raises(OwnerStays):
        limit_member(shop.vendor, shop.mode, shop.user.public_id, number, by=admin.user.public_id)
    owner.get(f"/portal/team/{shop.user.public_id}/branches", status=409)
    manager.browser().get(f"/portal/team/{admin.user.public_id}/branches", status=403)
    with pytest.raises(IntegrityError), unit(shop.app):
        db.session.execute(text("UPDATE memberships SET branches = '{}' WHERE role = 'owner' AND vendor_id = :v"), {"v": shop.vendor.id})
    limit(shop, admin, places[0])
    admin.browser().get("/portal/team", status=403)
    with unit(shop.app):
        hand_over(shop.vendor, admin.user.public_id, by=shop.user)
    assert limit_of_row(shop, admin) is None, "whoever owns it sees all of it"


def test_only_branches_of_the_business_in_this_mode_and_those_of_the_other_mode_stay(app: Flask, shop: Shop, places: Places) -> None:
    other = make_shop(app)
    foreign = make_branch(other, make_listing(other, publish=False), name="Elsewhere")
    member = make_colleague(shop, "support")
    with unit(app):
        for wished in ([], [foreign.public_id], [places[0].public_id, foreign.public_id], ["x"]):
            with pytest.raises(Refusal):
                limit_of(shop.vendor, shop.mode, wished)
        with pytest.raises(Refusal):
            limit_of(shop.vendor, "live", [places[0].public_id])
        assert limit_of(shop.vendor, shop.mode, [places[0].public_id], before=[places[1].id, foreign.id]) == sorted(
            [places[0].id, foreign.id]
        )
        with pytest.raises(NotFound):
            limit_member(shop.vendor, shop.mode, other.user.public_id, [places[0].public_id], by=shop.user.public_id)
    limit(shop, member, places[0])
    assert limit_of_row(shop, member) == [places[0].id]
    with unit(app):
        change_role(shop.vendor, member.user.public_id, role="manager", by=shop.user.public_id)
    assert limit_of_row(shop, member) == [places[0].id], "another role changes no limit"


def test_what_is_left_of_a_role_is_nothing_of_the_whole_business(shop: Shop, places: Places) -> None:
    assert PERMISSIONS.keys() >= WITHIN_BRANCHES and not WITHIN_BRANCHES & {
        "balance.see",
        "customers.see",
        "team.edit",
        "keys.manage",
        "audit.see",
    }
    for role in ("admin", "manager", "accountant", "support", "developer", "viewer"):
        member = make_colleague(shop, role)
        with shop.app.app_context():
            before = rights_of(shop.vendor, member.user.public_id)
        limit(shop, member, places[0])
        with shop.app.app_context():
            assert rights_of(shop.vendor, member.user.public_id) == before & WITHIN_BRANCHES
            assert [one.id for one in list_holders(shop.vendor, "payments.see")] == [shop.user.id]
        with unit(shop.app):
            db.session.delete(db.session.get_one(Membership, (shop.vendor.id, member.user.id)))
    assert {"team.see"} == ALWAYS - WITHIN_BRANCHES


def test_no_app_acts_for_them(shop: Shop, places: Places) -> None:
    member = make_colleague(shop, "manager")
    app = App(member)
    assert app.get("/api/v1/payments").status_code == 200
    limit(shop, member, places[0])
    for path in ("/api/v1/payments", "/api/v1/users/me"):
        answer = app.get(path)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "limited_to_branches"), path
    assert app.renew().get_json()["code"] == "limited_to_branches", "no new tokens either"
    answer = App(member, enter=False).sign_in()
    assert (answer.status_code, answer.get_json()["code"]) == (403, "limited_to_branches")


def test_no_news_of_the_business_is_written_to_them(shop: Shop, places: Places) -> None:
    member = make_colleague(shop, "manager")
    with unit(shop.app):
        choose(shop.vendor, shop.mode, member.user.public_id, {"payment_received": Choice(shown=True, mailed=True)})
        assert member.user.email in [address for address, _language in readers_of(shop.vendor, shop.mode, "payment_received")]
    limit(shop, member, places[0])
    with unit(shop.app):
        assert member.user.email not in [address for address, _language in readers_of(shop.vendor, shop.mode, "payment_received")]
    make_paid(shop)
    browser = member.browser()
    for path in ("/portal/notices", "/portal/notices/news", "/portal/settings/notifications"):
        browser.get(path, status=403)


def test_a_long_export_asked_for_before_is_not_written_for_them(shop: Shop, places: Places) -> None:
    member = make_colleague(shop, "manager")
    make_paid(shop)
    with unit(shop.app):
        export = request_export(
            shop.vendor,
            shop.mode,
            subject="payments",
            file_format="csv",
            kept={},
            language="en",
            by=member.user.public_id,
            form_token="e" * 20,
        )
    limit(shop, member, places[0])
    with unit(shop.app):
        assert write_next(shop.vendor.id, shop.mode, export.id) is False
        assert again(export).failure_reason == "not_allowed"


def test_whoever_comes_back_with_an_account_that_stays_is_limited_as_before(shop: Shop, places: Places) -> None:
    member = make_colleague(shop, "manager")
    limit(shop, member, places[1])
    with unit(shop.app):
        bring_back_team(shop.vendor, send_team_home(shop.vendor, by=shop.user.public_id))
    assert limit_of_row(shop, member) == [places[1].id]


def test_a_branch_shows_its_team_and_where_it_is(shop: Shop, owner: Browser, places: Places) -> None:
    member = make_colleague(shop, "support")
    limit(shop, member, places[0])
    assert "Quayside" in owner.get("/portal/branches").text and "Old Mill" in owner.get("/portal/branches").text
    assert member.user.email in owner.get(f"/portal/branches/{places[0].public_id}").text
    assert member.user.email not in owner.get(f"/portal/branches/{places[1].public_id}").text
    theirs = member.browser()
    assert "Bristol" in theirs.get(f"/portal/branches/{places[0].public_id}").text
    theirs.get(f"/portal/branches/{places[1].public_id}", status=404)


def test_an_invitation_that_is_renewed_has_the_limit_named_last(shop: Shop, places: Places, work: Callable[[], int]) -> None:
    with unit(shop.app):
        first = invite(shop.vendor, email="a@example.com", role="support", by=shop.user.public_id, branches=[places[0].id])
        assert first.branches == [places[0].id]
        assert invite(shop.vendor, email="a@example.com", role="support", by=shop.user.public_id, branches=[]).branches == []
        assert invite(shop.vendor, email="a@example.com", role="support", by=shop.user.public_id).branches is None
    work()


def test_their_own_name_and_devices_are_theirs_to_change(shop: Shop, places: Places) -> None:
    member = make_colleague(shop, "viewer")
    limit(shop, member, places[0])
    browser = member.browser()
    page = browser.get("/portal/settings")
    assert "Your business" not in page.text and "Your password" in page.text
    assert 'value="Robin"' in browser.submit(page.form("/portal/settings/person"), person="Robin").html
    browser.get("/portal/two-step")
    browser.get("/portal/settings/security", status=403)


def test_the_switch_to_live_leads_them_nowhere_they_may_not_go(shop: Shop, places: Places) -> None:
    member = make_colleague(shop, "manager")
    limit(shop, member, places[0])
    browser = member.browser()
    token = browser.get("/portal/").form("/sign-out").values["csrf_token"]
    assert "practice money only so far" in browser.post("/portal/mode", {"csrf_token": token, "mode": "live"}, status=200).text


def test_the_letter_of_the_day_is_not_written_to_them(shop: Shop, places: Places, work: Callable[[], int]) -> None:
    member = make_colleague(shop, "manager")

    def letters(days: int) -> int:
        make_paid(shop)
        work()
        with clock.shifted(timedelta(days=days)), unit(shop.app):
            send_due_letters()
        with unit(shop.app):
            return db.session.query(Message).filter_by(recipient=member.user.email, kind="daily_news").count()

    with unit(shop.app):
        choose(shop.vendor, shop.mode, member.user.public_id, {"payment_received": Choice(mailed=True, daily=True)})
        choose_manner(shop.vendor, shop.mode, member.user.public_id, Manner())
    assert letters(1) == 1
    limit(shop, member, places[0])
    assert letters(2) == 1
    with unit(shop.app):
        limit_member(shop.vendor, shop.mode, member.user.public_id, None, by=shop.user.public_id)
    assert letters(3) == 2, "what they chose counts again with the end of the limit"


def test_every_page_of_it_is_there_in_german(shop: Shop, owner: Browser, places: Places) -> None:
    member = make_colleague(shop, "manager")
    limit(shop, member, places[0])
    theirs = in_german(member.browser())
    for path in (
        "/portal/",
        "/portal/branches",
        f"/portal/branches/{places[0].public_id}",
        "/portal/settings",
        "/portal/payments",
        "/portal/links",
    ):
        assert "Filialen" in theirs.get(path).text, path
    assert "auf Filialen begrenzt" in theirs.get("/portal/balance", status=403).text
    assert "Nur einige Filialen" in in_german(owner).get(f"/portal/team/{member.user.public_id}/branches").text


def test_the_pages_are_valid_html(shop: Shop, owner: Browser, places: Places) -> None:
    member = make_colleague(shop, "manager")
    limit(shop, member, places[0])
    path, theirs = f"/portal/branches/{places[0].public_id}", member.browser()
    seen = [(owner, one) for one in ("/portal/team", "/portal/branches", path, f"/portal/team/{member.user.public_id}/branches")]
    seen += [(theirs, one) for one in ("/portal/", "/portal/branches", path, "/portal/settings", "/portal/links/new", "/portal/payments")]
    assert [(one, wrong) for browser, one in seen for wrong in problems_of_html(browser.client.get(one).get_data(as_text=True))] == []


def test_on_a_phone_nothing_stands_beyond_the_edge(visitor: Callable[..., Tab], live_server: str, shop: Shop, places: Places) -> None:
    member = make_colleague(shop, "manager")
    limit(shop, member, *places)
    make_paid(shop)
    for who, paths in (
        (shop, ("/portal/team", "/portal/branches", f"/portal/team/{member.user.public_id}/branches")),
        (member, ("/portal/", f"/portal/branches/{places[0].public_id}", "/portal/settings", "/portal/payments", "/portal/links")),
    ):
        tab = visitor(phone=True)
        tab.context.add_cookies([{"name": "seat", "value": who.secret, "url": live_server}])
        for path in paths:
            tab.goto(path)
            assert not wider_than_screen(tab), path
