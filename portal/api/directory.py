"""Listings and branches kept up to date by the vendor's own software, by the same acts as in the portal."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.directory.branches import BranchTerms, add_branch, archive_branch, edit_branch, unarchive_branch
from core.directory.edits import save_listing
from core.directory.feeds import get_place
from core.directory.hours import read_day, read_exceptions
from core.directory.listings import ListingTerms, archive_listing, create_listing, unarchive_listing, unpublish_listing
from core.directory.models import Branch
from core.directory.queries import get_listing
from core.directory.waiting import find_open_edit
from core.payments.queries import get_link
from core.subscriptions.counts import counted
from portal.api.endpoint import endpoint
from portal.api.guard import acting
from portal.api.kinds import Fields, Flag, Number, Pairs, Text, Within
from portal.api.listings import BRANCH, DAYS, LISTING, spelt_exceptions, spelt_hours

LISTING_FIELDS: Fields = {
    "title": Text(about="The name people know the business by.", least=1, most=120, example="Blue Door Bakery"),
    "category": Text(about="What kind of business it is, by its short name.", least=1, most=60, example="bakery"),
    "summary": Text(about="What it is, in a line.", usual="", most=200),
    "description": Text(about="More about it.", usual="", most=5000, lines=True),
    "website": Text(about="Its website.", usual="", most=300),
    "email": Text(about="Its e-mail address for customers.", usual="", most=254),
    "phone": Text(about="Its telephone number.", usual="", most=30),
    "payment_link": Text(about="The payment link its button opens, lnk_...", usual="", most=60),
}
AWAY: Fields = {"archived": Flag(about="false brings it back.", usual=True)}
MICRO = 1_000_000
BRANCH_FIELDS: Fields = {
    "name": Text(about="Its name, like its street or its part of town.", least=1, most=120, example="Gloucester Road"),
    "town": Text(about="The town.", least=1, most=80, example="Bristol"),
    "street": Text(about="Street and number.", usual="", most=200),
    "postcode": Text(about="Its postcode.", usual="", most=20),
    "country": Text(about="The country, two capital letters; left out: the business's own.", usual="", most=2),
    "phone": Text(about="Its telephone number.", usual="", most=30),
    "latitude_e6": Number(about="Millionths of a degree.", usual=None, least=-90 * MICRO, most=90 * MICRO),
    "longitude_e6": Number(about="Millionths of a degree.", usual=None, least=-180 * MICRO, most=180 * MICRO),
    "time_zone": Text(about="By whose clock it is open; left out: the business's own.", usual="", most=60),
    "hours": Within(
        about="When it is open, by weekday: 09:00-12:30, 14:00-18:00.",
        usual=None,
        fields={day: Text(about="Empty: closed.", usual="", most=120) for day in DAYS},
    ),
    "exceptions": Pairs(about="Other hours on single dates.", usual=None, most=60, example={"2027-12-24": "09:00-13:00"}),
}
CALLED = {"link": "payment_link"}
CALLED_THERE = {"lat": "latitude_e6", "lon": "longitude_e6"}


@endpoint("POST", "/listings", gives=LISTING, takes=LISTING_FIELDS, status=201, called=CALLED)
def make_listing(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Make a listing

    A draft that nobody sees. A person publishes it in the portal.
    """
    return LISTING.encode(create_listing(vendor, mode=mode, by=acting(), terms=_said(vendor, mode, sent)))


