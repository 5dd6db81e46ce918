"""Payment links for the vendor's own software: made, read, changed, paused, ended, put away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.accounts.models import Vendor
from core.payments.archive import archive_link, unarchive_link
from core.payments.basket import offer_of
from core.payments.feeds import feed_links
from core.payments.link import create_link, edit_link, expire_link, pause_link, resume_link
from core.payments.link_terms import LinkTerms
from core.payments.models import PaymentLink
from core.payments.offer import Offer
from core.payments.queries import get_link
from core.payments.sharing import set_key_values
from core.providers.contract import METHODS
from portal.api.endpoint import endpoint
from portal.api.guard import acting, wish_token
from portal.api.kinds import Amount, Currency, Day, Fields, Flag, Listed, Moment, Number, Pairs, Text
from portal.api.objects import LINK, LINK_PAGE, SeenLink
from portal.api.paging import Asked, list_of

ADDRESS = 500
TERMS: Fields = {
    "title": Text(about="What the payer reads above the sum.", least=1, most=120, example="Workshop in May"),
    "currency": Currency(about="The currency of all its sums."),
    "kind": Text(about="single, reusable or request.", usual="reusable", one_of=("single", "reusable", "request")),
    "description": Text(about="What the payer reads below it.", usual="", most=2000, lines=True),
    "amount": Amount(about="What it takes. Left out, the payer chooses.", usual=None),
    "minimum": Amount(about="The least a payer may choose, or the least part of a request.", usual=None),
    "maximum": Amount(about="The most a payer may choose.", usual=None),
    "total": Amount(about="What a request asks for in all.", usual=None),
    "max_payments": Number(about="How many payments it takes.", usual=None, least=1, most=10_000),
    "methods": Listed(
        about="The ways to pay it allows; none: all you offer.",
        usual=(),
        of=Text(about="One of them.", one_of=tuple(sorted(METHODS))),
        most=20,
    ),
    "locale": Text(about="The language of its pages and letters; empty: the reader's own.", usual="", most=3),
    "metadata": Pairs(about="Your own names and values, copied to each payment.", usual=None),
    "success_url": Text(about="Where the payer may go on after paying.", usual="", most=ADDRESS),
    "cancel_url": Text(about="Where the payer may go back to without paying.", usual="", most=ADDRESS),
    "due_on": Day(about="Until when a request is to be paid.", usual=None),
    "expires_at": Moment(about="When it stops taking payments by itself.", usual=None),
}
SUMS = ("amount", "minimum", "maximum", "total")
CALLED = {"key_values": "metadata", "part_minimum": "minimum", "amount_kind": "amount"}  # as the acts call them


@endpoint("POST", "/payment-links", gives=LINK, takes=TERMS, status=201, called=CALLED)
def make_link(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Make a payment link

    It takes payments at once, at the `url` it answers with.
    """
    link = create_link(vendor, mode=mode, by=acting(), terms=_terms(sent, Offer(), LinkTerms(title="", currency="")), wish=wish_token())
    link = set_key_values(link, by=acting(), key_values=sent["metadata"] or {})
    return _seen(vendor, link)


@endpoint(
    "GET", "/payment-links", gives=LINK, many=True,
    query={
        "status": Text(about="How they stand.", usual="", one_of=("active", "paused", "expired")),
        "archived": Text(about="true: those that are put away.", usual="false", one_of=("false", "true")),
    },
)  # fmt: skip
def all_links(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List payment links"""
    found = feed_links(vendor, mode, asked.span, state=asked.filters["status"], archived=asked.filters["archived"] == "true")
    return list_of(LINK, found, lambda link: SeenLink(vendor, link))


@endpoint("GET", "/payment-links/<number>", gives=LINK)
def show_link(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a payment link"""
    return _seen(vendor, get_link(vendor, mode, number))


@endpoint("GET", "/payment-links/<number>/page", gives=LINK_PAGE, publishable=True)
def show_link_page(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read what a payer may know of a payment link

    A page in a browser may ask this with a publishable key, from any origin.
    """
    return LINK_PAGE.encode(SeenLink(vendor, get_link(vendor, mode, number)))


@endpoint("PATCH", "/payment-links/<number>", gives=LINK, takes=TERMS, partly=True, called=CALLED)
def change_link(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Change a payment link

    What is not sent stays as it is; null takes a field back to what is usual. Payments under way keep the terms they began with.
    """
    link = get_link(vendor, mode, number)
    if set(sent) - {"metadata"}:
        link = edit_link(link, by=acting(), terms=_terms(sent, offer_of(link), terms_of(link)))
    if "metadata" in sent:
        link = set_key_values(link, by=acting(), key_values=sent["metadata"] or {})
    return _seen(vendor, link)


@endpoint(
    "POST", "/payment-links/<number>/pause", gives=LINK, takes={"message": Text(about="What visitors read meanwhile.", usual="", most=300)}
)
def pause(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Pause a payment link

    No new payment begins until it is resumed.
    """
    return _seen(vendor, pause_link(get_link(vendor, mode, number), by=acting(), message=sent["message"]))


@endpoint("POST", "/payment-links/<number>/resume", gives=LINK)
def resume(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Take payments again"""
    return _seen(vendor, resume_link(get_link(vendor, mode, number), by=acting()))


@endpoint("POST", "/payment-links/<number>/expire", gives=LINK)
def expire(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """End a payment link for good

    Payments under way may finish.
    """
    return _seen(vendor, expire_link(get_link(vendor, mode, number), by=acting()))


@endpoint("POST", "/payment-links/<number>/archive", gives=LINK, takes={"archived": Flag(about="false brings it back.", usual=True)})
def archive(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Put a payment link away, or bring it back

    Put away it is out of sight and takes no new payments.
    """
    (archive_link if sent["archived"] else unarchive_link)(get_link(vendor, mode, number), by=acting())
    return _seen(vendor, get_link(vendor, mode, number))


def terms_of(link: PaymentLink) -> LinkTerms:
    """What was decided about a link, as it stands."""
    return LinkTerms(
        title=link.title, currency=link.currency, kind=link.kind, description=link.description, amount_minor=link.amount_minor,
        minimum_minor=link.minimum_minor, maximum_minor=link.maximum_minor, step_minor=link.step_minor,
        suggestions_minor=list(link.suggestions_minor), expires_at=link.expires_at, hours_after_opening=link.hours_after_opening,
        max_payments=link.max_payments, paused_message=link.paused_message, methods=tuple(link.methods), total_minor=link.total_minor,
        due_on=link.due_on, style=link.style, accent=link.accent or "", accent_dark=link.accent_dark or "", locale=link.locale,
    )  # fmt: skip


def _terms(sent: dict[str, Any], offer: Offer, terms: LinkTerms) -> LinkTerms:
    """The terms with what was sent in place of what was there."""
    urls = {name: sent[name] for name in ("success_url", "cancel_url") if name in sent}
    values: dict[str, Any] = {name: sent[name] for name in sent if name not in (*SUMS, *urls, "metadata")}
    values |= {f"{name}_minor": sent[name] for name in SUMS if name in sent}
    if "methods" in values:
        values["methods"] = tuple(values["methods"])
    return replace(terms, **values, offer=replace(offer, **urls))


def _seen(vendor: Vendor, link: PaymentLink) -> dict[str, Any]:
    return LINK.encode(SeenLink(vendor, link))
