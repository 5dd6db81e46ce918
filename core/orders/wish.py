"""What a caller wishes to have paid at once: a payer, and orders of different sellers with their lines; checked field by field."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from core.kernel.currency import is_currency
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.orders.states import KEEP, RULES
from core.payments.link_terms import limits

MOST_ORDERS, MOST_LINES, MOST_QUANTITY = 20, 100, 10_000
USUAL_RELEASE_DAYS, USUAL_HOURS, MOST_HOURS = 14, 72, 168
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,79}")
_ADDRESS = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\".]+(\.[^@\s<>\".]+)+")

_LOCALE = re.compile(r"([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,6})?)?")


class WishRefused(Refusal):
    """Something in it cannot be; `field` is the way to it, such as orders.0.lines.2.quantity."""

    code = "checkout_refused"


@dataclass(frozen=True, slots=True)
class LineWish:
    """So many of one thing at one price."""

    name: str
    quantity: int
    unit_minor: int
    category: str = ""


@dataclass(frozen=True, slots=True)
class OrderWish:
    """What one seller sells."""

    seller: str  # its public id
    lines: Sequence[LineWish]
    reference: str = ""

    @property
    def minor(self) -> int:
        """What its lines come to."""
        return sum(line.quantity * line.unit_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class CheckoutWish:
    """All of it. `card` is a card that the payer saved with the caller before; without one the payer enters one on our page."""

    checkout_id: str
    email: str
    name: str
    currency: str
    orders: Sequence[OrderWish]
    rule: str = KEEP
    locale: str = ""
    card: str | None = None
    release_days: int | None = None  # None: as the platform's terms say
    hours: int = USUAL_HOURS

    @property
    def digest(self) -> str:
        """A name for everything in it: what is asked for again under the same id must carry the same one."""
        days = USUAL_RELEASE_DAYS if self.release_days is None else self.release_days  # so it was before the terms said it
        return hashlib.sha256(
            json.dumps({**asdict(self), "release_days": days}, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()


def check_wish(wish: CheckoutWish) -> None:
    """Refuse WishRefused at the first field that cannot be. Whose the sellers are, and whether they agreed, is not asked here."""
    _want(
        _ID.fullmatch(wish.checkout_id),
        "checkout_id",
        said("Give the checkout an id of your own: letters, digits and _ . : / -, 80 at most."),
    )
    _want(
        len(wish.email) <= 254 and wish.email.isprintable() and _ADDRESS.fullmatch(wish.email),
        "payer.email",
        said("Enter the payer’s e-mail address."),
    )
    _want(
        len(wish.name) <= 120 and (wish.name.isprintable() or not wish.name),
        "payer.name",
        said("Write the name on one line, in 120 letters at most."),
    )
    _want(_LOCALE.fullmatch(wish.locale), "payer.locale", said("A language is written like de or pt-BR."))
    _want(is_currency(wish.currency), "currency", said("Choose a currency from the list."))
    _want(wish.rule in RULES, "rule", said("The rule is keep or all_or_nothing."))
    _want(
        wish.release_days is None or 1 <= wish.release_days <= 90, "release_days", said("An order counts as delivered after 1 to 90 days.")
    )
    _want(1 <= wish.hours <= MOST_HOURS, "hours", said("The payer has between 1 and %(most)s hours.", most=MOST_HOURS))
    _want(1 <= len(wish.orders) <= MOST_ORDERS, "orders", said("A checkout has between 1 and %(most)s orders.", most=MOST_ORDERS))
    for number, order in enumerate(wish.orders):
        _check_order(order, wish.currency, f"orders.{number}")
    sellers = [order.seller for order in wish.orders]
    for number, seller in enumerate(sellers):
        _want(
            seller not in sellers[:number],
            f"orders.{number}.seller",
            said("Each seller has one order in a checkout. Put its lines together."),
        )


def _check_order(order: OrderWish, currency: str, at: str) -> None:
    _want(
        not order.reference or _ID.fullmatch(order.reference),
        f"{at}.reference",
        said("A reference has letters, digits and _ . : / -, 80 at most."),
    )
    _want(1 <= len(order.lines) <= MOST_LINES, f"{at}.lines", said("An order has between 1 and %(most)s lines.", most=MOST_LINES))
    for number, line in enumerate(order.lines):
        where = f"{at}.lines.{number}"
        _want(
            1 <= len(line.name.strip()) <= 120 and line.name.isprintable(),
            f"{where}.name",
            said("Say what is sold, in 120 letters at most."),
        )
        _want(1 <= line.quantity <= MOST_QUANTITY, f"{where}.quantity", said("A quantity is between 1 and %(most)s.", most=MOST_QUANTITY))
        _want(1 <= line.unit_minor <= limits(currency)[1], f"{where}.unit_amount", said("A price is above zero."))
        _want(is_category(line.category), f"{where}.category", said("A category is written with a-z, 0-9, _ and -."))
    least, most = (Money(minor, currency) for minor in limits(currency))
    words = said("An order is between %(least)s and %(most)s.", least=least, most=most)
    _want(least.minor <= order.minor <= most.minor, f"{at}.lines", words)


def is_category(text: str) -> bool:
    """Whether lines can be of it; empty is none."""
    return re.fullmatch(r"[a-z0-9_-]{0,40}", text) is not None


def _want(good: object, field: str, words: str) -> None:
    if not good:
        raise WishRefused(words, field=field)
