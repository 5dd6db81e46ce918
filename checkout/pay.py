"""A payment link as the payer opens it: choose and say who is paying, or the page of a link that takes no payments now."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from checkout.blueprint import door
from checkout.familiar import way_of
from checkout.order_form import OrderFields, fitting
from checkout.order_page import check_order, order_of, order_values, typed_email, typed_for
from checkout.remembered import begun, form_token_for, remember
from checkout.way_in import WayIn, by_name, fixed_answers, name_url, proposed_answers, suggestions
from core.accounts.models import Vendor
from core.kernel.money import Money
from core.kernel.signing import TokenRefused
from core.payments.basket import PriceChanged, offer_of
from core.payments.instalments import Progress, least_part, progress_of
from core.payments.link import is_being_paid
from core.payments.link_terms import limits
from core.payments.models import Payment, PaymentLink
from core.payments.queries import page_state
from core.payments.start import open_payment_token, payment_token, receipt_token, start_payment
from core.web.face import face_of
from core.web.fields import AddressField, BooleanField, Form, FormTokenField, LineField, MoneyField
from core.web.filters import money
from core.web.guard import public
from core.web.languages import language
from core.web.page import page, see_other, wants_part
from core.web.stencil import stencilled
from core.web.throttle import by_address

UNDER_WAY = ("pay", "challenge", "failed", "locked", "held", "transfer", "checking")


class ChooseForm(Form):
    choice = LineField(_l("Amount"), most=20)
    amount = MoneyField(_l("Your amount"))
    email = AddressField(_l("E-mail address"), required=_l("Enter your e-mail address: the receipt goes there."))
    name = LineField(_l("Name"), most=120)
    payer_reference = LineField(_l("Reference"), most=60)
    remind = BooleanField(_l("Remind me once by e-mail if I do not finish"))
    form_token = FormTokenField()

    def read_amount(self, link: PaymentLink, fixed: Money | None = None) -> Money | None:
        """What the payer means to pay: the link's own amount, the pressed suggestion, or what they wrote. None after an error."""
        if link.amount is not None or offer_of(link).items or fixed is not None:
            return link.amount or fixed
        if self.choice.data and self.choice.data != "own":
            return self._suggestion(link)
        if not self.amount.data and not self.amount.errors:
            self.refuse(_("Choose or enter an amount.") if suggestions(link) else _("Enter an amount."), "amount")
        return self.amount.data

    def _suggestion(self, link: PaymentLink) -> Money | None:
        for minor in suggestions(link):
            if self.choice.data == str(minor):
                return Money(minor, link.currency)
        self.refuse(_("Choose one of these amounts, or enter your own."), "choice")
        return None

    def amount_so_far(self, link: PaymentLink, fixed: Money | None = None) -> Money | None:
        """What has been chosen up to now, for the total on the page; nothing is refused for it."""
        if link.amount is not None or fixed is not None or self.choice.data in (None, "", "own"):
            return link.amount or fixed or (None if self.amount.errors else self.amount.data)
        return next((Money(minor, link.currency) for minor in suggestions(link) if self.choice.data == str(minor)), None)

    def fit(self, way: WayIn) -> ChooseForm:
        """Reads the written amount in the link's currency, and only when it is the one that counts; what the address fixes is not read."""
        link, fixed = way.link, fixed_answers(way)
        self.amount.currency = link.currency
        if link.amount is not None or offer_of(link).items or fixed["amount"] or (self.choice.data and self.choice.data != "own"):
            self.amount.typed = ""
        for name in ("email", "name", "payer_reference"):
            if fixed[name] and name in self._fields:
                self[name].data, self[name].raw_data = fixed[name], [fixed[name]]
        for item, quantity in fixed["quantities"].items():
            if (field := self._fields.get(f"quantity-{item}")) is not None:
                field.data, field.raw_data, field.process_errors = quantity, [str(quantity)], []
        if link.reference_label:
            self.payer_reference.label.text = link.reference_label
        return self


@door.get("/pay/<token>")
@public
def choose(token: str) -> Response:
    return _choose(way_of(token))


@door.get("/pay/<vendor>/<slug>")
@public
@by_address("240 per 10 minutes", scope="names", method="GET")
def by_readable_name(vendor: str, slug: str) -> Response:
    return _choose_by_name("live", vendor, slug)


@door.get("/pay/test/<vendor>/<slug>")
@public
@by_address("240 per 10 minutes", scope="names", method="GET")
def practice_by_name(vendor: str, slug: str) -> Response:
    return _choose_by_name("test", vendor, slug)


def _choose_by_name(mode: str, vendor: str, slug: str) -> Response:
    """A former name, or one typed in capitals, leads to the address as it is written now, with all that stood behind it."""
    way = by_name(mode, vendor, slug)
    if way.name != (vendor, slug):
        return see_other(name_url(mode, way.name or ("", ""), **request.args.to_dict()))
    return _choose(way)


