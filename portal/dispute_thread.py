"""What a vendor writes to the platform's staff about a dispute, and stopping what would be given in by itself."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _

from core.disputes.models import DisputeEnclosure
from core.disputes.planned import keep
from core.disputes.thread import get_enclosure, write_as_vendor
from core.web.guard import current, may, takes_files
from core.web.page import see_other, send_kept
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.dispute_answer import MOST_BYTES
from portal.dispute_form import MessageForm
from portal.disputes import get_own, show


@portal.post("/portal/disputes/<number>/messages")
@may("disputes.answer")
@takes_files(MOST_BYTES)
@by_address("60 per 10 minutes", scope="dispute-messages")
def write_about_dispute(number: str) -> Response:
    """Sent twice, it is one message. It may be written also when nothing can be answered any more."""
    me, found, form = current(), get_own(number), MessageForm()
    if form.validate():
        with form.refusals():
            write_as_vendor(
                me.vendor, found, text=form.message.data, by=me.user.public_id, form_token=form.form_token.data, file=form.sent_file()
            )
            flash(_("Sent to the platform’s staff. You are told when they write back. The bank reads none of it."), "good")
            return see_other(url_for(".dispute", number=number, _anchor="messages"))
    return show(found, message=form)


@portal.get("/portal/disputes/<number>/messages/<file>")
@may("payments.see")
def dispute_enclosure(number: str, file: str) -> Response:
    return send_enclosure(get_enclosure(current().vendor, get_own(number), file))


@portal.post("/portal/disputes/<number>/keep")
@may("disputes.answer")
def keep_dispute(number: str) -> Response:
    """It is not given in by itself. Pressed when it is too late, the page says what has become of it."""
    if keep(get_own(number), by=current().user.public_id):
        flash(_("It is not given in. Answer it until the bank’s day, or the payer keeps the money."), "good")
    else:
        flash(_("There was nothing to stop any more. Here is how it stands."), "info")
    return see_other(url_for(".dispute", number=number))


def send_enclosure(kept: DisputeEnclosure) -> Response:
    """The file itself, kept by no cache on its way."""
    ending = "pdf" if kept.media_type == "application/pdf" else "jpg"
    answer = send_kept(kept.content, f"message-{kept.public_id}.{ending}", kind=kept.media_type)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
