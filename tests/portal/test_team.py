"""The team: invitations, roles, leaving, and that there is always one owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Flask

from core.accounts.invite import LIFE, invitation_token, list_invitations
from core.accounts.team import remove_member
from core.kernel import clock
from tests.browser import Browser
from tests.factories import (  # fmt: skip
    PASSWORD,
    Shop,
    make_colleague,
    make_shop,
    unit,
)
from tests.portal.tokens import token


def invited(shop: Shop, owner: Browser, email: str, role: str = "support") -> str:
    """The path in the message."""
    owner.submit(owner.get("/portal/team").form("/portal/team/invitations"), email=email, role=role)
    with unit(shop.app):
        return "/invitation/" + invitation_token(shop.vendor, next(one for one in list_invitations(shop.vendor) if one.email == email))


def test_somebody_new_joins_through_the_message_and_the_link_works_once(
    shop: Shop, owner: Browser, stranger: Browser, work: Callable[[], int]
) -> None:
    path = invited(shop, owner, f"new-{shop.vendor.public_id.lower()}@example.com", "accountant")
    work()
    assert stranger.submit(stranger.get(path).form(path), name="Ben", password="short", status=422).errors
    home = stranger.submit(stranger.get(path).form(path), name="Ben", password=PASSWORD)
    assert home.heading == "Home" and "Welcome to the team" in home.text and stranger.get("/portal/team", status=200)
    assert Browser(shop.app).get(path, status=404)
    assert "Ben" in owner.get("/portal/team").text


def test_an_invitation_is_renewed_taken_back_and_good_for_its_address_only(app: Flask, shop: Shop, owner: Browser) -> None:
    other = make_shop(app)
    first = invited(shop, owner, other.email)
    again = invited(shop, owner, other.email, "manager")
    assert Browser(app).get(first, status=404) and "sign in" in Browser(app).get(again).text.lower()
    third = make_shop(app).browser()
    assert "another address" in third.get(again).text
    joined = other.browser()
    page = joined.submit(joined.get(again).form(again))
    assert "Welcome" in page.text and shop.vendor.name in page.text
    back = joined.submit(joined.get("/portal/settings").form("/portal/business"))
    assert other.vendor.name in back.text
    assert owner.submit(owner.get("/portal/team").form("/portal/team/invitations"), email=other.email, status=422).errors
    gone = invited(shop, owner, "later@example.com")
    page = owner.get("/portal/team")
    owner.submit(page.form(next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/revoke"))))
    Browser(app).get(gone, status=404)
    with clock.shifted(timedelta(days=7, minutes=5)):
        Browser(app).get(invited_now(shop), status=404)


def invited_now(shop: Shop) -> str:
    from core.accounts.invite import invite

    with clock.shifted(timedelta(days=-8)), unit(shop.app):
        return "/invitation/" + invitation_token(
            shop.vendor, invite(shop.vendor, email="old@example.com", role="support", by=shop.user.public_id)
        )


def test_roles_change_people_leave_and_there_is_always_one_owner(app: Flask, shop: Shop, owner: Browser) -> None:
    other = make_colleague(shop, "support")
    theirs = other.browser()
    theirs.get("/portal/balance", status=403)
    owner.submit(owner.get("/portal/team").form(f"/portal/team/{other.user.public_id}/role"), role="accountant")
    theirs.get("/portal/balance")
    values = {"csrf_token": token(owner), "role": "owner"}
    assert owner.post(f"/portal/team/{other.user.public_id}/role", values).status == 422
    assert owner.post(f"/portal/team/{shop.user.public_id}/role", values | {"role": "support"}).status == 409
    assert owner.post(f"/portal/team/{shop.user.public_id}/remove", values).status == 409
    hand = owner.get("/portal/team").form("/portal/team/owner")
    assert owner.submit(hand, heir=shop.user.public_id, status=422).errors
    owner.submit(hand, heir=other.user.public_id)
    assert owner.post("/portal/team/owner", values | {"heir": other.user.public_id}).status == 403
    page = theirs.get(f"/portal/team/{shop.user.public_id}/remove")
    theirs.submit(page.form(f"/portal/team/{shop.user.public_id}/remove"))
    assert owner.get("/portal/").heading == "Sign in", "who has left sees nothing from that moment on"


def test_an_invitation_is_worth_what_its_inviter_may_still_give(app: Flask, shop: Shop, owner: Browser) -> None:
    """Whoever sees their dismissal coming asks a friend to join: that friend does not get in any more."""
    leaving = make_colleague(shop, "admin")
    path = invited(shop, leaving.browser(), "friend@example.com", "admin")
    assert "Join" in Browser(app).get(path).text
    with unit(app):
        remove_member(shop.vendor, leaving.user.public_id, by=shop.user.public_id)
    Browser(app).get(path, status=404)
    assert "Opens nothing any more" in owner.get("/portal/team").text
    checked = Browser(app)
    assert "Taken back" in checked.submit(checked.get("/verify").form("/verify"), what=path.rpartition("/")[2]).text
    again = invited(shop, owner, "friend@example.com", "admin")  # the owner does mean them
    assert "Join" in Browser(app).get(again).text and "Opens nothing any more" not in owner.get("/portal/team").text
    with clock.shifted(LIFE):
        assert "Its time is over" in make_colleague(shop, "admin").browser().get("/portal/team").text


def test_in_the_demo_whoever_is_invited_finds_the_letter_without_signing_in(
    shop: Shop, owner: Browser, stranger: Browser, work: Callable[[], int]
) -> None:
    email = f"new-{shop.vendor.public_id.lower()}@example.com"
    path = invited(shop, owner, email)
    work()
    kept = stranger.get(f"/outbox?address={email.upper()}")
    assert path in kept.html and "Nothing yet" not in kept.text
    assert path not in stranger.get("/outbox?address=nobody@example.com").html and "Nothing yet" in stranger.get("/outbox?address=").text
