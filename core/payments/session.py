"""A checkout of a vendor's own software: a basket for one payer who is not known yet, on a page of its own that is paid once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.sentence import said
from core.payments.ask import LEAST_MINUTES, MOST_MINUTES
from core.payments.basket import offer_of
from core.payments.link import create_link, find_wished, link_state, paid_payment
from core.payments.link_terms import LinkTerms
from core.payments.models import Payment, PaymentLink
from core.payments.offer import Item, Offer
from core.payments.queries import get_link
from core.payments.sharing import Sharing, check_sharing

USUAL_MINUTES = 60
STATES = {"open": "open", "sold_out": "open", "paid": "complete"}  # sold_out: somebody is paying at this moment; whatever else has ended


class SessionDiffers(Conflict):
    """The same wish was written down before, with something else in it."""

    code = "session_differs"


@dataclass(frozen=True, kw_only=True)
class SessionWish:
    """What is to be paid. `key_values` are the vendor's own; `minutes` is for how long the page takes a payment."""

    title: str
    currency: str
    items: tuple[Item, ...]
    description: str = ""
    methods: tuple[str, ...] = ()
    locale: str = ""
    success_url: str = ""
    cancel_url: str = ""
    key_values: Mapping[str, str] = field(default_factory=dict)
    minutes: int = USUAL_MINUTES


def open_session(vendor: Vendor, mode: str, wish: SessionWish, *, by: str, token: str) -> PaymentLink:
    """Write it down. `token` is the wish's own name: the same one again answers what it made the first time, and refuses SessionDiffers where
    the basket is another. Refuses as links do, at the fields of the wish."""
    again = find_wished(vendor, mode, token)
    offer = Offer(items=wish.items, success_url=wish.success_url, cancel_url=wish.cancel_url)
    if again is not None:
        if not again.session or again.currency != wish.currency or offer_of(again) != offer:
            raise SessionDiffers("This wish was written down before, with another basket.", field="lines")
        return again
    check_sharing(Sharing(key_values=dict(wish.key_values)))
    if not wish.items:
        raise Refusal("At least one line must be something the payer can take.", field="lines")
    if not LEAST_MINUTES <= wish.minutes <= MOST_MINUTES:
        raise Refusal(said("Between %(least)s and %(most)s.", least=LEAST_MINUTES, most=MOST_MINUTES), field="expires_in_minutes")
    terms = LinkTerms(
        title=wish.title, description=wish.description, currency=wish.currency, kind="single", methods=wish.methods, locale=wish.locale,
        expires_at=now() + timedelta(minutes=wish.minutes), offer=offer,
    )  # fmt: skip
    return create_link(vendor, mode=mode, by=by, terms=terms, wish=token, session=True, key_values=wish.key_values)


def get_session(vendor: Vendor, mode: str, number: str) -> PaymentLink:
    """One of the vendor's sessions; refuses with 404, also for a link that is none."""
    link = get_link(vendor, mode, number)
    if not link.session:
        raise NotFound("There is no such checkout session.")
    return link


def session_state(link: PaymentLink) -> tuple[str, Payment | None]:
    """open, complete or expired, and the payment that completed it."""
    state = STATES.get(link_state(link), "expired")
    return state, paid_payment(link) if state != "open" else None
