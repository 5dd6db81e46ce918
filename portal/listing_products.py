"""The products of a listing: the list, adding and editing one, publishing, putting one away and bringing it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.directory.models import Category, Listing
from core.directory.products import (
    add_product,
    archive_product,
    edit_product,
    publish_product,
    unarchive_product,
    unpublish_product,
)
from core.directory.queries import find_category, get_product, list_products
from core.kernel.errors import Conflict, NotFound
from core.subscriptions.counts import counted
from core.web.fields import ChoiceField, Form, LineField, options
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import cursor, page, see_other
from portal.blueprint import portal
from portal.listing_form import product_form
from portal.listings import find_own, undo_offered
from portal.plan_hints import one_more_product
from portal.read_only import editable, read_only

STATES = [("", _l("All")), ("published", _l("Published")), ("draft", _l("Drafts")), ("archived", _l("Archived"))]
ACTS: dict[str, tuple[Callable[..., bool], Any]] = {
    "publish": (publish_product, _l("%(name)s is shown with its listing.")),
    "unpublish": (unpublish_product, _l("%(name)s is a draft again.")),
    "archive": (archive_product, _l("%(name)s is put away.")),
    "unarchive": (unarchive_product, _l("%(name)s is back.")),
}


class FilterForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(_l("Search"), most=120)
    state = ChoiceField(_l("State"), choices=options(STATES), default="")


@portal.get("/portal/listings/<public_id>/products")
@may("listings.see")
def products(public_id: str) -> Response:
    listing, form, after = find_own(public_id), FilterForm(request.args), cursor()
    kept = {name: field.data for name, field in form._fields.items() if field.data} if form.validate() else {}
    found = list_products(listing, state=kept.get("state"), text=kept.get("q"), after=after)
    return page(
        "portal/listings/products.html",
        fragment="portal/listings/_products.html",
        listing=listing,
        form=form,
        products=found.rows,
        filtered=bool(kept),
        undo=undo_offered(listing),
        cost=one_more_product() if current().may("listings.edit") and not read_only() else "",
        read_only=read_only(),
        newest=url_for(".products", public_id=public_id, **kept) if after else None,
        older=url_for(".products", public_id=public_id, after=found.next, **kept) if found.next else None,
    )


@portal.get("/portal/listings/<public_id>/products/new")
@may("listings.edit")
@editable
def new_product(public_id: str) -> Response:
    listing = find_own(public_id)
    return page(
        "portal/listings/product.html", listing=listing, existing=None, form=product_form(_category(listing)), cost=one_more_product()
    )


@portal.post("/portal/listings/<public_id>/products/new")
@may("listings.edit")
def make_product(public_id: str) -> Response:
    listing = find_own(public_id)
    form = product_form(_category(listing), posted=True)
    if form.validate() and (terms := form.terms()):
        with form.refusals():
            publish = "publish" in request.form
            with counted(current().vendor, current().mode, by=current().user.public_id):
                made = add_product(listing, by=current().user.public_id, terms=terms, publish=publish)
            flash(_("%(name)s is added.", name=made.name) if publish else _("%(name)s is kept as a draft.", name=made.name), "good")
            return see_other(url_for(".products", public_id=public_id))
    return page("portal/listings/product.html", status=form.status, listing=listing, existing=None, form=form, cost=one_more_product())


@portal.get("/portal/listings/<public_id>/products/<product>/edit")
@may("listings.edit")
@editable
def edit_product_form(public_id: str, product: str) -> Response:
    listing = find_own(public_id)
    found = get_product(listing, product)
    return page("portal/listings/product.html", listing=listing, existing=found, form=product_form(_category(listing), found), cost="")


@portal.post("/portal/listings/<public_id>/products/<product>/edit")
@may("listings.edit")
def change_product(public_id: str, product: str) -> Response:
    listing = find_own(public_id)
    found, form = get_product(listing, product), product_form(_category(listing), posted=True)
    if form.validate() and (terms := form.terms()):
        with form.refusals():
            edit_product(listing, found, by=current().user.public_id, terms=terms)
            flash(_("Saved."), "good")
            return see_other(url_for(".products", public_id=public_id))
    return page("portal/listings/product.html", status=form.status, listing=listing, existing=found, form=form, cost="")


@portal.post("/portal/listings/<public_id>/products/<product>/do/<act>")
@may("listings.edit")
def act_on_product(public_id: str, product: str, act: str) -> Response:
    listing = find_own(public_id)
    found = get_product(listing, product)
    if act not in ACTS:
        raise NotFound
    do, words = ACTS[act]
    try:
        with counted(current().vendor, current().mode, by=current().user.public_id):
            do(listing, found, by=current().user.public_id)
    except Conflict as no:
        flash(written(no.message), "bad")
        return see_other(url_for(".products", public_id=public_id))
    flash(str(words) % {"name": found.name}, "good")
    return see_other(url_for(".products", public_id=public_id, archived=product if act == "archive" else None))


def _category(listing: Listing) -> Category:
    found = find_category(listing.category)
    if found is None:
        raise NotFound
    return found
