"""The hosted pages without a browser: what they take, refuse, keep and forget."""

import re
import threading
from urllib.parse import quote

import pytest

from tests.sandbox.running import GOOD_CARD, answer_challenge, ask, pay, post_form

CANARY = "4111111111111111"


def test_a_paid_checkout_leads_back_to_the_shop(api, session):
    opened = session()
    status, location, _ = pay(opened.url)
    assert (status, location) == (303, f"http://shop.test/thanks?s={opened.id}")
    done = api.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent"]})
    assert (done.status, done.payment_status, done.payment_intent.metadata.attempt) == ("complete", "paid", "att_1")
    assert done.customer_details.email == "ada@example.com"


def test_paying_again_is_not_paying_twice(sandbox, key, session):
    opened = session()
    assert pay(opened.url)[1] == pay(opened.url)[1] and len(sandbox.charges(key)) == 1
    assert "This payment is complete" in ask("GET", opened.url)[2]


def test_many_submits_at_once_charge_once(sandbox, key, session):
    for _ in range(5):
        opened, before = session(), len(sandbox.charges(key))
        threads = [threading.Thread(target=pay, args=(opened.url,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert len(sandbox.charges(key)) == before + 1


def test_a_declined_card_keeps_what_was_typed_but_not_the_card(session):
    opened = session()
    status, _, page = pay(opened.url, "4000000000009995", name="Ada Payer & Söhne")
    assert status == 402 and "insufficient funds" in page
    assert "Ada Payer &amp; Söhne" in page and "ada@example.com" in page and 'value="12/34"' in page
    assert "4000000000009995" not in re.sub(r'data-number="\d+"', "", page) and 'name="cvc" value=""' in page
    assert pay(opened.url)[0] == 303


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("number", "", "Enter a card number"),
        ("number", "4242 4242 4242 4241", "card number is incorrect"),
        ("number", "hello", "card number is incorrect"),
        ("number", CANARY, "published test card numbers only"),
        ("expiry", "13/34", "month and year"),
        ("expiry", "12/20", "has expired"),
        ("expiry", "١٢/٣٤", "month and year"),
        ("expiry", "", "month and year"),
        ("cvc", "", "security code"),
        ("cvc", "12", "security code"),
        ("cvc", "1234", "security code"),
        ("name", " ", "name on the card"),
        ("name", CANARY, "looks like a card number"),
        ("email", "nobody", "e-mail"),
        ("name", "a\0b", "unreadable"),
    ],
)
def test_a_bad_field_is_told_at_the_field(sandbox, key, session, field, typed, told):
    status, _, page = post_form(session().url, **{**GOOD_CARD, field: typed})
    assert status == 422 and told in page and f'id="{field}-error"' in page and 'aria-invalid="true"' in page
    assert sandbox.charges(key) == []


def test_a_strangers_number_is_nowhere_afterwards(sandbox, api, key, session):
    opened = session()
    for field in ("number", "name", "email", "cvc", "expiry"):
        page = post_form(opened.url, **{**GOOD_CARD, field: CANARY})[2]
        assert CANARY not in page and CANARY[:8] not in page
    waiting = api.payment_intents.create({"amount": 500, "currency": "gbp", "return_url": "http://shop.test/r"})
    post_form(f"{sandbox.url}/elements/card?client_secret={waiting.client_secret}", **{**GOOD_CARD, "number": "4111 1111-1111 1111"})
    for path, words in (
        ("payment_methods", {"type": "card", "card[number]": CANARY, "card[exp_month]": 12, "card[exp_year]": 2034}),
        (
            "payment_intents",
            {
                "amount": 500,
                "currency": "gbp",
                "confirm": "true",
                "payment_method_data[type]": "card",
                "payment_method_data[card][number]": CANARY,
                "payment_method_data[card][exp_month]": 12,
                "payment_method_data[card][exp_year]": 2034,
            },
        ),
    ):
        status, _, body = sandbox.call("POST", path, key, idempotency_key=f"canary-{path}", **words)
        assert (status, body["error"]["decline_code"]) == (402, "test_mode_live_card")
    for file in sandbox.folder.iterdir():
        content = file.read_bytes()
        assert CANARY.encode() not in content and b"4111 1111" not in content, file.name
    assert sandbox.log.read_text().count("/c/pay/") > 0


def test_even_a_published_number_is_not_kept(sandbox, session):
    pay(session().url)
    for file in sandbox.folder.iterdir():
        assert b"4242424242424242" not in file.read_bytes() and b"4242 4242" not in file.read_bytes()


@pytest.mark.parametrize(("answer", "state"), [("approve", "paid"), ("fail", "unpaid"), ("cancel", "unpaid"), ("leave", "unpaid")])
def test_the_banks_page_decides(sandbox, api, session, answer, state):
    opened = session()
    status, location, _ = pay(opened.url, "4000002760003184")
    assert status == 303 and "/3ds/" in location
    assert "Is it you who is paying?" in ask("GET", location)[2]
    status, onward, page = answer_challenge(sandbox, location, answer)
    assert api.checkout.sessions.retrieve(opened.id).payment_status == state
    if answer == "approve":
        assert onward.startswith("http://shop.test/thanks")
        assert answer_challenge(sandbox, location, "approve")[1] == onward
    elif answer == "leave":
        assert "Nothing was decided" in page and "http://shop.test/basket" in page
    else:
        assert onward == f"/c/pay/{opened.id}" and "Try again or use another card" in ask("GET", sandbox.url + onward)[2]
        assert pay(opened.url)[0] == 303


def test_a_challenge_already_begun_is_taken_up_again(session):
    opened = session()
    _, location, _ = pay(opened.url, "4000002760003184")
    assert ask("GET", opened.url)[1]["Location"] == location


def test_an_old_challenge_is_over_when_a_newer_one_began(sandbox, session):
    opened = session()
    _, first, _ = pay(opened.url, "4000002760003184")
    answer_challenge(sandbox, first, "cancel")
    pay(opened.url, "4000002760003184")
    status, _, page = answer_challenge(sandbox, first, "approve")
    assert status == 404 and "This check is over" in page


def test_the_story_of_an_abandoned_challenge(sandbox, api, key, session):
    sandbox.story(key, "challenge_abandoned", times=1)
    opened = session()
    _, location, _ = pay(opened.url, "4000002760003184")
    assert "You left without answering" in answer_challenge(sandbox, location, "approve")[2]
    assert api.checkout.sessions.retrieve(opened.id).status == "open"


def test_an_expired_checkout_takes_nothing(sandbox, api, key, session):
    opened = session()
    api.checkout.sessions.expire(opened.id)
    assert "This page has expired" in ask("GET", opened.url)[2]
    pay(opened.url)
    assert sandbox.charges(key) == []


def test_choosing_a_test_card_fills_the_form_and_keeps_the_rest(session):
    page = post_form(session().url, fill="pm_card_amex", name="Ada", email="a@b.test")[2]
    assert 'value="378282246310005"' in page and 'value="1234"' in page and 'value="Ada"' in page and 'value="a@b.test"' in page


def test_addresses_that_lead_nowhere_say_so(sandbox):
    for path in ("/c/pay/cs_test_no", "/3ds/pi_no/x", "/elements/card", "/elements/card?client_secret=pi_x_secret_é"):
        status, _, page = ask("GET", sandbox.url + path.encode("ascii", "replace").decode())
        assert status == 404 and "Nothing to pay here" in page


def test_the_card_form_in_a_frame_speaks_only_to_the_page_that_registered(sandbox, api):
    made = api.payment_intents.create({"amount": 500, "currency": "gbp", "return_url": "https://shop.test/return?order=5"})
    status, headers, page = ask("GET", f"{sandbox.url}/elements/card?client_secret={made.client_secret}")
    assert status == 200 and "frame-ancestors 'self' https://shop.test" in headers["Content-Security-Policy"]
    assert '"https://shop.test"' in page and "postMessage" in page and '"*"' not in page
    status, location, _ = pay(f"{sandbox.url}/elements/card?client_secret={made.client_secret}")
    done = ask("GET", location)[2]
    assert f"https://shop.test/return?order=5&amp;payment_intent={made.id}" in done and "redirect_status=succeeded" in done


def test_without_a_registered_page_the_frame_is_refused(sandbox, api):
    made = api.payment_intents.create({"amount": 500, "currency": "gbp"})
    assert ask("GET", f"{sandbox.url}/elements/card?client_secret={made.client_secret}")[0] == 400


def test_a_wrong_secret_opens_nothing(sandbox, api):
    made = api.payment_intents.create({"amount": 500, "currency": "gbp", "return_url": "https://shop.test/"})
    assert ask("GET", f"{sandbox.url}/elements/card?client_secret={made.id}_secret_wrong")[0] == 404


def test_no_page_may_be_framed_cached_or_scripted_by_strangers(sandbox, session):
    _, headers, page = ask("GET", session().url)
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "script-src 'nonce-" in policy and headers["Cache-Control"] == "no-store"
    nonce = re.search(r"'nonce-([^']+)'", policy).group(1)
    assert all(f'nonce="{nonce}"' in tag for tag in re.findall(r"<script[^>]*>", page)) and " onclick=" not in page


def test_stories_are_chosen_on_a_page_with_the_accounts_key(sandbox, key):
    headers = {"Cookie": f"sandbox_key={key}", "Content-Type": "application/x-www-form-urlencoded", "Origin": sandbox.url}
    assert ask("POST", f"{sandbox.url}/stories", "act=begin&story=webhook_late&seconds=7&times=2", headers)[0] == 303
    assert sandbox.control("GET", "stories", key)[1]["running"][0]["seconds"] == 7
    assert ask("POST", f"{sandbox.url}/stories", "act=end_all", {**headers, "Origin": "http://evil.test"})[0] == 403
    assert ask("POST", f"{sandbox.url}/stories", "act=end_all", headers)[0] == 303
    assert sandbox.control("GET", "stories", key)[1]["running"] == []


@pytest.mark.parametrize("body", ["act=begin&story=nothing", "act=begin&story=slow&seconds=x", "act=end&story=x", "act=begin"])
def test_nonsense_on_the_stories_page_is_told(sandbox, key, body):
    headers = {"Cookie": f"sandbox_key={key}", "Content-Type": "application/x-www-form-urlencoded"}
    assert ask("POST", f"{sandbox.url}/stories", body, headers)[0] == 422


HOSTILE = [
    b"number=%00&name=%ff&expiry=%ed%a0%80&cvc=1",
    b"a=1&" * 3000,
    b"{}",
    b"fill=nothing",
    b"fill=%00",
    b"expiry=99999/99999",
    b"\xff" * 100,
    b"number=" + b"4" * 10_000_000,
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "application/json", "x;=", None]
)
def test_no_form_is_worse_than_a_refusal(sandbox, key, session, body, kind):
    headers = {"Content-Type": kind} if kind else {}
    assert ask("POST", session().url, body, headers)[0] in (200, 413, 422)
    assert ask("POST", f"{sandbox.url}/stories", body, {**headers, "Cookie": f"sandbox_key={key}"})[0] in (413, 422)
    assert ask("POST", f"{sandbox.url}/_sandbox/stories", body, {**headers, "Authorization": f"Bearer {key}"})[0] in (400, 413)
    assert ask("POST", f"{sandbox.url}/v1/payment_intents", body, {**headers, "Authorization": f"Bearer {key}"})[0] in (400, 413)


