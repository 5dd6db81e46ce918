"""Passkeys at the doors, with a device in software: adding, signing in with one, and what an attacker would try."""

from __future__ import annotations

import dataclasses
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from core.accounts.factor_models import Passkey, PasskeyChallenge
from core.accounts.models import User, UserSession
from core.accounts.passkey_proof import SIGN_IN, PasskeyRefused, Shown, ask_to_sign, find_party, spend_challenge, use_passkey
from core.accounts.prune import prune_passkey_challenges
from core.accounts.security import change_security
from core.accounts.sessions import hash_secret
from core.kernel import audit, config
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.kernel.money import Money
from core.notifications.models import Message
from core.web.throttle import limiter
from tests.browser import Browser, Page
from tests.factories import PASSWORD, Shop, make_colleague, make_shop, unit
from tests.passkeys import Authenticator, b64, raw
from tests.portal.admin.people import STAFF_PASSWORD, make_staff
from tests.second_step import set_up

HERE, NAME = "https://pay.example.com", "pay.example.com"
REFUSED = "That passkey could not be used here, or it took too long. Try again, or sign in another way."


@pytest.fixture(autouse=True)
def named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own address is a number, for which no browser keeps a passkey: here the house has a name."""
    changed = dataclasses.replace(config.settings(), public_url=HERE)
    monkeypatch.setattr("core.accounts.passkey_proof.settings", lambda: changed)


def device(**made: Any) -> Authenticator:
    return Authenticator(**{"origin": HERE, "rp": NAME, **made})


def ask(browser: Browser, page: Page, path: str, **values: str) -> dict[str, Any]:
    """The question, as the script fetches it from a page with a form token."""
    token = next(e.attrs["value"] for e in page.all("input") if e.attrs.get("name") == "csrf_token")
    answer = browser.client.post(path, data={"csrf_token": token, **values})
    assert answer.status_code == 200 and answer.mimetype == "application/json", answer.text
    return json.loads(answer.text)  # type: ignore[no-any-return]


def add(browser: Browser, key: Authenticator, *, name: str = "Work phone", at: str = "/portal", status: int = 200, **said: Any) -> Page:
    page = browser.submit(browser.get(f"{at}/two-step").form(f"{at}/two-step/passkeys"))
    options = ask(browser, page, f"{at}/two-step/passkeys/question", name=name)
    return browser.submit(page.form(f"{at}/two-step/passkeys/new"), name=name, passkey=key.make(options, **said), status=status)


def half_in(browser: Browser, shop: Shop) -> Page:
    page = browser.get("/sign-in")
    return browser.submit(page.form("/sign-in"), email=shop.email, password=PASSWORD)


def second(browser: Browser, page: Page, key: Authenticator, **said: Any) -> Page:
    options = ask(browser, page, "/sign-in/code/passkey/question")
    return browser.submit(page.form("/sign-in/code/passkey"), passkey=key.sign(options, **said))


def alone(browser: Browser, key: Authenticator, **said: Any) -> Page:
    page = browser.get("/sign-in")
    options = ask(browser, page, "/sign-in/passkey/question")
    return browser.submit(page.form("/sign-in/passkey"), passkey=key.sign(options, **said))


def letters(shop: Shop) -> list[str]:
    with unit(shop.app):
        found = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="second_step").order_by(Message.id)
        return [message.params["what"] for message in found]


def actions(shop: Shop) -> list[str]:
    with unit(shop.app):
        found = db.session.query(audit.AuditEntry).filter_by(vendor_id=shop.vendor.id).order_by(audit.AuditEntry.id)
        return [entry.action for entry in found if entry.action.startswith(("passkey.", "second_factor."))]


@pytest.fixture
def key(owner: Browser) -> Authenticator:
    """The owner's first passkey."""
    made = device()
    assert add(owner, made).heading == "Your recovery codes"
    return made


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


# --- attacks -----------------------------------------------------------------------------------------------------------------


