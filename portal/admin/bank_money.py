"""Money on our bank account that nobody knows: what it is, whose it might be, and the decision about it with one press."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms.validators import InputRequired

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.models import Vendor
from core.accounts.queries import people_named
from core.accounts.staff import staff_names
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.payments.everywhere import EverywhereFilter, get_everywhere, list_everywhere
from core.payments.line_wishes import Wish, agree, decide_line, take_wish_back, wish_of
from core.payments.repaid import Debtor, Repayment, get_repayment, list_debtors
from core.payments.unknown import WORDS, Suggestion, get_line, list_decided, list_unknown, suggest
from core.payouts.accounts import paid_out_to
from core.providers.bank_accounts import check_iban
from core.providers.bank_models import BankLine
from core.web.fields import ChoiceField, Form, LineField, options
from core.web.filters import money
from core.web.page import cursor, page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.payments import WordsField
from portal.confirm import confirmed, names_an_account

WORLDS = ("live", "test")
MOST_FOUND = 5


class LookForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = WordsField(later("Look for another payment"), most=254)


class AssignForm(Form):
    payment = LineField(later("Payment"), most=40, required=later("Choose a payment."))
    reason = LineField(later("Why it is for this payment"), most=300)


class RepaidForm(Form):
    seller = ChoiceField(
        later("Seller"), choices=[], words=later("Choose who has paid."), validators=[InputRequired(later("Choose who has paid."))]
    )
    how_known = LineField(later("Why it is from this seller"), most=300)


class ReturnForm(Form):
    why_back = LineField(later("Why it goes back"), most=300, required=later("Say why: it stays with the line for whoever asks later."))
    iban = LineField(later("Send it to this IBAN instead"), most=42)


class ChargeForm(Form):
    why_charged = LineField(later("What the bank charged for"), most=300, required=later("Say what it was for: it stays with the line."))


class AgreeForm(Form):
    """Only its token: what is agreed to stands at the line."""


class NotAgreedForm(Form):
    why_not = LineField(later("Why it is not done"), most=300, required=later("Say why: whoever asked for it reads it in the log."))


@staff_door.get("/staff/bank-money")
@staff_may("bank.see")
def bank_money() -> Response:
    """The oldest hundred of each mode: what is decided makes room for the next."""
    lines = [(line, signed(line)) for mode in WORLDS for line in list_unknown(mode)]
    return page("portal/admin/bank_money/index.html", lines=lines, words=WORDS)


@staff_door.get("/staff/bank-money/<mode>/decided")
@staff_may("bank.see")
def decided_money(mode: str) -> Response:
    """What was decided about which line, by whom, when and why."""
    after = cursor()
    found = list_decided(_world(mode), after=after)
    return page(
        "portal/admin/bank_money/decided.html",
        mode=mode,
        lines=[(line, signed(line)) for line in found.rows],
        names=_names(found.rows),
        newest=url_for(".decided_money", mode=mode) if after else None,
        older=url_for(".decided_money", mode=mode, after=found.next) if found.next else None,
    )


@staff_door.get("/staff/bank-money/<mode>/<number>")
@staff_may("bank.see")
def bank_line(mode: str, number: str) -> Response:
    """One line with all the bank said; `?q=` looks for a payment it might be for, and `?payment=` has chosen one."""
    line, look = get_line(_world(mode), number), LookForm(request.args)
    look.validate()
    return _line_page(line, assign=AssignForm(formdata=None, payment=request.args.get("payment")), look=look)


@staff_door.post("/staff/bank-money/<mode>/<number>/assignment")
@staff_may("bank.resolve")
def assign(mode: str, number: str) -> Response:
    """It is for this payment. For one that was suggested, what speaks for it is reason enough."""
    line, form = get_line(_world(mode), number), AssignForm()
    if form.validate():
        with form.refusals():
            vendor, payment = get_everywhere(form.payment.data)
            reason = form.reason.data or _what_speaks_for(payment.public_id, line)
            if reason:
                booked = _("Booked: it is for %(reference)s of %(vendor)s.", reference=payment.reference, vendor=vendor.name)
                return _decide(line, Wish("assigned", reason, payment=payment.public_id), booked)
            form.refuse(_("Say how you know: it stays with the line, and with the payment."), "reason")
    return _line_page(line, assign=form, failed=form)


@staff_door.post("/staff/bank-money/<mode>/<number>/repayment")
@staff_may("bank.resolve")
def repaid(mode: str, number: str) -> Response:
    """A seller pays back what they owe. For one who was suggested, what speaks for it is reason enough."""
    line = get_line(_world(mode), number)
    debtors = _debtors(line)
    form = _repaid_form(debtors)
    if form.validate():
        with form.refusals():
            debtor = next(one for one in debtors if one.vendor.public_id == form.seller.data)
            reason = form.how_known.data or _suggested_by(debtor.reasons)
            if reason:
                booked = _("Booked: it pays back what %(seller)s owes.", seller=debtor.vendor.name)
                return _decide(line, Wish("repaid", reason, seller=debtor.vendor.public_id), booked)
            form.refuse(_("Say how you know: it stays with the line, and with the seller."), "how_known")
    return _line_page(line, repaid=form, failed=form)


@staff_door.post("/staff/bank-money/<mode>/<number>/return")
@staff_may("bank.resolve")
@confirmed(when=names_an_account)
def send_back(mode: str, number: str) -> Response:
    """It goes back where it came from."""
    line, form = get_line(_world(mode), number), ReturnForm()
    if form.validate():
        with form.refusals():
            wish = Wish("returned", form.why_back.data, iban=form.iban.data or "")
            account = check_iban(wish.iban or line.counter_account)
            written = _("The order for the bank is written: %(amount)s to %(account)s.", amount=str(line.amount), account=account)
            return _decide(line, wish, written)
    return _line_page(line, give_back=form, failed=form)


@staff_door.post("/staff/bank-money/<mode>/<number>/charge")
@staff_may("bank.resolve")
def charge(mode: str, number: str) -> Response:
    """It is what the bank charges for its work."""
    line, form = get_line(_world(mode), number), ChargeForm()
    if form.validate():
        with form.refusals():
            return _decide(line, Wish("charge", form.why_charged.data), _("Booked as a charge of the bank’s."))
    return _line_page(line, cost=form, failed=form)


@staff_door.post("/staff/bank-money/<mode>/<number>/agreement")
@staff_may("bank.resolve")
@confirmed
def agree_to_decision(mode: str, number: str) -> Response:
    """A second person says the same of a large sum, and it is done."""
    line, form = get_line(_world(mode), number), AgreeForm()
    if form.validate():
        with form.refusals():
            agree(line, by=staff().public_id)
            flash(_("Done: two people have said so."), "good")
            return see_other(url_for(".bank_line", mode=mode, number=number))
    return _line_page(line, failed=form)


@staff_door.post("/staff/bank-money/<mode>/<number>/withdrawal")
@staff_may("bank.resolve")
def do_not_agree(mode: str, number: str) -> Response:
    """It is not done, by whoever asked for it or by whoever was to agree."""
    line, form = get_line(_world(mode), number), NotAgreedForm()
    if form.validate():
        with form.refusals():
            take_wish_back(line, by=staff().public_id, reason=form.why_not.data)
            flash(_("Not done: the money waits for another decision."), "good")
            return see_other(url_for(".bank_line", mode=mode, number=number))
    return _line_page(line, not_agreed=form, failed=form)


def _decide(line: BankLine, wish: Wish, done: str) -> Response:
    """What one person has said, done or waiting for a second one; a refusal is the form's to show."""
    if decide_line(line, wish, by=staff().public_id):
        flash(done, "good")
        return see_other(url_for(".bank_money"))
    flash(_("Written down. It is more than one person decides about alone: somebody else has to agree."), "good")
    return see_other(url_for(".bank_line", mode=line.mode, number=line.public_id))


