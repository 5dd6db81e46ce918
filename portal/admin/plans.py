"""The house's price lists: what counts, what is to come, what there was; and a new one, which is looked at before it is published."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.house import house
from core.accounts.staff import staff_names
from core.billing.clock import today_of
from core.billing.models import PriceList
from core.billing.price_list import COMING, EARLIER, IN_FORCE, REPLACED, list_price_lists, publish_next, standings, terms_of
from core.billing.reprice import terms_before, who_is_reached
from core.kernel.errors import NotFound
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.plan_form import PlanForm, form_of, posted_form
from portal.confirm import confirmed
from portal.term_words import GROUPS, differences, rows_of, say_limit, say_pictures

WORLDS = {"live": _l("live"), "test": _l("test")}
STANDINGS: dict[str, tuple[Any, str]] = {
    IN_FORCE: (_l("in force"), "good"),
    COMING: (_l("to come"), "info"),
    EARLIER: (_l("earlier"), "quiet"),
    REPLACED: (_l("replaced"), "quiet"),
}


@staff_door.get("/staff/plans")
@staff_may("plans.see")
def plans() -> Response:
    """`?mode=test` shows what test subscriptions are sold by."""
    mode = _mode(request.args.get("mode", "live"))
    kept = list_price_lists(house(), mode)
    known = standings(kept, today_of(house()))
    current = next((each for each in kept if known[each.version] == IN_FORCE), None)
    coming = sorted((each for each in kept if known[each.version] == COMING), key=lambda each: each.valid_from)
    return page(
        "portal/admin/plans/index.html",
        mode=mode,
        current=current,
        terms=terms_of(current) if current else None,
        coming=[(each, _changes(kept, each)) for each in coming],
        kept=kept,
        **_words(known),
    )


@staff_door.get("/staff/plans/<mode>/<version>")
@staff_may("plans.see")
def plan_list(mode: str, version: str) -> Response:
    """One version, whole, and what it said differently from the one before it."""
    kept = list_price_lists(house(), _mode(mode))
    shown = next((each for each in kept if str(each.version) == version), None)
    if shown is None:
        raise NotFound("There is no such price list.")
    return page(
        "portal/admin/plans/show.html",
        mode=mode,
        shown=shown,
        terms=terms_of(shown),
        changes=_changes(kept, shown),
        **_words(standings(kept, today_of(house()))),
    )


@staff_door.get("/staff/plans/new")
@staff_may("plans.manage")
def new_plans() -> Response:
    """Filled in with the latest version."""
    mode = _mode(request.args.get("mode", "live"))
    latest = next(iter(list_price_lists(house(), mode)), None)
    return _edit(form_of(terms_of(latest) if latest else None, house().currency), mode, latest.version if latest else 0)


@staff_door.post("/staff/plans/new")
@staff_may("plans.manage")
def look_at_plans() -> Response:
    """More rows, back to the form, or what publishing would change for whom."""
    mode, after, form = _mode(request.form.get("mode", "")), _after(), posted_form(house().currency)
    if request.form.get("go") in ("more", "edit") or not form.validate():
        return _edit(form, mode, after)
    day = form.valid_from.day
    assert day is not None  # the form refuses to be without
    others, terms = list_price_lists(house(), mode), form.terms
    before = terms_before(others, day)
    return page(
        "portal/admin/plans/preview.html",
        mode=mode,
        world=WORLDS[mode],
        terms=terms,
        valid_from=day,
        reached=who_is_reached(house(), mode, terms, valid_from=day, others=others),
        changes=differences(before, terms) if before else None,
        carried=[(name, value) for name, value in request.form.items(multi=True) if name not in ("csrf_token", "go")],
        say_limit=say_limit,
        say_pictures=say_pictures,
    )


@staff_door.post("/staff/plans")
@staff_may("plans.manage")
@confirmed
def publish_plans() -> Response:
    """It counts from its day on. Sent twice it is published once."""
    mode, after, form = _mode(request.form.get("mode", "")), _after(), posted_form(house().currency)
    if form.validate():
        day = form.valid_from.day
        assert day is not None  # the form refuses to be without
        with form.refusals():
            made = publish_next(house(), mode, form.terms, valid_from=day, after=after, by=staff().public_id)
            flash(_("Published as version %(version)s.", version=made.version), "good")
            return see_other(url_for(".plan_list", mode=mode, version=made.version))
    return _edit(form, mode, after)


def _edit(form: PlanForm, mode: str, after: int) -> Response:
    return page(
        "portal/admin/plans/new.html",
        status=409 if form.form_errors else form.status,
        form=form,
        mode=mode,
        world=WORLDS[mode],
        after=after,
        groups=GROUPS,
        today=today_of(house()),
    )


def _changes(kept: list[PriceList], shown: PriceList) -> list[Any] | None:
    """What a version says differently from what would count on its day without it; None for the first."""
    before = terms_before([each for each in kept if each.version < shown.version], shown.valid_from)
    return differences(before, terms_of(shown)) if before else None


def _words(known: dict[int, str]) -> dict[str, Any]:
    return {
        "known": {version: STANDINGS[standing] for version, standing in known.items()},
        "names": staff_names() | {"system": _("set up with the software")},
        "rows_of": rows_of,
        "say_limit": say_limit,
        "say_pictures": say_pictures,
        "world_words": WORLDS,
        "may_manage": staff().may("plans.manage"),
    }


def _mode(text: str) -> str:
    if text not in WORLDS:
        raise NotFound("There are price lists for test and for live.")
    return text


def _after(name: str = "after") -> int:
    """The version the form began with; what is none of ours is none."""
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