CONTROL = [
    "[]",
    "null",
    "[" * 50_000,
    '{"story": 5}',
    '{"story": "slow", "seconds": 1e400}',
    '{"story": "slow", "seconds": true}',
    '{"story": "slow", "times": 0}',
    '{"story": "slow", "path": 5}',
    '{"story": "\\ud800"}',
    '{"api_key": 5}',
    '{"api_key": "sk_test_a", "url": 5}',
    '{"api_key": "sk_test_a", "url": "http://[::1", "secret": "whsec_12345678"}',
    '{"event": {}}',
]


@pytest.mark.parametrize("body", CONTROL, ids=range(len(CONTROL)))
def test_no_control_call_is_worse_than_a_refusal(sandbox, key, body):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for method, path in (("POST", "stories"), ("PUT", "webhook_endpoint"), ("POST", "deliveries")):
        assert ask(method, f"{sandbox.url}/_sandbox/{path}", body, headers)[0] in (400, 401, 404), (method, path)


def test_the_frame_is_dark_where_the_page_around_it_was_forced_to_be(sandbox, api):
    intent = api.payment_intents.create({"amount": 500, "currency": "gbp", "return_url": "https://shop.test/"})
    address = f"{sandbox.url}/elements/card?client_secret={intent.client_secret}&appearance=7ed3df.04252b.7ed3df.04252b"
    schemes = {
        wish: re.search(r"name=.color-scheme. content=.([a-z ]+)", ask("GET", f"{address}&scheme={wish}")[2])[1]
        for wish in ("dark", "light", "x")
    }
    assert schemes == {"dark": "dark", "light": "light", "x": "light dark"}


