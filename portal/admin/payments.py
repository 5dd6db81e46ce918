"""Payments of every vendor: found by anything a caller can read out, and shown with the very trail the vendor sees."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms.validators import StopValidation

from core.accounts.everywhere import vendors_meant
from core.accounts.models import Vendor
from core.accounts.queries import names_of
from core.disputes.queries import disputes_of
from core.hooks.log import deliveries_about
from core.ledger.queries import journals_about
from core.methods.names import TITLES
from core.notifications.queries import list_messages
from core.payments.everywhere import EVERYTHING, EverywhereFilter, get_everywhere, list_everywhere
from core.payments.models import Payment
from core.payments.queries import find_link_of, refunds_of_sale, timeline
from core.payments.review import list_reviews
from core.payments.review_models import Screening
from core.payments.search import Reading, read_words
from core.payments.unexpected import list_unexpected
from core.payouts.queries import payouts_with
from core.web.day_fields import DayField
from core.web.fields import ChoiceField, Form, LineField, options, plain_text
from core.web.filters import status_label
from core.web.languages import written
from core.web.page import cursor, page
from core.web.reader import CARD_BRANDS
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.rule_words import STATES
from portal.admin.visits import ask_why, visit_of
from portal.bought import bought
from portal.explain import book_lines, sums_of
from portal.history import REASONS
from portal.payment_list import SHOWN_STATES
from portal.trail import Doors, follow, subjects_of

LETTERS_SHOWN = 50
# Staff see that a letter was written and to whom; its words are the vendor's and the payer's.
STAFFS = Doors(
    event=lambda payment, event_id: url_for("staff.event", provider=payment.provider, mode=payment.mode, event_id=event_id),
    letter=lambda _message: None,
    payout=lambda payout: url_for("staff.payout", number=payout.public_id) if staff().may("payouts.see") else None,
    delivery=lambda _sent: None,
)


class WordsField(LineField):
    """What a caller can read out: a payment's number or reference, a whole e-mail address, four digits of the card."""

    words: Reading | None = None

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data:
            words = read_words(self.data, "GBP")
            if not ((words.public_id or "").startswith("pay_") or words.reference or words.last4 or (words.name and "@" in words.name)):
                raise StopValidation(
                    _("Write a reference, a payment’s number, a whole e-mail address, or the last four digits of the card.")
                )
            self.words = words


class VendorField(LineField):
    """A vendor's number or a piece of its name; `ids` are those it stands for."""

    ids: list[Any] | None = None

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data and not plain_text(self.data):
            found = vendors_meant(self.data)
            if not found:
                raise StopValidation(_("No vendor has this number or name."))
            self.ids = [vendor.id for vendor in found]


class EverywhereForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = WordsField(later("Search"), most=254)
    vendor = VendorField(later("Vendor"), most=120)
    mode = ChoiceField(
        later("Mode"), choices=lambda: options([("", _("Test and live")), ("live", _("Live")), ("test", _("Test"))]), default=""
    )
    status = ChoiceField(
        later("Status"), choices=lambda: options([("", _("All")), *((s, status_label(s)) for s in SHOWN_STATES)]), default=""
    )
    method = ChoiceField(
        later("Paid with"),
        choices=lambda: options(
            [("", _("Anything")), *((method, written(title)) for method, title in TITLES.items()), *CARD_BRANDS.items()]
        ),
        default="",
    )
    since = DayField(later("From"))
    until = DayField(later("Until"))

    def wanted(self) -> EverywhereFilter:
        return EverywhereFilter(
            words=self.q.words,
            vendor_ids=self.vendor.ids,
            mode=self.mode.data or None,
            status=self.status.data or None,
            method=self.method.data or None,
            since=self.since.data,
            until=self.until.next_day,
        )

    def kept(self) -> dict[str, str]:
        """What belongs in the address of the next page."""
        return {name: field.raw_data[0] for name, field in self._fields.items() if field.data and field.raw_data}

    @property
    def has_more(self) -> bool:
        """Whether one of the filters that are folded away is in use."""
        return any(field.data or field.errors for field in (self.method, self.since, self.until))


@staff_door.get("/staff/payments")
@staff_may("payments.see")
def payments() -> Response:
    form = EverywhereForm(request.args)
    good, after = form.validate(), cursor()
    found = list_everywhere(form.wanted() if good else EVERYTHING, after=after)
    kept = form.kept() if good else {}
    return page(
        "portal/admin/payments/index.html",
        fragment="portal/admin/payments/_table.html",
        form=form,
        found=found.rows,
        kept=kept,
        newest=url_for(".payments", **kept) if after else None,
        older=url_for(".payments", after=found.next, **kept) if found.next else None,
    )


def _reviews(vendor: Vendor, payment: Payment) -> list[tuple[Screening, tuple[Any, str]]]:
    """The reviews it waited in or waits in, for whoever may see them, each with its state in words."""
    rows = [row for row in list_reviews(vendor, payment) if row.waits_since is not None] if staff().may("risk.see") else []
    return [(row, STATES.get(row.state, STATES["gone"])) for row in rows]


@staff_door.get("/staff/payments/<public_id>")
@staff_may("payments.see")
def payment(public_id: str) -> Response:
    """The same sums, lines and history as the vendor's own page, row by row; nothing here can be changed."""
    vendor, payment = get_everywhere(public_id)
    visit = visit_of(vendor)
    if visit is None:
        return ask_why(vendor)
    seen(vendor, payment.public_id)
    journals = journals_about(vendor, payment.mode, payment.public_id)
    letters = list_messages(vendor, payment.mode, about=payment.public_id, limit=LETTERS_SHOWN).rows
    refunds = refunds_of_sale(vendor, payment)
    told = deliveries_about(vendor, payment.mode, subjects_of(payment, refunds, disputes_of(vendor, payment)))
    return page(
        "portal/admin/payments/show.html",
        payment=payment,
        vendor=vendor,
        visit=visit,
        link=find_link_of(vendor, payment),
        refunds=refunds,
        reviews=_reviews(vendor, payment),
        unexpected=list_unexpected(vendor, payment),
        trail=follow(
            payment,
            timeline(vendor, payment),
            journals,
            letters,
            names_of(vendor),
            payouts_with(vendor, payment.mode, payment.public_id),
            told,
            STAFFS,
        ),
        sums=sums_of(payment),
        books=book_lines(journals),
        reasons=REASONS,
        **bought(vendor, payment),
    )
