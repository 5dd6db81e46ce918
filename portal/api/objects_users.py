"""The objects of people: their account, the apps that act for them, and the cards with which they pay for their plan."""

from __future__ import annotations

from dataclasses import dataclass

from core.accounts.roles import Role, role_of
from core.accounts.sessions import Seat, handle_of
from core.payments.saved_models import SavedCard
from core.subscriptions.own_cards import currencies_of
from core.web import addresses
from portal.api.objects import MODES
from portal.api.shapes import each, flag, inner, moment, number, shape, text, texts

PAYMENT_METHOD = shape(
    "payment_method",
    "A card that is kept at the processor. Its number never comes here: what stands here is a token and what may be told of it.",
    id=text("Its number, crd_...", lambda card: card.public_id),
    brand=text("Who issued it: visa, mastercard ...", lambda card: card.brand),
    last4=text("Its last four digits.", lambda card: card.last4),
    funding=text("credit, debit or prepaid, where the processor says so.", lambda card: card.funding, nullable=True),
    expires=text("Its last month: 2031-04.", lambda card: f"{card.expiry_year}-{card.expiry_month:02d}"),
    default=flag("Whether it is the one that pays.", lambda card: card.is_default),
    currencies=texts("In which it can be charged.", currencies_of),
)

PAYMENT_METHOD_PAGE = shape(
    "payment_method_page",
    "Where a person puts a card in. No app and no server of ours ever sees its number.",
    url=text("The page to open in a browser; it leads on to the processor.", lambda url: url),
)


@dataclass(frozen=True)
class SeenUser:
    """A person with what they have saved, where their role may see that."""

    seat: Seat
    cards: list[SavedCard]

    @property
    def role(self) -> Role:
        return role_of(self.seat.membership.role, self.seat.custom)


_BUSINESS = inner(
    id=text("Its number, vnd_...", lambda vendor: vendor.public_id),
    name=text("What its customers know it by.", lambda vendor: vendor.name),
    country=text("Where it is.", lambda vendor: vendor.country),
    currency=text("Its main currency.", lambda vendor: vendor.currency),
)

USER = shape(
    "user",
    "The person for whom an app acts, in the business they work for.",
    id=text("Their number, usr_...", lambda one: one.seat.user.public_id),
    email=text("Their e-mail address.", lambda one: one.seat.user.email),
    email_confirmed=flag("Whether they have shown that it is theirs.", lambda one: one.seat.user.email_verified_at is not None),
    name=text("Their name; may be empty.", lambda one: one.seat.user.name),
    two_step=flag("Whether signing in asks them for a code too.", lambda one: one.seat.user.second_factor_at is not None),
    business=_BUSINESS("For whom they work.", lambda one: one.seat.vendor),
    role=text("As what: a word of ours, or the name the business gave the role.", lambda one: one.role.name),
    permissions=texts("What that role may do; x-permission in the document says which call needs which.", lambda one: sorted(one.role.permissions)),
    mode=text("Which money the app sees: practice or real.", lambda one: one.seat.session.mode, one_of=MODES),
    payment_methods=each(PAYMENT_METHOD, "The cards that can pay for the plan, for a role that may see to it.", lambda one: one.cards),
    created_at=moment("When they signed up.", lambda one: one.seat.user.created_at, nullable=False),
)  # fmt: skip

TOKENS = shape(
    "tokens",
    "What an app needs to act for somebody.",
    access_token=text("Goes into the header: Authorization: Bearer eyJ...", lambda made: made.access),
    token_type=text("Always Bearer.", lambda made: "Bearer"),
    expires_in=number("For how many seconds the access token counts.", lambda made: made.access_seconds),
    refresh_token=text("Gets the next pair, once. Keep it where nobody else reads.", lambda made: made.refresh),
    refresh_expires_at=moment("Until when it does.", lambda made: made.refresh_until, nullable=False),
    user=text("For whom the app acts, usr_...", lambda made: made.user.public_id),
    business=text("In which business, vnd_...", lambda made: made.vendor.public_id),
    mode=text("Which money the app sees.", lambda made: made.session.mode, one_of=MODES),
)


@dataclass(frozen=True)
class SeenRegistration:
    """What is answered to whoever signs up: the same whether the address was known or not."""

    email: str


_LINKS = inner(
    sign_in=text("Where an app signs in for them: POST.", lambda one: addresses.api("/users/sign-in")),
    user=text("The person, with an access token: GET and PUT.", lambda one: addresses.api("/users/me")),
    portal=text("Where they sign in with a browser.", lambda one: addresses.sign_in()),
    reference=text("What else there is, for tools.", lambda one: addresses.api("/openapi.json")),
)

REGISTRATION = shape(
    "registration",
    "A business and its owner. A letter is on its way to the address; the same is answered when somebody has the address already.",
    email=text("Where the letter goes.", lambda one: one.email),
    links=_LINKS("Where it goes on.", lambda one: one),
)

APP = shape(
    "app",
    "Something that is signed in for a person: an app, or a browser.",
    id=text("What it is called here. It opens nothing.", handle_of),
    kind=text("An app with tokens, or a browser.", lambda row: "app" if row.app else "browser", one_of=("app", "browser")),
    name=text("What the app calls itself, or the browser.", lambda row: row.app or row.agent),
    address=text("The network address it was seen from last.", lambda row: row.address),
    mode=text("Which money it sees.", lambda row: row.mode, one_of=MODES),
    created_at=moment("Since when it is signed in.", lambda row: row.created_at, nullable=False),
    last_seen_at=moment("When it last came.", lambda row: row.seen_at, nullable=False),
    ended_at=moment("When it was signed out.", lambda row: row.ended_at),
)

APP_LIST = shape(
    "list",
    "Where a person is signed in, the last to come first.",
    "AppList",
    data=each(APP, "Apps and browsers.", lambda rows: rows),
    has_more=flag("Always false: they are all on one page.", lambda rows: False),
)