def _line_page(line: BankLine, *, failed: Form | None = None, **forms: Form) -> Response:
    """The line, with what may be done about it. A form that was refused stands there as it was sent."""
    open_ = line.state == "unknown" and line.wish is None
    debtors = _debtors(line) if open_ else []
    given = {"assign": AssignForm, "give_back": ReturnForm, "cost": ChargeForm, "look": LookForm, "not_agreed": NotAgreedForm}
    shown: dict[str, Any] = {name: forms.get(name) or form(formdata=None) for name, form in given.items()}
    wish = wish_of(line)
    return page(
        "portal/admin/bank_money/show.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        line=line,
        sum=signed(line),
        words=WORDS,
        says=says(),
        suggestions=suggest(line) if open_ else [],
        chosen=_chosen(shown["assign"]) if open_ else None,
        found=_found(line, shown["look"]) if open_ else None,
        debtors=debtors,
        repaid=forms.get("repaid") or _repaid_form(debtors, filled=False),
        repayment=_repayment(line),
        failed=failed,
        names=_names([line]),
        wish=wish,
        wished_for=_wished_for(wish),
        wished_of=get_vendor_everywhere(wish.seller) if wish is not None and wish.seller else None,
        is_mine=line.asked_by == staff().public_id,
        may_agree=staff().may("bank.resolve") and wish is not None,
        may_resolve=staff().may("bank.resolve") and open_,
        **shown,
    )


