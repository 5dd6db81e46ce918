"""Generated from the routes themselves: forms without their token, tokens of another purpose, the other mode's things."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.accounts.email_links import make_link as make_email_link
from core.accounts.invite import invite
from core.accounts.models import User
from core.closing.models import Closing
from core.customers.keys import make_key
from core.kernel import ids
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.signing import PURPOSES, make_token
from core.memberships.join import ask_to_join
from core.memberships.plans import PlanTerms, make_plan
from core.notifications.models import Message
from core.orders.open import open_checkout
from core.orders.wish import CheckoutWish, LineWish, OrderWish
from core.payments.claim_models import RefundClaim
from core.payments.link import link_token
from core.payments.long_export import request_export, write_next
from core.payments.prefill import Answers, make_prefill
from core.payments.saving import request_saving
from core.payments.send_link import send_link
from core.payments.start import payment_token, receipt_token
from core.providers import registry
from tests.browser import Browser
from tests.factories import Shop, fresh, make_link, make_paid, make_payment, make_shop, open_payment, unit

KEYS_OF = {
    "export": {"export"},
    "pay": {"link", "sending", "prefill"},
    "checkout": {"payment"},
    "receipt": {"receipt"},
    "status": {"payment", "receipt"},
    "cards": {"saving"},
    "mine": {"payer"},
    "j": {"joining"},
    "m": {"membership"},
    "o": {"checkout"},
    "verify-email": {"email-verify"},
    "reset-password": {"password-reset"},
    "invitation": {"invitation"},
    "closing": {"closing"},
    "letters": {"letters"},
    "claim": {"claim"},
}


@pytest.fixture
def shop(app):
    return make_shop(app)


def routes(app, **values):
    """(method, path, view) of every route, its parts filled in with these."""
    with app.test_request_context():
        rules = [(rule, rule.build({name: values.get(name, "x") for name in rule.arguments})) for rule in app.url_map.iter_rules()]
    for rule, built in rules:
        if rule.endpoint != "static" and built:
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield method, built[1], app.view_functions[rule.endpoint]


def plain(row):
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


# --- forms without their token ---------------------------------------------------------------------------------------------------


def test_no_post_does_anything_without_its_own_token(app, shop):
    """Missing, made up, another visitor's, and the right one sent from another site: each is refused at every address."""
    link, paid, unpaid = make_link(shop), make_paid(shop), make_payment(shop)
    mine, another = shop.browser(), Browser(app)
    right = mine.get("/portal/").form("/sign-out").values["csrf_token"]
    wrong = another.get("/sign-in").form().values["csrf_token"]
    with app.app_context():
        tokens = [link_token(shop.vendor, link), payment_token(shop.vendor, unpaid)]
    before = [plain(fresh(shop, row)) for row in (link, paid, unpaid)]
    tried = set()
    for public_id in (link.public_id, paid.public_id):
        for token in tokens:
            for method, path, view in routes(app, public_id=public_id, token=token, mode="test", provider="sandbox"):
                if method == "GET" or not getattr(view, "__csrf__", True) or path in tried:
                    continue
                tried.add(path)
                for sent, headers in (
                    ({}, {}),
                    ({"csrf_token": ""}, {}),
                    ({"csrf_token": "x" * 91}, {}),
                    ({"csrf_token": wrong}, {}),
                    ({}, {"X-CSRFToken": wrong}),
                    ({"csrf_token": right}, {"Sec-Fetch-Site": "cross-site"}),
                    ({}, {"HX-Request": "true", "Origin": "null"}),
                ):
                    answer = mine.client.post(path, data={**sent, "mode": "live", "email": shop.email}, headers=headers)
                    assert answer.status_code == 400, (path, sent, headers, answer.status_code)
    assert len(tried) > 25, tried
    assert [plain(fresh(shop, row)) for row in (link, paid, unpaid)] == before
    assert mine.get("/portal/").heading != "Sign in", "still signed in"


# --- tokens of another purpose ---------------------------------------------------------------------------------------------------


