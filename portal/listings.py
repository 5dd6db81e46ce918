"""Listings in the public directory: the list, making and editing one, its own page, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.directory.edits import save_listing, take_back_edit
from core.directory.images import list_images, most_images
from core.directory.index import address_of, is_shown
from core.directory.listings import ListingTerms, archive_listing, create_listing, publish_listing, unarchive_listing, unpublish_listing
from core.directory.models import Listing
from core.directory.moderate import ask_for_review
from core.directory.public import see_listing
from core.directory.queries import (
    count_products,
    find_category,
    get_branch,
    get_listing,
    get_product,
    list_branches,
    list_listings,
    list_products,
)
from core.directory.standing import find_standing, is_read_only
from core.directory.waiting import OPEN, find_open_edit, last_edit
from core.kernel.errors import Conflict, NotFound
from core.kernel.ids import is_public_id
from core.payments.queries import get_link
from core.subscriptions.counts import counted
from core.subscriptions.plan import find_plan
from core.web import addresses
from core.web.fields import ChoiceField, Form, LineField, options
from core.web.guard import current, may
from core.web.page import cursor, page, see_other
from portal.blueprint import portal
from portal.directory.sight import look_of
from portal.listing_changes import FIELD_NAMES, told_changes
from portal.listing_form import ListingForm, listing_form
from portal.plan_hints import grace_now, why_hidden
from portal.read_only import editable, read_only

STATES = [
    ("", _l("All")), ("published", _l("In the directory")), ("draft", _l("Drafts")), ("withdrawn", _l("Taken out")), ("archived", _l("Archived")),
]  # fmt: skip
FEW = 5


class FilterForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(_l("Search"), most=120)
    state = ChoiceField(_l("State"), choices=options(STATES), default="")

    def kept(self) -> dict[str, str]:
        """What belongs in the address of the next page."""
        return {name: field.data for name, field in self._fields.items() if field.data}


@portal.get("/portal/listings")
@may("listings.see")
def listings() -> Response:
    me, form, after = current(), FilterForm(request.args), cursor()
    good = form.validate()
    kept = form.kept() if good else {}
    found = list_listings(me.vendor, me.mode, state=kept.get("state"), text=kept.get("q"), after=after)
    return page(
        "portal/listings/index.html",
        fragment="portal/listings/_table.html",
        form=form,
        listings=found.rows,
        products=count_products(me.vendor, me.mode, found.rows),
        standing=find_standing(me.vendor.id, me.mode),
        why=why_hidden(find_standing(me.vendor.id, me.mode)),
        grace=grace_now(find_plan(me.vendor, me.mode))[1],
        read_only=read_only(),
        undo=undo_offered(),
        filtered=bool(kept),
        newest=url_for(".listings", **kept) if after else None,
        older=url_for(".listings", after=found.next, **kept) if found.next else None,
    )


@portal.get("/portal/listings/new")
@may("listings.edit")
@editable
def new_listing() -> Response:
    return page("portal/listings/new.html", form=listing_form())


@portal.post("/portal/listings/new")
@may("listings.edit")
def make_listing() -> Response:
    me, form = current(), ListingForm()
    if form.validate():
        with form.refusals():
            _check_link(form)
            listing = create_listing(me.vendor, mode=me.mode, by=me.user.public_id, terms=form.terms())
            flash(_("The draft is kept. Add a branch and some products, look at it, and publish it."), "good")
            return see_other(url_for(".listing", public_id=listing.public_id))
    return page("portal/listings/new.html", status=form.status, form=form)


@portal.get("/portal/listings/<public_id>")
@may("listings.see")
def listing(public_id: str) -> Response:
    return show(find_own(public_id))


@portal.get("/portal/listings/<public_id>/edit")
@may("listings.edit")
@editable
def edit_listing_form(public_id: str) -> Response:
    found = find_own(public_id)
    edit = find_open_edit(found)
    return page("portal/listings/edit.html", listing=found, edit=edit, form=listing_form(ListingTerms(**edit.terms) if edit else found))


@portal.post("/portal/listings/<public_id>/edit")
@may("listings.edit")
def change_listing(public_id: str) -> Response:
    found = find_own(public_id)
    form = ListingForm()
    if form.validate():
        with form.refusals():
            _check_link(form)
            waits = save_listing(found, by=current().user.public_id, terms=form.terms())
            if waits:
                flash(_("Saved. Our staff read it first; until then the directory shows what it shows now."), "good")
            else:
                flash(_("Saved."), "good")
            return see_other(url_for(".listing", public_id=public_id))
    return page("portal/listings/edit.html", status=form.status, listing=found, edit=find_open_edit(found), form=form)


ACTS: dict[str, tuple[Callable[[Listing], Any], Any]] = {
    "publish": (lambda listing: publish_listing(listing, by=current().user), _l("It is in the directory now.")),
    "unpublish": (lambda listing: unpublish_listing(listing, by=_by()), _l("It is a draft again, and gone from the directory.")),
    "archive": (lambda listing: archive_listing(listing, by=_by()), _l("Put away. Nobody sees it, and you can bring it back as it was.")),
    "unarchive": (lambda listing: unarchive_listing(listing, by=_by()), _l("It is back as it was.")),
    "take-back": (lambda listing: _take_back(listing), _l("Your changes are taken back. The directory shows what it showed.")),
    "review": (lambda listing: ask_for_review(listing, by=_by()), _l("The staff know that you have mended it, and look again.")),
}


@portal.post("/portal/listings/<public_id>/do/<act>")
@may("listings.edit")
def act_on_listing(public_id: str, act: str) -> Response:
    found = find_own(public_id)
    if act not in ACTS:
        raise NotFound
    form = Form()
    with form.refusals():
        do, words = ACTS[act]
        with counted(current().vendor, current().mode, by=_by()):
            do(found)
        waits = act == "publish" and found.state == "draft"
        flash(_("Our staff read it first, and you are told as soon as they have.") if waits else str(words), "good")
        if act == "archive":
            return see_other(url_for(".listings", archived=public_id))
        return see_other(url_for(".listing", public_id=public_id))
    return show(found, form)


@portal.get("/portal/listings/<public_id>/preview")
@may("listings.see")
def preview_listing(public_id: str) -> Response:
    """The page as the public would see it, whatever its state; test listings are seen nowhere else."""
    me, found = current(), find_own(public_id)
    sight = see_listing(me.vendor, found)
    picture = lambda image, width: url_for(".own_picture", public_id=public_id, image=image.public_id, width=width)  # noqa: E731
    return page("portal/public/listing.html", branch=None, preview=True, **look_of(sight, picture=picture))


def _take_back(found: Listing) -> None:
    edit = find_open_edit(found)
    if edit is None or not take_back_edit(edit, by=_by()):
        raise Conflict("This has been decided already.")


def show(found: Listing, form: Form | None = None, **more: Any) -> Response:
    """The listing's own page; with what was refused, if anything was."""
    me = current()
    standing = find_standing(me.vendor.id, me.mode)
    shown = standing is not None and is_shown(found, standing)
    products, edit = list_products(found, limit=FEW), last_edit(found)
    return page(
        "portal/listings/show.html",
        status=form.status if form else 200,
        listing=found,
        category=find_category(found.category),
        branches=list_branches(found),
        products=products.rows,
        more_products=products.next is not None,
        edit=edit,
        changes=told_changes(me.vendor, found, edit) if edit and edit.state in OPEN else [],
        names=FIELD_NAMES,
        counted=count_products(me.vendor, me.mode, [found]).get(found.id, 0),
        images=list_images(found),
        most_images=most_images(standing),
        by_plan=standing is not None and standing.pictures is not None,
        link=_link_of(found),
        address=addresses.listing(address_of(found)) if shown else None,
        hidden=standing is not None and (not standing.visible or standing.barred),
        why=why_hidden(standing),
        read_only=is_read_only(standing),
        form=form,
        undo=undo_offered(found),
        **{"image_form": None, "words_form": None, **more},
    )


def _link_of(found: Listing) -> Any:
    try:
        return get_link(current().vendor, found.mode, found.link) if found.link else None
    except NotFound:
        return None


def _check_link(form: ListingForm) -> None:
    """The button opens a link of this vendor's own, in this mode."""
    if form.link.data:
        get_link(current().vendor, current().mode, form.link.data)


def undo_offered(found: Listing | None = None) -> tuple[str, str] | None:
    """The way back that this page's address offers: (where to post, what it is called). It only fills in a form."""
    text, me = request.args.get("archived", ""), current()
    try:
        if is_public_id("lst", text):
            return url_for(".act_on_listing", public_id=text, act="unarchive"), get_listing(me.vendor, me.mode, text).title
        if found and is_public_id("brn", text):
            return url_for(".act_on_branch", public_id=found.public_id, branch=text, act="unarchive"), get_branch(found, text).name
        if found and is_public_id("prd", text):
            return url_for(".act_on_product", public_id=found.public_id, product=text, act="unarchive"), get_product(found, text).name
    except NotFound:
        return None
    return None


def find_own(public_id: str) -> Listing:
    me = current()
    return get_listing(me.vendor, me.mode, public_id)


def _by() -> str:
    return current().user.public_id
