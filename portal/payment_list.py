"""The list of payments: its filters, the ones somebody saved, and the same rows as a file."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from werkzeug.datastructures import MultiDict
from wtforms.validators import StopValidation

from core.accounts.models import SavedFilter
from core.accounts.saved_filters import choose_default, drop_default, find_default, list_filters, remove_filter, save_filter
from core.kernel import clock
from core.kernel.currency import OFFERED
from core.kernel.errors import NotFound
from core.payments.export import payments_sheet
from core.payments.export_narrow import narrow_to_plain
from core.payments.labels import labels_by_payment, payment_label_words
from core.payments.lists import PaymentFilter, list_payments
from core.payments.long_export import is_long
from core.payments.queries import get_link
from core.payments.transfer_queries import count_open_cases
from core.providers.contract import METHODS
from core.web.fields import AddressField, BooleanField, ChoiceField, Form, LineField, MoneyField, options
from core.web.filters import status_label
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import cursor, page, see_other
from core.web.reader import CARD_BRANDS
from core.web.sheet import send_sheet, send_workbook, titles_for
from portal.blueprint import portal
from portal.branch_choices import branches_to_choose
from portal.days import SpanForm
from portal.method_words import method_title

SHOWN_STATES = (
    "succeeded",
    "refunded",
    "partly_refunded",
    "disputed",
    "processing",
    "requires_action",
    "requires_method",
    "unknown",
    "created",
    "canceled",
    "expired",
    "marked_paid",
)
LIST = "payments"
# What is done to many at once: act -> (what it is called, who may).
BULK_ACTS = {
    "archive": (later("Put away"), "payments.archive"),
    "unarchive": (later("Bring back into the list"), "payments.archive"),
    "export": (later("Export as CSV"), "payments.export"),
    "receipt": (later("Send the receipt again"), "messages.send"),
    "refund": (later("Refund what is left"), "payments.refund"),
}


class LinkField(LineField):
    """A payment link of the vendor's by its public id; `link` is the row."""

    link: Any = None

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        me = current()
        if self.data:
            try:
                self.link = get_link(me.vendor, me.mode, self.data)
            except NotFound:
                raise StopValidation(_("There is no such payment link.")) from None


def _ways() -> list[tuple[str, str]]:
    """Every way to pay, and the cards by their brand."""
    return [*((method, str(method_title(method))) for method in METHODS), *CARD_BRANDS.items()]


def _currencies() -> list[str]:
    """The vendor's own first."""
    own = current().vendor.currency
    return [own, *(code for code in sorted(OFFERED) if code != own)]


def exceptions() -> dict[str, str]:
    """What may be out of the ordinary about a payment."""
    return {
        "partial": _("Part of a transfer has come"), "over": _("Too much was transferred"), "late": _("A transfer came too late"),
        "unexpected": _("Money that was not expected"), "held": _("Held: looked like card testing"), "marked": _("Marked by hand"),
    }  # fmt: skip


class FilterForm(SpanForm):
    q = LineField(later("Search"), most=254)
    status = ChoiceField(
        later("Status"), choices=lambda: options([("", _("All")), *((s, status_label(s)) for s in SHOWN_STATES)]), default=""
    )
    method = ChoiceField(later("Paid with"), choices=lambda: options([("", _("Anything")), *_ways()]), default="")
    branch = ChoiceField(later("Branch"), choices=lambda: options(branches_to_choose(blank=_("All branches"), none=True)), default="")
    currency = ChoiceField(later("Currency"), choices=lambda: options([("", _("All")), *((c, c) for c in _currencies())]), default="")
    exception = ChoiceField(
        later("Out of the ordinary"), choices=lambda: options([("", _("No matter")), *exceptions().items()]), default=""
    )
    least = MoneyField(later("Paid at least"), currency="GBP")
    most = MoneyField(later("Paid at most"), currency="GBP")
    customer = AddressField(later("Customer"), required=None)
    link = LinkField(later("Link"), most=40)
    label = LineField(later("Label"), most=30)
    archived = ChoiceField(
        later("Put away"),
        choices=lambda: options([("", _("Not shown")), ("only", _("Only those put away")), ("all", _("Shown with the others"))]),
        default="",
    )

    def __init__(self, given: Any) -> None:
        super().__init__(given)
        named = (given or {}).get("currency", "")
        self.least.currency = self.most.currency = named if named in OFFERED else current().vendor.currency

    def wanted(self) -> PaymentFilter:
        """The filters as the question about payments takes them; the last day counts whole. Sums are in the chosen currency, or else in the vendor's own."""
        bounded = self.least.data or self.most.data
        return PaymentFilter(
            text=self.q.data or None,
            status=self.status.data or None,
            method=self.method.data if self.method.data in CARD_BRANDS else None,
            way=self.method.data if self.method.data in METHODS else None,
            currency=self.least.currency if bounded else self.currency.data or None,
            exception=self.exception.data or None,
            branch=self.branch.data or None,
            email=self.customer.data.lower() if self.customer.data else None,
            link=self.link.link,
            since=self.begins,
            until=self.ends,
            label=self.label.data or None,
            archived={"only": True, "all": None}.get(self.archived.data, None if self.q.data else False),  # a search finds everything
            least=self.least.data.minor if self.least.data else None,
            most=self.most.data.minor if self.most.data else None,
        )

    @property
    def has_more(self) -> bool:
        """Whether one of the filters that are folded away is in use."""
        return any(
            field.data or field.errors
            for field in (
                self.method,
                self.currency,
                self.exception,
                self.least,
                self.most,
                self.customer,
                self.link,
                self.label,
                self.archived,
            )
        )


