"""Answering a dispute in a vendor's place: the same draft, the same files and the same one sending; the log names who did it, and the vendor is told."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from wtforms import HiddenField

from core.accounts.models import Vendor
from core.disputes.answer import request_answer
from core.disputes.check import missing_in
from core.disputes.everywhere import get_everywhere
from core.disputes.evidence import draft_mark, file_kinds_of, questions_of, save_draft, texts_to_send, why_not_answerable
from core.disputes.files import add_file, get_file, list_files, remove_file
from core.disputes.models import Dispute
from core.disputes.queries import payment_behind
from core.kernel.audit import record
from core.kernel.checked_file import LARGEST_UPLOAD
from core.kernel.uploads import check_file
from core.web.dispute_words import ADVICE, FILES, NEEDS, QUESTIONS, REASONS
from core.web.guard import takes_files
from core.web.languages import written
from core.web.page import page, see_other, send_kept
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed
from portal.dispute_answer import MOST_BYTES
from portal.dispute_form import AnswerForm, FileForm, SendForm, file_form, typed
from portal.disputes import left_of


class DeskAnswerForm(AnswerForm):
    """With a name for the draft it was made from: the vendor may be writing at the same time."""

    seen = HiddenField()


@staff_door.get("/staff/disputes/<number>/answer")
@staff_may("disputes.answer")
def dispute_draft(number: str) -> Response:
    return _writing(*get_everywhere(number))


@staff_door.post("/staff/disputes/<number>/draft")
@staff_may("disputes.answer")
def save_vendors_draft(number: str) -> Response:
    """The draft that the vendor's team sees too. What they have written since the page was opened is not written over."""
    vendor, found = get_everywhere(number)
    form, by = DeskAnswerForm(), staff().public_id
    if form.validate():
        with form.refusals():
            save_draft(found, typed(form, found), by=by, seen=form.seen.data or "")
            record(vendor.id, actor=by, action="dispute.draft_written", subject=found.public_id, mode=found.mode)
            if request.form.get("step") == "review":
                return see_other(url_for(".review_vendors_answer", number=number))
            flash(_("The draft is kept. Nothing is sent yet."), "good")
            return see_other(url_for(".dispute_draft", number=number))
    return _writing(vendor, found, form=form)


@staff_door.post("/staff/disputes/<number>/files")
@staff_may("disputes.answer")
@takes_files(MOST_BYTES)
def send_vendors_file(number: str) -> Response:
    vendor, found = get_everywhere(number)
    form, sent, by = file_form(found, filled=True), request.files.get("file"), staff().public_id
    if form.validate():
        with form.refusals():
            checked = check_file(sent.stream.read(LARGEST_UPLOAD + 1) if sent else b"")
            made = add_file(found, form.kind.data, sent.filename or "" if sent else "", checked, by=by)
            record(vendor.id, actor=by, action="dispute.file_added", subject=found.public_id, mode=found.mode, file=made.public_id)
            flash(_("%(name)s is added.", name=made.name), "good")
            return see_other(url_for(".dispute_draft", number=number, _anchor="files"))
    return _writing(vendor, found, upload=form)


@staff_door.post("/staff/disputes/<number>/files/<file>/remove")
@staff_may("disputes.answer")
def remove_vendors_file(number: str, file: str) -> Response:
    vendor, found = get_everywhere(number)
    kept, by = get_file(vendor, found, file), staff().public_id
    remove_file(found, kept.public_id, by=by)
    record(vendor.id, actor=by, action="dispute.file_removed", subject=found.public_id, mode=found.mode, file=kept.public_id)
    flash(_("The file is gone for good."), "good")
    return see_other(url_for(".dispute_draft", number=number, _anchor="files"))


@staff_door.get("/staff/disputes/<number>/files/<file>")
@staff_may("disputes.answer")
def vendors_file(number: str, file: str) -> Response:
    vendor, found = get_everywhere(number)
    seen(vendor, found.public_id)
    kept = get_file(vendor, found, file)
    ending = "pdf" if kept.media_type == "application/pdf" else "jpg"
    answer = send_kept(kept.content, f"{kept.kind}-{kept.public_id}.{ending}", kind=kept.media_type)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@staff_door.get("/staff/disputes/<number>/review")
@staff_may("disputes.answer")
def review_vendors_answer(number: str) -> Response:
    return _review(*get_everywhere(number), SendForm(formdata=None))


@staff_door.post("/staff/disputes/<number>/answer")
@staff_may("disputes.answer")
@confirmed
def answer_for_vendor(number: str) -> Response:
    """Once, and for good, whoever presses: the vendor or the staff."""
    vendor, found = get_everywhere(number)
    form = SendForm()
    if form.validate():
        if not form.sure.data:
            form.refuse(_("Tick the box when you are sure."), "sure")
            return _review(vendor, found, form)
        with form.refusals():
            request_answer(vendor, found, by=staff().public_id, for_vendor=True)
            flash(_("The answer is on its way to the bank, and the vendor is told that you sent it."), "good")
            return see_other(url_for(".dispute", number=number))
    return _review(vendor, found, form)


def _writing(vendor: Vendor, found: Dispute, *, form: DeskAnswerForm | None = None, upload: FileForm | None = None) -> Response:
    seen(vendor, found.public_id)
    failed, why_not = form or upload, why_not_answerable(found)
    payment = payment_behind(vendor, found)
    return page(
        "portal/admin/disputes/answer.html",
        status=(409 if failed.form_errors else 422) if failed and failed.errors else 200,
        vendor=vendor,
        dispute=found,
        left=left_of(found),
        reason=REASONS[found.reason],
        advice=ADVICE[found.reason],
        form=form or DeskAnswerForm(formdata=None, **found.draft, seen=draft_mark(found)),
        upload=upload or file_form(found),
        failed=failed,
        questions=questions_of(found),
        kinds=file_kinds_of(found),
        files=list_files(found),
        file_words=FILES,
        missing=[NEEDS[name] for name in missing_in(vendor, payment, found)],
        why_not=written(why_not) if why_not else None,
    )


def _review(vendor: Vendor, found: Dispute, form: SendForm) -> Response:
    seen(vendor, found.public_id)
    payment, why_not = payment_behind(vendor, found), why_not_answerable(found)
    return page(
        "portal/admin/disputes/review.html",
        status=(409 if form.form_errors else 422) if form.errors else 200,
        vendor=vendor,
        dispute=found,
        form=form,
        left=left_of(found),
        reason=REASONS[found.reason],
        texts=texts_to_send(vendor, payment, found),
        written=set(found.draft),
        files=list_files(found),
        file_words=FILES,
        question_words=QUESTIONS,
        missing=[NEEDS[name] for name in missing_in(vendor, payment, found)],
        why_not=written(why_not) if why_not else None,
    )