def _choose(way: WayIn) -> Response:
    """Going back to a link in the middle of a payment leads to that payment; a closed link says so; an open one can be paid.

    The payer may have paid at the processor and closed the browser there: so the processor is asked before anything is said.
    """
    vendor, link = way.vendor, way.link
    mine = begun(vendor, link, way.key)
    if mine and page_state(mine[1]) in UNDER_WAY:
        return see_other(url_for("checkout.come_back", token=mine[0]))
    state = way.state
    if state != "open":
        return closed(way, state)
    form_token, new = form_token_for(way.key)
    way.note(new=new)
    if mine or request.args or wants_part() or way.personal or link.offer or link.total:
        return _opened(way, mine, form_token)  # there is more on it than these two rows and a token
    return stencilled((vendor, link), {"form": form_token}, lambda: _opened(way, None, form_token))


def _opened(way: WayIn, mine: tuple[str, Payment] | None, form_token: str) -> Response:
    vendor, link = way.vendor, way.link
    before = _recovered(vendor, link, request.args.get("again", "")) or (mine[1] if mine else None)
    values = {**_typed_before(vendor, before, link), **proposed_answers(way)}
    form = fitting(ChooseForm, link)(formdata=None, form_token=form_token, **values)
    return form_page(way, form.fit(way), mine)


@door.post("/pay/<token>")
@public
@by_address("120 per 10 minutes", scope="pay")
def start(token: str) -> Response:
    return _start(way_of(token))


@door.post("/pay/<vendor>/<slug>")
@public
@by_address("120 per 10 minutes", scope="pay")
def start_by_name(vendor: str, slug: str) -> Response:
    return _start(by_name("live", vendor, slug))


@door.post("/pay/test/<vendor>/<slug>")
@public
@by_address("120 per 10 minutes", scope="pay")
def start_practice_by_name(vendor: str, slug: str) -> Response:
    return _start(by_name("test", vendor, slug))


def _start(way: WayIn) -> Response:
    """The same form sent twice answers the payment it began the first time, whatever has become of the link since."""
    link = way.link
    form = fitting(ChooseForm, link)().fit(way)
    good = form.validate()
    if "update" in request.form:
        return _worked_out(way, form)
    good = check_order(form) and good
    amount = form.read_amount(link, fixed_answers(way)["amount"]) if good else None
    mine = begun(way.vendor, link, way.key)
    if good and not form.errors:
        with form.refusals():
            try:
                return _begin(way, form, amount, mine)
            except PriceChanged as changed:
                form.refuse(_("The total is now %(total)s. Look it over, and go on if you agree.", total=money(changed.total)))
    state = way.state
    if state != "open":
        return closed(way, state, status=409)
    return form_page(way, form, mine, status=form.status)


def _worked_out(way: WayIn, form: ChooseForm) -> Response:
    """The total anew for what is chosen now. Nothing is begun, and nothing is said about what the payer has not come to."""
    state = way.state
    if state != "open":
        return see_other(way.action) if wants_part() else closed(way, state, status=409)
    if isinstance(form, OrderFields):
        form.check_order(cart_only=True)
    return form_page(way, form, begun(way.vendor, way.link, way.key))


def _recovered(vendor: Vendor, link: PaymentLink, token: str) -> Payment | None:
    """The payment of which this is a fresh start, by its own signed address."""
    try:
        owner, payment = open_payment_token(token)
    except TokenRefused:
        return None
    return payment if owner.id == vendor.id and payment.link_id == link.id and payment.state in ("canceled", "expired") else None


def _again(vendor: Vendor, link: PaymentLink, mine: tuple[str, Payment] | None) -> str:
    """The address of the payment of which this form is a fresh start, if it is one: said again by the form."""
    said = request.values.get("again", "") or (mine[0] if mine else "")
    return said if said and _recovered(vendor, link, said) else ""


def _begin(way: WayIn, form: ChooseForm, amount: Money | None, mine: tuple[str, Payment] | None) -> Response:
    again = _recovered(way.vendor, way.link, request.form.get("again", ""))
    shown, shown_in = request.form.get("shown", ""), request.form.get("shown_in", "")
    payment = start_payment(
        way.vendor,
        way.link,
        amount=amount,
        email=typed_email(form),
        name=form.name.data or "",
        form_token=form.form_token.data,
        order=order_of(way.link, form, shown, shown_in, again.id if again else None),
        locale=language(),
        by_itself=True,  # what follows only names it
        origin=way.origin(form.payer_reference.data or "", again or (mine[1] if mine else None)),
    )
    address = payment_token(way.vendor, payment)
    remember(way.key, address)
    return see_other(url_for("checkout.show", token=address))


