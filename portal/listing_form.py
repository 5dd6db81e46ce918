"""The forms of the directory: a listing, a branch with its hours, a product with the attributes of its category."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from core.accounts.places import countries
from core.directory.attributes import Attribute, read_attributes, read_schema
from core.directory.branches import BranchTerms, read_degrees, spell_degrees
from core.directory.hours import read_day, read_exceptions, spell_day, spell_exceptions
from core.directory.listings import ListingTerms
from core.directory.models import Branch, Category, Listing, Product
from core.directory.products import ProductTerms
from core.directory.queries import list_categories
from core.payments.models import PaymentLink
from core.payments.queries import MOST_ROWS, list_links
from core.web.fields import AddressField, ChoiceField, CurrencyField, Form, LineField, MoneyField, ParagraphField, ZoneField, options
from core.web.guard import current
from core.web.languages import language, written

DAYS = (_l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"), _l("Sunday"))


class ListingForm(Form):
    title = LineField(_l("Name"), most=120, required=_l("Write the name people know the business by."))
    category = ChoiceField(_l("Category"), choices=(), words=_l("Choose a category from the list."))
    summary = LineField(_l("In one sentence"), most=200)
    description = ParagraphField(_l("Description"), most=5_000)
    website = LineField(_l("Website"), most=300)
    email = AddressField(_l("E-mail address for customers"), required=None)
    phone = LineField(_l("Telephone"), most=30)
    link = ChoiceField(_l("Payment link behind the pay button"), choices=(), default="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.category.choices = options((one.slug, one.names.get(language()) or one.names["en"]) for one in list_categories())
        self.link.choices = options([("", _("No pay button")), *_links(self.link.data or "")])

    def terms(self) -> ListingTerms:
        return ListingTerms(**{name: self[name].data or "" for name in ListingTerms.__dataclass_fields__})


def _links(kept: str) -> list[tuple[str, str]]:
    """The vendor's links that take payments; the one that is chosen stands there whatever has become of it."""
    me = current()
    links: list[PaymentLink] = list_links(me.vendor, me.mode, state="active", limit=MOST_ROWS).rows
    found = [(link.public_id, link.title) for link in links]
    return found if not kept.startswith("lnk_") or kept in dict(found) else [*found, (kept, _("The one chosen before"))]


def listing_form(listing: Listing | ListingTerms | None = None) -> ListingForm:
    """Empty, or filled in with a listing."""
    kept = {name: getattr(listing, name) for name in ListingTerms.__dataclass_fields__} if listing else {}
    return ListingForm(formdata=None, **kept)


class BranchForm(Form):
    name = LineField(_l("Name of the branch"), most=120, required=_l("Give the branch a name, like its street or its part of town."))
    street = LineField(_l("Street and number"), most=200)
    postcode = LineField(_l("Postcode"), most=20)
    town = LineField(_l("Town"), most=80, required=_l("Write the town."))
    country = ChoiceField(_l("Country"), choices=lambda: options(countries()))
    phone = LineField(_l("Telephone"), most=30)
    lat = LineField(_l("Latitude"), most=20)
    lon = LineField(_l("Longitude"), most=20)
    time_zone = ZoneField(_l("Time zone"))
    hours_0 = LineField(DAYS[0], most=120)
    hours_1 = LineField(DAYS[1], most=120)
    hours_2 = LineField(DAYS[2], most=120)
    hours_3 = LineField(DAYS[3], most=120)
    hours_4 = LineField(DAYS[4], most=120)
    hours_5 = LineField(DAYS[5], most=120)
    hours_6 = LineField(DAYS[6], most=120)
    exceptions = ParagraphField(_l("Other hours on single dates"), most=3_000)

    @property
    def days(self) -> list[Any]:
        return [self[f"hours_{day}"] for day in range(7)]

    def terms(self) -> BranchTerms | None:
        """What was typed, or None with what is wrong said at each field."""
        hours: dict[str, Any] = {}
        exceptions: dict[str, Any] = {}
        place: list[int | None] = [None, None]
        for day in range(7):
            with self.refusals():
                hours[str(day)] = read_day(self[f"hours_{day}"].data or "", field=f"hours_{day}")
        with self.refusals():
            exceptions = read_exceptions(self.exceptions.data or "", field="exceptions")
        for n, (name, most) in enumerate((("lat", 90), ("lon", 180))):
            with self.refusals():
                place[n] = read_degrees(self[name].data or "", most, field=name)
        if self.errors:
            return None
        said = {name: self[name].data or "" for name in ("name", "street", "postcode", "town", "country", "phone", "time_zone")}
        kept = {day: intervals for day, intervals in hours.items() if intervals}
        return BranchTerms(**said, lat_e6=place[0], lon_e6=place[1], hours=kept, exceptions=exceptions)