def signed(line: BankLine) -> Money:
    """What came in above zero, what left below."""
    return Money(line.sign * line.amount_minor, line.currency)


def says() -> dict[str, str]:
    """What speaks for a suggestion, in words."""
    return {
        "reference": _("its reference, with a slip"), "amount": _("the same amount"), "name": _("the payer’s name"),
        "account": _("the account of its payouts"),
    }  # fmt: skip


def _what_speaks_for(payment: str, line: BankLine) -> str:
    found = next((one for one in suggest(line) if one.payment.public_id == payment), None)
    return _suggested_by(found.reasons if found else ())


def _suggested_by(reasons: Sequence[str]) -> str:
    words = {
        "reference": "its reference with a slip",
        "amount": "the same amount",
        "name": "the name",
        "account": "the account of its payouts",
    }  # kept, so in the house's language
    return f"Suggested by {', '.join(words[reason] for reason in reasons)}" if reasons else ""


def _debtors(line: BankLine) -> list[Debtor]:
    """Who might be paying a debt back, the likeliest first."""
    return list_debtors(line, theirs=paid_out_to(line.mode, line.counter_account)) if line.sign > 0 else []


def _repaid_form(debtors: Sequence[Debtor], *, filled: bool = True) -> RepaidForm:
    form = RepaidForm() if filled else RepaidForm(formdata=None)
    by_name = sorted(debtors, key=lambda one: (one.vendor.name.casefold(), one.vendor.public_id))
    form.seller.choices = options([("", _("Choose …")), *((one.vendor.public_id, _what_it_owes(one)) for one in by_name)])
    return form


def _what_it_owes(one: Debtor) -> str:
    named = {"seller": one.vendor.name, "owed": money(one.owed), "lost": money(one.given_up)}
    if not one.given_up:
        return _("%(seller)s: %(owed)s", **named)
    if not one.owed:
        return _("%(seller)s: %(lost)s written off", **named)
    return _("%(seller)s: %(owed)s, and %(lost)s written off", **named)


def _repayment(line: BankLine) -> tuple[Vendor, Repayment] | None:
    """Whose debt it has paid, and what became of it."""
    if line.resolution != "repaid" or line.vendor is None:
        return None
    vendor = get_vendor_everywhere(line.vendor)
    return vendor, get_repayment(vendor, line.mode, line.public_id)


def _chosen(form: AssignForm) -> Suggestion | None:
    """The payment that was looked for and chosen, or whose assignment was refused."""
    try:
        vendor, payment = get_everywhere(form.payment.data or "")
    except NotFound:
        return None
    return Suggestion(vendor, payment, ())


def _wished_for(wish: Wish | None) -> Suggestion | None:
    """The payment that the money would become."""
    return Suggestion(*get_everywhere(wish.payment), ()) if wish is not None and wish.payment else None


def _found(line: BankLine, look: LookForm) -> list[Suggestion] | None:
    """Payments by what was typed; None when nothing was."""
    if look.errors or look.q.words is None:
        return None
    rows = list_everywhere(EverywhereFilter(words=look.q.words, mode=line.mode), limit=MOST_FOUND).rows
    return [Suggestion(vendor, payment, ()) for vendor, payment in rows]


def _names(lines: list[BankLine]) -> dict[str, Any]:
    """What those who decided are called."""
    return (
        staff_names()
        | people_named({who for line in lines for who in (line.resolved_by, line.asked_by) if who})
        | {"operator": _("An operator")}
    )


def _world(mode: str) -> str:
    if mode not in WORLDS:
        raise NotFound("There is no such line on any statement.")
    return mode


def count_unknown_up_to(most: int) -> int:
    """How many lines wait for a person, counted no further than `most`."""
    return min(most, sum(len(list_unknown(mode, limit=most)) for mode in WORLDS))