def test_an_answer_counts_once(shop: Shop, stranger: Browser, key: Authenticator) -> None:
    page = half_in(stranger, shop)
    options = ask(stranger, page, "/sign-in/code/passkey/question")
    wrong = dataclasses.replace(key, origin="https://evil.example").sign(options)
    assert stranger.submit(page.form("/sign-in/code/passkey"), passkey=wrong).notices == [REFUSED]
    right = key.sign(options)
    assert stranger.submit(page.form("/sign-in/code/passkey"), passkey=right).notices == [REFUSED], "a wrong answer spends the question"
    page = stranger.get("/sign-in")
    options = ask(stranger, page, "/sign-in/passkey/question")
    right = key.sign(options)
    cookies = stranger.client.get_cookie("form").value
    assert stranger.submit(page.form("/sign-in/passkey"), passkey=right).heading == "Home"
    again = Browser(shop.app, form=cookies)
    assert again.submit(again.get("/sign-in").form("/sign-in/passkey"), passkey=right).notices == [REFUSED], "replayed with its cookie"


def test_a_question_is_of_one_browser(shop: Shop, key: Authenticator) -> None:
    """What a page elsewhere got signed for its own question does not sign somebody else's browser in."""
    mine, theirs = Browser(shop.app), Browser(shop.app)
    options = ask(mine, mine.get("/sign-in"), "/sign-in/passkey/question")
    ask(theirs, page := theirs.get("/sign-in"), "/sign-in/passkey/question")
    assert theirs.submit(page.form("/sign-in/passkey"), passkey=key.sign(options)).notices == [REFUSED]


def test_a_question_is_for_one_purpose(shop: Shop, owner: Browser, stranger: Browser, key: Authenticator) -> None:
    """The answer given to be added, or to be asked once more, opens no door; nor does the second step's question serve for signing in alone."""
    page = half_in(stranger, shop)
    second_options = ask(stranger, page, "/sign-in/code/passkey/question")
    front = stranger.get("/sign-in")
    assert stranger.submit(front.form("/sign-in/passkey"), passkey=key.sign(second_options)).notices == [REFUSED]
    options = ask(stranger, front, "/sign-in/passkey/question")
    assert stranger.submit(half_in(stranger, shop).form("/sign-in/code/passkey"), passkey=key.sign(options)).notices == [REFUSED]
    proof = ask(owner, owner.get("/portal/two-step"), "/portal/two-step/passkeys/proof")
    page = owner.submit(owner.get("/portal/two-step").form("/portal/two-step/passkeys"))
    made = device().make({"user": {"id": b64(b"x")}, "challenge": proof["challenge"]})
    assert owner.submit(page.form("/portal/two-step/passkeys/new"), name="Thief", passkey=made, status=422).error_summary == [REFUSED]


def test_a_question_is_old_after_five_minutes(shop: Shop, stranger: Browser, key: Authenticator) -> None:
    page = stranger.get("/sign-in")
    options = ask(stranger, page, "/sign-in/passkey/question")
    with frozen(now() + timedelta(minutes=5, seconds=1)):
        assert stranger.submit(page.form("/sign-in/passkey"), passkey=key.sign(options)).notices == [REFUSED]


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://evil.example"}, {"origin": "https://sub.pay.example.com"}, {"origin": "http://pay.example.com"},
        {"type": "webauthn.create"}, {"challenge": b64(b"x" * 32)}, {"crossOrigin": True},
    ],
    ids=lambda said: "-".join(map(str, *said.items())),
)  # fmt: skip
def test_what_was_signed_elsewhere_or_for_something_else_is_refused(shop: Shop, stranger: Browser, key: Authenticator, said: Any) -> None:
    assert alone(stranger, key, **said).notices == [REFUSED]
    assert second(stranger, half_in(stranger, shop), key, **said).notices == [REFUSED]


def test_another_site_and_another_key_are_refused(shop: Shop, stranger: Browser, key: Authenticator) -> None:
    assert alone(stranger, dataclasses.replace(key, rp="evil.example")).notices == [REFUSED]
    assert alone(stranger, dataclasses.replace(key, key=device().key)).notices == [REFUSED]
    assert alone(stranger, device(handle=key.handle)).notices == [REFUSED], "a key nobody knows"


def test_the_passkey_of_another_person_is_no_second_step_of_this_one(shop: Shop, app: Flask, stranger: Browser, key: Authenticator) -> None:
    other = make_shop(app)
    add(other.browser(), theirs := device())
    assert second(stranger, half_in(stranger, shop), theirs).notices == [REFUSED]
    theirs.handle = key.handle
    assert alone(stranger, theirs).notices == [REFUSED], "nor does it sign in whoever it says it is of"


