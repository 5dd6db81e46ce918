"""A refund that could not go back the way it came: its payer says to which account it is to go, and sees here what has become of it."""

from __future__ import annotations

from flask import Response, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from checkout.blueprint import door
from core.accounts.models import Vendor
from core.payments.claim import WAITS
from core.payments.claim_answer import answer_claim, open_claim
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.start import receipt_token
from core.providers.pain import LONGEST_NAME
from core.web.face import face_of
from core.web.fields import Form, LineField
from core.web.filters import money
from core.web.guard import public
from core.web.languages import suggest
from core.web.page import page, see_other
from core.web.throttle import by_address

OVER = ("expired", "revoked")  # whoever has such a link learns nothing of the payment


class AccountForm(Form):
    holder = LineField(_l("Name on the account"), most=LONGEST_NAME, required=_l("Enter the name on the account."))
    iban = LineField(_l("IBAN"), most=42, required=_l("Enter the IBAN of the account."))


@door.get("/claim/<token>")
@public
def claim(token: str) -> Response:
    """One address for every state of it, so that a reload, the back button and an old letter end on the truth."""
    vendor, payment, claim = _opened(token)
    return _show(vendor, payment, claim, token, AccountForm(formdata=None, holder=payment.payer_name))


@door.post("/claim/<token>")
@public
@by_address("20 per hour", scope="claim")
def name_account(token: str) -> Response:
    """The account is written down; no money moves before the vendor has approved it."""
    vendor, payment, claim = _opened(token)
    form = AccountForm()
    if _stage(vendor, payment, claim) != "open":
        return see_other(url_for("checkout.claim", token=token))
    if form.validate():
        with form.refusals():
            answer_claim(vendor, claim, holder=form.holder.data or "", iban=form.iban.data or "")
            return see_other(url_for("checkout.claim", token=token))
    return _show(vendor, payment, claim, token, form)


def _opened(token: str) -> tuple[Vendor, Payment, RefundClaim]:
    vendor, payment, claim = open_claim(token)
    suggest(payment.locale)
    return vendor, payment, claim


def _stage(vendor: Vendor, payment: Payment, claim: RefundClaim) -> str:
    """Its state, and `disputed` where for as long as the payer's bank holds the money nothing can be named, or was called off.

    Of a business that has closed what waits counts as taken back from that moment on: a worker does so a little later.
    """
    if vendor.stopped_at is not None and claim.state in WAITS:
        return "revoked"
    return "disputed" if claim.standing in ("open", "failed") and payment.disputed_minor else claim.standing


def _show(vendor: Vendor, payment: Payment, claim: RefundClaim, token: str, form: AccountForm) -> Response:
    face, stage = face_of(vendor, claim.mode, payment.reference), _stage(vendor, payment, claim)
    kind, title, text = _words(stage, face.name, claim)
    return page(
        "checkout/claim.html",
        status=form.status,
        face=face,
        claim=claim,
        payment=payment,
        stage=stage,
        kind=kind,
        title=title,
        text=text,
        form=form,
        action=url_for("checkout.name_account", token=token),
        history_url=url_for("checkout.status", token=receipt_token(vendor, payment)) if stage not in OVER else None,
    )


def _words(stage: str, seller: str, claim: RefundClaim) -> tuple[str, str, str]:
    """The mark, the heading and the sentence of each state."""
    named = {"seller": seller, "amount": money(claim.amount), "end": claim.ends_in}
    told: dict[str, tuple[str, str, str]] = {
        "open": ("quiet", _("Where shall your refund go?"), ""),
        "disputed": (
            "paused",
            _("Your bank is deciding about this payment"),
            _("For as long as that lasts nothing can be paid back beside it. Come back when your bank has decided."),
        ),
        "claimed": (
            "waiting",
            _("%(seller)s looks at it now", **named),
            _("You named the account ending in %(end)s. %(amount)s leave for it when %(seller)s has approved it; until then no money moves.", **named),
        ),
        "approved": (
            "waiting",
            _("Your refund is approved"),
            _("%(amount)s are on their way to the account ending in %(end)s. We write to you when they have left our bank.", **named),
        ),
        "paid": (
            "good",
            _("Your refund is paid"),
            _("%(amount)s have left our bank for the account ending in %(end)s, and arrive within three working days.", **named),
        ),
        "failed": (
            "bad",
            _("The transfer did not arrive"),
            _("%(amount)s could not be paid to the account ending in %(end)s. Ask %(seller)s for a new link, and compare the IBAN.", **named),
        ),
        "refused": (
            "bad",
            _("Your refund was not sent to this account"),
            _("%(seller)s does not send it to the account ending in %(end)s. No money has moved. The reason:", **named),
        ),
        "expired": ("quiet", _("This link has run out"), _("Ask %(seller)s for a new one.", **named)),
        "revoked": ("quiet", _("This link has been taken back"), _("Ask %(seller)s what becomes of your refund.", **named)),
    }  # fmt: skip
    return told[stage]
