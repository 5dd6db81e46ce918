"""Passkeys at the doors, with a device in software: adding, signing in, renaming, removing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from core.accounts.factor_models import Passkey
from core.accounts.models import User, UserSession
from core.accounts.passkey_proof import find_party
from core.accounts.security import change_security
from core.accounts.sessions import hash_secret
from core.kernel import audit, config
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.notifications.models import Message
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, make_colleague, make_shop, unit
from tests.passkeys import Authenticator, raw
from tests.portal.admin.people import STAFF_PASSWORD, make_staff
from tests.portal.caller import problem
from tests.portal.passkeys import NAME, REFUSED, actions, add, alone, ask, device, half_in, key, letters, named, second
from tests.portal.person_app import ME, App
from tests.second_step import set_up

__all__ = ["key", "named"]
pytestmark = pytest.mark.usefixtures("named")


# --- adding ------------------------------------------------------------------------------------------------------------------


def test_the_first_passkey_turns_two_steps_on_and_others_are_added_beside_it(shop: Shop, owner: Browser, stranger: Browser) -> None:
    half_in(stranger, shop)
    page = add(owner, first := device())
    assert len(page.all("code")) == 10
    assert owner.get("/portal/").heading == "Home" and stranger.get("/portal/").heading == "Sign in", "who came in without it is out"
    assert "The passkey is added." in add(owner, device(), name="Key ring").notices[0]
    shown = owner.get("/portal/two-step")
    assert "Work phone" in shown.text and "Key ring" in shown.text and "not used yet" in shown.text
    assert letters(shop) == ["passkey_added", "passkey_added"]
    assert actions(shop) == ["passkey.added", "second_factor.on", "passkey.added"]
    with unit(shop.app):
        kept = db.session.query(Passkey).filter_by(user_id=shop.user.id, name="Work phone").one()
        assert kept.credential_id == first.id and kept.transports == "internal"
    assert first.handle == shop.user.public_id.encode(), "what the device keeps of the person is a number, and no address"


def test_the_question_names_us_and_the_passkeys_that_are_there(owner: Browser, key: Authenticator) -> None:
    page = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/passkeys"))
    options = ask(owner, page, "/portal/two-step/passkeys/question", name="Second")
    assert options["rp"]["id"] == NAME and options["attestation"] == "none"
    assert [raw(one["id"]) for one in options["excludeCredentials"]] == [key.id]
    assert len(raw(options["challenge"])) == 32


def test_a_name_is_looked_at_before_a_device_makes_anything(owner: Browser, key: Authenticator) -> None:
    page = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/passkeys"))
    token = page.form("/portal/two-step/passkeys/new").values["csrf_token"]
    for name, wrong in (("", "Give it a name."), (" work PHONE ", "has this name already"), ("x" * 61, "60")):
        answer = owner.client.post("/portal/two-step/passkeys/question", data={"csrf_token": token, "name": name})
        assert answer.status_code == 422 and wrong in answer.json["wrong"]


def test_ten_are_enough(shop: Shop, owner: Browser, key: Authenticator) -> None:
    for number in range(2, 11):
        add(owner, device(), name=f"Key {number}")
    page = owner.get("/portal/two-step")
    assert "Add a passkey" not in page.text
    token = page.form("/portal/two-step/recovery-codes").values["csrf_token"]
    answer = owner.client.post("/portal/two-step/passkeys/question", data={"csrf_token": token, "name": "Key 11"})
    assert answer.status_code == 422 and "10 passkeys at most" in answer.json["wrong"]


def test_only_who_has_just_proved_who_they_are_adds_one(shop: Shop, owner: Browser) -> None:
    with unit(shop.app):
        db.session.get_one(UserSession, hash_secret(shop.secret)).confirmed_at = now() - timedelta(hours=1)
    page = owner.get("/portal/two-step")
    assert owner.get("/portal/two-step/passkeys/new").heading == "Two-step sign-in"
    token = page.form("/portal/two-step/passkeys").values["csrf_token"]
    assert owner.client.post("/portal/two-step/passkeys/question", data={"csrf_token": token, "name": "Mine"}).status_code == 422
    asked = owner.submit(page.form("/portal/two-step/passkeys"))
    assert asked.heading == "Is it you?"
    assert owner.submit(asked.form("/portal/two-step/passkeys"), confirm_password=PASSWORD).heading == "Add a passkey"


def test_a_passkey_belongs_to_one_person(shop: Shop, owner: Browser, key: Authenticator, app: Flask) -> None:
    other = make_shop(app)
    page = add(other.browser(), dataclasses.replace(key), status=422)
    assert page.error_summary == [REFUSED]


@pytest.mark.parametrize(
    "wrong",
    [{"origin": "https://pay.example.com.evil.example"}, {"origin": "http://pay.example.com"}, {"rp": "example.com"}],
    ids=["origin", "no TLS", "another name"],
)
def test_a_passkey_made_elsewhere_is_not_taken(owner: Browser, wrong: dict[str, str]) -> None:
    assert add(owner, device(**wrong), status=422).error_summary == [REFUSED]


@pytest.mark.parametrize(
    "junk", ["", "{}", "[]", "null", "x", "[" * 9000, '{"id": 7}', '{"id": "AA", "rawId": "AA", "type": "public-key", "response": []}']
)
def test_junk_is_refused_and_is_no_fault(shop: Shop, owner: Browser, key: Authenticator, junk: str) -> None:
    page = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/passkeys"))
    ask(owner, page, "/portal/two-step/passkeys/question", name="Other")
    owner.submit(page.form("/portal/two-step/passkeys/new"), name="Other", passkey=junk, status=422)
    browser = Browser(shop.app)
    assert browser.submit(browser.get("/sign-in").form("/sign-in/passkey"), passkey=junk).heading == "Sign in"
    at = half_in(browser, shop)
    assert browser.submit(at.form("/sign-in/code/passkey"), passkey=junk).heading == "The second step"


def test_where_no_browser_keeps_passkeys_none_are_offered(
    shop: Shop, owner: Browser, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = dataclasses.replace(config.settings(), public_url="http://127.0.0.1:8000")
    monkeypatch.setattr("core.accounts.passkey_proof.settings", lambda: changed)
    assert "passkey" not in stranger.get("/sign-in").text
    assert "reached by a number" in owner.get("/portal/two-step").text
    token = stranger.get("/sign-in").form("/sign-in").values["csrf_token"]
    assert stranger.post("/sign-in/passkey/question", {"csrf_token": token}).status == 422


@pytest.mark.parametrize(
    ("public", "origin"),
    [
        ("https://pay.example.com", "https://pay.example.com"), ("https://pay.example.com:443", "https://pay.example.com"),
        ("https://Pay.Example.com:8443", "https://pay.example.com:8443"), ("http://localhost:8000", "http://localhost:8000"),
        ("http://pay.example.com", None), ("https://192.0.2.7", None), ("https://[2001:db8::1]", None),
        ("https://bücher.example", None), ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)  # fmt: skip
def test_we_are_our_public_address_and_nothing_else(public: str, origin: str | None, monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    changed = dataclasses.replace(config.settings(), public_url=public)
    monkeypatch.setattr("core.accounts.passkey_proof.settings", lambda: changed)
    party = find_party()
    assert (party.origin if party else None) == origin


# --- signing in --------------------------------------------------------------------------------------------------------------


def test_a_passkey_is_the_second_step_after_the_password(shop: Shop, stranger: Browser, key: Authenticator) -> None:
    page = half_in(stranger, shop)
    assert page.heading == "The second step"
    assert second(stranger, page, key).heading == "Home"
    seat = stranger.client.get_cookie("seat").value
    assert seat not in ("", shop.secret) and stranger.client.get_cookie("half") is None
    assert "last used" in stranger.get("/portal/two-step").text
    with unit(shop.app):
        entry = db.session.query(audit.AuditEntry).filter_by(vendor_id=shop.vendor.id, action="user.signed_in").one()
    assert entry.detail["code"] == "passkey"


def test_a_passkey_alone_counts_as_both_steps(shop: Shop, stranger: Browser, key: Authenticator) -> None:
    before = half_in(stranger, shop)
    assert before.heading == "The second step"
    page = stranger.get("/sign-in?next=/portal/payments")
    options = ask(stranger, page, "/sign-in/passkey/question")
    assert options["userVerification"] == "required" and not options.get("allowCredentials"), "whom it is about is not asked"
    done = stranger.submit(page.form("/sign-in/passkey"), passkey=key.sign(options))
    assert done.heading == "Payments"


def test_after_a_reset_a_passkey_opens_alone_once_it_was_the_second_step_beside_the_new_password(
    shop: Shop, stranger: Browser, key: Authenticator, work: Callable[[], int]
) -> None:
    alone(stranger, key)
    stranger.submit(stranger.get("/portal/").form("/sign-out"))
    stranger.submit(stranger.get("/reset-password").form(), email=shop.email)
    work()
    with unit(shop.app):
        (asked,) = db.session.query(Message).filter_by(recipient=shop.email, kind="reset_password")
        path = re.search(r"/reset-password/\S+", asked.text or "")
    assert path
    page = stranger.get(path.group())
    assert "none opens by itself any more" in page.text and "Work phone" not in page.text, "the link's reader is told of no device"
    stranger.submit(page.form(), password="quiet-Lantern-31")
    work()
    with unit(shop.app):
        (told,) = db.session.query(Message).filter_by(recipient=shop.email, kind="password_changed")
        assert told.text and told.html and all("Work phone" in one and "/portal/two-step" in one for one in (told.text, told.html))
    for _twice in range(2):
        refused = alone(stranger, key)
        assert refused.heading == "Sign in" and "use the passkey as the second step" in refused.text
        stranger.get("/portal/payments").form("/sign-in")
    page = stranger.get("/sign-in")
    half = stranger.submit(page.form("/sign-in"), email=shop.email, password="quiet-Lantern-31")
    assert second(stranger, half, key).heading == "Home"
    stranger.submit(stranger.get("/portal/").form("/sign-out"))
    assert alone(stranger, key).heading == "Home"


def test_a_device_that_does_not_look_who_holds_it_is_a_second_step_only(shop: Shop, owner: Browser, stranger: Browser) -> None:
    add(owner, plain := device(verifies=False))
    assert alone(stranger, plain).notices == [REFUSED]
    assert second(stranger, half_in(stranger, shop), plain).heading == "Home"


def test_one_that_does_not_say_whose_it_is_opens_nothing_alone(shop: Shop, owner: Browser, stranger: Browser, key: Authenticator) -> None:
    key.handle = None
    assert alone(stranger, key).notices == [REFUSED]
    assert second(stranger, half_in(stranger, shop), key).heading == "Home"


def test_who_works_for_nobody_any_more_does_not_come_in(shop: Shop, app: Flask, stranger: Browser) -> None:
    """And nothing says that the passkey itself was right."""
    member, key = make_colleague(shop, "support"), device()
    add(member.browser(), key)
    page = half_in(stranger, member)
    with unit(app):
        db.session.execute(text("DELETE FROM memberships WHERE user_id = :u"), {"u": member.user.id})
    assert alone(Browser(app), key).notices == [REFUSED]
    assert second(stranger, page, key).notices and stranger.get("/portal/").heading == "Sign in"


def test_staff_do_not_come_in_by_a_passkey_alone(app: Flask, stranger: Browser) -> None:
    """Of them the password is asked first, at their own door."""
    key = device()
    add(make_staff(app).browser(), key, at="/staff")
    assert alone(stranger, key).notices == [REFUSED]
    assert stranger.get("/staff/").heading == "Staff sign-in" and stranger.get("/portal/").heading == "Sign in"


def test_staff_use_one_after_their_password(app: Flask) -> None:
    colleague, key = make_staff(app), device()
    add(colleague.browser(), key, at="/staff")
    browser = Browser(app)
    page = browser.submit(browser.get("/staff/sign-in").form(), email=colleague.email, password=STAFF_PASSWORD)
    options = ask(browser, page, "/staff/sign-in/code/passkey/question")
    assert browser.submit(page.form("/staff/sign-in/code/passkey"), passkey=key.sign(options)).heading == "What needs you"
    assert "passkey" not in Browser(app).get("/staff/sign-in").text


def test_a_recovery_code_opens_where_there_is_no_app(shop: Shop, owner: Browser, stranger: Browser) -> None:
    codes = [e.text for e in add(owner, device()).all("code")]
    page = half_in(stranger, shop)
    assert "ten codes" in page.text and "authenticator app" not in page.text
    assert stranger.submit(page.form("/sign-in/code"), code=codes[0]).heading == "Home"


def test_an_app_of_somebody_without_codes_says_what_it_may_send_and_takes_a_recovery_code(shop: Shop, owner: Browser) -> None:
    codes = [e.text for e in add(owner, device()).all("code")]
    app = App(shop, enter=False)
    said = problem(app.sign_in(), 401, "second_step_needed", "code")
    assert "recovery codes" in said["detail"]
    problem(app.sign_in(code="123456"), 422, "wrong_code", "code")
    app.keep(app.sign_in(code=codes[0]))
    assert app.get(ME).get_json()["two_step"] is True
    problem(app.sign_in(code=codes[0]), 422, "wrong_code", "code")


def test_it_answers_when_somebody_is_asked_once_more(shop: Shop, owner: Browser, key: Authenticator) -> None:
    with unit(shop.app):
        db.session.get_one(UserSession, hash_secret(shop.secret)).confirmed_at = now() - timedelta(hours=1)
    page = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/recovery-codes"))
    assert page.heading == "Is it you?"
    options = ask(owner, page, "/portal/two-step/passkeys/proof")
    form = page.form("/portal/two-step/recovery-codes")
    wrong = owner.submit(form, confirm_password="not it", confirm_passkey=key.sign(options), status=422)
    assert wrong.heading == "Is it you?", "the password is asked all the same"
    options = ask(owner, wrong, "/portal/two-step/passkeys/proof")
    assert owner.submit(form, confirm_password=PASSWORD, confirm_passkey=key.sign(options)).heading == "Your recovery codes"


# --- renaming, removing ------------------------------------------------------------------------------------------------------


def test_it_is_renamed(shop: Shop, owner: Browser, key: Authenticator) -> None:
    add(owner, device(), name="Key ring")
    page = owner.get("/portal/two-step")
    form = next(form for form in _forms(page, "/name") if form.values["name"] == "Work phone")
    assert "Old phone" in owner.submit(form, name="Old phone").text
    wrong = owner.submit(form, name="key RING", status=422)
    assert "has this name already" in wrong.text
    assert "passkey.renamed" in actions(shop)


def test_one_of_several_is_removed_and_the_others_stay(shop: Shop, owner: Browser, stranger: Browser, key: Authenticator) -> None:
    add(owner, device(), name="Key ring")
    second(stranger, half_in(stranger, shop), key)
    page = owner.get("/portal/two-step")
    owner.submit(_forms(page, "/removal")[0])
    assert stranger.get("/portal/").heading == "Sign in" and owner.get("/portal/").heading == "Home"
    assert alone(Browser(shop.app), key).notices == [REFUSED]
    assert half_in(Browser(shop.app), shop).heading == "The second step"
    assert letters(shop)[-1] == "passkey_removed" and actions(shop)[-1] == "passkey.removed"


def test_the_last_second_step_removed_turns_it_off(shop: Shop, owner: Browser, key: Authenticator) -> None:
    page = owner.submit(_forms(owner.get("/portal/two-step"), "/removal")[0])
    assert page.heading == "Sign in" and letters(shop)[-1] == "off"
    assert half_in(Browser(shop.app), shop).heading == "Home"
    assert actions(shop)[-2:] == ["passkey.removed", "second_factor.off"]


def test_beside_an_app_the_last_passkey_goes_alone(shop: Shop, owner: Browser) -> None:
    set_up(shop.app, shop.user)
    add(owner, device())
    owner.submit(_forms(owner.get("/portal/two-step"), "/removal")[0])
    assert half_in(Browser(shop.app), shop).heading == "The second step"


def test_the_last_one_stays_where_the_business_asks_for_two_steps(shop: Shop, owner: Browser, key: Authenticator) -> None:
    action = _forms(owner.get("/portal/two-step"), "/removal")[0]
    with unit(shop.app):
        change_security(shop.vendor, required=True, limit=Money.of("500", "GBP"), by=db.session.get_one(User, shop.user.id))
    assert not _forms(owner.get("/portal/two-step"), "/removal")
    owner.submit(action, status=409)
    assert half_in(Browser(shop.app), shop).heading == "The second step"


def test_nobody_touches_somebody_elses(shop: Shop, app: Flask, owner: Browser, key: Authenticator) -> None:
    with unit(app):
        number = db.session.query(Passkey).filter_by(user_id=shop.user.id).one().public_id
    for person in (make_shop(app), make_colleague(shop, "manager")):
        browser = person.browser()
        token = browser.get("/portal/two-step").form("/portal/two-step/passkeys").values["csrf_token"]
        browser.post(f"/portal/two-step/passkeys/{number}/removal", {"csrf_token": token}, status=404)
        browser.post(f"/portal/two-step/passkeys/{number}/name", {"csrf_token": token, "name": "Mine"}, status=404)
    assert alone(Browser(app), key).heading == "Home"


def test_everything_off_takes_the_passkeys_with_it(shop: Shop, owner: Browser, key: Authenticator) -> None:
    owner.submit(owner.get("/portal/two-step").form("/portal/two-step/off"))
    assert alone(Browser(shop.app), key).notices == [REFUSED]
    with unit(shop.app):
        assert db.session.query(Passkey).filter_by(user_id=shop.user.id).count() == 0


def _forms(page: Page, ending: str) -> list[Any]:
    return [page.form(e.attrs["action"]) for e in page.all("form") if e.attrs.get("action", "").endswith(ending)]
