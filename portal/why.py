"""“Why?” of a figure at an address of its own: the formula, and every line behind it. They add up, or the page says that they do not."""

from __future__ import annotations

import uuid

import structlog
from flask import Response, request, url_for
from flask_babel import gettext as _

from core.customers.queries import get_customer
from core.kernel.currency import is_currency
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.ledger.queries import journals_about
from core.payments.customers import list_taken, totals_of
from core.payments.figures import ends_since, list_captured, list_releases, takings_between
from core.payments.queries import get_payment
from core.web.guard import current, may
from core.web.page import cursor, moment_and_row, page
from portal.blueprint import portal
from portal.charts import per_cent
from portal.days import asked_day, asked_span, beginning, end
from portal.explain import lines_of, sums_of

LINES_ON_A_PAGE = 50
log = structlog.get_logger()


@portal.get("/portal/why/taken")
@may("payments.see")
def why_taken() -> Response:
    """What came in over some days in one currency: the payments whose money arrived then."""
    me, (first, last), after = current(), asked_span(), cursor()
    code = _currency()
    since, until = beginning(first), end(last)
    count, total, fee = takings_between(me.vendor, me.mode, since, until).get(code, (0, Money(0, code), Money(0, code)))
    rows, following = list_captured(
        me.vendor, me.mode, since, until, currency=code, after=moment_and_row(after) if after else None, limit=LINES_ON_A_PAGE
    )
    here = {"since": first.isoformat(), "until": last.isoformat(), "currency": code}
    return page(
        "portal/why/taken.html",
        first=first,
        last=last,
        code=code,
        count=count,
        total=total,
        fee=fee,
        payments=rows,
        newest=url_for(".why_taken", **here) if after else None,
        older=url_for(".why_taken", after=f"{following[0].isoformat()}~{following[1]}", **here) if following else None,
    )


def _currency() -> str:
    code = request.args.get("currency", current().vendor.currency)
    if len(code) != 3 or not is_currency(code):
        raise NotFound
    return code


@portal.get("/portal/why/success")
@may("payments.see")
def why_success() -> Response:
    """The rate as a fraction of counts, each count with its list."""
    me, (first, last) = current(), asked_span()
    ends = ends_since(me.vendor, me.mode, beginning(first), end(last))
    total = sum(ends.values())
    listed = {state: url_for(".payments", status=state, since=first.isoformat(), until=last.isoformat()) for state in ends}
    rate = per_cent(ends["succeeded"], total)
    return page("portal/why/success.html", first=first, last=last, ends=ends, total=total, rate=rate, listed=listed)


@portal.get("/portal/why/release")
@may("balance.see")
def why_release() -> Response:
    """The payments whose money becomes available on one day."""
    me, day = current(), asked_day("day")
    rows = list_releases(me.vendor, me.mode, beginning(day), end(day))
    return page("portal/why/release.html", day=day, payments=rows, sums=_sums([payment.net for payment in rows]), most=len(rows) == 200)


@portal.get("/portal/customers/<public_id>/why")
@may("customers.see")
def why_customer(public_id: str) -> Response:
    """What a customer paid, was given back and so has left with the business, in one currency, payment by payment."""
    me, after, code = current(), cursor(), _currency()
    customer = get_customer(me.vendor, me.mode, public_id)
    total = next((one for one in totals_of(me.vendor, customer) if one.taken.currency == code), None)
    if total is None:
        raise NotFound
    rows, following = list_taken(me.vendor, customer, code, after=_row(after) if after else None, limit=LINES_ON_A_PAGE)
    here = {"public_id": public_id, "currency": code}
    return page(
        "portal/why/customer.html",
        customer=customer,
        total=total,
        payments=rows,
        newest=url_for(".why_customer", **here) if after else None,
        older=url_for(".why_customer", after=following, **here) if following else None,
    )


def _row(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(_("That page of payments does not exist.")) from None


def _sums(amounts: list[Money]) -> list[Money]:
    totals: dict[str, Money] = {}
    for amount in amounts:
        totals[amount.currency] = totals.get(amount.currency, Money(0, amount.currency)) + amount
    return [totals[code] for code in sorted(totals)]


@portal.get("/portal/payments/<public_id>/why/<slug>")
@may("balance.see")
def why_payment(public_id: str, slug: str) -> Response:
    """One figure of a payment and the journal lines that make it."""
    me = current()
    payment = get_payment(me.vendor, me.mode, public_id)
    figure = next((known for known in sums_of(payment) if known.slug == slug), None)
    if figure is None:
        raise NotFound
    lines = lines_of(slug, journals_about(me.vendor, me.mode, payment.public_id))
    booked = Money(0, payment.currency)
    for line in lines:
        booked = booked + line.amount
    if booked != figure.value:
        log.error("figure_without_lines", payment=payment.public_id, figure=slug, shown=str(figure.value), booked=str(booked))
    return page("portal/why/payment.html", payment=payment, figure=figure, lines=lines, booked=booked)
