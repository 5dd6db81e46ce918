"""Payments that rules sent to review: who waits and for how long, what is known of the payer, and the three things a person may decide."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.queries import get_vendor
from core.accounts.staff import staff_names
from core.kernel.clock import now
from core.kernel.errors import NotFound
from core.payments.queries import timeline
from core.payments.review import TARGET, approve, decline, list_others
from core.payments.review_models import LONGEST_NOTE
from core.payments.reviews_everywhere import Found, attempt_of, get_review_everywhere, list_waiting, paid_before
from core.web.fields import BooleanField, Form, LineField
from core.web.page import page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.rule_words import STATES, fact_rows, reason_words
from portal.confirm import confirmed
from portal.history import tell

SOON = timedelta(hours=24)
LISTED = ("email", "card", "address")


class DecisionForm(Form):
    words = LineField(later("What you found"), most=LONGEST_NOTE)
    email = BooleanField(later("The e-mail address"), default=True)
    card = BooleanField(later("The card"), default=True)
    address = BooleanField(later("The network address"))


@staff_door.get("/staff/reviews")
@staff_may("risk.see")
def reviews() -> Response:
    mode = request.args.get("mode", "live")
    if mode not in ("live", "test"):
        raise NotFound("That page does not exist.")
    rows = [(vendor, payment, row, reason_words(row.reasons), clock_of(row)) for vendor, payment, row in list_waiting(mode)]
    return page("portal/admin/risk/reviews.html", mode=mode, rows=rows, target=TARGET)


@staff_door.get("/staff/reviews/<number>")
@staff_may("risk.see")
def review(number: str) -> Response:
    return _page(get_review_everywhere(number))


@staff_door.post("/staff/reviews/<number>/approval")
@staff_may("reviews.decide")
@confirmed
def approve_review(number: str) -> Response:
    found, form = get_review_everywhere(number), DecisionForm()
    if form.validate():
        with form.refusals():
            state = approve(found[0], found[2], by=staff().public_id, words=form.words.data or "")
            flash(_("It goes on. What was put aside is taken within moments.") if state == "approved" else _nothing_left(), "good")
            return see_other(url_for(".review", number=number))
    return _page(found, "good", form)


@staff_door.post("/staff/reviews/<number>/refusal")
@staff_may("reviews.decide")
@confirmed
def decline_review(number: str) -> Response:
    return _decline(number, fraud=False)


@staff_door.post("/staff/reviews/<number>/fraud")
@staff_may("reviews.decide")
@confirmed
def decline_review_as_fraud(number: str) -> Response:
    return _decline(number, fraud=True)


def _decline(number: str, *, fraud: bool) -> Response:
    found, form = get_review_everywhere(number), DecisionForm()
    if form.validate():
        with form.refusals():
            lists = [name for name in LISTED if form[name].data] if fraud else []
            state = decline(found[0], found[2], by=staff().public_id, words=form.words.data or "", fraud=fraud, lists=lists)
            flash(_nothing_left() if state == "gone" else _("It is not accepted. The money goes back to the payer, all of it."), "good")
            return see_other(url_for(".review", number=number))
    return _page(found, "fraud" if fraud else "refuse", form)


def _nothing_left() -> str:
    return _("There was nothing left to decide: the payer’s bank has let the money go, or it has gone back already.")


def clock_of(row: object) -> str:
    """How a review stands against its clock: lapsing within a day, late against the target, or in time."""
    lapses, since = getattr(row, "lapses_at", None), getattr(row, "waits_since", None)
    if lapses is not None and lapses - now() < SOON:
        return "lapsing"
    return "late" if since is not None and now() - since > TARGET else "in_time"


def _page(found: Found, pressed: str = "", failed: DecisionForm | None = None) -> Response:
    """Each decision has a form of its own; `failed` is the one that was sent and shows what was wrong with it."""
    vendor, payment, row = found
    forms = {name: failed if failed and name == pressed else DecisionForm(formdata=None) for name in ("good", "refuse", "fraud")}
    for name, form in forms.items():
        for one in form:
            one.id = f"{name}-{one.name}"
    seen(vendor, payment.public_id)
    paid, begun = paid_before(payment)
    people, others = staff_names(), list_others(row)
    sellers = {one.vendor_id: get_vendor(one.vendor_id) for one in others}
    return page(
        "portal/admin/risk/review.html",
        status=failed.status if failed else 200,
        vendor=vendor,
        payment=payment,
        row=row,
        attempt=attempt_of(row),
        reasons=reason_words(row.reasons),
        known=fact_rows(row),
        paid=paid,
        begun=begun,
        others=[(sellers[one.vendor_id].name, one, STATES.get(one.state, STATES["gone"])) for one in others if one.waits_since is not None],
        state=STATES.get(row.state, STATES["gone"]),
        clock=clock_of(row),
        moments=tell(timeline(vendor, payment), names=people),
        people=people,
        forms=forms,
        failed=failed,
        may=staff().may("reviews.decide") and row.state == "waiting",
    )
