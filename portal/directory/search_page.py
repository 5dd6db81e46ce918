"""The public search: words, a category with its attributes, a price, a town, near a place, open now; and how many there are of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.directory.attributes import FILTERED, Attribute, in_language, read_schema
from core.directory.colours import COLOURS
from core.directory.facets import MOST_HITS, Facets, Town, count_facets
from core.directory.models import Category
from core.directory.point import Point, find_point
from core.directory.prices import Span
from core.directory.queries import find_category, list_categories
from core.directory.search import MOST_FACTS, RADII, Found, Wish, search
from core.directory.standing import pulse
from core.directory.words import fold
from core.kernel import clock
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.web import addresses
from core.web.fields import BooleanField, ChoiceField, CurrencyField, Form, LineField, MoneyField, options, plain_text
from core.web.filters import number
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
    price_from = MoneyField(later("From"), above_zero=False)
    price_to = MoneyField(later("To"), above_zero=False)
    currency = CurrencyField(default="GBP")

    def __init__(self, *args: Any, categories: list[Category], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = ((one.slug, in_language(one.names, language())) for one in categories)
        self.category.choices = options([("", _("All")), *named])

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        low, high = self.price_from.data, self.price_to.data
        if good and low and high and high.minor < low.minor:
            self.refuse(_("The highest price is below the lowest."), "price_to")
            return False
        return good

    @property
    def span(self) -> Span | None:
        """The price that was asked for, if one was."""
        low, high = self.price_from.data, self.price_to.data
        return Span(self.currency.data, low.minor if low else None, high.minor if high else None) if low or high else None


@dataclass(frozen=True, slots=True)
class Option:
    """One box of a filter: what it asks for, its words, how many of the hits have it, and the colour it shows, if it is one."""

    value: str
    words: str
    count: int
    chosen: bool
    sign: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """The boxes of one attribute."""

    name: str
    options: list[Option]


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
    facts, town = _facts(chosen), _town()
    point = find_point(form.near.data) if good and form.near.data else None
    if good and form.near.data and point is None:
        form.refuse(_("We know no such place here. Write a town, a postcode, or a position like 51.4545, -2.5879."), "near")
        good = False
    wish = _wish(form, chosen, facts, town, point) if good else Wish()
    found = search(wish, at=clock.now(), after=after) if good else Found([], None)
    facets = count_facets(replace(wish, words=found.instead or wish.words), at=clock.now()) if good else Facets()
    kept_values = _kept(form, facts, town)
    mended = {"q": found.instead} if found.instead else {}  # what follows goes on with the words that were found
    is_plain = not (set(kept_values) - {"category"})
    names = {one.slug: in_language(one.names, language()) for one in categories}
    return page(
        "portal/public/index.html",
        form=_counted(form, facets, names, chosen),
        found=found,
        facets=facets,
        most_hits=MOST_HITS,
        prices={hit.listing_id: Money(*hit.card["from"]) for hit in found.hits if hit.card.get("from")},
        names=names,
        chosen=chosen,
        filters=_filters(chosen, facets, facts) if chosen else [],
        town=town,
        towns=_towns(town, facets) if good else [],
        narrowed=bool(facts or town or form.span),
        point=point,
        asked=bool(kept_values),
        is_plain=is_plain,
        canonical=f"{addresses.directory()}/category/{chosen.slug}" if chosen and is_plain else addresses.directory(),
        first=url_for(".index", **kept_values) if after else None,
        more=url_for(".index", after=found.next, **kept_values | mended) if found.next else None,
    )


def _wish(form: SearchForm, chosen: Category | None, facts: tuple[str, ...], town: str, point: Point | None) -> Wish:
    return Wish(
        words=form.q.data or "", category=chosen.slug if chosen else "", facts=facts, price=form.span, town=town, near=point,
        radius_km=int(form.radius.data), open_now=form.open.data,
    )  # fmt: skip


def _facts(chosen: Category | None) -> tuple[str, ...]:
    """What of the address is a filter of this category; the rest may be left over from another one."""
    schema = read_schema(chosen.attributes) if chosen else []
    known = {f"{one.key}={value}" for one in schema if one.kind in FILTERED for value in _values(one)}
    return tuple(sorted(known & set(request.args.getlist("fact"))))[:MOST_FACTS]


def _values(one: Attribute) -> list[str]:
    return [key for key, _names in one.options] or ["yes"]


def _filters(chosen: Category, facets: Facets, facts: tuple[str, ...]) -> list[Filter]:
    """What the products of this category can be narrowed by, as its schema says: only what another click would find something with."""
    found = []
    for one in read_schema(chosen.attributes):
        listed = [_option(one, value, facets, facts) for value in _values(one)] if one.kind in FILTERED else []
        if shown := [option for option in listed if option.count or option.chosen]:
            found.append(Filter(one.name(language()), shown))
    return found


def _option(one: Attribute, value: str, facets: Facets, facts: tuple[str, ...]) -> Option:
    fact = f"{one.key}={value}"
    words = one.option_name(value, language()) if one.options else _("Yes")
    sign = COLOURS[value][0] if one.kind == "colour" and value in COLOURS else ""
    return Option(fact, words, facets.facts.get(fact, 0), fact in facts, sign)


def _town() -> str:
    """The town that was chosen, as towns are compared."""
    typed = request.args.get("town", "")[:80]
    return fold(typed) if plain_text(typed) is None else ""


def _towns(asked: str, facets: Facets) -> list[Option]:
    """The towns with the most of what was found; the one that is chosen stands there however little is in it."""
    if asked:
        town = next((one for one in facets.towns if one.key == asked), Town(asked, asked.title(), 0))
        return [Option(asked, town.name, town.count, True)]
    return [Option(town.key, town.name, town.count, False) for town in facets.towns]


def _counted(form: SearchForm, facets: Facets, names: dict[str, str], chosen: Category | None) -> SearchForm:
    """The form, with how many of what was found are of each kind; of the kinds that are not chosen nothing was looked for."""
    if facets.hits and chosen is None:
        counted = ((slug, f"{name} ({number(facets.categories.get(slug, 0))})") for slug, name in names.items())
        form.category.choices = options([("", _("All")), *counted])
    return form


def _kept(form: SearchForm, facts: tuple[str, ...], town: str) -> dict[str, Any]:
    """What belongs in the address of the next page."""
    said: dict[str, Any] = {name: form[name].data for name in ("q", "near", "category") if form[name].data}
    if town:
        said["town"] = town
    if "near" in said:
        said["radius"] = form.radius.data
    typed = {name: form[name].typed for name in ("price_from", "price_to") if form[name].typed}
    if typed:
        said |= typed | {"currency": form.currency.data}
    return said | ({"open": "y"} if form.open.data else {}) | ({"fact": list(facts)} if facts else {})
