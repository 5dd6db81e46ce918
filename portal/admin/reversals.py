"""Taking back a journal that somebody of the staff had booked by hand: with a reason, above a limit by two people, never twice."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import vendors_by_id
from core.accounts.queries import hold_vendor
from core.accounts.staff import staff_names
from core.ledger.book import PLATFORM
from core.ledger.everywhere import get_reversal, list_reversals
from core.ledger.explore import get_booking
from core.ledger.reverse import (
    LONGEST_REASON,
    approve_reversal,
    decline_reversal,
    find_reversal_of,
    needs_two,
    request_reversal,
    why_not_reversible,
)
from core.web.fields import Form, LineField
from core.web.languages import written
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.books import HOUSE, Book
from portal.confirm import confirmed


class ReverseForm(Form):
    reason = LineField(
        later("What is wrong with it"),
        most=LONGEST_REASON,
        required=later("Say what is wrong with it: the reason stands in the audit log."),
    )


class DecideForm(Form):
    pass


@staff_door.get("/staff/reversals")
@staff_may("balances.see")
def reversals() -> Response:
    return _index()


@staff_door.get("/staff/books/<owner>/<mode>/journals/<number>/reversal")
@staff_may("books.reverse")
def reversal(owner: str, mode: str, number: str) -> Response:
    """What would be booked, before it is."""
    return _page(Book(owner, mode), number, None)


@staff_door.post("/staff/books/<owner>/<mode>/journals/<number>/reversal")
@staff_may("books.reverse")
@confirmed
def reverse(owner: str, mode: str, number: str) -> Response:
    """Pressed twice, it is one."""
    shown, form = Book(owner, mode), ReverseForm()
    if shown.is_closed:
        return shown.ask()
    if form.validate():
        with form.refusals():
            journal = get_booking(shown.owner, mode, number).journal
            hold_vendor(journal.vendor_id)  # what a write-off gave up is paid back, or taken back: whoever is second sees it
            made = request_reversal(journal, reason=form.reason.data or "", by=staff().public_id)
            if made.state == "booked":
                flash(_("Taken back: the journal that does so stands in the book."), "good")
            else:
                flash(_("It is above the limit: a second person has to say so too."), "warn")
            return see_other(url_for(".journal", owner=owner, mode=mode, number=number))
    return _page(shown, number, form)


@staff_door.post("/staff/reversals/<number>/approval")
@staff_may("books.reverse")
@confirmed
def approve_reversal_of(number: str) -> Response:
    """Not by whoever asked for it."""
    row, form = get_reversal(number), DecideForm()
    if form.validate():
        with form.refusals():
            hold_vendor(row.vendor_id)
            approve_reversal(row, by=staff().public_id)
            flash(_("Taken back: the journal that does so stands in the book."), "good")
            return see_other(url_for(".reversals"))
    return _index(form)


@staff_door.post("/staff/reversals/<number>/refusal")
@staff_may("books.reverse")
def decline_reversal_of(number: str) -> Response:
    decline_reversal(get_reversal(number), by=staff().public_id)
    flash(_("The journal stays as it is."), "good")
    return see_other(url_for(".reversals"))


def _index(failed: DecideForm | None = None) -> Response:
    waiting, decided = list_reversals(waiting=True), list_reversals(waiting=False, limit=25)
    vendors = vendors_by_id({row.vendor_id for row, _journal in (*waiting, *decided)} - {PLATFORM})
    return page(
        "portal/admin/books/reversals.html",
        status=409 if failed else 200,
        waiting=waiting,
        decided=decided,
        vendors=vendors,
        owners={vendor_id: vendor.public_id for vendor_id, vendor in vendors.items()} | {PLATFORM: HOUSE},
        names=staff_names(),
        me=staff().public_id,
        failed=failed,
    )


def _page(shown: Book, number: str, failed: ReverseForm | None) -> Response:
    if shown.is_closed:
        return shown.ask()
    booking = get_booking(shown.owner, shown.mode, number)
    return shown.page(
        "portal/admin/books/reverse.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        booking=booking,
        standing=find_reversal_of(booking.journal),
        why_not=written(why_not) if (why_not := why_not_reversible(booking.journal)) is not None else "",
        two=needs_two(booking.journal),
        form=failed or ReverseForm(formdata=None),
        failed=failed,
    )