def issued(app, shop):
    """A good token of every purpose, all of one vendor."""
    link, payment = make_link(shop), make_paid(shop)
    with unit(app):
        rows = {"link": link.token_id, "payment": payment.token_id, "receipt": payment.token_id}
        (sending,) = send_link(
            shop.vendor, link, sender=shop.user, recipients=["ada@example.com"], message="", reminders=[], form_token="f" * 20
        )
        prefill = make_prefill(shop.vendor, link, by=shop.user.public_id, answers=Answers(name="Ada"), form_token="p" * 20)
        export = request_export(
            shop.vendor, "test", subject="payments", file_format="csv", kept={}, language="en", by=shop.user.public_id, form_token="e" * 20
        )
        write_next(shop.vendor.id, "test", export.id)
        rows |= {"export": export.public_id, "sending": sending.token_id, "prefill": prefill.token_id}
        asked = {"email": "ada@example.com", "name": "Ada", "description": "Bread", "form_token": "s" * 20}
        rows["saving"] = request_saving(shop.vendor, "test", **asked).token_id
        order = OrderWish(shop.vendor.public_id, (LineWish("Bread", 1, 500),))
        wish = CheckoutWish("cart-1", "ada@example.com", "Ada", "GBP", (order,))
        rows["checkout"] = open_checkout(shop.vendor, "test", wish, by=shop.user.public_id).token_id
        rows["payer"] = make_key(shop.vendor, "test", "ada@example.com").token_id
        plan = make_plan(shop.vendor, "test", terms=PlanTerms("Gold", Money(3000, "GBP"), "", 0), by=shop.user.public_id)
        member = ask_to_join(shop.vendor, plan, email="ada@example.com", name="Ada", form_token="j" * 20)
        rows |= {"joining": plan.token_id, "membership": member.token_id}
        rows["invitation"] = invite(shop.vendor, email="asked@example.com", role="support", by=shop.user.public_id).token_id
        rows["letters"] = db.session.get_one(Message, (shop.vendor.id, "test", sending.message_id)).public_id
        rows |= {"closing": ids.public_id("tok"), "claim": ids.public_id("tok")}
        db.session.add(
            RefundClaim(
                vendor_id=shop.vendor.id, mode="test", id=ids.uuid7(), public_id=ids.public_id("rcl"), payment_id=payment.id, token_id=rows["claim"],
                state="open", currency=payment.currency, amount_minor=100, made_by=shop.user.public_id, created_at=now(), expires_at=now() + timedelta(days=1),
            )
        )  # fmt: skip
        db.session.add(
            Closing(
                vendor_id=shop.vendor.id, mode="test", id=ids.uuid7(), public_id=ids.public_id("clo"), token_id=rows["closing"], state="paying_back",
                asked_by=shop.user.public_id, email=shop.email, locale="", team=[], asked_at=now(), stopped_at=None, ends_at=None, told_at=None,
                ended_at=None, due_at=None,
            )
        )  # fmt: skip
        rows |= {purpose: make_email_link(shop.user, purpose).token_id for purpose in ("email-verify", "password-reset")}
    with app.app_context():
        good = {
            "link": link_token(shop.vendor, link),
            "payment": payment_token(shop.vendor, payment),
            "receipt": receipt_token(shop.vendor, payment),
        }
        for purpose in PURPOSES:
            signed = make_token(
                purpose, vendor=shop.vendor.public_id, mode="test", token_id=rows[purpose], expires_at=now() + timedelta(hours=1)
            )
            good.setdefault(purpose, signed)
    return rows, good


def opens(app, token, browser=None):
    """The first parts of every address that this token opens. Being asked to sign in is no opening."""
    browser, found, tried = browser or Browser(app), set(), 0
    for method, path, _ in routes(app, token=token):
        if f"/{token}" not in path:
            continue
        tried += 1
        door = path.split("/")[1]
        if method == "GET":
            answer = browser.client.get(path)
            if "/sign-in" in answer.headers.get("Location", ""):
                continue
            if answer.status_code != 404:
                found.add(door)
            else:
                assert "Blue Door" not in answer.get_data(as_text=True)
    assert tried >= 12
    return found


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_token_opens_the_door_it_was_made_for_and_no_other(app, shop, purpose):
    _, good = issued(app, shop)
    if purpose == "email-verify":  # a confirmed address has nothing left to open
        with unit(app):
            db.session.get_one(User, shop.user.id).email_verified_at = None
    opened = opens(app, good[purpose], shop.browser() if purpose == "export" else None)
    assert opened and all(purpose in KEYS_OF[door] for door in opened)


