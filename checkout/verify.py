"""Is this genuine? Anybody may show us a link, a code's text or a receipt's number, and learns whether it is ours, and whose."""

from __future__ import annotations

from flask import Response
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from checkout.blueprint import door
from core.closing.close import standing_of_closing
from core.memberships.check import standing_of_joining, standing_of_membership
from core.orders.check import standing_of_checkout
from core.payments.check import LONGEST, Verdict, check
from core.web.fields import Form, ParagraphField
from core.web.guard import public
from core.web.page import page
from core.web.throttle import by_address

KINDS = {
    "genuine": "good",
    "altered": "bad",
    "expired": "quiet",
    "revoked": "bad",
    "unknown": "quiet",
}


# What the rooms above the payments say of their own tokens.
STANDINGS = {
    "joining": standing_of_joining,
    "membership": standing_of_membership,
    "closing": standing_of_closing,
    "checkout": standing_of_checkout,
}


class VerifyForm(Form):
    what = ParagraphField(later("Link, number or text of the code"), most=LONGEST)


@door.get("/verify")
@public
def verify() -> Response:
    return page("checkout/verify.html", face=None, form=VerifyForm(formdata=None), verdict=None, words=None)


@door.post("/verify")
@public
@by_address("30 per 10 minutes", scope="verify")
def look() -> Response:
    """What was shown stays in the form and goes nowhere else: it is not put into an address, not followed, and not logged."""
    form, verdict = VerifyForm(), None
    if form.validate():
        if (form.what.data or "").strip():
            verdict = check(form.what.data, above=STANDINGS)
        else:
            form.refuse(_("Paste a link, write the number of a receipt, or the text of a code."), "what")
    words = _words(verdict) if verdict else None
    return page("checkout/verify.html", status=form.status, face=None, form=form, verdict=verdict, words=words)


def _what(verdict: Verdict) -> str:
    named = {
        "link": _("a payment link"),
        "payment": _("the page of a payment"),
        "receipt": _("a receipt"),
        "statement": _("a signed statement about a payment"),
        "saving": _("a page for saving a card"),
        "payer": _("a page with somebody’s payments"),
        "joining": _("a page to join a membership"),
        "membership": _("a member’s own page"),
        "checkout": _("the page of a payment to several sellers"),
        "invitation": _("an invitation to a team"),
        "export": _("the address of an exported file"),
        "closing": _("the address by which the closing of an account is taken back"),
        "claim": _("a page on which the receiver of a refund names an account"),
        "letters": _("a page on which letters are stopped"),
        "email-verify": _("a link that confirms an e-mail address"),
        "password-reset": _("a link that sets a new password"),
    }[verdict.what]
    return _("%(what)s of %(vendor)s", what=named, vendor=verdict.vendor) if verdict.vendor else named


def _words(verdict: Verdict) -> dict[str, str]:
    """Title, sentence and advice of each answer. What we never issued reads the same whatever it was."""
    kind = KINDS[verdict.standing]
    if verdict.standing == "genuine":
        if verdict.what == "statement":
            advice = _("It says how the payment stood at the moment it was made. What happened since does not stand in it.")
        elif verdict.what == "receipt":
            advice = _("Whether money was given back since, only its page says: open the receipt itself, by its link or its code.")
        else:
            advice = _("Look whether this is whom you mean to deal with: the name is all we vouch for.")
        return {"kind": kind, "title": _("Genuine"), "text": _("This is %(what)s. We issued it.", what=_what(verdict)), "advice": advice}
    if verdict.standing == "expired":
        text = _("This was %(what)s. We issued it, and it does not count any more.", what=_what(verdict))
        return {"kind": kind, "title": _("Expired"), "text": text, "advice": _("Ask whoever sent it for a new one.")}
    if verdict.standing == "revoked":
        text = _("This was %(what)s. We issued it, and it has been taken back since.", what=_what(verdict))
        return {"kind": kind, "title": _("Taken back"), "text": text, "advice": _("Do not use it. Ask whoever sent it for a new one.")}
    if verdict.standing == "altered":
        text = _("This looks like one of ours and is not as we issued it: changed, cut short, or in an address that does not lead to us.")
        advice = _(
            "Do not pay with it and do not sign in through it. Copy it once more, whole; if the answer stays, do not trust who sent it."
        )
        return {"kind": kind, "title": _("Not as we issued it"), "text": text, "advice": advice}
    text = _("We know nothing like this. It may be mistyped, or it may not come from us.")
    return {
        "kind": kind,
        "title": _("Not known to us"),
        "text": text,
        "advice": _("Compare it sign by sign. If the answer stays, do not trust it."),
    }
