"""People: signing up and in, sessions on the server, links sent by e-mail, passwords and permissions."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.email_links import make_link, open_link
from core.accounts.models import EmailLink, User, UserSession
from core.accounts.passwords import WeakPassword, check_strength, hash_password, matches, outdated
from core.accounts.permissions import PERMISSIONS, allows
from core.accounts.places import countries, time_zones, usual_time_zone
from core.accounts.queries import find_user
from core.accounts.reset_password import ask_to_reset, reset_password
from core.accounts.sessions import begin_session, end_all_sessions, end_session, find_seat
from core.accounts.sign_in import WrongCredentials, sign_in
from core.accounts.sign_up import NotOffered, Registration, sign_up
from core.accounts.verify_email import ask_to_verify, verify_email
from core.kernel import clock
from core.kernel.db import db
from core.kernel.signing import TokenRefused, make_token
from tests.factories import PASSWORD, Shop, make_shop, unit


def wish(**changes: str) -> Registration:
    given = {
        "business": "Blue Door",
        "country": "GB",
        "currency": "GBP",
        "email": f"{secrets.token_hex(6)}@example.com",
        "password": PASSWORD,
    }
    return Registration(**{**given, **changes})


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app, verified=False)


def token_of(shop: Shop, link: EmailLink) -> str:
    return make_token(link.purpose, vendor=shop.vendor.public_id, mode="test", token_id=link.token_id, expires_at=link.expires_at)


# --- signing up ---


def test_signing_up_makes_a_business_and_its_owner(app: Flask) -> None:
    with unit(app):
        made = sign_up(wish(country="JP", currency="JPY"))
    assert made and made.membership.role == "owner"
    assert made.vendor.time_zone == "Asia/Tokyo" and made.vendor.live_enabled is False
    assert PASSWORD not in made.user.password_hash and made.user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_address_that_is_known_makes_nothing_and_changes_nothing(app: Flask, shop: Shop) -> None:
    with unit(app):
        assert sign_up(wish(email=shop.email.upper(), password="another-Lantern-77")) is None
    with unit(app):
        assert sign_in(shop.email, password=PASSWORD)


@pytest.mark.parametrize(("field", "value"), [("country", "ZZ"), ("country", "GBR"), ("currency", "XXX"), ("currency", "gbp")])
def test_what_is_not_on_a_list_is_refused_at_its_field(app: Flask, field: str, value: str) -> None:
    with pytest.raises(NotOffered) as refusal, unit(app):
        sign_up(wish(**{field: value}))
    assert refusal.value.field == field


# --- passwords ---


@pytest.mark.parametrize("password", ["", "short", "password", "12345678", "qwertyuiop", "Password1!", "bluedoor2024", "x" * 129])
def test_a_password_that_would_not_last_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        check_strength(password, about=("Blue Door", "blue.door@example.com"))
    assert refusal.value.field == "password"


@pytest.mark.parametrize(
    "password",
    ["sunny-Harbour-42", "correct horse battery", "зимний вечер у моря", "🦊🌧️ seven paper boats", "y" * 20 + "harbour lantern" + "q" * 80],
)
def test_a_password_that_lasts_is_taken(password: str) -> None:
    check_strength(password)


def test_a_password_matches_exactly_and_only_itself() -> None:
    kept = hash_password("Grüße vom Meer")
    assert matches(kept, "Grüße vom Meer")
    assert matches(kept, "Gru\u0308ße vom Meer"), "the same letters from another keyboard"
    assert not matches(kept, "grüße vom meer") and not matches(kept, "Grüße vom Meer ") and not matches(None, "Grüße vom Meer")
    assert not outdated(kept)


# --- signing in ---


def test_the_right_pair_opens_a_session_whose_secret_is_not_kept(app: Flask, shop: Shop) -> None:
    with unit(app):
        made = sign_in(shop.email.title(), password=PASSWORD, address="203.0.113.9", agent="Firefox\x00\ud800")
    assert made.secret not in (made.session.id, made.session.agent)
    with unit(app):
        seat = find_seat(made.secret)
        assert seat and seat.user.id == shop.user.id and seat.vendor.id == shop.vendor.id


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD + " ", PASSWORD.upper()])
def test_a_wrong_pair_is_refused_without_saying_which_half(app: Flask, shop: Shop, password: str) -> None:
    with unit(app):
        words = set()
        for email in (shop.email, "nobody@example.com"):
            with pytest.raises(WrongCredentials) as refusal:
                sign_in(email, password=password)
            words.add((refusal.value.message, refusal.value.field, refusal.value.status))
    assert len(words) == 1


def test_an_unknown_address_costs_a_hash_as_well(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr("core.accounts.sign_in.matches", lambda kept, password: bool(asked.append(kept)))
    with unit(app), pytest.raises(WrongCredentials):
        sign_in("nobody@example.com", password=PASSWORD)
    assert asked == [None]


# --- sessions ---


def test_a_session_ends_after_twelve_idle_hours(app: Flask, shop: Shop) -> None:
    with unit(app), clock.shifted(timedelta(hours=11, minutes=59)):
        assert find_seat(shop.secret)
    with unit(app), clock.shifted(timedelta(hours=23, minutes=58)):
        assert find_seat(shop.secret), "it was seen in between"
    with unit(app), clock.shifted(timedelta(hours=36)):
        assert find_seat(shop.secret) is None


def test_a_session_ends_after_fourteen_days_however_busy(app: Flask, shop: Shop) -> None:
    for hours in range(10, 14 * 24, 10):
        with unit(app), clock.shifted(timedelta(hours=hours)):
            assert find_seat(shop.secret)
    with unit(app), clock.shifted(timedelta(days=14, seconds=1)):
        assert find_seat(shop.secret) is None


def test_a_session_that_was_ended_stays_ended(app: Flask, shop: Shop) -> None:
    with unit(app):
        seat = find_seat(shop.secret)
        assert seat
        end_session(seat.session)
    with unit(app):
        assert find_seat(shop.secret) is None


def test_signing_out_everywhere_ends_every_session_of_that_person_only(app: Flask, shop: Shop) -> None:
    other = make_shop(app)
    with unit(app):
        _, second = begin_session(shop.user, shop.membership)
    with unit(app):
        assert end_all_sessions(shop.user, reason="test") == 2
    with unit(app):
        assert find_seat(shop.secret) is None and find_seat(second) is None
        assert find_seat(other.secret)


@pytest.mark.parametrize("secret", ["", "x", "\x00", "\ud800", "a" * 10_000, "' OR 1=1 --"])
def test_a_cookie_we_did_not_give_opens_nothing(app: Flask, secret: str) -> None:
    with unit(app):
        assert find_seat(secret) is None


def test_the_table_of_sessions_holds_no_secret(app: Flask, shop: Shop) -> None:
    with unit(app):
        rows = db.session.scalars(db.select(UserSession).where(UserSession.user_id == shop.user.id)).all()
        assert rows and all(shop.secret not in str(vars(row)) for row in rows)


# --- links sent by e-mail ---


def test_a_verification_link_works_once(app: Flask, shop: Shop) -> None:
    with unit(app):
        link = ask_to_verify(shop.user)
        assert link
        token = token_of(shop, link)
    with unit(app):
        assert verify_email(token).email_verified_at
    with unit(app), pytest.raises(TokenRefused):
        verify_email(token)
    with unit(app):
        assert ask_to_verify(db.session.get_one(User, shop.user.id)) is None


def test_only_the_newest_link_counts(app: Flask, shop: Shop) -> None:
    with unit(app):
        older = token_of(shop, make_link(shop.user, "password-reset"))
    with unit(app):
        newer = token_of(shop, make_link(shop.user, "password-reset"))
    with unit(app), pytest.raises(TokenRefused):
        open_link("password-reset", older)
    with unit(app):
        assert open_link("password-reset", newer)[1].id == shop.user.id


def test_a_link_is_good_for_its_own_purpose_only(app: Flask, shop: Shop) -> None:
    with unit(app):
        link = make_link(shop.user, "email-verify")
        forged = make_token("password-reset", vendor=shop.vendor.public_id, mode="test", token_id=link.token_id, expires_at=link.expires_at)
    for token in (token_of(shop, link), forged):
        with unit(app), pytest.raises(TokenRefused):
            open_link("password-reset", token)


def test_a_reset_link_runs_out_after_an_hour(app: Flask, shop: Shop) -> None:
    with unit(app):
        token = token_of(shop, make_link(shop.user, "password-reset"))
    with unit(app), clock.shifted(timedelta(minutes=63)), pytest.raises(TokenRefused):
        open_link("password-reset", token)


def test_a_new_password_counts_at_once_and_ends_every_session(app: Flask, shop: Shop) -> None:
    with unit(app):
        asked = ask_to_reset(shop.email.upper())
        assert asked
        token = token_of(shop, asked[1])
    with unit(app):
        reset_password(token, password="quiet-Lantern-31")
    with unit(app):
        assert find_seat(shop.secret) is None
        assert sign_in(shop.email, password="quiet-Lantern-31")
        with pytest.raises(WrongCredentials):
            sign_in(shop.email, password=PASSWORD)
        user = find_user(shop.email)
        assert user and user.email_verified_at, "who opened the message owns the address"


def test_a_weak_new_password_leaves_the_link_good(app: Flask, shop: Shop) -> None:
    with unit(app):
        token = token_of(shop, make_link(shop.user, "password-reset"))
    with pytest.raises(WeakPassword), unit(app):
        reset_password(token, password="password")
    with unit(app):
        assert reset_password(token, password="quiet-Lantern-31")


def test_nobody_is_asked_for_an_unknown_address(app: Flask) -> None:
    with unit(app):
        assert ask_to_reset("nobody@example.com") is None


# --- permissions and places ---


def test_an_owner_may_do_everything_and_support_may_move_nothing() -> None:
    assert all(allows("owner", permission) for permission in PERMISSIONS)
    assert not any(
        allows("support", permission) for permission in ("payments.refund", "links.edit", "settings.edit", "balance.see", "live.switch_on")
    )


def test_an_unknown_permission_is_a_bug_and_not_a_no() -> None:
    with pytest.raises(KeyError):
        allows("owner", "payments.refnud")


def test_every_country_has_a_time_zone_that_a_form_offers() -> None:
    assert len(countries()) > 240
    assert all(usual_time_zone(code) in time_zones() for code, _ in countries())
