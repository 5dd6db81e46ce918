"""How WTForms' widgets write their attributes: as theirs, without building an object and a format for each of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from markupsafe import Markup, escape
from wtforms.widgets import core

attribute_name = cache(core.clean_key)  # class_ is class, aria_label is aria-label


def html_params(**given: Any) -> Markup:
    """`class="input" id="email" required`, sorted by name. True is the bare name, False nothing."""
    written = []
    for name, value in sorted(given.items()):
        if value is True:
            written.append(attribute_name(name))
        elif value is not False:
            text = str(escape(value)).replace('"', "&quot;")
            written.append(f'{attribute_name(name)}="{text}"')
    return Markup(" ".join(written))


class LeanSelect(core.Select):
    """A long list in as few letters as HTML needs: no value where it is the words, no end of an option before the next."""

    @classmethod
    def render_option(cls, choice: Any, **kwargs: Any) -> Markup:
        words = escape(choice.label or choice.value)
        given = {**(choice.render_kw or {}), **kwargs, "selected": bool(choice.selected)}
        if str(choice.label) != str(choice.value):
            given["value"] = choice.value
        written = html_params(**given)
        return Markup(f"<option {written}>{words}" if written else f"<option>{words}")


def install() -> None:
    """Some widgets keep the function they write their attributes with, the others look it up when they need it."""
    core.html_params = html_params
    core.Input.html_params = core.Button.html_params = staticmethod(html_params)
