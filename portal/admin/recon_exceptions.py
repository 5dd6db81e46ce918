"""Exceptions of the reconciliation: the queue, one of them with both sides beside each other, and how it ends."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import vendors_by_id
from core.accounts.staff import staff_names
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.ledger.explore import account_names
from core.payments.unknown import WORDS
from core.reconciliation.exceptions import get_exception, take, trail_of
from core.reconciliation.link import Candidate, candidates
from core.reconciliation.models import ReconException
from core.reconciliation.queries import AGES, Wanted, age_of, line_of, list_exceptions, matches_of, unmatched_beside
from core.reconciliation.resolve import ASKABLE, agree, decline, journal_of, needs_two, resolve, ways_of
from core.reconciliation.states import KINDS, UNSETTLED
from core.web.fields import ChoiceField, Form, LineField, RadioField, options
from core.web.filters import day, moment, money
from core.web.languages import written
from core.web.page import cursor, page, see_other
from core.web.staff_guard import staff, staff_may
from portal import recon_words
from portal.admin.blueprint import staff_door
from portal.admin.reconciliation import world
from portal.confirm import confirmed

MOST_AT_ONCE = 100


class FilterForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    kind = ChoiceField(
        later("Class"), choices=lambda: options([("", _("All")), *((k, recon_words.kinds()[k][0]) for k in KINDS)]), default=""
    )
    age = ChoiceField(later("Age"), choices=lambda: options([("", _("All")), *((a, recon_words.ages()[a]) for a in AGES)]), default="")
    owner = ChoiceField(
        later("Owner"), choices=lambda: options([("", _("Everybody")), ("nobody", _("Nobody")), (staff().public_id, _("You"))]), default=""
    )
    show = ChoiceField(later("Show"), choices=lambda: options([("", _("Open")), ("ended", _("Ended"))]), default="")


class ResolveForm(Form):
    act = RadioField(later("What is done"), choices=())
    other = ChoiceField(later("Linked with"), choices=(), default="")
    reason = LineField(later("Why"), most=300, required=later("Say why: it stays with the exception and with the journal."))
    version = LineField(later("Version"), most=9)


class AgreeForm(Form):
    version = LineField(later("Version"), most=9)


class DeclineForm(Form):
    why_not = LineField(later("Why not"), most=300, required=later("Say why: who proposed it reads it."))


class BulkForm(Form):
    act = ChoiceField(later("What is done"), choices=lambda: options((a, recon_words.acts()[a][0]) for a in ("keep", "ask", "fee")))
    reason = LineField(later("Why"), most=300, required=later("Say why: it stays with each of them."))


@staff_door.get("/staff/reconciliation/<mode>/exceptions")
@staff_may("reconciliation.see")
def recon_exceptions(mode: str) -> Response:
    return _list(mode, BulkForm(formdata=None))


@staff_door.post("/staff/reconciliation/<mode>/exceptions")
@staff_may("reconciliation.resolve")
def recon_bulk(mode: str) -> Response:
    """The same safe end for several at once. One that cannot end so is said, and stays as it is."""
    form = BulkForm()
    numbers = request.form.getlist("number")[:MOST_AT_ONCE]
    if form.validate() and numbers:
        done = proposed = 0
        for number in numbers:
            row = get_exception(world(mode), number)
            if form.act.data not in [way.act for way in ways_of(row) if way.safe] or row.state not in ASKABLE:
                flash(_("Left as it is, for this is not one of its ways: %(number)s", number=number), "warn")
                continue
            try:
                ended = resolve(row, act=form.act.data, reason=form.reason.data, by=staff().public_id)
            except Refusal as refusal:
                flash(_("Left as it is: %(number)s. %(why)s", number=number, why=written(refusal.message)), "warn")
                continue
            done, proposed = done + ended, proposed + (not ended and form.act.data != "ask")
        flash(_("Ended: %(done)s. Waiting for a second person: %(proposed)s.", done=done, proposed=proposed), "good")
        return see_other(url_for(".recon_exceptions", mode=mode))
    if not numbers:
        form.refuse(_("Choose at least one."))
    return _list(mode, form)


def _list(mode: str, bulk: BulkForm) -> Response:
    form, after = FilterForm(request.args), cursor()
    good = form.validate()
    wanted = Wanted(form.kind.data, form.age.data, form.owner.data, form.show.data == "ended") if good else Wanted()
    found = list_exceptions(world(mode), wanted, after=after)
    kept = {name: value for name in ("kind", "age", "owner", "show") if (value := form[name].data) and good}
    return page(
        "portal/admin/reconciliation/exceptions.html",
        fragment="portal/admin/reconciliation/_exceptions.html",
        status=bulk.status if not bulk.form_errors else 422,
        mode=mode,
        form=form,
        bulk=bulk,
        rows=found.rows,
        kept=kept,
        newest=url_for(".recon_exceptions", mode=mode, **kept) if after else None,
        older=url_for(".recon_exceptions", mode=mode, after=found.next, **kept) if found.next else None,
        age_of=age_of,
        names=_names(),
        may_resolve=staff().may("reconciliation.resolve") and not wanted.ended,
        **_words(),
    )


@staff_door.get("/staff/reconciliation/<mode>/exceptions/<number>")
@staff_may("reconciliation.see")
def recon_exception(mode: str, number: str) -> Response:
    return _show(get_exception(world(mode), number))


@staff_door.post("/staff/reconciliation/<mode>/exceptions/<number>/owner")
@staff_may("reconciliation.resolve")
def recon_take(mode: str, number: str) -> Response:
    take(get_exception(world(mode), number), by=staff().public_id)
    flash(_("It is yours."), "good")
    return see_other(url_for(".recon_exception", mode=mode, number=number))


@staff_door.post("/staff/reconciliation/<mode>/exceptions/<number>/resolution")
@staff_may("reconciliation.resolve")
@confirmed
def recon_resolve(mode: str, number: str) -> Response:
    """It ends in one of its ways, or waits for a second person."""
    row = get_exception(world(mode), number)
    form = _resolve_form(row)
    if form.validate():
        with form.refusals():
            ended = resolve(
                row, act=form.act.data, reason=form.reason.data, by=staff().public_id, version=_version(form), other=form.other.data
            )
            if ended:
                flash(_("Resolved, and written down with your reason."), "good")
            elif form.act.data == "ask":
                flash(_("The processor is being asked. Its answer is booked like any other."), "good")
            else:
                flash(_("Proposed. It is above the limit, so somebody else has to agree."), "info")
            return see_other(url_for(".recon_exception", mode=mode, number=number))
    return _show(row, resolution=form)


@staff_door.post("/staff/reconciliation/<mode>/exceptions/<number>/agreement")
@staff_may("reconciliation.resolve")
@confirmed
def recon_agree(mode: str, number: str) -> Response:
    row, form = get_exception(world(mode), number), AgreeForm()
    if form.validate():
        with form.refusals():
            agree(row, by=staff().public_id, version=_version(form))
            flash(_("Resolved, and written down with both your names."), "good")
            return see_other(url_for(".recon_exception", mode=mode, number=number))
    return _show(row, agreement=form)


@staff_door.post("/staff/reconciliation/<mode>/exceptions/<number>/refusal")
@staff_may("reconciliation.resolve")
def recon_decline(mode: str, number: str) -> Response:
    row, form = get_exception(world(mode), number), DeclineForm()
    if form.validate():
        with form.refusals():
            decline(row, by=staff().public_id, reason=form.why_not.data)
            flash(_("It is open again."), "good")
            return see_other(url_for(".recon_exception", mode=mode, number=number))
    return _show(row, refusal=form)


def _resolve_form(row: ReconException, *, empty: bool = False) -> ResolveForm:
    form = ResolveForm(formdata=None) if empty else ResolveForm()
    ways = ways_of(row)
    form.act.choices = [(way.act, recon_words.acts()[way.act][0]) for way in ways]
    form.other.choices = options([("", _("Nothing"))] + [(one.number, _candidate(one)) for one in candidates(row)])
    if empty:
        form.act.data, form.version.data = ways[0].act, str(row.version)
    return form


def _candidate(one: Candidate) -> str:
    """What was booked, about what, and what a link would leave over."""
    words = [money(one.booked), one.about, day(one.on)]
    return " · ".join([*words, _("%(amount)s left over", amount=money(one.left))] if one.left else words)


def _version(form: ResolveForm | AgreeForm) -> int:
    text = form.version.data or ""
    if not (text.isascii() and text.isdigit()):
        raise Refusal("This has changed since you looked at it. Please read it again.")
    return int(text)


def _show(row: ReconException, **forms: Form) -> Response:
    failed = next(iter(forms.values()), None)
    open_, line = row.state in UNSETTLED, line_of(row)
    chart = account_names()
    journals = {
        way.act: [(chart[leg.code], leg.amount) for leg in journal.legs if leg.amount]
        for way in (ways_of(row) if open_ else [])
        if (journal := journal_of(row, way)) is not None
    }
    vendors = vendors_by_id({row.book}) if row.book and row.book != uuid.UUID(int=0) else {}
    return page(
        "portal/admin/reconciliation/exception.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        row=row,
        mode=row.mode,
        vendor=vendors.get(row.book) if row.book else None,
        sides=[(_("Our books"), _facts(row.ours)), (_("The other side"), _facts(row.theirs))],
        journals=journals,
        line=line,
        matches=matches_of(line) if line else [],
        trail=trail_of(row),
        beside=unmatched_beside(row),
        two=needs_two(row),
        failed=failed,
        details={act: text for act, (_said, text) in recon_words.acts().items()},
        resolution=forms.get("resolution") or _resolve_form(row, empty=True),
        agreement=forms.get("agreement") or AgreeForm(formdata=None, version=str(row.version)),
        refusal=forms.get("refusal") or DeclineForm(formdata=None),
        names=_names(),
        mine=staff().public_id,
        may_resolve=staff().may("reconciliation.resolve") and open_,
        **_words(),
    )


def _facts(side: dict[str, Any]) -> list[tuple[str, Any]]:
    """What one side says, in the order of the words, with its sums as money and its instants as people write them."""
    currency = side.get("currency")
    said = [(name, called, side[name]) for name, called in recon_words.names().items() if side.get(name) not in ("", None)]
    return [(called, _spelled(name, value, currency)) for name, called, value in said]


def _spelled(name: str, value: Any, currency: Any) -> Any:
    if name.endswith("_minor") and currency:
        return Money(int(value), currency)
    if name in ("at", "occurred_at", "booked_at"):
        return moment(datetime.fromisoformat(value))
    return (
        day(date.fromisoformat(value))
        if name in ("arrives_on", "booked_on")
        else written(WORDS.get(value, value))
        if name == "why"
        else value
    )


def _names() -> dict[str, str]:
    return {**staff_names(), "system": _("The rules"), "": _("Nobody")}


def _words() -> dict[str, Any]:
    return {
        "kinds": recon_words.kinds(), "acts": recon_words.acts(), "ages": recon_words.ages(), "states": recon_words.states(), "steps": recon_words.steps(),
        "rules": recon_words.rules(),
    }  # fmt: skip