def branch_form(branch: Branch | None = None) -> BranchForm:
    """Empty but for the vendor's own country and time zone, or filled in with a branch."""
    vendor = current().vendor
    if branch is None:
        return BranchForm(formdata=None, country=vendor.country, time_zone=vendor.time_zone)
    plain = {name: getattr(branch, name) for name in ("name", "street", "postcode", "town", "country", "phone", "time_zone")}
    hours = {f"hours_{day}": spell_day(branch.hours.get(str(day), [])) for day in range(7)}
    place = {"lat": spell_degrees(branch.lat_e6), "lon": spell_degrees(branch.lon_e6)}
    return BranchForm(formdata=None, exceptions=spell_exceptions(branch.exceptions), **plain, **hours, **place)


class ProductForm(Form):
    name = LineField(_l("Name"), most=120, required=_l("Give the product a name."))
    description = ParagraphField(_l("Description"), most=2_000)
    price = MoneyField(_l("Price"), above_zero=False)
    currency = CurrencyField()
    schema: tuple[Attribute, ...] = ()

    @property
    def of_category(self) -> list[tuple[Attribute, Any]]:
        return [(one, self[one.field]) for one in self.schema]

    def terms(self) -> ProductTerms | None:
        """What was typed, or None with what is wrong said at each field."""
        typed = {one.key: self[one.field].data for one in self.schema}
        good, wrong = read_attributes(list(self.schema), typed)
        for refusal in wrong:
            self.refuse(written(refusal.message), refusal.field)
        if self.errors:
            return None
        price = self.price.data
        return ProductTerms(
            name=self.name.data or "", currency=self.currency.data, description=self.description.data or "",
            price_minor=price.minor if price else None, attributes=good,
        )  # fmt: skip


class BoxesField(SelectMultipleField):
    """Several of a list, each with a box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        """What may be chosen is the schema's to say."""


def product_form(category: Category, product: Product | None = None, *, posted: bool = False) -> ProductForm:
    """The form with a field for each attribute of the category: empty, filled in with a product, or as it was sent."""
    schema = tuple(read_schema(category.attributes))
    made: type[ProductForm] = type(
        "ProductFormOfCategory", (ProductForm,), {"schema": schema, **{one.field: _field(one) for one in schema}}
    )
    if posted:
        return made(request.form)
    if product is None:
        return made(formdata=None, currency=current().vendor.currency)
    kept = {one.field: product.attributes.get(one.key) for one in schema}
    return made(formdata=None, name=product.name, description=product.description, price=product.price, currency=product.currency, **kept)


def _field(one: Attribute) -> Any:
    label = one.name(language()) + (f" ({one.unit})" if one.unit else "")
    listed = [(key, one.option_name(key, language())) for key, _names in one.options]
    if one.kind == "yes_no":
        return ChoiceField(label, choices=options([("", "–"), ("yes", _("Yes")), ("no", _("No"))]), default="")
    if one.kind in ("choice", "colour"):
        return ChoiceField(label, choices=options([("", "–"), *listed]), default="")
    if one.kind == "choices":
        return BoxesField(label, choices=options(listed))
    return LineField(label, most=200)
