"""The books to look into: the trial balance of a vendor's book or the platform's own, its journals, and every leg of one. Nothing can be changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms.validators import StopValidation

from core.accounts.everywhere import get_vendor_everywhere, vendors_by_id
from core.accounts.models import Vendor
from core.kernel.currency import is_currency
from core.kernel.errors import NotFound
from core.ledger.book import PLATFORM
from core.ledger.explore import (
    entry_sums,
    find_by_key,
    find_in_any_book,
    find_reversal,
    get_booking,
    house_trial_balances,
    last_proof,
    list_bookings,
    trial_balances,
)
from core.ledger.reverse import find_reversal_of, why_not_reversible
from core.web.fields import Form, LineField
from core.web.page import cursor, page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.visits import ask_why, visit_of

HOUSE = "platform"  # whose book it is in the address, when it is no vendor's


@dataclass(frozen=True)
class House:
    """The platform's own book: what belongs to no vendor."""

    id: UUID = PLATFORM


class JournalForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    about = LineField(later("About or booked as"), most=160)

    def validate_about(self, field: LineField) -> None:
        if field.data and not field.data.isascii():
            raise StopValidation(_("Write a number like pay_… or ref_…, or the key of an event, like cap:…"))


class FindForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(later("Any number"), most=160)

    def validate_q(self, field: LineField) -> None:
        if field.data and not field.data.isascii():
            raise StopValidation(_("Write a number like pay_… or ref_…, or the key of an event, like cap:…"))


class Book:
    """Whose book is looked into, and with which right."""

    def __init__(self, owner: str, mode: str) -> None:
        if mode not in ("live", "test"):
            raise NotFound("There is no such book.")
        self.name, self.mode = owner, mode
        self.vendor: Vendor | None = None if owner == HOUSE else get_vendor_everywhere(owner)
        self.owner: Vendor | House = self.vendor or House()
        self.visit = visit_of(self.vendor) if self.vendor else None

    @property
    def is_closed(self) -> bool:
        """Whether the staff have to say why first."""
        return self.vendor is not None and self.visit is None

    def ask(self) -> Response:
        if self.vendor is None:
            raise RuntimeError("nobody has to say why to look into the platform's own book")
        return ask_why(self.vendor)

    def page(self, template: str, **values: Any) -> Response:
        if self.vendor:
            seen(self.vendor, f"book {self.mode}")
        title = self.vendor.name if self.vendor else _("The platform")
        return page(template, owner=self.name, mode=self.mode, vendor=self.vendor, visit=self.visit, whose=title, **values)


@staff_door.get("/staff/books/<owner>/<mode>")
@staff_may("balances.see")
def book(owner: str, mode: str) -> Response:
    """Every account, debit and credit, currency by currency: both sides come to the same. `?checked=yes`: each added up anew beside it."""
    shown = Book(owner, mode)
    if shown.is_closed:
        return shown.ask()
    return shown.page(
        "portal/admin/books/index.html",
        balances=trial_balances(shown.owner, mode),
        proof=last_proof(shown.owner, mode),
        sums=entry_sums(shown.owner, mode) if request.args.get("checked") == "yes" else None,
    )


@staff_door.get("/staff/books/together/<mode>")
@staff_may("balances.see")
def books_together(mode: str) -> Response:
    """All books as one: what the house holds and owes, currency by currency."""
    if mode not in ("live", "test"):
        raise NotFound("There is no such book.")
    return page("portal/admin/books/together.html", mode=mode, balances=house_trial_balances(mode))


@staff_door.get("/staff/books/find")
@staff_may("balances.see")
def find_in_books() -> Response:
    """Any number there is, to its journals: in whose book it stands is looked up."""
    form = FindForm(request.args)
    if not (form.validate() and form.q.data):
        return page("portal/admin/books/find.html", form=form, nothing=None, status=422 if form.errors else 200)
    found = find_in_any_book(form.q.data)
    if found is None:
        return page("portal/admin/books/find.html", form=form, nothing=form.q.data)
    vendor_id, mode, journal = found
    owner = HOUSE if vendor_id == PLATFORM else vendors_by_id({vendor_id})[vendor_id].public_id
    if journal is not None:
        return see_other(url_for(".journal", owner=owner, mode=mode, number=journal))
    return see_other(url_for(".journals", owner=owner, mode=mode, about=form.q.data))


@staff_door.get("/staff/books/<owner>/<mode>/journals")
@staff_may("balances.see")
def journals(owner: str, mode: str) -> Response:
    """Newest first: all of them, those that touch one account, or those about one payment, refund or line of the bank."""
    shown = Book(owner, mode)
    if shown.is_closed:
        return shown.ask()
    form, after = JournalForm(request.args), cursor()
    about = (form.about.data or None) if form.validate() else None
    if about and (found := find_by_key(shown.owner, mode, about)):
        return see_other(url_for(".journal", owner=owner, mode=mode, number=found.id))
    account = _account()
    listed = list_bookings(shown.owner, mode, account=account, about=about, after=after)
    here = {"owner": owner, "mode": mode, **({"about": about} if about else {}), **_kept(account)}
    return shown.page(
        "portal/admin/books/journals.html",
        form=form,
        account=account,
        bookings=listed.rows,
        newest=url_for(".journals", **here) if after else None,
        older=url_for(".journals", after=listed.next, **here) if listed.next else None,
    )


@staff_door.get("/staff/books/<owner>/<mode>/journals/<number>")
@staff_may("balances.see")
def journal(owner: str, mode: str, number: str) -> Response:
    """One journal, whole."""
    shown = Book(owner, mode)
    if shown.is_closed:
        return shown.ask()
    booking = get_booking(shown.owner, mode, number)
    return shown.page(
        "portal/admin/books/journal.html",
        booking=booking,
        reversal=find_reversal(shown.owner, booking.journal),
        may_reverse=staff().may("books.reverse")
        and why_not_reversible(booking.journal) is None
        and find_reversal_of(booking.journal) is None,
    )


def _account() -> tuple[int, str, str] | None:
    """`?code=1010&sub=sandbox&currency=GBP`: one account of the book."""
    code, currency, sub = request.args.get("code", ""), request.args.get("currency", ""), request.args.get("sub", "")
    if not code:
        return None
    if not (code.isascii() and code.isdigit() and len(code) == 4 and is_currency(currency) and sub.isascii() and sub.isprintable()):
        raise NotFound("There is no such account.")
    return int(code), sub[:60], currency


def _kept(account: tuple[int, str, str] | None) -> dict[str, str]:
    return {"code": str(account[0]), "sub": account[1], "currency": account[2]} if account else {}
