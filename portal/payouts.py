"""Payouts of a vendor: what would be paid now and when the next one is, the bank account, each payout with the statement that proves it."""

from __future__ import annotations

import uuid

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.admission.stops import payout_hold
from core.kernel.errors import Conflict, NotFound
from core.ledger.queries import balances
from core.notifications.models import Paper
from core.notifications.papers import newest_paper
from core.payouts.accounts import add_account, currencies, find_account, paid_out_in
from core.payouts.approve import may_be_held, owed_since
from core.payouts.carry import find_carriage
from core.payouts.models import PROCESSORS, Payout
from core.payouts.paper import ask_for_paper, paper_name
from core.payouts.queries import account_of, get_payout, history_of, list_payouts
from core.payouts.reasons import reason_of
from core.payouts.receivers import find_receiver
from core.payouts.request import request_payout
from core.payouts.statement import StatementDoesNotAddUp, lines_of, payout_sheet, sums_of
from core.payouts.terms import change_terms, terms_of
from core.providers.registry import pays_sellers
from core.web.fields import ChoiceField, CountField, Form, FormTokenField, LineField, MoneyField, options
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import cursor, page, see_other, send_kept
from core.web.sheet import send_sheet, titles_for
from core.web.stop_words import effect, stopped
from portal.balance import KINDS
from portal.blueprint import portal
from portal.confirm import confirmed, two_steps_when_live
from portal.purses import purse_of, saved

ON_A_PAGE = 50


class AccountForm(Form):
    currency = ChoiceField(_l("Currency"), choices=[], words=_l("Choose a currency from the list."))
    holder = LineField(_l("Name on the account"), most=70, required=_l("Enter the name as the bank writes it."))
    iban = LineField(_l("IBAN"), most=50, required=_l("Enter the IBAN."))
    bic = LineField(_l("BIC"), most=20)


class TermsForm(Form):
    schedule = ChoiceField(_l("When"), choices=[], words=_l("Choose when you are paid out."))
    weekday = ChoiceField(_l("Day of the week"), choices=[], words=_l("Choose a day."))
    day = CountField(_l("Day of the month"), most=31)
    minimum = MoneyField(_l("At least"), required=_l("Enter the smallest amount that is worth a transfer."))


class RequestForm(Form):
    form_token = FormTokenField()


def _paid_out_in() -> list[str]:
    """The currencies of the platform's bank, and those of the vendor's account at the processor."""
    me = current()
    return paid_out_in(me.vendor, me.mode, find_receiver(me.vendor, me.mode))


def _currency() -> str:
    """The one the address names, in which we pay out; the vendor's own without it."""
    asked = request.args.get("currency", current().vendor.currency)
    if asked not in _paid_out_in():
        raise NotFound(_("Nothing is paid out in this currency."))
    return asked


@portal.get("/portal/payouts")
@may("balance.see")
def payouts() -> Response:
    me, after = current(), cursor()
    used = {code for (name, _sub, code), sum_ in balances(me.vendor, me.mode).items() if name == "seller_available" and sum_}
    offered = _paid_out_in()
    shown = [code for code in offered if code == me.vendor.currency or code in used or find_account(me.vendor, me.mode, code)]
    found = list_payouts(me.vendor, me.mode, after=_key(after) if after else None, limit=ON_A_PAGE + 1)
    return page(
        "portal/payouts/index.html",
        purses=[] if after else [purse_of(code) for code in shown],
        payouts=[(one, account_of(me.vendor, one)) for one in found[:ON_A_PAGE]],
        elsewhere=sorted(used - set(offered)),
        schedules=schedules(),
        hold=payout_hold(me.vendor, me.mode),
        stopped=stopped,
        effect=effect,
        newest=url_for(".payouts") if after else None,
        older=url_for(".payouts", after=str(found[ON_A_PAGE - 1].id)) if len(found) > ON_A_PAGE else None,
    )


@portal.get("/portal/payouts/account")
@may("payouts.account")
@two_steps_when_live
def payout_account() -> Response:
    return _account_page(_account_form(filled=False))


