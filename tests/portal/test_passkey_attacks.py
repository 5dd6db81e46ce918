"""What an attacker would try with passkeys, with a device in software."""

from __future__ import annotations

import dataclasses
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.accounts.factor_models import PasskeyChallenge
from core.accounts.passkey_proof import SIGN_IN, PasskeyRefused, Shown, ask_to_sign, spend_challenge, use_passkey
from core.accounts.prune import prune_passkey_challenges
from core.kernel.clock import frozen, now
from core.kernel.db import db
from core.notifications.models import Message
from core.web.throttle import limiter
from tests.browser import Browser
from tests.factories import Shop, make_shop, unit
from tests.passkeys import Authenticator, b64
from tests.portal.passkeys import REFUSED, actions, add, alone, ask, device, half_in, key, letters, named, second

__all__ = ["key", "named"]
pytestmark = pytest.mark.usefixtures("named")


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