@pytest.mark.parametrize("purpose", ["link", "payment", "receipt"])
def test_a_token_of_the_other_mode_or_another_vendor_opens_nothing(app, shop, purpose):
    rows, _ = issued(app, shop)
    other = make_shop(app)
    soon = now() + timedelta(hours=1)
    with app.app_context():
        live = make_token(purpose, vendor=shop.vendor.public_id, mode="live", token_id=rows[purpose], expires_at=soon)
        foreign = make_token(purpose, vendor=other.vendor.public_id, mode="test", token_id=rows[purpose], expires_at=soon)
    assert opens(app, live) == opens(app, foreign) == set()


def test_every_letter_of_a_token_counts(app, shop):
    _, good = issued(app, shop)
    token, browser = good["link"], Browser(app)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert browser.client.get(f"/pay/{token}").status_code == 200
    for place in range(0, len(token), 7):
        for letter in (letters[(letters.find(token[place]) + 1) % 64], ".", "=", ""):
            altered = token[:place] + letter + token[place + 1 :]
            if altered != token:
                assert browser.client.get(f"/pay/{altered}").status_code == 404, place
    last = letters.find(token[-1])
    for respelled in (letters[last ^ 1], letters[last ^ 2], letters[last ^ 3], token[-1] + "=", token[-1] + "%20", token[-1] + "."):
        assert browser.client.get(f"/pay/{token[:-1]}{respelled}").status_code == 404, "base64 spells the same bytes in several ways"


def test_a_stranger_reads_the_same_whatever_was_wrong_with_the_token(app, shop):
    _, good = issued(app, shop)
    with app.app_context():
        old = make_token("link", vendor=shop.vendor.public_id, mode="test", token_id="tok_x", expires_at=now() - timedelta(days=1))
        gone = make_token("link", vendor=shop.vendor.public_id, mode="test", token_id="tok_x", expires_at=now() + timedelta(days=1))
        nobody = make_token("link", vendor="vnd_x", mode="test", token_id="tok_x", expires_at=now() + timedelta(days=1))
    pages = {Browser(app).get(f"/pay/{t}", status=404).text for t in (old, gone, nobody, "x", good["link"][:-1], good["receipt"])}
    assert len(pages) == 1


# --- the other mode's things -----------------------------------------------------------------------------------------------------


def test_test_mode_answers_404_to_live_things_of_the_same_vendor_and_changes_nothing(app, shop, monkeypatch):
    monkeypatch.setitem(settings().stripe["live"], "secret_key", "sk_live_" + "x" * 24)  # nobody is asked anything with it
    monkeypatch.setattr(registry, "_made", registry._made.__wrapped__)  # and nothing of it is kept
    live = Shop(app, shop.vendor, shop.user, shop.membership, shop.secret, mode="live")
    link = make_link(live, title="Live course")
    paid = make_paid(live, link)
    waiting = make_payment(live, link)
    open_payment(live, waiting)
    before = [plain(fresh(live, row)) for row in (link, paid, waiting)]
    mine = shop.browser()
    token = mine.get("/portal/").form("/sign-out").values["csrf_token"]
    tried = 0
    for public_id in (link.public_id, paid.public_id, waiting.public_id):
        for method, path, _ in routes(app, public_id=public_id):
            if public_id in path and not path.startswith("/staff/"):  # those ask for staff before they look for anything
                tried += 1
                form = {"csrf_token": token, "amount": "1.00", "reason": "other", "form_token": "x" * 22, "title": "Mine", "mode": "live"}
                answer = mine.client.open(path, method=method, data=form if method == "POST" else None)
                assert answer.status_code == 404, (method, path)
    assert tried > 30
    for path in ("/portal/", "/portal/links", "/portal/payments", "/portal/outbox", "/portal/balance"):
        assert "Live course" not in mine.get(path).html and paid.public_id not in mine.get(path).html
    for row in (link, paid):
        assert (
            mine.client.get(f"/portal/links?after={row.public_id}").status_code == 404
            and mine.client.get(f"/portal/payments?after={row.public_id}").status_code == 404
        )
    assert [plain(fresh(live, row)) for row in (link, paid, waiting)] == before


def test_nobody_looks_at_live_money_before_live_is_switched_on(app, shop):
    mine = shop.browser()
    token = mine.get("/portal/").form("/sign-out").values["csrf_token"]
    for mode in ("live", "LIVE", "live\x00", "", "test' OR 1=1"):
        mine.client.post("/portal/mode", data={"csrf_token": token, "mode": mode})
    assert mine.client.post("/portal/live", data={"csrf_token": token}).status_code in (303, 403)
    with app.app_context():
        from core.accounts.sessions import find_seat

        assert find_seat(shop.secret).session.mode == "test"
