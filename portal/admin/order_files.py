"""Files of transfers for a bank without a line: made by one person, looked at, given to the bank and said so by another."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms import FileField

from core.accounts.staff import staff_names
from core.kernel.errors import NotFound, Refusal
from core.payments.disputed import transfers_beside_a_dispute
from core.payments.order_files import get_order_file, list_order_files, orders_of, take_file_back
from core.payments.order_status import file_named, list_refused, reports_of, take_status_report
from core.payouts.hand_over import hand_file_over
from core.payouts.held import make_file as make_order_file
from core.payouts.held import waiting_to_leave, why_kept_back
from core.providers.bank_models import BankOrderFile
from core.web.fields import Form, LineField
from core.web.guard import takes_files
from core.web.page import page, see_other, send_kept
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed

MODES = ("live", "test")
LARGEST = 20_000_000  # bytes, as of any file of a bank
MOST_BYTES = 21_000_000  # a little more, so that what is too large is refused at its field


class AnswerForm(Form):
    file = FileField(later("The bank’s answer (pain.002)"))


class MakeForm(Form):
    pass


class HandOverForm(Form):
    pass


class TakeBackForm(Form):
    reason = LineField(later("Why the bank does not get it"), most=200, required=later("Say why: it stays with the file."))


@staff_door.get("/staff/order-files")
@staff_may("payouts.see")
def order_files() -> Response:
    return _index()


@staff_door.post("/staff/order-files/<mode>")
@staff_may("payouts.approve")
@confirmed
def make_file(mode: str) -> Response:
    """One of everything in euros that waits."""
    form = MakeForm()
    if form.validate():
        with form.refusals():
            made = make_order_file(_mode(mode), by=staff().public_id)
            flash(_("Made. Somebody else looks at it and gives it to the bank."), "good")
            return see_other(url_for(".order_file", mode=mode, number=made.public_id))
    return _index(form)


@staff_door.get("/staff/order-files/<mode>/<number>")
@staff_may("payouts.see")
def order_file(mode: str, number: str) -> Response:
    return _show(get_order_file(_mode(mode), number))


@staff_door.get("/staff/order-files/<mode>/<number>.xml")
@staff_may("payouts.approve")
def download_order_file(mode: str, number: str) -> Response:
    """As it was made."""
    file = get_order_file(_mode(mode), number)
    return send_kept(file.raw, f"{file.mode}-{file.public_id}.xml", kind="application/xml", how="attachment")


@staff_door.post("/staff/order-files/<mode>/<number>/handed-over")
@staff_may("payouts.approve")
@confirmed
def hand_over(mode: str, number: str) -> Response:
    """Not by whoever made it."""
    file, form = get_order_file(_mode(mode), number), HandOverForm()
    if form.validate():
        with form.refusals():
            hand_file_over(file, by=staff().public_id)
            flash(_("Noted. Each transfer is believed when a statement shows it."), "good")
            return see_other(url_for(".order_file", mode=mode, number=number))
    return _show(file, failed=form)


@staff_door.post("/staff/order-files/<mode>/<number>/answers")
@staff_may("payouts.approve")
@takes_files(MOST_BYTES)
def bring_answer(mode: str, number: str) -> Response:
    """What the bank says of it (pain.002): all of it is taken, or nothing."""
    file, form, sent = get_order_file(_mode(mode), number), AnswerForm(), request.files.get("file")
    if form.validate():
        with form.refusals():
            raw = sent.stream.read(LARGEST + 1) if sent else b""
            if not raw:
                raise Refusal("Choose a file first.", field="file")
            name = "".join(sign for sign in (sent.filename if sent else "") or "" if sign.isprintable()) or "pain.002"
            taken = take_status_report(mode, raw, name=name, by=staff().public_id)
            about = file_named(mode, taken.file_id)
            flash(
                _("Taken: %(accepted)s accepted, %(rejected)s refused. What is refused fails within a minute.", accepted=taken.accepted, rejected=taken.rejected),
                "warn" if taken.rejected else "good",
            )  # fmt: skip
            return see_other(url_for(".order_file", mode=mode, number=about.public_id))
    return _show(file, failed=form, answering=form)


@staff_door.get("/staff/order-files/<mode>/<number>/answers/<report>.xml")
@staff_may("payouts.approve")
def download_answer(mode: str, number: str, report: str) -> Response:
    """As it came."""
    found = next((one for one in reports_of(get_order_file(_mode(mode), number)) if one.public_id == report), None)
    if found is None:
        raise NotFound(_("There is no such answer."))
    return send_kept(found.raw, f"{found.public_id}.xml", kind="application/xml", how="attachment")


@staff_door.post("/staff/order-files/<mode>/<number>/taken-back")
@staff_may("payouts.approve")
def take_back_file(mode: str, number: str) -> Response:
    file, form = get_order_file(_mode(mode), number), TakeBackForm()
    if form.validate():
        with form.refusals():
            take_file_back(file, by=staff().public_id, reason=form.reason.data)
            flash(_("Taken back: its transfers wait for another file."), "good")
            return see_other(url_for(".order_files"))
    return _show(file, failed=form, taking=form)


def _mode(text: str) -> str:
    if text not in MODES:
        raise NotFound(_("There is no such mode."))
    return text


def _index(failed: Form | None = None) -> Response:
    return page(
        "portal/admin/order_files/index.html",
        status=failed.status if failed else 200,
        failed=failed,
        waiting=[(mode, *waiting_to_leave(mode)) for mode in MODES],
        files=list_order_files(),
        refused=[one for mode in MODES for one in list_refused(mode, None)],
        may_make=staff().may("payouts.approve"),
    )


def _show(
    file: BankOrderFile, *, failed: Form | None = None, taking: TakeBackForm | None = None, answering: AnswerForm | None = None
) -> Response:
    return page(
        "portal/admin/order_files/show.html",
        status=failed.status if failed else 200,
        file=file,
        orders=(orders := orders_of(file)),
        disputed=transfers_beside_a_dispute(orders),
        kept=why_kept_back(file.mode, orders) if file.state == "made" else {},
        names=staff_names(),
        failed=failed,
        taking=taking or TakeBackForm(formdata=None),
        answering=answering or AnswerForm(formdata=None),
        reports=reports_of(file),
        refused=list_refused(file.mode, file),
        may_answer=staff().may("payouts.approve") and file.state == "handed_over",
        may_decide=staff().may("payouts.approve") and file.state == "made",
        is_mine=file.made_by == staff().public_id,
    )
