"""People for their own apps: signing up and in, tokens that are refreshed and ended, the own account and its cards."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import request
from flask_babel import gettext as _

from core.accounts.apps import RefreshReused, begin_app, find_person, refresh
from core.accounts.house import house
from core.accounts.models import User
from core.accounts.one_time_codes import find_factor, use_code
from core.accounts.queries import list_sessions
from core.accounts.roles import role_of
from core.accounts.sessions import Seat, end_one_session, end_session
from core.accounts.sign_in import WrongCredentials
from core.accounts.sign_up import Registration
from core.accounts.team import change_name
from core.kernel.errors import NotAllowed, Refusal
from core.kernel.sentence import said
from core.notifications.app_news import sign_out_reused
from core.payments.saving import saving_token
from core.subscriptions.own_cards import AddressNotProved, KeptCard, keep_own, list_own
from core.subscriptions.plan import ask_for_card
from core.web import addresses
from core.web.languages import language
from core.web.throttle import count_try, network_of_caller
from core.web.words import LANGUAGES
from portal.api.endpoint import endpoint
from portal.api.guard import wish_token
from portal.api.kinds import Currency, Email, Fields, Flag, Listed, Text, Within
from portal.api.objects import MODES
from portal.api.objects_users import APP, APP_LIST, PAYMENT_METHOD_PAGE, REGISTRATION, TOKENS, USER, SeenRegistration, SeenUser
from portal.confirm import TRIES
from portal.mail import tell_recovery_code_used
from portal.sign_up import open_account

SIGN_UPS, SIGN_UPS_OF_ONE = "60 per 1 hour", "10 per 1 hour"  # from one address, and about one account
SIGN_INS, SIGN_INS_OF_ONE = "100 per 15 minutes", "10 per 15 minutes"
REFRESHES = "300 per 15 minutes"
MANAGES_PLAN = "plan.manage"
PASSWORD = Text(about="Their password.", least=1, most=256, example="four unrelated words here")


class PairRefused(WrongCredentials):
    """The pair does not fit. Which half was wrong is not said."""

    status = 401


class SecondStepNeeded(Refusal):
    """The password is right, and this person's sign-in takes a code too."""

    code = "second_step_needed"
    status = 401


@endpoint(
    "POST", "/users", gives=REGISTRATION, status=201, access="public",
    takes={
        "business": Text(about="The name the business's customers know it by.", least=1, most=120, example="Blue Door Bakery"),
        "country": Text(about="Where it is, by two capital letters: GB.", least=2, most=2, example="GB"),
        "currency": Currency(about="Its main currency."),
        "email": Email(about="The owner's e-mail address."),
        "password": PASSWORD,
        "name": Text(about="The owner's name.", usual="", most=120),
        "locale": Text(about="The language of the owner's letters.", usual="en", one_of=tuple(LANGUAGES)),
    },
)  # fmt: skip
def sign_up(sent: dict[str, Any]) -> dict[str, Any]:
    """Sign a business up

    The owner confirms the e-mail address by the letter that comes. An address that has an account already gets a letter that says so.
    """
    _count("api-sign-up", sent["email"], SIGN_UPS, SIGN_UPS_OF_ONE)
    open_account(
        Registration(
            business=sent["business"].strip(), country=sent["country"], currency=sent["currency"], email=sent["email"], password=sent["password"],
            name=sent["name"].strip(), language=sent["locale"],
        )
    )  # fmt: skip
    return REGISTRATION.encode(SeenRegistration(sent["email"]))


@endpoint(
    "POST", "/users/sign-in", gives=TOKENS, access="public",
    takes={
        "email": Email(about="Their e-mail address."),
        "password": PASSWORD,
        "code": Text(about="Where they have a second step: a code of their app, or one of their recovery codes. Passkeys are for browsers.", usual="", most=40),
        "app": Text(about="What your app calls itself: people see it where they are signed in.", least=1, most=60, example="My app"),
        "business": Text(about="For which of their businesses, vnd_...; left out: the oldest.", usual="", most=60),
        "mode": Text(about="Which money the app sees.", usual="test", one_of=MODES),
    },
)  # fmt: skip
def sign_in(sent: dict[str, Any]) -> dict[str, Any]:
    """Sign an app in for a person

    `second_step_needed` asks for the same once more with a `code`. Tries are counted, over all addresses.
    """
    _count("api-sign-in", sent["email"], SIGN_INS, SIGN_INS_OF_ONE)
    try:
        user, membership = find_person(sent["email"], password=sent["password"], business=sent["business"])
    except WrongCredentials as no:
        raise PairRefused(no.message) from None
    if user.second_factor_at is not None:
        if not sent["code"].strip():
            raise SecondStepNeeded(_code_wanted(user), field="code")
        count_try(TRIES, scope="second-factor", whose=user.public_id)
        if use_code(user, sent["code"]) == "recovery":
            tell_recovery_code_used(user)
    name = sent["app"].strip() or "-"
    return TOKENS.encode(begin_app(user, membership, app=name, mode=sent["mode"], address=request.remote_addr or ""))


