"""Which language an answer is in, and how texts are filled in templates."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string

from core.web.languages import language


@pytest.mark.parametrize(
    ("wishes", "answer"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH,de;q=0.9,en;q=0.8", "de"),
        ("fr;q=0.2,ja;q=0.9", "ja"),
        ("xx,yy;q=0.5", "en"),
        ("nonsense;;;q=,,", "en"),
        ("pl," + "x" * 10_000, "pl"),
    ],
)
def test_the_browsers_wish_is_heard(app: Flask, wishes: str, answer: str) -> None:
    with app.test_request_context("/verify", headers={"Accept-Language": wishes}):
        assert language() == answer


@pytest.mark.parametrize(
    ("template", "page"),
    [
        ('{{ _("Pay <b>%(amount)s</b>", amount="<i>") }}', "Pay <b>&lt;i&gt;</b>"),
        ('{{ _("100 %% of it") }}', "100 % of it"),
        ('{{ _("Nothing to fill in") }}', "Nothing to fill in"),
        ('{{ ngettext("%(num)s link", "%(num)s links", 1) }}, {{ ngettext("%(num)s link", "%(num)s links", 3) }}', "1 link, 3 links"),
        ('{% trans name="<" %}For {{ name }}{% endtrans %}', "For &lt;"),
        ('{% trans count=2 %}{{ count }} link{% pluralize %}{{ count }} links{% endtrans %}', "2 links"),
    ],
)  # fmt: skip
def test_texts_are_filled_and_what_fills_them_is_escaped(app: Flask, template: str, page: str) -> None:
    with app.test_request_context("/verify"):
        assert render_template_string(template) == page
