"""The lists of who is refused, let through or watched, with why, until when, and who or which payment put them there."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.staff import staff_names
from core.kernel.errors import NotFound
from core.risk.lists import add_entry, get_entry, list_entries, remove_entry
from core.risk.rule_models import LONGEST_REASON
from core.web.day_fields import DayField
from core.web.fields import ChoiceField, Form, LineField, RadioField, options
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.rule_words import KINDS, LIST_TONES, LISTS

WORLDS = ("live", "test")


class EntryForm(Form):
    which = RadioField(later("Which list"), choices=options(LISTS.items()), default="block")
    kind = ChoiceField(later("What it is"), choices=options(KINDS.items()))
    value = LineField(later("Address, domain, range, mark or country"), most=254, required=later("Enter who is meant."))
    reason = LineField(later("Why"), most=LONGEST_REASON, required=later("Say why, so that whoever looks later knows."))
    expires_at = DayField(later("Until the end of this day"))


@staff_door.get("/staff/risk/<world>/lists")
@staff_may("risk.see")
def risk_lists(world: str) -> Response:
    return _page(_world(world), EntryForm(formdata=None))


@staff_door.post("/staff/risk/<world>/lists")
@staff_may("risk.rules")
def add_to_list(world: str) -> Response:
    world, form = _world(world), EntryForm()
    if form.validate():
        with form.refusals():
            add_entry(
                world, form.which.data, form.kind.data, form.value.data or "", reason=form.reason.data or "", by=staff().public_id,
                expires_at=form.expires_at.next_day,
            )  # fmt: skip
            flash(_("It is on the list."), "good")
            return see_other(url_for(".risk_lists", world=world))
    return _page(world, form)


@staff_door.post("/staff/risk/<world>/lists/<number>/removal")
@staff_may("risk.rules")
def take_off_list(world: str, number: str) -> Response:
    remove_entry(get_entry(_world(world), number), by=staff().public_id)
    flash(_("It is off the list."), "good")
    return see_other(url_for(".risk_lists", world=world))


def _world(world: str) -> str:
    if world not in WORLDS:
        raise NotFound("That page does not exist.")
    return world


def _page(world: str, form: EntryForm) -> Response:
    rows, more = list_entries(world, after=request.args.get("after", ""))
    return page(
        "portal/admin/risk/lists.html",
        status=form.status,
        world=world,
        form=form,
        rows=rows,
        more=more,
        lists=LISTS,
        tones=LIST_TONES,
        kinds=KINDS,
        people=staff_names(),
        may=staff().may("risk.rules"),
    )
