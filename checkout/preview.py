"""A picture of a link's page as a payer will see it, while the link is still being made: the real page, which cannot be pressed."""

from __future__ import annotations

from dataclasses import replace

from checkout.order_form import fitting
from checkout.pay import ChooseForm, form_page
from checkout.way_in import WayIn, suggestions
from core.accounts.models import Vendor
from core.payments.models import PaymentLink
from core.web.face import face_of
from core.web.languages import reading_in


def draw_link(vendor: Vendor, link: PaymentLink) -> str:
    """The page as HTML, in the link's language. The link may be one that exists nowhere yet."""
    with reading_in(link.locale):
        way = WayIn(vendor, link, token="preview")
        chosen = {"choice": "own"} if link.amount is None and not suggestions(link) else {}
        form = fitting(ChooseForm, link)(formdata=None, form_token="", **chosen).fit(way)
        face = replace(face_of(vendor, link.mode, colours=link.colours), preview=True)
        return form_page(way, form, None, face=face).get_data(as_text=True)
