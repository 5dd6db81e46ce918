"""What the staff wrote down about a vendor, and how they marked it: for the staff alone."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.fee_models import FLAGS
from core.accounts.models import Vendor
from core.accounts.staff import staff_names
from core.accounts.staff_notes import LONGEST_NOTE, flags_of, list_notes, write_note
from core.web.fields import ChoiceField, Form, ParagraphField, options
from core.web.page import page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door


def flag_words() -> dict[str, tuple[str, str]]:
    """How a vendor is marked -> words and tone."""
    return {
        "": (_("not marked"), "quiet"),
        "watch": (_("to be watched"), "warn"),
        "complaint": (_("complaints"), "bad"),
        "key_account": (_("important"), "info"),
    }


class NoteForm(Form):
    text = ParagraphField(later("Note"), most=LONGEST_NOTE, required=later("Write the note."))
    flag = ChoiceField(
        later("The vendor is"),
        choices=lambda: options((flag, flag_words()[flag][0]) for flag in FLAGS),
        words=later("Choose from the list."),
    )


@staff_door.get("/staff/vendors/<public_id>/notes")
@staff_may("vendors.see")
def vendor_notes(public_id: str) -> Response:
    vendor = get_vendor_everywhere(public_id)
    return _page(vendor, NoteForm(formdata=None, flag=flags_of({vendor.id}).get(vendor.id, "")))


@staff_door.post("/staff/vendors/<public_id>/notes")
@staff_may("vendors.note")
def note_vendor(public_id: str) -> Response:
    vendor, form = get_vendor_everywhere(public_id), NoteForm()
    if form.validate():
        with form.refusals():
            write_note(vendor, text=form.text.data, flag=form.flag.data, by=staff().public_id)
            flash(_("Written down, for the staff alone."), "good")
            return see_other(url_for(".vendor_notes", public_id=public_id))
    return _page(vendor, form)


def _page(vendor: Vendor, form: NoteForm) -> Response:
    seen(vendor, vendor.public_id)
    return page(
        "portal/admin/vendors/notes.html",
        status=form.status,
        vendor=vendor,
        form=form,
        notes=list_notes(vendor),
        flags=flag_words(),
        names=staff_names(),
        may_note=staff().may("vendors.note"),
    )
