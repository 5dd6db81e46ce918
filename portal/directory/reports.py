"""Saying that something is wrong with a listing: by anybody, without an account or a name."""

from __future__ import annotations

from flask import Response, url_for
from flask_babel import lazy_gettext as later

from core.directory.index import address_of
from core.directory.models import Listing
from core.directory.public import open_listing
from core.directory.reports import LONGEST, report_listing
from core.web.fields import Form, ParagraphField, RadioField, options
from core.web.guard import public
from core.web.page import page, see_other
from core.web.throttle import by_address
from portal.directory.blueprint import directory

KINDS = [
    ("misleading", later("What it says is wrong or misleads people")), ("not_theirs", later("The name, a picture or a text is somebody else’s")),
    ("closed", later("The business is closed or is not there")), ("spam", later("It is advertising and no business")),
    ("harmful", later("It is forbidden or could harm people")), ("other", later("Something else")),
]  # fmt: skip


class ReportForm(Form):
    kind = RadioField(later("What is wrong?"), choices=())
    words = ParagraphField(later("In a few words"), most=LONGEST)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = options((value, str(words)) for value, words in KINDS)


@directory.get("/directory/report/<address>")
@public
def report(address: str) -> Response:
    return _page(open_listing(address).listing, ReportForm(formdata=None))


@directory.post("/directory/report/<address>")
@public
@by_address("10 per hour", scope="listing-reports")
def send_report(address: str) -> Response:
    """Whoever sends one learns that it was taken, and nothing else: not what others have said, nor whether it is one too many."""
    listing, form = open_listing(address).listing, ReportForm()
    if form.validate():
        with form.refusals():
            report_listing(listing, kind=form.kind.data or "", words=form.words.data or "")
            return see_other(url_for(".reported", address=address_of(listing)))
    return _page(listing, form)


@directory.get("/directory/report/<address>/thanks")
@public
def reported(address: str) -> Response:
    listing = open_listing(address).listing
    return page("portal/public/reported.html", listing=listing, address=address_of(listing))


def _page(listing: Listing, form: ReportForm) -> Response:
    return page("portal/public/report.html", status=form.status, form=form, listing=listing, address=address_of(listing))