@endpoint("PATCH", "/listings/<number>", gives=LISTING, takes=LISTING_FIELDS, partly=True, called=CALLED)
def change_listing(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Change a listing

    What is not sent stays as it is. What the public reads already is read by the staff first: until then the answer shows what is shown.
    """
    listing = get_listing(vendor, mode, number)
    edit = find_open_edit(listing)
    kept = dict(edit.terms) if edit else {name: getattr(listing, name) for name in ListingTerms.__dataclass_fields__}
    kept["payment_link"] = kept.pop("link")
    save_listing(listing, by=acting(), terms=_said(vendor, mode, kept | sent))
    return LISTING.encode(get_listing(vendor, mode, number))


@endpoint("POST", "/listings/<number>/unpublish", gives=LISTING)
def take_listing_out(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Make a listing a draft again

    It is gone from the directory at once.
    """
    with counted(vendor, mode, by=acting()):
        unpublish_listing(get_listing(vendor, mode, number), by=acting())
    return LISTING.encode(get_listing(vendor, mode, number))


@endpoint("POST", "/listings/<number>/archive", gives=LISTING, takes=AWAY)
def put_listing_away(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Put a listing away, or bring it back

    With everything that belongs to it.
    """
    with counted(vendor, mode, by=acting()):
        (archive_listing if sent["archived"] else unarchive_listing)(get_listing(vendor, mode, number), by=acting())
    return LISTING.encode(get_listing(vendor, mode, number))


@endpoint(
    "POST", "/branches", gives=BRANCH, status=201, called=CALLED_THERE,
    takes={"listing": Text(about="The listing it belongs to, lst_...", most=60), **BRANCH_FIELDS},
)  # fmt: skip
def make_branch(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Add a branch to a listing

    It is shown with its listing at once. Each beyond the first costs what your plan says.
    """
    listing = get_listing(vendor, mode, sent["listing"])
    with counted(vendor, mode, by=acting()):
        branch = add_branch(listing, by=acting(), terms=_place(vendor, sent))
    return BRANCH.encode((branch, listing))


@endpoint("PATCH", "/branches/<number>", gives=BRANCH, takes=BRANCH_FIELDS, partly=True, called=CALLED_THERE)
def change_branch(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Change a branch

    What is not sent stays as it is; hours and other dates are sent whole.
    """
    branch, listing = get_place(vendor, mode, number)
    return BRANCH.encode((edit_branch(listing, branch, by=acting(), terms=_place(vendor, _as_sent(branch) | sent)), listing))


@endpoint("POST", "/branches/<number>/archive", gives=BRANCH, takes=AWAY)
def put_branch_away(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Put a branch away, or bring it back"""
    branch, listing = get_place(vendor, mode, number, everything=True)
    with counted(vendor, mode, by=acting()):
        (archive_branch if sent["archived"] else unarchive_branch)(listing, branch, by=acting())
    return BRANCH.encode(get_place(vendor, mode, number, everything=True))


def _said(vendor: Vendor, mode: str, sent: dict[str, Any]) -> ListingTerms:
    """The terms; a payment link has to be one of the vendor's own."""
    if sent["payment_link"]:
        get_link(vendor, mode, sent["payment_link"])
    return ListingTerms(**{"link" if name == "payment_link" else name: value for name, value in sent.items()})


def _place(vendor: Vendor, sent: dict[str, Any]) -> BranchTerms:
    hours = {str(n): read_day((sent["hours"] or {}).get(day, ""), field=f"hours.{day}") for n, day in enumerate(DAYS)}
    lines = "\n".join(f"{day} {words}" for day, words in (sent["exceptions"] or {}).items())
    plain = {name: sent[name] for name in ("name", "town", "street", "postcode", "phone")}
    return BranchTerms(
        **plain, country=sent["country"] or vendor.country, time_zone=sent["time_zone"] or vendor.time_zone, lat_e6=sent["latitude_e6"],
        lon_e6=sent["longitude_e6"], hours={day: spans for day, spans in hours.items() if spans},
        exceptions=read_exceptions(lines, field="exceptions"),
    )  # fmt: skip


def _as_sent(branch: Branch) -> dict[str, Any]:
    """A branch as it would be sent."""
    plain = {name: getattr(branch, name) for name in ("name", "town", "street", "postcode", "country", "phone", "time_zone")}
    more = {"hours": spelt_hours(branch), "exceptions": spelt_exceptions(branch)}
    return plain | more | {"latitude_e6": branch.lat_e6, "longitude_e6": branch.lon_e6}