@portal.post("/portal/payouts/account")
@may("payouts.account")
@two_steps_when_live
@confirmed
def set_payout_account() -> Response:
    """Every owner is written to; until it has cooled off nothing goes there."""
    me, form = current(), _account_form(filled=True)
    if form.validate():
        with form.refusals():
            made = add_account(
                me.vendor, me.mode, currency=form.currency.data, holder=form.holder.data, iban=form.iban.data, bic=form.bic.data or "",
                by=me.user.public_id,
            )  # fmt: skip
            flash(saved(made), "good")
            return see_other(url_for(".payouts"))
    return _account_page(form)


def _account_form(*, filled: bool) -> AccountForm:
    me = current()
    form = AccountForm() if filled else AccountForm(formdata=None, currency=_bank_currency(), holder=me.vendor.name[:70])
    form.currency.choices = options((code, code) for code in currencies(me.mode))
    return form


def _bank_currency() -> str:
    """The one the address names, in which our bank pays out; any of them without it."""
    asked, known = request.args.get("currency"), currencies(current().mode)
    if asked and asked not in known:
        raise NotFound(_("Nothing is paid out in this currency."))
    own = current().vendor.currency
    return asked or (own if own in known else next(iter(known), ""))


def _account_page(form: AccountForm) -> Response:
    me, code = current(), form.currency.data
    return page(
        "portal/payouts/account.html",
        status=form.status,
        form=form,
        known=find_account(me.vendor, me.mode, code) if code in currencies(me.mode) else None,
        processor=PROCESSORS.get(name := pays_sellers(me.mode), name),
    )


@portal.get("/portal/payouts/schedule")
@may("payouts.request")
def payout_schedule() -> Response:
    return _terms_page(_terms_form(filled=False))


@portal.post("/portal/payouts/schedule")
@may("payouts.request")
def set_payout_schedule() -> Response:
    me, form = current(), _terms_form(filled=True)
    if form.validate():
        schedule = form.schedule.data
        day = {"weekly": int(form.weekday.data or 1), "monthly": form.day.data or 0}.get(schedule, 1)
        with form.refusals():
            change_terms(me.vendor, me.mode, schedule=schedule, day=day, minimum=form.minimum.data, by=me.user.public_id)
            flash(_("Saved."), "good")
            return see_other(url_for(".payouts"))
    return _terms_page(form)


def _terms_form(*, filled: bool) -> TermsForm:
    me, code = current(), _currency()
    kept = terms_of(me.vendor, me.mode, code)
    usual = {"schedule": kept.schedule, "weekday": str(min(kept.day, 7)), "day": kept.day, "minimum": kept.minimum}
    form = TermsForm() if filled else TermsForm(formdata=None, **usual)
    form.minimum.currency = code
    form.schedule.choices, form.weekday.choices = options(schedules().items()), options(weekdays().items())
    return form


def _terms_page(form: TermsForm) -> Response:
    return page("portal/payouts/schedule.html", status=form.status, form=form, currency=_currency())


def schedules() -> dict[str, str]:
    """In words."""
    return {"on_request": _("When I ask for it"), "daily": _("Every day"), "weekly": _("Every week"), "monthly": _("Every month")}


def weekdays() -> dict[str, str]:
    """ISO days."""
    names = _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")
    return {str(number): name for number, name in enumerate(names, 1)}


@portal.get("/portal/payouts/new")
@may("payouts.request")
@two_steps_when_live
def new_payout() -> Response:
    return _request_page(RequestForm(formdata=None, form_token=uuid.uuid4().hex))


