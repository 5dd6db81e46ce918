"""Answering a dispute: the draft that is kept while it is written, its files, the last look, and the one sending; or giving in."""

from __future__ import annotations

from flask import Response, flash, make_response, request, url_for
from flask_babel import gettext as _

from core.accounts.models import Vendor
from core.accounts.receipts import find_receipt_settings
from core.disputes.answer import request_acceptance, request_answer
from core.disputes.check import missing_in
from core.disputes.evidence import answers_of, save_draft, texts_to_send, why_not_answerable
from core.disputes.files import add_file, list_files, remove_file
from core.disputes.models import Dispute
from core.disputes.queries import payment_behind
from core.disputes.records import records_of
from core.kernel import clock
from core.kernel.checked_file import LARGEST_UPLOAD
from core.kernel.uploads import check_file
from core.web.dispute_pack import pack_html
from core.web.dispute_words import FILES, NEEDS, QUESTIONS, REASONS
from core.web.guard import current, may, takes_files
from core.web.languages import written
from core.web.page import page, see_other, wants_part
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.confirm import confirmed
from portal.dispute_form import AcceptForm, AnswerForm, SendForm, file_form, typed
from portal.disputes import get_own, left_of, show

MOST_BYTES = 12_000_000  # more than may be, so that it is refused at its field, and not by a page that has lost the form


@portal.post("/portal/disputes/<number>/draft")
@may("disputes.answer")
def save_dispute_draft(number: str) -> Response:
    """Kept by the button, and by itself while it is being written; `step` goes on to the last look."""
    found, form = get_own(number), AnswerForm()
    if form.validate():
        with form.refusals():
            save_draft(found, typed(form, found), by=current().user.public_id)
            if wants_part():
                return page("portal/disputes/_saved.html", at=clock.now(), error=None)
            if request.form.get("step") == "review":
                return see_other(url_for(".review_dispute", number=number))
            flash(_("The draft is kept. Nothing is sent yet."), "good")
            return see_other(url_for(".dispute", number=number))
    if wants_part():
        errors = [*form.form_errors, *(error for field in form for error in field.errors)]
        return page("portal/disputes/_saved.html", at=clock.now(), error=errors[0])
    return show(found, form=form)


@portal.post("/portal/disputes/<number>/files")
@may("disputes.answer")
@takes_files(MOST_BYTES)
@by_address("60 per 10 minutes", scope="dispute-files")
def send_dispute_file(number: str) -> Response:
    """What was sent is opened and drawn anew before anything is locked; one byte more than may be is read, to know that it is too much."""
    found = get_own(number)
    form, sent = file_form(found, filled=True), request.files.get("file")
    if form.validate():
        with form.refusals():
            checked = check_file(sent.stream.read(LARGEST_UPLOAD + 1) if sent else b"")
            made = add_file(found, form.kind.data, sent.filename or "" if sent else "", checked, by=current().user.public_id)
            flash(_("%(name)s is added.", name=made.name), "good")
            return see_other(url_for(".dispute", number=number, _anchor="files"))
    return show(found, upload=form)


@portal.post("/portal/disputes/<number>/files/<file>/remove")
@may("disputes.answer")
def remove_dispute_file(number: str, file: str) -> Response:
    remove_file(get_own(number), file, by=current().user.public_id)
    flash(_("The file is gone for good."), "good")
    return see_other(url_for(".dispute", number=number, _anchor="files"))


@portal.get("/portal/disputes/<number>/pack")
@may("payments.see")
def dispute_pack(number: str) -> Response:
    """The evidence pack as it stands: the same sheet that is printed when the answer is sent."""
    return pack_page(current().vendor, get_own(number))


def pack_page(vendor: Vendor, found: Dispute) -> Response:
    """The sheet, for the vendor and for the staff alike."""
    payment = payment_behind(vendor, found)
    html = pack_html(
        vendor, payment, found, records_of(vendor, payment), answers=answers_of(found), files=list_files(found), as_of=clock.now(),
        extra=find_receipt_settings(vendor),
    )  # fmt: skip
    return make_response(html)


@portal.get("/portal/disputes/<number>/review")
@may("disputes.answer")
def review_dispute(number: str) -> Response:
    return _review(get_own(number), SendForm(formdata=None))


@portal.post("/portal/disputes/<number>/answer")
@may("disputes.answer")
def answer_dispute(number: str) -> Response:
    """Once, and for good. Pressed twice it is sent once."""
    found, form = get_own(number), SendForm()
    if form.validate():
        if not form.sure.data:
            form.refuse(_("Tick the box when you are sure."), "sure")
            return _review(found, form)
        with form.refusals():
            request_answer(current().vendor, found, by=current().user.public_id)
            flash(_("Your answer is on its way to the bank. You see here when it has arrived, and what the bank decides."), "good")
            return see_other(url_for(".dispute", number=number))
    return _review(found, form)


def _review(found: Dispute, form: SendForm) -> Response:
    me = current()
    payment, why_not = payment_behind(me.vendor, found), why_not_answerable(found)
    return page(
        "portal/disputes/review.html",
        status=(409 if form.form_errors else 422) if form.errors else 200,
        dispute=found,
        payment=payment,
        form=form,
        left=left_of(found),
        reason=REASONS[found.reason],
        texts=texts_to_send(me.vendor, payment, found),
        written=set(found.draft),
        missing=[NEEDS[name] for name in missing_in(me.vendor, payment, found)],
        files=list_files(found),
        file_words=FILES,
        question_words=QUESTIONS,
        why_not=written(why_not) if why_not else None,
    )


@portal.get("/portal/disputes/<number>/accept")
@may("disputes.answer")
def ask_to_accept(number: str) -> Response:
    return _accept(get_own(number), AcceptForm(formdata=None))


@portal.post("/portal/disputes/<number>/accept")
@may("disputes.answer")
@confirmed
def accept_dispute(number: str) -> Response:
    """The payer keeps the money."""
    found, form = get_own(number), AcceptForm()
    if form.validate():
        if not form.sure.data:
            form.refuse(_("Tick the box when you are sure."), "sure")
            return _accept(found, form)
        with form.refusals():
            request_acceptance(current().vendor, found, by=current().user.public_id)
            flash(_("You gave in. You see here when the bank has heard of it."), "good")
            return see_other(url_for(".dispute", number=number))
    return _accept(found, form)


def _accept(found: Dispute, form: AcceptForm) -> Response:
    me, why_not = current(), why_not_answerable(found)
    return page(
        "portal/disputes/accept.html",
        status=(409 if form.form_errors else 422) if form.errors else 200,
        dispute=found,
        payment=payment_behind(me.vendor, found),
        form=form,
        reason=REASONS[found.reason],
        why_not=written(why_not) if why_not else None,
    )