def test_a_counter_that_goes_back_is_a_copy_and_everybody_is_told(shop: Shop, stranger: Browser, key: Authenticator, work: Any) -> None:
    copy = dataclasses.replace(key)
    assert second(stranger, half_in(stranger, shop), key).heading == "Home"
    thief = Browser(shop.app)
    assert alone(thief, copy).notices == [REFUSED] and thief.get("/portal/").heading == "Sign in"
    assert letters(shop) == ["passkey_added", "passkey_copied"] and actions(shop)[-1] == "passkey.copied"
    work()
    with unit(shop.app):
        letter = db.session.query(Message).filter_by(vendor_id=shop.vendor.id, kind="second_step").order_by(Message.id.desc()).first()
    assert letter and letter.subject == "A passkey was refused" and "Nobody was let in" in (letter.text or "")
    assert "A passkey was refused because" in stranger.get("/portal/settings/audit-log").text


def test_devices_that_do_not_count_come_in_again_and_again(shop: Shop, owner: Browser) -> None:
    add(owner, plain := device(counts=False))
    assert [alone(Browser(shop.app), plain).heading for _ in range(2)] == ["Home", "Home"]


def test_of_twenty_answers_with_one_counter_one_is_let_in(shop: Shop, owner: Browser, key: Authenticator) -> None:
    """And of twenty that come at once with one question one is looked at."""
    with unit(shop.app):
        asked = [json.loads(ask_to_sign(SIGN_IN, holder=f"{number:064}")) for number in range(20)]
    key.count = 7
    answers = [dataclasses.replace(key).sign(one) for one in asked]
    let_in: list[str] = []
    ready = threading.Barrier(20)

    def run(number: int) -> None:
        ready.wait(30)
        with unit(shop.app):
            challenge = spend_challenge(SIGN_IN, holder=f"{number:064}")
        try:
            with unit(shop.app):
                let_in.append(use_passkey(Shown(answers[number], challenge)).public_id)
        except PasskeyRefused:
            pass

    threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert let_in == [shop.user.public_id]
    with unit(shop.app):
        ask_to_sign(SIGN_IN, holder="a" * 64)
    spent: list[bytes] = []

    def spend() -> None:
        ready.wait(30)
        with unit(shop.app):
            if found := spend_challenge(SIGN_IN, holder="a" * 64):
                spent.append(found)

    threads = [threading.Thread(target=spend) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(spent) == 1


def test_tries_are_counted(shop: Shop, key: Authenticator) -> None:
    limiter.enabled = True
    try:
        browser, wrong = Browser(shop.app), dataclasses.replace(key, origin="https://evil.example")
        page, seen = half_in(browser, shop), []
        token = page.form("/sign-in/code/passkey").values["csrf_token"]
        for _ in range(11):
            options = ask(browser, page, "/sign-in/code/passkey/question")
            sent = {"csrf_token": token, "passkey": wrong.sign(options)}
            seen.append(browser.client.post("/sign-in/code/passkey", data=sent).status_code)
        assert seen == [303] * 10 + [429]
        other, seen = Browser(shop.app), []
        token = other.get("/sign-in").form("/sign-in/passkey").values["csrf_token"]
        for _ in range(11):
            seen.append(
                other.client.post("/sign-in/passkey", data={"csrf_token": token, "passkey": wrong.sign({"challenge": "AA"})}).status_code
            )
        assert seen == [303] * 10 + [429]
    finally:
        limiter.enabled = False


@pytest.mark.parametrize(
    "path",
    [
        "/sign-in/passkey",
        "/sign-in/passkey/question",
        "/sign-in/code/passkey",
        "/sign-in/code/passkey/question",
        "/portal/two-step/passkeys/question",
    ],
)
def test_a_form_token_is_asked_for(shop: Shop, owner: Browser, path: str) -> None:
    assert owner.client.post(path, data={"passkey": "{}", "name": "x"}).status_code == 400


def test_old_questions_are_let_go(shop: Shop, stranger: Browser) -> None:
    ask(stranger, stranger.get("/sign-in"), "/sign-in/passkey/question")
    with frozen(now() + timedelta(minutes=6)), unit(shop.app):
        assert prune_passkey_challenges(1000) >= 1
        assert db.session.query(PasskeyChallenge).count() == 0


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
