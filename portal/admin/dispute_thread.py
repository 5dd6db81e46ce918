"""What the staff write to a vendor about a dispute, and that nothing of it waits any more."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _

from core.disputes.everywhere import get_everywhere
from core.disputes.thread import get_enclosure, mark_read, write_as_staff
from core.web.guard import takes_files
from core.web.page import see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.disputes import show
from portal.dispute_answer import MOST_BYTES
from portal.dispute_form import MessageForm
from portal.dispute_thread import send_enclosure


@staff_door.post("/staff/disputes/<number>/messages")
@staff_may("disputes.write")
@takes_files(MOST_BYTES)
def write_to_vendor(number: str) -> Response:
    """Sent twice, it is one message and one letter."""
    vendor, found = get_everywhere(number)
    form = MessageForm()
    if form.validate():
        with form.refusals():
            write_as_staff(
                vendor, found, text=form.message.data, by=staff().public_id, form_token=form.form_token.data, file=form.sent_file()
            )
            flash(_("Sent. The vendor’s team is told."), "good")
            return see_other(url_for(".dispute", number=number, _anchor="messages"))
    return show(number, message=form)


@staff_door.post("/staff/disputes/<number>/read")
@staff_may("disputes.write")
def read_messages(number: str) -> Response:
    _vendor, found = get_everywhere(number)
    mark_read(found, by=staff().public_id)
    flash(_("The messages count as read."), "good")
    return see_other(url_for(".dispute", number=number, _anchor="messages"))


@staff_door.get("/staff/disputes/<number>/messages/<file>")
@staff_may("disputes.see")
def dispute_enclosure(number: str, file: str) -> Response:
    vendor, found = get_everywhere(number)
    seen(vendor, found.public_id)
    return send_enclosure(get_enclosure(vendor, found, file))