@portal.post("/portal/payouts/new")
@may("payouts.request")
@two_steps_when_live
@confirmed
def ask_for_payout() -> Response:
    """Sent twice, it is one payout."""
    me, form = current(), RequestForm()
    if form.validate():
        with form.refusals():
            try:
                made = request_payout(me.vendor, me.mode, _currency(), by=me.user.public_id, form_token=form.form_token.data)
            except StatementDoesNotAddUp:  # nothing is paid on it, and the staff are alarmed
                raise Conflict(
                    _(
                        "Your balance is being looked at by a person of the platform, so nothing can be paid out just now. You do not have to do anything."
                    )
                ) from None
            flash(
                _("%(amount)s is on its way.", amount=str(made.amount))
                if not made.why_held
                else _("Asked for. It leaves when it has been looked at."),
                "good",
            )
            return see_other(url_for(".payout", number=made.public_id))
    return _request_page(form)


def _request_page(form: RequestForm) -> Response:
    return page("portal/payouts/new.html", status=form.status, form=form, purse=purse_of(_currency()))


@portal.get("/portal/payouts/<number>")
@may("balance.see")
def payout(number: str) -> Response:
    """The payout with every line it is made of; over all pages they and the opening are what was paid and carried."""
    me, after = current(), cursor()
    found = get_payout(me.vendor, me.mode, number)
    lines = lines_of(me.vendor, found, after=_place(after) if after else None, limit=ON_A_PAGE + 1)
    last = lines[ON_A_PAGE - 1] if len(lines) > ON_A_PAGE else None
    return page(
        "portal/payouts/show.html",
        payout=found,
        sums=sums_of(found),
        account=account_of(me.vendor, found),
        carriage=find_carriage(me.vendor, found),
        lines=lines[:ON_A_PAGE],
        history=history_of(me.vendor, found),
        why_not=reason_of(found.failure_reason),
        kinds=KINDS,
        hold=payout_hold(me.vendor, me.mode, number) if may_be_held(found) else None,
        owed=owed_since(found),
        stopped=stopped,
        effect=effect,
        printed=_printed(found) is not None,
        waiting="waiting" in request.args,
        first_lines=url_for(".payout", number=number) if after else None,
        next_lines=url_for(".payout", number=number, after=f"{last.journal_id}~{last.leg}") if last else None,
    )


@portal.get("/portal/payouts/<number>.csv")
@may("balance.see")
def payout_file(number: str) -> Response:
    me = current()
    found = get_payout(me.vendor, me.mode, number)
    _check_adds_up(found)
    return send_sheet(
        payout_sheet(me.vendor, found, through=account_of(me.vendor, found).through, titles=titles_for(language())),
        f"payout-{found.mode}-{found.public_id}",
    )


@portal.post("/portal/payouts/<number>/paper")
@may("balance.see")
def print_payout(number: str) -> Response:
    """Have it printed by a worker, as it stands."""
    me = current()
    found = get_payout(me.vendor, me.mode, number)
    if _printed(found) is None:
        _check_adds_up(found)
        ask_for_paper(me.vendor, found, locale=language())
    return see_other(url_for(".payout", number=number, waiting="yes"))


@portal.get("/portal/payouts/<number>.pdf")
@may("balance.see")
def payout_pdf(number: str) -> Response:
    me = current()
    found = get_payout(me.vendor, me.mode, number)
    paper = _printed(found)
    if paper is None:
        raise NotFound(_("This statement has not been printed yet."))
    return send_kept(paper.pdf, f"payout-{found.mode}-{found.public_id}.pdf")


def _printed(found: Payout) -> Paper | None:
    """The paper in the reader's language, once a worker has made it."""
    me = current()
    return newest_paper(me.vendor.id, me.mode, about=paper_name(found, locale=language()), kind="payout")


def _check_adds_up(found: Payout) -> None:
    """Refuses while its statement does not: what is not true is not handed out. The staff are alarmed."""
    if not sums_of(found).add_up:
        raise Conflict(_("The statement of this payout is being looked at by a person of the platform. You do not have to do anything."))


def _key(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(_("That page of payouts does not exist.")) from None


def _place(text: str) -> tuple[uuid.UUID, int]:
    journal, _tilde, leg = text.partition("~")
    if not (leg.isascii() and leg.isdigit() and len(leg) < 5):
        raise NotFound(_("That page of lines does not exist."))
    return _key(journal), min(int(leg), 32_767)
