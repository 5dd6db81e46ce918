"""Is this genuine? What we issued is told from what we did not, and nobody learns more than a vendor's name."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.accounts.email_links import make_link as make_email_link
from core.accounts.invite import invitation_token, invite, revoke_invitation
from core.accounts.vendor_slug import slug_of
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.signing import make_token
from core.payments.link import expire_link, link_token, pause_link, replace_address
from core.payments.models import Payment, PaymentLink
from core.payments.prefill import Answers, make_prefill, prefill_token, withdraw_prefill
from core.payments.saving import request_saving, saving_token
from core.payments.send_link import send_link, sending_token
from core.payments.slug import set_link_slug
from core.payments.start import payment_token, receipt_token
from core.web.throttle import limiter
from tests.browser import Browser, Page
from tests.factories import Shop, again, make_link, make_paid, make_payment, unit
from tests.sight import barriers, wider_than_screen

WORDS = {
    "genuine": "Genuine",
    "altered": "Not as we issued it",
    "expired": "Expired",
    "revoked": "Taken back",
    "unknown": "Not known to us",
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def ask(browser: Browser, text: str) -> Page:
    return browser.submit(browser.get("/verify").form("/verify"), what=text)


def said(browser: Browser, text: str) -> str:
    """The standing that the page speaks of."""
    heading = ask(browser, text).heading
    return next(standing for standing, words in WORDS.items() if words == heading)


@pytest.fixture
def link(shop: Shop) -> PaymentLink:
    return make_link(shop, amount="45.00", title="An evening at the wheel")


@pytest.fixture
def token(shop: Shop, link: PaymentLink) -> str:
    return link_token(shop.vendor, link)


@pytest.fixture
def paid(shop: Shop, link: PaymentLink) -> Payment:
    return make_paid(shop, make_link(shop, amount="45.00", title="Secret title"), email="grace@example.com", name="Grace Payer")


def test_a_link_is_genuine_however_it_is_pasted(shop: Shop, payer: Browser, token: str) -> None:
    whole = f"{settings().public_url}/pay/{token}"
    for text in (whole, f"  {whole}\n", token, whole.partition("://")[2], f"{whole}?again=x#y", f"{whole[:60]}\r\n{whole[60:]}"):
        page = ask(payer, text)
        assert page.heading == "Genuine" and f"a payment link of {shop.vendor.name}" in page.text, text


def test_a_links_other_addresses_are_genuine_too_until_they_are_taken_back(app: Flask, shop: Shop, payer: Browser) -> None:
    link = make_link(shop, amount=None)
    with unit(app):
        (sending,) = send_link(
            shop.vendor, again(link), sender=shop.user, recipients=["ada@example.com"], message="", reminders=[], form_token="f" * 20
        )
        prefill = make_prefill(shop.vendor, again(link), by="usr_x", answers=Answers(name="Ada"), form_token="g" * 20)
        tokens = [sending_token(shop.vendor, again(link), sending), prefill_token(shop.vendor, again(link), prefill)]
        slug = set_link_slug(shop.vendor, again(link), by="usr_x", text="evening-class")
        readable = f"{settings().public_url}/pay/test/{slug_of(shop.vendor)}/{slug}"
    for text in (*tokens, *(f"{settings().public_url}/pay/{token}" for token in tokens), readable, readable.partition("://")[2].upper()):
        if text.isupper():
            text = text.replace("/PAY/TEST/", "/pay/test/")
        page = ask(payer, text)
        assert page.heading == "Genuine" and f"a payment link of {shop.vendor.name}" in page.text, text
        assert not re.search(r"\bada\b", page.text.lower().replace(text.lower(), ""))
    assert said(payer, f"{settings().public_url}/receipt/{tokens[0]}") == "altered"
    for wrong in (readable + "x", readable.replace("/test/", "/"), readable.replace("://", "://evil.")):
        assert said(payer, wrong) == "unknown", wrong
    with unit(app):
        withdraw_prefill(again(prefill), by="usr_x")
    assert said(payer, tokens[1]) == "revoked"
    with unit(app):
        replace_address(again(link), by="usr_x")
    assert said(payer, tokens[0]) == "revoked" and said(payer, readable) == "unknown"


def test_every_kind_of_thing_we_issue_is_known(app: Flask, shop: Shop, payer: Browser, paid: Payment) -> None:
    with unit(app):
        invitation = invite(shop.vendor, email=f"{secrets.token_hex(5)}@example.com", role="support", by=shop.user.public_id)
        letter = make_email_link(shop.user, "password-reset")
        words = {"email": "ada@example.com", "name": "Ada", "description": "Bread", "form_token": secrets.token_hex(8)}
        saving = request_saving(shop.vendor, "test", **words)
        tokens = {
            f"/cards/{saving_token(shop.vendor, saving)}": f"a page for saving a card of {shop.vendor.name}",
            f"/receipt/{receipt_token(shop.vendor, paid)}": f"a receipt of {shop.vendor.name}",
            f"/receipt/{receipt_token(shop.vendor, paid)}.pdf": f"a receipt of {shop.vendor.name}",
            f"/checkout/{payment_token(shop.vendor, paid)}": f"the page of a payment of {shop.vendor.name}",
            f"/invitation/{invitation_token(shop.vendor, invitation)}": f"an invitation to a team of {shop.vendor.name}",
            "/reset-password/" + make_token("password-reset", vendor="-", mode="live", token_id=letter.token_id, expires_at=letter.expires_at):
                "a link that sets a new password",
        }  # fmt: skip
    for path, what in tokens.items():
        page = ask(payer, settings().public_url + path)
        assert page.heading == "Genuine" and what in page.text, path
    assert ask(payer, paid.reference.lower().replace("-", " ")).heading == "Genuine"
    page = ask(payer, paid.reference)
    assert f"a receipt of {shop.vendor.name}" in page.text and "Whether money was given back since, only its page says" in page.text


def test_what_is_for_practice_is_said_to_prove_no_payment(payer: Browser, paid: Payment) -> None:
    assert "nothing of it proves a payment" in ask(payer, paid.reference).text


def altered(token: str) -> dict[str, str]:
    """Ways to change a token, by name."""
    body, _, signature = token.rpartition(".")
    flip = lambda text, place: text[:place] + LETTERS[(LETTERS.find(text[place]) + 1) % 64] + text[place + 1 :]  # noqa: E731
    return {
        "the first sign": flip(token, 0),
        "a sign in the middle": flip(token, len(body) // 2),
        "the last sign of the payload": flip(token, len(body) - 1),
        "the first sign of the signature": f"{body}.{flip(signature, 0)}",
        "the last sign": flip(token, len(token) - 1),
        "another spelling of the last sign": token[:-1] + LETTERS[LETTERS.find(token[-1]) ^ 1],
        "cut by one": token[:-1],
        "cut by half its signature": token[: -len(signature) // 2],
        "without its signature": body,
        "one sign too many": token + "A",
        "in capitals": token.upper(),
        "signed with nothing": f"{body}." + "A" * 43,
        "twice": f"{token}.{signature}",
    }


@pytest.mark.parametrize("way", sorted(altered("a" * 60 + "." + "b" * 43)))
def test_a_changed_token_is_never_genuine_and_names_nobody(shop: Shop, payer: Browser, token: str, way: str) -> None:
    changed = altered(token)[way]
    assert changed != token
    page = ask(payer, f"{settings().public_url}/pay/{changed}")
    assert page.heading == "Not as we issued it" and shop.vendor.name not in page.text
    bare = ask(payer, changed)
    assert bare.heading in ("Not as we issued it", "Not known to us") and shop.vendor.name not in bare.text


def test_a_good_token_where_it_does_not_belong_is_not_genuine(shop: Shop, payer: Browser, token: str, paid: Payment) -> None:
    home = settings().public_url
    host = home.partition("://")[2]
    for address in (
        f"https://evil.example/pay/{token}",
        f"https://{host}@evil.example/pay/{token}",
        f"https://{host}.evil.example/pay/{token}",
        f"https://{host}/pay/{token}" if home.startswith("http:") else f"http://{host}/pay/{token}",
        f"javascript://{host}/pay/{token}",
        f"{home}/receipt/{token}",
        f"{home}/pay/{receipt_token(shop.vendor, paid)}",
    ):
        page = ask(payer, address)
        assert page.heading == "Not as we issued it" and shop.vendor.name not in page.text, address


def test_a_token_signed_with_another_key_or_for_another_purpose_is_not_genuine(shop: Shop, payer: Browser, link: PaymentLink) -> None:
    from core.kernel.signing import _serializer

    payload = ["k1", "link", "test", shop.vendor.public_id, link.token_id, int((now() + timedelta(days=1)).timestamp())]
    assert said(payer, str(_serializer("x" * 48, "link").dumps(payload))) == "altered"
    key = settings().secrets["signing_keys"][0]
    assert said(payer, str(_serializer(key["key"], "payment").dumps(payload))) == "altered", "the purpose inside is not the one signed for"
    assert said(payer, str(_serializer(key["key"], "link").dumps(["k0", *payload[1:]]))) == "altered"


def test_what_has_run_out_and_what_was_taken_back_are_told_apart(app: Flask, shop: Shop, payer: Browser) -> None:
    ended, moved, paused = make_link(shop), make_link(shop), make_link(shop)
    old = link_token(shop.vendor, moved)
    with unit(app):
        expire_link(again(ended), by="usr_x")
        replace_address(again(moved), by="usr_x")
        pause_link(again(paused), by="usr_x")
        outdated = make_token(
            "link", vendor=shop.vendor.public_id, mode="test", token_id=ended.token_id, expires_at=now() - timedelta(days=1)
        )
        foreign = make_token(
            "link", vendor=shop.vendor.public_id, mode="live", token_id=ended.token_id, expires_at=now() + timedelta(days=1)
        )
        invitation = invite(shop.vendor, email=f"{secrets.token_hex(5)}@example.com", role="support", by=shop.user.public_id)
        letter = invitation_token(shop.vendor, invitation)
    assert said(payer, link_token(shop.vendor, ended)) == "expired"
    assert said(payer, outdated) == "expired"
    assert said(payer, old) == "revoked" and said(payer, foreign) == "revoked"
    assert said(payer, link_token(shop.vendor, paused)) == "genuine"
    with unit(app):
        revoke_invitation(shop.vendor, invitation.public_id, by="usr_x")
    assert said(payer, letter) == "revoked"
    waiting = make_payment(shop)
    with unit(app):
        again(waiting).state = "expired"
    assert said(payer, payment_token(shop.vendor, waiting)) == "expired"


def test_asking_about_a_letter_does_not_use_it_up(app: Flask, shop: Shop, payer: Browser) -> None:
    with unit(app):
        letter = make_email_link(shop.user, "password-reset")
        token = make_token("password-reset", vendor="-", mode="live", token_id=letter.token_id, expires_at=letter.expires_at)
    for _ in range(2):
        page = ask(payer, token)
        assert page.heading == "Genuine" and shop.vendor.name not in page.text and shop.email not in page.text
    with frozen(letter.expires_at + timedelta(seconds=61)):
        assert said(payer, token) == "expired"


UNKNOWN = (
    "ABCDE-FGH12", "0000000000", "7K3F9-QX2MA", "hello", "pay_" + "a" * 22, "https://evil.example/", "http://[::1", "♥" * 50, "a.b.c", "../../etc/passwd",
    "<script>alert(1)</script>", "' OR 1=1 --", "BCD\n002\n1\nSCT\nBICXXX\nSomebody\nDE00\nEUR1\n\n\n7K3F9-QX2MA", "x" * 1999, "://", "//evil.example/pay/x", "."
)  # fmt: skip


def test_whatever_is_not_known_reads_the_very_same(shop: Shop, payer: Browser) -> None:
    unpaid = make_payment(shop)
    read = {text: ask(payer, text) for text in (*UNKNOWN, unpaid.reference)}
    assert {page.heading for page in read.values()} == {"Not known to us"}
    wholes = {
        re.sub(r"<textarea.*?</textarea>|value=\"[^\"]*\"|nonce=\"[^\"]*\"|hx-headers='[^']*'", "", page.html, flags=re.S)
        for page in read.values()
    }
    assert len({re.sub(r"[\w.-]{40,}", "", html) for html in wholes}) == 1


@pytest.mark.parametrize("text", ["", "   \n ", "a\x00b", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "x" * 2001])
def test_what_cannot_be_read_is_said_at_the_field_and_stays_there(payer: Browser, text: str) -> None:
    page = payer.submit(payer.get("/verify").form("/verify"), what=text, status=None)
    assert page.status in (200, 422)
    if not text.strip() or "\x00" in text or len(text) > 2000:
        assert page.status == 422 and page.error_summary and page.errors


def test_nothing_of_a_payment_is_told_but_whose_it_is(app: Flask, shop: Shop, payer: Browser, paid: Payment) -> None:
    secrets_of_it = (
        "grace",
        "Grace",
        "45.00",
        "45",
        "4242",
        "Secret title",
        shop.email,
        paid.public_id,
        "GBP",
        "£",
        str(paid.captured_at)[:10],
    )
    for text in (paid.reference, receipt_token(shop.vendor, paid), payment_token(shop.vendor, paid)):
        page = ask(payer, text)
        assert page.heading == "Genuine"
        spoken = page.all("main")[0].text.replace(text, "")
        assert [word for word in secrets_of_it if word in spoken] == [], spoken


def test_what_was_asked_is_neither_put_into_an_address_nor_followed(payer: Browser, token: str) -> None:
    form = payer.get("/verify").form("/verify")
    answer = payer.client.post(form.action, data={**form.values, "what": f"{settings().public_url}/pay/{token}"})
    assert answer.status_code == 200 and "Location" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Referrer-Policy"] == "no-referrer"
    page = Page(answer, "/verify")
    assert not [e for e in page.all("a") if token in e.attrs.get("href", "")]


def test_asking_is_slowed_down(payer: Browser) -> None:
    before, limiter.enabled = limiter.enabled, True
    limiter.reset()
    try:
        form = payer.get("/verify").form("/verify")
        codes = [payer.submit(form, what="ABCDE-FGH12", status=None).status for _ in range(32)]
        assert codes == [200] * 30 + [429] * 2
    finally:
        limiter.enabled = before
        limiter.reset()


def test_receipts_and_checkout_pages_lead_there(shop: Shop, payer: Browser, token: str, paid: Payment) -> None:
    for path in (f"/pay/{token}", f"/receipt/{receipt_token(shop.vendor, paid)}", "/pay/not-a-token"):
        page = payer.get(path, status=None)
        assert any(link.endswith("/verify") for link in (e.attrs.get("href", "") for e in page.all("a"))), path


@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_with_and_without_scripts_asks_and_reads_the_answer(
    visitor: Callable[..., Any], shop: Shop, token: str, live_server: str, scripts: bool
) -> None:
    page = visitor(scripts=scripts, phone=True)
    for text, heading in (
        (f"{live_server}/pay/{token}", "Genuine"),
        (token[:-2], "Not as we issued it"),
        ("ABCDE-FGH12", "Not known to us"),
    ):
        page.goto("/verify")
        page.get_by_label("Link, number or text of the code").fill(text)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name=heading, exact=True).wait_for()
        assert page.get_by_label("Link, number or text of the code").input_value() == text
        assert not wider_than_screen(page)
        assert not scripts or barriers(page) == []


@pytest.mark.parametrize(
    ("text", "told"), [("", "Paste a link"), ("x" * 2001, "Use 2000 characters at most.")], ids=["nothing", "too much"]
)
def test_the_headline_of_a_refusal_fits_whatever_was_refused(payer: Browser, text: str, told: str) -> None:
    page = payer.submit(payer.get("/verify").form("/verify"), status=422, what=text)
    assert told in page.error_summary[0] and "Please check the form" in page.text and "nothing to look at" not in page.text


@pytest.mark.parametrize("path", ["/verify", "/pay/abc"])
def test_a_page_without_a_seller_stands_in_the_middle(visitor: Any, path: str) -> None:
    page = visitor()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(path)
    card = page.locator(".till-main").bounding_box()
    assert abs(card["x"] + card["width"] / 2 - page.evaluate("document.documentElement.clientWidth") / 2) <= 1
