"""An address in the payer's form: its fields, and the reading of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape
from wtforms.validators import StopValidation

from core.accounts.places import is_country
from core.web.fields import LineField
from core.web.languages import reader

# name -> (label, longest, the token browsers fill it in by)
PARTS = {
    "line1": (_l("Street and number"), 120, "address-line1"),
    "line2": (_l("Flat, floor, care of"), 120, "address-line2"),
    "postcode": (_l("Postcode"), 20, "postal-code"),
    "city": (_l("Town or city"), 80, "address-level2"),
    "country": (_l("Country"), 2, "country"),
}
NEEDED = {"line1": _l("Enter the street and number."), "city": _l("Enter the town or city."), "country": _l("Choose a country.")}
ADDRESS_PARTS = tuple(PARTS)


class CountryField(LineField):
    """A country by its two letters, drawn as a list. The list is long and always the same, so it is written down once per choice."""

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.data and not is_country(self.data):
            raise StopValidation(_("Choose a country from the list."))

    def widget(self, field: CountryField, **attrs: Any) -> Markup:
        said = Markup(" ").join(Markup('{}="{}"').format(name.rstrip("_").replace("_", "-"), value) for name, value in attrs.items())
        head = Markup('<select id="{0}" name="{1}" {2}>').format(field.id, field.name, said)
        chosen = field.data if is_country(field.data or "") else ""  # what is written down once for each must be one of few
        return head + _listed(chosen, reader().countries) + Markup("</select>")


@lru_cache(maxsize=300)
def _listed(chosen: str, places: tuple[tuple[str, str], ...]) -> Markup:
    rows = [("", "–"), *places]
    return Markup("".join(f'<option value="{code}"{" selected" if code == chosen else ""}>{escape(name)}</option>' for code, name in rows))


def address_fields(kind: str) -> dict[str, Any]:
    """billing_line1, billing_city, …"""
    return {
        f"{kind}_{name}": (CountryField if name == "country" else LineField)(label, most=longest)
        for name, (label, longest, _token) in PARTS.items()
    }


def read_address(form: Any, kind: str, *, required: bool) -> dict[str, str] | None:
    """The address, or None where none was given. One begun must be finished; a country alone is not a beginning."""
    found = {name: (form[f"{kind}_{name}"].data or "") for name in PARTS}
    if not required and not any(value for name, value in found.items() if name != "country"):
        return None
    for name, words in NEEDED.items():
        field = form[f"{kind}_{name}"]
        if not found[name] and not field.errors:
            form.refuse(str(words), field.name)
    return {name: value for name, value in found.items() if value}
