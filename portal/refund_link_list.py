"""All refund links of the vendor's: those that wait for a decision first, then how far each of the others has come."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.payments.claim import LIFE, claims_to_decide
from core.payments.claim_list import all_claims, first_to_decide
from core.payments.states import CLAIM
from core.web.fields import ChoiceField, options
from core.web.filters import status_label
from core.web.guard import current, may
from core.web.page import cursor, page
from portal.blueprint import portal
from portal.days import SpanForm

SHOWN = 10  # of those that wait; the rest are a filter away


class RefundLinkFilter(SpanForm):
    status = ChoiceField(
        later("Status"), choices=lambda: options([("", _("All")), *((s, status_label(s, "claim")) for s in CLAIM)]), default=""
    )

    def wanted(self) -> dict[str, Any]:
        """The filters as the question about links takes them; the last day counts whole."""
        return {"status": self.status.data or None, "since": self.begins, "until": self.ends}


@portal.get("/portal/refund-links")
@may("payments.see")
def refund_link_list() -> Response:
    me, form, after = current(), RefundLinkFilter(request.args), cursor()
    good = form.validate()
    kept = form.kept() if good else {}
    found = all_claims(me.vendor, me.mode, after=after, but_claimed=not kept, **(form.wanted() if good else {}))
    count = claims_to_decide(me.vendor, me.mode)[0]
    return page(
        "portal/refund_links/index.html",
        fragment="portal/refund_links/_table.html",
        form=form,
        waiting=first_to_decide(me.vendor, me.mode, SHOWN) if count and not kept and not after else [],
        count=count,
        claims=found.rows,
        kept=kept,
        days=LIFE.days,
        newest=url_for(".refund_link_list", **kept) if after else None,
        older=url_for(".refund_link_list", after=found.next, **kept) if found.next else None,
    )
