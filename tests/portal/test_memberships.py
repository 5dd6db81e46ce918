"""The vendor's own pages of memberships: plans are made and changed, members are found and helped, by whoever may."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.kernel.clock import now
from core.memberships.member import cancel
from core.memberships.page import member_token
from tests.browser import Browser
from tests.core.memberships.joined import Joined, plan_named, sell
from tests.factories import Shop, make_colleague, make_shop, unit

PLANS = "/portal/memberships/plans"


@pytest.fixture
def gym(shop: Shop) -> Shop:
    sell(shop, "Basic", "10.00", on=now().date() - timedelta(days=2))
    return shop


def join(shop: Shop, plan: str = "Basic", **more: str) -> Joined:
    today = now().date()
    person = Joined(shop, today, plan, **more)
    person.answer(today)
    return person


def test_an_empty_page_teaches_and_a_plan_is_made(owner: Browser, shop: Shop) -> None:
    page = owner.get("/portal/memberships")
    assert "No plans yet" in page.text and "Make the first plan" in page.text
    form = owner.get(f"{PLANS}/new").form(f"{PLANS}/new")
    wrong = owner.submit(form, status=422, name="", price="0.05")
    assert "Give the plan a name" in wrong.text and 'value="0.05"' in wrong.html
    wrong = owner.submit(form, status=422, name="Basic", price="0.05")
    assert "A month costs between" in wrong.text
    page = owner.submit(form, name="Basic", price="10.00", about="The pool.", trial_days="7")
    assert page.heading == "Basic" and "can be joined from now on" in page.text and "/j/" in page.html
    assert owner.client.get(f"{PLANS}/{plan_named(shop, 'Basic').public_id}/qr.svg").mimetype == "image/svg+xml"


def test_a_price_is_changed_and_a_plan_is_paused(owner: Browser, gym: Shop) -> None:
    plan = plan_named(gym, "Basic")
    here = f"{PLANS}/{plan.public_id}"
    form = owner.get(here).form(here)
    page = owner.submit(form, name="Basic", price="12.00")
    assert "from their next month" in page.text and plan_named(gym, "Basic").price_minor == 1200
    page = owner.submit(page.form(f"{here}/pause"))
    assert "Nobody can join it any more" in page.text and plan_named(gym, "Basic").state == "paused"
    owner.submit(page.form(f"{here}/resume"))
    assert plan_named(gym, "Basic").state == "active"


def test_members_are_listed_narrowed_walked_through_and_taken_away_as_a_sheet(owner: Browser, gym: Shop) -> None:
    people = [join(gym) for _ in range(2)]
    page = owner.get("/portal/memberships")
    assert all(person.email in page.text for person in people)
    assert people[1].email not in owner.get(f"/portal/memberships?q={people[0].email}").text
    assert "No member fits" in owner.get("/portal/memberships?status=suspended").text
    first, second = sorted(people, key=lambda person: person.member.id)
    older = owner.get(f"/portal/memberships?after={second.member.public_id}").text
    assert first.email in older and second.email not in older
    sheet = owner.client.get("/portal/memberships.csv").data.decode()
    assert people[0].email in sheet and "Basic" in sheet and "active" in sheet


def test_a_members_page_says_everything_and_cancels_and_keeps(owner: Browser, gym: Shop) -> None:
    ada = join(gym)
    here = f"/portal/memberships/{ada.member.public_id}"
    page = owner.get(here)
    for words in ("TEST-INV-000001", "Next charge", "Visa ending in 4242", "Subscribed to Basic", "Paid: £10.00"):
        assert words in page.text, words
    page = owner.submit(page.form(f"{here}/cancel"))
    assert "It ends with the month that is paid" in page.text and "Last day" in page.text
    owner.submit(page.form(f"{here}/keep"))
    assert ada.state().planned is None
    before = ada.fresh().token_id
    with unit(gym.app):
        old = member_token(gym.vendor, ada.fresh())
    assert Browser(gym.app).get(f"/m/{old}").status == 200
    owner.submit(owner.get(here).form(f"{here}/address"))
    assert ada.fresh().token_id != before and "membership_page" in ada.letters()
    assert Browser(gym.app).get(f"/m/{old}", status=404).heading == "This link is not valid", "the earlier one stopped working"
    assert gym.app.test_client().get(f"/m/{old}/status.json").get_json() == {"error": "not_valid"}


def test_another_vendors_member_and_plan_are_not_found(owner: Browser, gym: Shop, app) -> None:  # type: ignore[no-untyped-def]
    other = make_shop(app)
    sell(other, "Theirs", "5.00", on=now().date() - timedelta(days=2))
    theirs = join(other, "Theirs")
    owner.get(f"/portal/memberships/{theirs.member.public_id}", status=404)
    owner.get(f"{PLANS}/{plan_named(other, 'Theirs').public_id}", status=404)
    assert theirs.email not in owner.get("/portal/memberships").text


@pytest.mark.parametrize(("role", "edits", "cancels"), [("viewer", False, False), ("support", False, True), ("manager", True, True)])
def test_who_may_do_what(gym: Shop, role: str, edits: bool, cancels: bool) -> None:
    ada = join(gym)
    browser = make_colleague(gym, role).browser()
    page = browser.get("/portal/memberships")
    assert ("New plan" in page.text) is edits
    browser.get(f"{PLANS}/new", status=200 if edits else 403)
    page = browser.get(f"/portal/memberships/{ada.member.public_id}")
    assert ("Cancel for the member" in page.text) is cancels
    plan = browser.get(f"{PLANS}/{plan_named(gym, 'Basic').public_id}")
    assert ("What it includes" in plan.text) is edits


def test_personal_data_holds_the_membership_and_is_erased_once_it_has_ended(owner: Browser, gym: Shop) -> None:
    from core.customers.queries import find_customer

    ada = join(gym)
    with unit(gym.app):
        customer = find_customer(gym.vendor, "test", ada.email)
    assert customer is not None
    here = f"/portal/customers/{customer.public_id}"
    held = owner.client.get(f"{here}/personal-data.json").json
    assert held["memberships"][0]["plan"] == "Basic" and held["memberships"][0]["invoices"][0]["number"] == "TEST-INV-000001"
    refused = owner.submit(owner.get(f"{here}/erase").form(f"{here}/erase"), status=422)
    assert "A membership of theirs still runs" in refused.text
    with unit(gym.app):
        cancel(gym.vendor, ada.fresh(), at_once=True, by=gym.user.public_id)
    ada.to(now().date() + timedelta(days=1))
    before = ada.fresh().token_id
    owner.submit(owner.get(f"{here}/erase").form(f"{here}/erase"))
    gone = ada.fresh()
    assert gone.email.endswith("@erased.invalid") and gone.name == "" and gone.token_id != before
    assert ada.row().payer_email == gone.email


def test_it_is_said_in_german(owner: Browser, gym: Shop) -> None:
    page = owner.get("/portal/memberships?lang=de")
    assert page.heading == "Mitgliedschaften" and "Neuer Tarif" in page.text