class SaveForm(Form):
    name = LineField(later("Name"), most=60, required=later("Give the filter a name."))
    shared = BooleanField(later("Show it to everybody of the team"))


def acts_offered() -> list[tuple[str, str]]:
    """What the reader may do to many payments at once, as (value, words)."""
    me = current()
    return [(name, str(words)) for name, (words, permission) in BULK_ACTS.items() if me.may(permission)]


def _answer(given: MultiDict[str, str], saving: SaveForm | None = None) -> Response:
    me, form = current(), FilterForm(given)
    good, after = form.validate(), cursor()
    found = list_payments(me.vendor, me.mode, form.wanted() if good else PaymentFilter(archived=False), after=after)
    kept = form.kept() if good else {}
    return page(
        "portal/payments/index.html",
        fragment="portal/payments/_table.html",
        status=saving.status if saving else 200,
        form=form,
        saving=saving or SaveForm(formdata=None),
        opened=saving is not None,
        saved=[] if me.limited else list_filters(me.vendor, me.mode, list=LIST, person=me.user.public_id),
        usual=_usual(),
        everything=url_for(".payments", view="all"),
        payments=found.rows,
        payment_labels=labels_by_payment(me.vendor, me.mode, found.rows),
        label_words=[] if me.limited else payment_label_words(me.vendor, me.mode),
        kept=kept,
        newest=url_for(".payments", **kept) if after else None,
        older=url_for(".payments", after=found.next, **kept) if found.next else None,
        acts=acts_offered(),
        undecided=0 if me.limited else count_open_cases(me.vendor, me.mode),
    )


def _usual() -> SavedFilter | None:
    """With which saved filter the list opens for this person. Whoever is limited to branches has none: others' would name other branches."""
    me = current()
    return None if me.limited else find_default(me.vendor, me.mode, list=LIST, person=me.user.public_id)


@portal.get("/portal/payments")
@may("payments.see")
def payments() -> Response:
    """The address without anything opens with the filter that this person has chosen for it; `?view=all` shows everything all the same."""
    usual = None if request.args else _usual()
    if usual is not None:
        return see_other(f"{url_for('.payments')}?{usual.query}")
    return _answer(request.args)


@portal.get("/portal/payments.csv")
@may("payments.export")
def payments_file() -> Response:
    """Every row under the filters of the address, as it stands at this moment. Filters that cannot be read are shown, not guessed."""
    return _as_file("csv")


@portal.get("/portal/payments.xlsx")
@may("payments.export")
def payments_workbook() -> Response:
    """The same rows for a spreadsheet program."""
    return _as_file("xlsx")


def _as_file(file_format: str) -> Response:
    """What is too long to be written while somebody waits leads on to the page that has it written."""
    me, form = current(), FilterForm(request.args)
    if not form.validate():
        return see_other(url_for(".payments", **request.args.to_dict()))
    narrow, name, titles = form.wanted(), f"payments-{me.mode}-{clock.now():%Y-%m-%d}", titles_for(language())
    if is_long(me.vendor, me.mode, "payments", narrow_to_plain(narrow)):
        if me.limited:  # the worker that writes those knows of no limit
            flash(_("That is too much for one file at once. Choose a shorter time, and take it in several files."), "warn")
            return see_other(url_for(".payments", **form.kept()))
        return see_other(url_for(".new_export", subject="payments", **{**form.kept(), "as": file_format}))
    pieces = payments_sheet(me.vendor, me.mode, narrow, titles=titles)
    if file_format == "xlsx":
        return send_workbook(pieces, name, title=_("Payments"), titles=titles)
    return send_sheet(pieces, name)


@portal.post("/portal/payments/filters")
@may("payments.see")
def keep_filter() -> Response:
    """The filters of the address get a name."""
    me, form, filters = current(), SaveForm(), FilterForm(request.args)
    kept = filters.kept() if filters.validate() else {}
    if not kept:
        flash(_("Choose a filter first: a list without one needs no name."), "info")
        return see_other(url_for(".payments"))
    if form.validate():
        with form.refusals():
            address = url_for(".payments", **kept)
            save_filter(
                me.vendor,
                me.mode,
                list=LIST,
                name=form.name.data,
                query=address.partition("?")[2],
                by=me.user.public_id,
                shared=form.shared.data,
            )
            flash(_("Saved. You find it above the list."), "good")
            return see_other(address)
    return _answer(request.args, form)


@portal.post("/portal/payments/filters/<public_id>/remove")
@may("payments.see")
def drop_filter(public_id: str) -> Response:
    me = current()
    gone = remove_filter(me.vendor, me.mode, public_id, by=me.user.public_id, any_of_them=me.may("remarks.moderate"))
    flash(_("“%(name)s” is removed. The payments it showed are where they were.", name=gone.name), "good")
    return see_other(url_for(".payments"))


@portal.post("/portal/payments/filters/<public_id>/usual")
@may("payments.see")
def open_with_filter(public_id: str) -> Response:
    me = current()
    chosen = choose_default(me.vendor, me.mode, public_id, by=me.user.public_id)
    flash(_("Payments open with “%(name)s” for you from now on.", name=chosen.name), "good")
    return see_other(url_for(".payments"))


@portal.post("/portal/payments/filters/no-usual")
@may("payments.see")
def open_with_everything() -> Response:
    me = current()
    drop_default(me.vendor, me.mode, list=LIST, by=me.user.public_id)
    flash(_("Payments open with everything again."), "good")
    return see_other(url_for(".payments"))