def _code_wanted(user: User) -> str:
    """What to ask the person for. Said to nobody but who knows the password."""
    if find_factor(user) is not None:
        return said("Send the code of the second step too.")
    return said(
        "They sign in with a passkey, which no app can ask for. Send one of their recovery codes, or have them set up an app that shows codes, in the portal."
    )


@endpoint(
    "POST", "/users/refresh", gives=TOKENS, access="public",
    takes={"refresh_token": Text(about="The newest one. It counts once.", least=1, most=100, example="rt_...")},
)  # fmt: skip
def refresh_tokens(sent: dict[str, Any]) -> dict[str, Any]:
    """Get the next pair of tokens

    A refresh token that comes a second time ends the whole sign-in: somebody else has it. Then the person signs in again.
    """
    count_try(REFRESHES, scope="api-refresh", whose=network_of_caller())
    try:
        return TOKENS.encode(refresh(sent["refresh_token"], address=request.remote_addr or ""))
    except RefreshReused as no:
        sign_out_reused(no.session)
        raise


@endpoint("POST", "/users/sign-out", gives=APP, access="user")
def sign_out(seat: Seat) -> dict[str, Any]:
    """Sign this app out

    Its tokens open nothing from this moment on.
    """
    end_session(seat.session)
    return APP.encode(seat.session)


@endpoint("GET", "/users/me", gives=USER, access="user")
def show_me(seat: Seat) -> dict[str, Any]:
    """Read who it is"""
    return _seen(seat)


ME: Fields = {
    "name": Text(about="Their name.", usual="", most=120),
    "payment_methods": Listed(
        about="The cards that stay: one that is not named is removed. Adding one takes a page of its own.",
        of=Within(
            about="A card.",
            fields={
                "id": Text(about="Its number, crd_...", most=60),
                "default": Flag(about="Whether it is the one that pays.", usual=False),
            },
        ),
        most=50,
        usual=(),
    ),
}


@endpoint("PUT", "/users/me", gives=USER, takes=ME, partly=True, access="user")
def change_me(seat: Seat, sent: dict[str, Any]) -> dict[str, Any]:
    """Change the own name and cards

    Only what is named is changed. Cards are for a role that may see to the plan.
    """
    if "payment_methods" in sent:
        _check_plan(seat)
        kept = [KeptCard(one["id"], one["default"]) for one in sent["payment_methods"]]
        keep_own(seat.vendor, seat.user, seat.session.mode, kept)
    if "name" in sent:
        change_name(seat.user, name=sent["name"])
    return _seen(seat)


@endpoint("POST", "/users/me/payment-methods", gives=PAYMENT_METHOD_PAGE, status=201, access="user")
def add_payment_method(seat: Seat) -> dict[str, Any]:
    """Get the page where a card is added

    Open it in a browser: the card is typed in at the processor, and pays from then on.
    """
    _check_plan(seat)
    if seat.user.email_verified_at is None:
        raise AddressNotProved("Confirm your e-mail address first: cards are kept for that address.")
    saving = ask_for_card(
        seat.vendor, seat.session.mode, payer_email=seat.user.email, name=seat.user.name, form_token=wish_token()[-48:],  # as much as the key of a saving holds
        words=_("The plan of %(vendor)s", vendor=seat.vendor.name), locale=language(),
    )  # fmt: skip
    return PAYMENT_METHOD_PAGE.encode(addresses.save_card(saving_token(house(), saving)))


@endpoint("GET", "/users/me/apps", gives=APP_LIST, access="user")
def list_apps(seat: Seat) -> dict[str, Any]:
    """List where the person is signed in

    Apps and browsers, fifty at most, the last to come first.
    """
    return APP_LIST.encode(list_sessions(seat.user))


@endpoint("DELETE", "/users/me/apps/<number>", gives=APP, access="user")
def end_app(seat: Seat, number: str) -> dict[str, Any]:
    """Sign one of them out"""
    return APP.encode(end_one_session(seat.user, number, by=seat.session))


def _seen(seat: Seat) -> dict[str, Any]:
    cards = list_own(seat.user, seat.session.mode) if role_of(seat.membership.role, seat.custom).may(MANAGES_PLAN) else []
    return USER.encode(SeenUser(seat, cards))


def _check_plan(seat: Seat) -> None:
    if not role_of(seat.membership.role, seat.custom).may(MANAGES_PLAN):
        raise NotAllowed("Your role in this business does not permit this.")


def _count(scope: str, email: str, from_one: str, about_one: str) -> None:
    """Every try counts before it is looked at, from where it comes and about whom it is, known or not."""
    count_try(from_one, scope=scope, whose=network_of_caller())
    count_try(about_one, scope=f"{scope}-account", whose=hashlib.sha256(email.lower().encode("utf-8", "replace")).hexdigest())
