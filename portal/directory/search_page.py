"""The public search: words, a category with its attributes, near a place, open now."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.directory.attributes import FILTERED, in_language, read_schema
from core.directory.models import Category
from core.directory.point import Point, find_point
from core.directory.queries import find_category, list_categories
from core.directory.search import MOST_FACTS, RADII, Found, Wish, search
from core.directory.standing import pulse
from core.kernel import clock
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.web import addresses
from core.web.fields import BooleanField, ChoiceField, Form, LineField, options
from core.web.guard import public
from core.web.kept import kept
from core.web.languages import language
from core.web.page import cursor, page
from portal.directory.blueprint import directory


class SearchForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(later("What"), most=120)
    near = LineField(later("Where"), most=80)
    radius = ChoiceField(later("Within"), choices=lambda: options((str(km), _("%(km)s km", km=km)) for km in RADII), default="10")
    category = ChoiceField(later("Category"), choices=(), default="")
    open = BooleanField(later("Open now"))

    def __init__(self, *args: Any, categories: list[Category], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = ((one.slug, in_language(one.names, language())) for one in categories)
        self.category.choices = options([("", _("All")), *named])


@directory.get("/directory")
@public
def index() -> Response:
    return _page("")


@directory.get("/directory/category/<slug>")
@public
def category(slug: str) -> Response:
    if find_category(slug) is None:
        raise NotFound("There is nothing at this address.")
    return _page(slug)


def _page(slug: str) -> Response:
    """The same question within the same minute is answered once, until anything in the directory changes."""
    asked = sorted((name, value) for name, value in request.args.items(multi=True) if name not in ("lang", "locale"))
    return kept(("search", slug, asked, pulse()), lambda: _write(slug))


def _write(slug: str) -> Response:
    categories, after = list_categories(), cursor()
    given = request.args.copy()
    if slug:
        given["category"] = slug
    form = SearchForm(given, categories=categories)
    good = form.validate()
    chosen = next((one for one in categories if one.slug == form.category.data), None) if good else None
    filters = _filters(chosen) if chosen else []
    known = {f"{key}={value}" for key, _name, listed in filters for value, _words in listed}
    facts = tuple(sorted(known & set(request.args.getlist("fact"))))[:MOST_FACTS]
    point = find_point(form.near.data) if good and form.near.data else None
    if good and form.near.data and point is None:
        form.refuse(_("We know no such place here. Write a town, a postcode, or a position like 51.4545, -2.5879."), "near")
        good = False
    found = search(_wish(form, chosen, facts, point), at=clock.now(), after=after) if good else Found([], None)
    kept_values = _kept(form, facts)
    is_plain = not (set(kept_values) - {"category"})
    return page(
        "portal/public/index.html",
        form=form,
        found=found,
        prices={hit.listing_id: Money(*hit.card["from"]) for hit in found.hits if hit.card.get("from")},
        names={one.slug: in_language(one.names, language()) for one in categories},
        chosen=chosen,
        filters=filters,
        facts=facts,
        point=point,
        asked=bool(kept_values),
        is_plain=is_plain,
        canonical=f"{addresses.directory()}/category/{chosen.slug}" if chosen and is_plain else addresses.directory(),
        first=url_for(".index", **kept_values) if after else None,
        more=url_for(".index", after=found.next, **kept_values) if found.next else None,
    )


def _wish(form: SearchForm, chosen: Category | None, facts: tuple[str, ...], point: Point | None) -> Wish:
    return Wish(
        words=form.q.data or "", category=chosen.slug if chosen else "", facts=facts, near=point, radius_km=int(form.radius.data),
        open_now=form.open.data,
    )  # fmt: skip


def _filters(chosen: Category) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What the products of this category can be narrowed by: key, name, and what may be chosen."""
    found = []
    for one in read_schema(chosen.attributes):
        if one.kind in FILTERED:
            listed = [(key, one.option_name(key, language())) for key, _names in one.options] or [("yes", _("Yes"))]
            found.append((one.key, one.name(language()), listed))
    return found


def _kept(form: SearchForm, facts: tuple[str, ...]) -> dict[str, Any]:
    """What belongs in the address of the next page."""
    said: dict[str, Any] = {name: form[name].data for name in ("q", "near", "category") if form[name].data}
    if "near" in said:
        said["radius"] = form.radius.data
    return said | ({"open": "y"} if form.open.data else {}) | ({"fact": list(facts)} if facts else {})