def test_the_frames_button_takes_the_merchants_colours_and_no_other_text(sandbox, api):
    intent = api.payment_intents.create({"amount": 500, "currency": "gbp", "return_url": "https://shop.test/"})
    address = f"{sandbox.url}/elements/card?client_secret={intent.client_secret}"
    _, headers, page = ask("GET", f"{address}&appearance=0a5560.ffffff.7ed3df.04252b")
    nonce = re.search(r"<style nonce=\"([\w-]+)\"", page)
    assert nonce and f"style-src 'self' 'nonce-{nonce[1]}'" in headers["Content-Security-Policy"]
    assert "--accent: #0a5560" in page and "appearance=0a5560.ffffff.7ed3df.04252b" in page
    for wrong in ("red.red.red.red", "0a5560", "0a5560.ffffff.7ed3df.04252b}</style>", "%3C/style%3E", "é"):
        _, _, page = ask("GET", f"{address}&appearance={quote(wrong)}")
        assert "<style" not in page and "appearance=" not in page


def test_everything_that_is_wrong_with_a_card_is_named_at_once(sandbox, key, session):
    bad = {**GOOD_CARD, "number": "4242 4242 4242 4241", "expiry": "12/20", "name": "", "cvc": "x"}
    _, _, page = post_form(session().url, **bad)
    assert [name for name in GOOD_CARD if f'id="{name}-error"' in page] == ["number", "expiry", "cvc", "name"]
    assert 'id="cvc-error"' not in post_form(session().url, **{**bad, "cvc": "1234"})[2], "whether three or four fit, only the card says"


def test_the_card_form_in_a_frame_says_a_decline_again_unless_the_page_around_it_does(sandbox, key, api):
    made = api.payment_intents.create({"amount": 500, "currency": "gbp", "return_url": "http://shop.test/r"})
    address = f"{sandbox.url}/elements/card?client_secret={made.client_secret}"
    post_form(address, **{**GOOD_CARD, "number": "4000 0000 0000 9995"})
    for told, again in (("", True), ("&told=expired_card", True), ("&told=insufficient_funds", False)):
        assert ("did not go through" in ask("GET", f"{address}{told}")[2]) is again
