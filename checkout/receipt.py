"""The receipt at its own address: good long after the checkout has closed, and it shows what was refunded since."""

from __future__ import annotations

from flask import Response, make_response, request, url_for

from checkout.blueprint import door
from core.accounts.models import Vendor
from core.accounts.receipts import find_receipt_settings
from core.invoices.queries import PAPER, documents_of, get_document, printed
from core.kernel.signing import TokenRefused
from core.notifications.papers import newest_paper
from core.payments.models import Payment
from core.payments.queries import refunds_of_sale
from core.payments.receipt_opened import note_receipt_opened
from core.payments.sale import find_cart, find_details
from core.payments.start import open_payment_token
from core.payments.statement import statement_of
from core.web import addresses
from core.web.face import face_of
from core.web.guard import find_current, public
from core.web.headers import csp_nonce
from core.web.languages import language, language_choices, suggest
from core.web.looking import find_banner
from core.web.page import page, see_other, send_kept, wants_part
from core.web.receipt import receipt_html
from core.web.visitors import is_program


def _paid(token: str) -> tuple[Vendor, Payment]:
    """The payment a receipt is for. What is not paid has no receipt, and its address opens nothing."""
    vendor, payment = open_payment_token(token, purpose="receipt")
    suggest(payment.locale)
    if payment.captured_at is None:
        raise TokenRefused("unpaid")
    return vendor, payment


@door.get("/receipt/<token>")
@public
def receipt(token: str) -> Response:
    """The page a payer keeps, prints or shows."""
    vendor, payment = _paid(token)
    if not _is_ours(vendor):
        note_receipt_opened(payment)
    html = receipt_html(
        vendor,
        payment,
        refunds_of_sale(vendor, payment),
        address=addresses.receipt(token, vendor),
        pdf_address=url_for("checkout.receipt_pdf", token=token),
        history_address=url_for("checkout.receipt_history", token=token),
        mine_address=url_for("checkout.ask_for_key", token=token) if payment.email else "",
        statement_address=url_for("checkout.receipt_statement", token=token),
        cart=find_cart(vendor, payment),
        said=find_details(vendor, payment),
        extra=find_receipt_settings(vendor),
        locale=language(),
        languages=language_choices(),
        nonce=csp_nonce() if vendor.accent else "",
        issued=_issued(token, vendor, payment),
    )
    return make_response(html)


def _is_ours(vendor: Vendor) -> bool:
    """Whether a program fetches it, somebody of the business looks, or the staff as one of them: what is noted is a customer's opening."""
    me = find_current()
    return is_program(request) or find_banner() is not None or (me is not None and me.vendor.id == vendor.id)


def _issued(token: str, vendor: Vendor, payment: Payment) -> list[tuple[str, bool, str]]:
    """The invoices and credit notes beside it that are printed: what each is called, whether it gives back, where it is."""
    documents = documents_of(vendor, payment)
    done = printed(vendor.id, payment.mode, documents) if documents else set()
    return [
        (one.name, one.is_credit, url_for("checkout.receipt_document", token=token, number=one.public_id))
        for one in documents
        if one.public_id in done
    ]


@door.get("/receipt/<token>/documents/<number>.pdf")
@public
def receipt_document(token: str, number: str) -> Response:
    """An invoice or a credit note of this very payment, exactly as it was printed."""
    vendor, payment = _paid(token)
    document = get_document(vendor, payment.mode, number)
    paper = newest_paper(vendor.id, payment.mode, about=document.public_id, kind=PAPER)
    if document.payment_id != payment.id or paper is None:
        raise TokenRefused("no_such_document")
    return send_kept(paper.pdf, f"{document.name}.pdf")


@door.get("/receipt/<token>/statement.jwt")
@public
def receipt_statement(token: str) -> Response:
    """How the payment stands now, signed: whoever the payer shows it to checks it with our public keys, and learns nothing of the payer."""
    vendor, payment = _paid(token)
    answer = make_response(statement_of(vendor, payment))
    answer.content_type = "application/jwt"
    answer.headers["Content-Disposition"] = f'attachment; filename="receipt-{payment.reference}.jwt"'
    return answer


@door.get("/receipt/<token>.pdf")
@public
def receipt_pdf(token: str) -> Response:
    """The printed receipt as a worker made it; while it is being made, a page that asks again by itself."""
    vendor, payment = _paid(token)
    paper = newest_paper(vendor.id, payment.mode, about=payment.public_id, kind="receipt")
    if paper is None:
        waiting = page(
            "checkout/receipt_preparing.html",
            fragment="checkout/_preparing.html",
            status=202,
            face=face_of(vendor, payment.mode, payment.reference),
            receipt_url=url_for("checkout.receipt", token=token),
            pdf_url=url_for("checkout.receipt_pdf", token=token),
        )
        waiting.headers["Retry-After"] = "2"
        return waiting
    if wants_part():
        return see_other(url_for("checkout.receipt_pdf", token=token))
    return send_kept(paper.pdf, f"receipt-{payment.reference}.pdf")