def form_page(way: WayIn, form: ChooseForm, mine: tuple[str, Payment] | None, status: int = 200, **instead: object) -> Response:
    """The page on which the payer chooses; `instead` takes the place of what it would show."""
    vendor, link, fixed, how = way.vendor, way.link, fixed_answers(way), progress_of(way.link)
    pressed, whole = suggestions(link), how is not None and _in_one(link, how)
    if link.amount is None and (whole or not form.choice.data):
        form.choice.data = str(pressed[0]) if whole and pressed else "" if pressed else "own"
    # What was given back whole is no reason to think twice.
    paid = mine[1] if mine and mine[1].state == "succeeded" and mine[1].refunded != mine[1].captured else None
    order = order_values(vendor, link, form, form.amount_so_far(link, fixed["amount"]))
    return page(
        "checkout/choose.html",
        fragment="checkout/_totals.html" if not instead else None,
        status=max(status, form.status) if form.is_submitted() else status,
        face=instead.get("face") or face_of(vendor, link.mode, colours=link.colours),
        title=link.title,
        description=link.description,
        amount_due=order["due"] if order["offer"].sells else link.amount or fixed["amount"],
        currency=link.currency,
        suggestions=[Money(minor, link.currency) for minor in pressed],
        range_text=_range_text(link, how),
        whole=whole,
        form=form,
        wants_part=wants_part(),
        link_fixed=bool(link.amount or fixed["amount"]),
        again=_again(vendor, link, mine),
        **order,
        fixed=fixed,
        link=link,
        progress=how,
        action=way.action,
        paid=paid,
        paid_receipt=url_for("checkout.receipt", token=receipt_token(vendor, paid)) if paid else None,
        told={"payment": "", "state": "open"},
    )


def _typed_before(vendor: Vendor, payment: Payment | None, link: PaymentLink) -> dict[str, object]:
    """After a payment that was cancelled or ran out, the form begins with what was typed for it."""
    if payment is None or payment.state == "succeeded":
        return {}
    suggested = payment.amount_minor in suggestions(link)
    amount = {"choice": str(payment.amount_minor)} if suggested else {"choice": "own", "amount": payment.amount}
    who = {
        "email": payment.email,
        "name": payment.payer_name,
        "payer_reference": payment.payer_reference,
        **typed_for(vendor, link, payment),
    }
    return who if link.amount is not None or payment.itemised else {**who, **amount}


def _in_one(link: PaymentLink, how: Progress) -> bool:
    """Whether what is open of a request can be paid in one only: there is nothing to choose."""
    return least_part(link, how.open, limits(link.currency)[0]) == how.open


def _range_text(link: PaymentLink, how: Progress | None) -> str | None:
    """What may be entered, when the vendor has set a bound."""
    smallest, largest = limits(link.currency)
    if how is not None:
        if _in_one(link, how):
            return None
        return _("Between %(least)s and %(most)s.", least=money(least_part(link, how.open, smallest)), most=money(how.open))
    if link.amount is not None:
        return None
    steps = [_("In steps of %(step)s.", step=money(Money(link.step_minor, link.currency)))] if link.step_minor else []
    low = money(Money(max(smallest, link.minimum_minor or 0), link.currency))
    if link.maximum_minor is not None:
        steps.insert(0, _("From %(least)s to %(most)s.", least=low, most=money(Money(min(largest, link.maximum_minor), link.currency))))
    elif link.minimum_minor is not None:
        steps.insert(0, _("%(least)s or more.", least=low))
    return " ".join(steps) or None


# Whether the vendor ended it or put it away is the vendor's business, and so is whether a button rests or its link.
CLOSED_PAGES = {"archived": "expired", "button_paused": "paused"}


def closed(way: WayIn, state: str, status: int = 200) -> Response:
    """The page of a link that takes no payments now: paused, expired, sold_out or paid. It may be read; it cannot be paid.

    The receipt names the payer, and a link is passed on: so it is offered to the browser that paid, and to nobody else
    (docs/decisions/0006-a-link-names-no-payer.md). The payer has it by e-mail as well.
    """
    vendor, link = way.vendor, way.link
    mine = begun(vendor, link, way.key) if state == "paid" else None
    paid = mine[1] if mine and mine[1].state == "succeeded" else None
    return page(
        f"checkout/link_{CLOSED_PAGES.get(state, state)}.html",
        status=status,
        face=face_of(vendor, link.mode, colours=link.colours),
        title=link.title,
        description="",
        amount_due=link.amount or link.total,
        in_parts=link.total is not None,
        paused_message=link.paused_message if state == "paused" else "",
        alone=link.kind != "reusable",
        being_paid=state == "sold_out" and is_being_paid(link),
        receipt_url=url_for("checkout.receipt", token=receipt_token(vendor, paid)) if paid else None,
        promised=Money(way.prefill.price_minor, link.currency) if way.prefill and way.prefill.price_minor else None,
        told={"payment": "", "state": "closed"},
    )
